"""What Polly knows of aider before it starts it."""

from polly.execution.agents.program import AgentProgram, Guard

AIDER = AgentProgram(
    name="aider",
    title="aider",
    program="aider",
    version=("--version",),
    install="uv tool install aider-chat",
    keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY"),
    guard=Guard.AFTERWARDS,
    hooks=False,
    tells_actions=True,
    tells_cost=True,
    resume=False,
    options=frozenset({"edit_format"}),
    own_flags=frozenset(
        {
            *("--message", "-m", "--msg", "--message-file", "-f", "--model", "--weak-model", "--edit-format"),
            *("--yes-always", "--yes", "--auto-commits", "--dirty-commits", "--commit", "--config", "-c"),
            *("--analytics-log", "--llm-history-file", "--chat-history-file", "--input-history-file"),
            *("--openai-api-key", "--anthropic-api-key", "--api-key", "--openai-api-base", "--env-file"),
            *("--auto-lint", "--auto-test", "--lint-cmd", "--test-cmd", "--load", "--git", "--no-git"),
        }
    ),
    needs_model=True,
)
