"""What Polly knows of Claude Code before it starts it."""

from polly.execution.agents.program import AgentProgram, Guard

CLAUDE = AgentProgram(
    name="claude",
    title="Claude Code",
    program="claude",
    version=("--version",),
    install="npm install --global @anthropic-ai/claude-code",
    keys=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
    guard=Guard.HOOKS,
    hooks=True,
    tells_actions=True,
    tells_cost=True,
    resume=True,
    options=frozenset({"max_turns", "max_retries", "allowed_tools"}),
    own_flags=frozenset(
        {
            *("-p", "--print", "--output-format", "--input-format", "--verbose", "--model", "--max-turns"),
            *("--session-id", "-r", "--resume", "-c", "--continue", "--fork-session", "-w", "--worktree"),
            *("--settings", "--setting-sources", "--permission-mode", "--bare", "--plugin-dir"),
            *("--dangerously-skip-permissions", "--allow-dangerously-skip-permissions"),
            *("--allowedTools", "--allowed-tools", "--add-dir", "--mcp-config", "--strict-mcp-config"),
        }
    ),
)
