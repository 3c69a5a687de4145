"""What Polly knows of opencode before it starts it."""

from polly.execution.agents.program import AgentProgram, Guard

OPENCODE = AgentProgram(
    name="opencode",
    title="opencode",
    program="opencode",
    version=("--version",),
    install="npm install --global opencode-ai",
    keys=("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"),
    guard=Guard.RULES,
    hooks=False,
    tells_actions=True,
    tells_cost=True,
    resume=True,
    options=frozenset({"prices"}),
    own_flags=frozenset(
        {
            *("run", "--format", "-m", "--model", "--agent", "-s", "--session", "-c", "--continue"),
            *("--share", "--attach", "--port", "--dir", "-f", "--file", "--dangerously-skip-permissions"),
        }
    ),
    needs_model=True,
)
