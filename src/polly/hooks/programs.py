"""How our programs are started."""

import sys
from pathlib import Path

_HERE = Path(__file__).parent
_SUGGEST = "polly.hooks.suggest"


def record_argv() -> tuple[str, ...]:
    """The program that records; it takes the name of the agent program as one more word."""
    return _argv("record.py")


def guard_argv() -> tuple[str, ...]:
    """The program that guards the files of others; it takes the same word."""
    return _argv("guard.py")


def suggest_argv() -> tuple[str, ...]:
    """The program that suggests roles to Claude Code."""
    return (sys.executable, "-P", "-m", _SUGGEST)


def fail_closed(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The guard so that every end of it but its own yes is a no, also when Python cannot even start.

    For agent programs that let a call through when a hook crashes. Windows has no such wrapper: there only
    `onFailure: block` of Claude Code does this.
    """
    if sys.platform == "win32":
        return argv
    return ("/bin/sh", "-c", '"$@" || exit 2', "polly-guard", *argv)


def is_ours(words: str) -> bool:
    """True for the command line of one of our programs, of this installation or another one."""
    plain = words.replace("\\", "/")
    return suggests(plain) or any(f"polly/hooks/{name}.py" in plain for name in ("record", "guard"))


def suggests(words: str) -> bool:
    """True for the command line of the program that suggests roles."""
    return f"-m {_SUGGEST}" in words


def _argv(name: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(_HERE / name))
