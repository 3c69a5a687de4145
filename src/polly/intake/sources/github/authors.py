"""Who wrote a comment, by the name under which a reader knows the reviewer."""

from polly.intake.sources.github.posts import Post

#: Reviewers that are programs, by their login without "[bot]".
_TOOLS = {
    "coderabbitai": "CodeRabbit",
    "copilot": "Copilot",
    "copilot-pull-request-reviewer": "Copilot",
    "github-copilot": "Copilot",
    "gemini-code-assist": "Gemini",
    "devin-ai-integration": "Devin",
    "deepsource-io": "DeepSource",
    "deepsource-autofix": "DeepSource",
    "deepsourcebot": "DeepSource",
    "github-advanced-security": "GitHub code scanning",
    "github-code-scanning": "GitHub code scanning",
    "github-code-quality": "GitHub code quality",
    "chatgpt-codex-connector": "Codex",
    "cursor": "Bugbot",
    "sourcery-ai": "Sourcery",
    "greptile-apps": "Greptile",
    "qodo-merge-pro": "Qodo",
    "ellipsis-dev": "Ellipsis",
    "sonarqubecloud": "SonarQube",
    "claude": "Claude",
}


def tool_of(post: Post) -> str | None:
    """The reviewer: the program's name, the person's login, or None for somebody who is gone."""
    login = post.login.removesuffix("[bot]")
    return _TOOLS.get(login.lower(), login) or None


def is_program(post: Post) -> bool:
    """True for what a program wrote."""
    return post.is_bot or post.login.lower() in _TOOLS
