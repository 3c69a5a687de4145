"""What Polly knows of mini-swe-agent before it starts it."""

from polly.execution.agents.program import AgentProgram, Guard

MINI = AgentProgram(
    name="mini",
    title="mini-swe-agent",
    program="mini",
    version=(),
    distribution="mini-swe-agent",
    install="uv tool install mini-swe-agent",
    keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY"),
    guard=Guard.AFTERWARDS,
    hooks=False,
    tells_actions=True,
    tells_cost=True,
    resume=False,
    options=frozenset({"max_turns", "max_retries", "config", "max_cost"}),
    own_flags=frozenset(
        {
            *("-m", "--model", "-t", "--task", "-y", "--yolo", "-c", "--config", "-o", "--output", "-l"),
            *("--cost-limit", "--exit-immediately", "--model-class", "--agent-class", "--environment-class"),
        }
    ),
)
