"""Which language a source is in, and which grammar of ast-grep reads it."""

import enum
import re
from pathlib import PurePosixPath

import msgspec


class Language(enum.StrEnum):
    """The languages that something measures."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    GO = "go"
    JAVA = "java"
    SHELL = "shell"
    SQL = "sql"


class Kind(msgspec.Struct, frozen=True):
    """A language with the ending that its tools know it by, and its grammar; None without one."""

    language: Language
    suffix: str
    grammar: str | None


_PYTHON = Kind(Language.PYTHON, ".py", "python")
_JAVASCRIPT = Kind(Language.JAVASCRIPT, ".js", "javascript")
_TYPESCRIPT = Kind(Language.TYPESCRIPT, ".ts", "typescript")
_SHELL = Kind(Language.SHELL, ".sh", "bash")

#: every ending that is known
KINDS = {
    ".py": _PYTHON,
    ".pyw": _PYTHON,
    ".pyi": Kind(Language.PYTHON, ".pyi", "python"),
    ".js": _JAVASCRIPT,
    ".cjs": _JAVASCRIPT,
    ".mjs": _JAVASCRIPT,
    ".jsx": _JAVASCRIPT,
    ".ts": _TYPESCRIPT,
    ".cts": _TYPESCRIPT,
    ".mts": _TYPESCRIPT,
    ".tsx": Kind(Language.TYPESCRIPT, ".tsx", "tsx"),
    ".go": Kind(Language.GO, ".go", "go"),
    ".java": Kind(Language.JAVA, ".java", "java"),
    ".sh": _SHELL,
    ".bash": _SHELL,
    ".ksh": _SHELL,
    ".sql": Kind(Language.SQL, ".sql", None),
}

#: what else people call them
_NAMES = {
    "py": ".py",
    "python3": ".py",
    "js": ".js",
    "jsx": ".jsx",
    "node": ".js",
    "ts": ".ts",
    "tsx": ".tsx",
    "golang": ".go",
    "sh": ".sh",
    "bash": ".sh",
    **{kind.language.value: suffix for suffix, kind in reversed(KINDS.items())},
}

_SHEBANG = re.compile(r"#!\s*\S*?(?:/env\s+(?:-S\s+)?)?(?P<program>[A-Za-z]+)[0-9.]*(?:\s|$)")
_PROGRAMS = {
    "python": ".py",
    "node": ".js",
    "bash": ".sh",
    "sh": ".sh",
    "dash": ".sh",
    "ksh": ".sh",
}


def kind_named(name: str) -> Kind | None:
    """The language that somebody calls so, None when nothing here measures it."""
    suffix = _NAMES.get(name.strip().lower().removeprefix("."))
    return KINDS[suffix] if suffix else None


def kind_of(path: str, beginning: str = "") -> Kind | None:
    """The language by the ending of the path, else by the first line; None when it is not known."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix and (known := KINDS.get(suffix)):
        return known
    found = _SHEBANG.match(beginning)
    if found is None:
        return None
    program = _PROGRAMS.get(found["program"].lower())
    return KINDS[program] if program else None
