"""What Polly knows of Codex before it starts it."""

from polly.execution.agents.program import AgentProgram, Guard

CODEX = AgentProgram(
    name="codex",
    title="Codex",
    program="codex",
    version=("--version",),
    install="npm install --global @openai/codex",
    keys=("CODEX_API_KEY", "OPENAI_API_KEY"),
    guard=Guard.HOOKS,
    hooks=True,
    tells_actions=True,
    tells_cost=False,
    resume=True,
    options=frozenset({"max_retries", "sandbox"}),
    own_flags=frozenset(
        {
            *("exec", "resume", "--json", "-m", "--model", "-s", "--sandbox", "-c", "--config", "-p"),
            *("--profile", "--enable", "--disable", "-C", "--cd", "--add-dir", "-a", "--ask-for-approval"),
            *("--full-auto", "--yolo", "--dangerously-bypass-approvals-and-sandbox"),
            *("--dangerously-bypass-hook-trust", "--oss", "--ephemeral"),
        }
    ),
)
