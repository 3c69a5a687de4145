"""Files that no agent is given on request: they decide how work is judged, or steer who does it."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from polly.pipeline.project import Project
from polly.routing.library import Roles
from polly.verification.loosening import judges_code
from polly.work.plan import Plan

#: Files by name, wherever they lie: what is built and tested, what git sees, what is loaded unasked.
_NAMES = frozenset(
    {
        ".gitignore", ".gitattributes", ".gitmodules", "makefile", "gnumakefile", "justfile", ".justfile",
        "taskfile.yml", "noxfile.py", "tasks.py", "conftest.py", "sitecustomize.py", "usercustomize.py",
        "jenkinsfile", ".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml",
        "appveyor.yml", "codeowners", ".mcp.json", "opencode.json", "opencode.jsonc", "claude.md",
        "claude.local.md", "agents.md", ".env",
    }
)  # fmt: skip
#: Folders of the whole repository: pipelines, hooks of git, settings of agents.
_FOLDERS = frozenset(
    {
        ".github", ".gitlab", ".circleci", ".buildkite", ".husky", ".githooks", ".claude", ".codex",
        ".opencode", ".cursor", ".polly",
    }
)  # fmt: skip
_BEGINNINGS = (".aider", ".env.")

_INTERPRETER = re.compile(
    r"(?:python|pypy|perl|ruby|node|deno|bun|bash|sh|zsh|dash|php|pwsh)[\d.]*(?:\.exe)?"
)

Command = str | tuple[str, ...]


def protection(project: Project, plan: Plan, roles: Roles) -> Callable[[str], str | None]:
    """Why nobody is given this path, None when it may be asked for."""
    programs = frozenset(path for command in _commands(project, plan, roles) for path in _programs(command))

    def why(path: str) -> str | None:
        name = PurePosixPath(path).name.lower()
        if judges_code(path):
            return "it says how strictly code is judged"
        if path in programs:
            return "it is part of the proof that will be run"
        if name in _NAMES or name.startswith(_BEGINNINGS):
            return "it steers the programs that work here and judge the work"
        if PurePosixPath(path).parts[0].lower() in _FOLDERS:
            return "it steers the programs that work here and judge the work"
        return None

    return why


def _commands(project: Project, plan: Plan, roles: Roles) -> Iterator[Command]:
    settings, gates = project.settings, plan.gates
    yield from (gate.command for gate in (*gates.pre, *gates.package, *gates.post))
    yield from (gate.command for role in roles for gate in role.gates)
    yield from (check.command for check in settings.checks)
    yield from (scan.command for scan in settings.rescan.values())
    yield from settings.workspace.setup


def _programs(command: Command) -> Iterator[str]:
    """Files of the repository that a command runs, not those that it is run on."""
    for words in [list(command)] if not isinstance(command, str) else _simple_commands(command):
        program, *given = [_path(word) for word in words if not re.fullmatch(r"\w+=.*", word)] or [""]
        yield program
        if _INTERPRETER.fullmatch(PurePosixPath(program).name):
            yield from [word for word in given if not word.startswith("-")][:1]


def _path(word: str) -> str:
    return PurePosixPath(word.replace("\\", "/")).as_posix()


def _simple_commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if set(word) <= set("();<>|&"):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # an open quote: the shell will say so as well
        pass
    yield words
