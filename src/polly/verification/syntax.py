"""The built-in syntax gates: one per language of which the package touched a file.

Files are read from the frozen tree; no checkout is made and nothing of them is executed.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from polly.events.redaction import redact
from polly.git import Snapshot
from polly.verification.parse import (
    Parsed,
    Parsing,
    not_judged,
    parse_json,
    parse_python,
    parse_toml,
    parse_yaml,
)
from polly.verification.parse_shell import SHELLS, parse_shell
from polly.verification.parse_sql import parse_sql
from polly.work.run import GateResult, GateScope, GateStatus
from polly.workspaces.capture import displayable
from polly.workspaces.store import TreeStore

Parser = Callable[[bytes], Parsed]


@dataclass(frozen=True, kw_only=True)
class Language:
    """How the files of one language are known and judged. Above `limit_bytes` parsing would take seconds."""

    name: str
    suffixes: frozenset[str]
    names: frozenset[str] = frozenset()
    parse: Parser | None = None  # None: the file's first line chooses, see `_shell_of`
    limit_bytes: int = 4_000_000


LANGUAGES = (
    Language(name="python", suffixes=frozenset({".py", ".pyi", ".pyw"}), parse=parse_python),
    Language(name="shell", suffixes=frozenset({".sh", *(f".{shell}" for shell in SHELLS)})),
    Language(name="json", suffixes=frozenset({".json", ".ipynb", ".geojson"}), parse=parse_json),
    Language(name="yaml", suffixes=frozenset({".yaml", ".yml"}), parse=parse_yaml, limit_bytes=1_000_000),
    Language(
        name="toml",
        suffixes=frozenset({".toml"}),
        names=frozenset({"Pipfile", "Cargo.lock", "poetry.lock", "uv.lock"}),
        parse=parse_toml,
        limit_bytes=1_000_000,
    ),
    Language(name="sql", suffixes=frozenset({".sql"}), parse=parse_sql, limit_bytes=200_000),
)

#: JSON by name only: their programs allow comments in them.
_JSON_WITH_COMMENTS = re.compile(
    r"(^|/)(\.vscode/|\.devcontainer/|\.zed/)|"
    r"(^|/)((ts|js)config(\.[^/]*)?|\.eslintrc|\.swcrc|\.jshintrc|\.babelrc|devcontainer|deno|api-extractor)\.json$"
)

_SHEBANG = re.compile(rb"^#!\s*\S*?(?:env\s+(?:-\S+\s+)*)?(?:[^\s/]*/)*(python|[a-z]*sh)[\d.]*(?=\s|$)")

#: One broken file must not hide how many there are; a hundred do not help anybody.
_FILES_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class _Judged:
    path: str
    parsed: Parsed
    was_broken: bool = False

    def __str__(self) -> str:
        place = displayable(self.path) + (f":{self.parsed.line}" if self.parsed.line else "")
        before = " (at the base too)" if self.was_broken else ""
        return f"{place}: {self.parsed.message}{before}"


def syntax_gates(store: TreeStore, base: str, commit: str, changed: Sequence[str]) -> tuple[GateResult, ...]:
    """One result per language touched, named `syntax: python` and so on, with each broken file in `output`.

    A file that did not parse at the base either blames nobody. A file that cannot be judged (too large, a
    template, no such shell here) is named in `output`; a language of which no file can be judged has no
    result.
    """
    with store.snapshot(base) as before, store.snapshot(commit) as after:
        by_language: dict[Language, list[str]] = {}
        for path in sorted(set(changed) & after.paths):
            language = _language_of(path, after)
            if language is not None:
                by_language.setdefault(language, []).append(path)
        tree = store.tree_of(commit) if by_language else ""
        results = [
            _gate(language, by_language[language], before, after, tree)
            for language in LANGUAGES
            if language in by_language
        ]
    return tuple(result for result in results if result is not None)


def _language_of(path: str, snapshot: Snapshot) -> Language | None:
    file = PurePosixPath(path)
    if _JSON_WITH_COMMENTS.search(path):
        return None
    for language in LANGUAGES:
        if file.suffix.lower() in language.suffixes or file.name in language.names:
            return language
    if file.suffix:
        return None
    program = _shebang(snapshot.read(path) or b"")
    if program == "python":
        return LANGUAGES[0]
    return LANGUAGES[1] if program in SHELLS else None


def _shebang(text: bytes) -> str | None:
    found = _SHEBANG.match(text[:200].split(b"\n", 1)[0])
    return found[1].decode("ascii") if found else None


def _gate(
    language: Language, paths: Iterable[str], before: Snapshot, after: Snapshot, tree: str
) -> GateResult | None:
    started = time.monotonic()
    judged = [_judge(language, path, before, after) for path in paths]
    told = [each for each in judged if each.parsed.parsing is not Parsing.NOT_JUDGED]
    bad = [each for each in told if each.parsed.parsing is Parsing.BROKEN]
    if not told:
        return None
    status = GateStatus.PASSED
    if bad:
        status = GateStatus.RED_BEFORE if all(each.was_broken for each in bad) else GateStatus.FAILED
    unjudged = [each for each in judged if each not in told]
    return GateResult(
        name=f"syntax: {language.name}",
        scope=GateScope.PACKAGE,
        tree=tree,
        status=status,
        seconds=time.monotonic() - started,
        output=redact("\n".join([*_shown(bad), *(f"not judged: {each}" for each in _shown(unjudged))])).text,
    )


def _shown(judged: Sequence[_Judged]) -> list[str]:
    lines = [str(each) for each in sorted(judged, key=lambda each: (each.was_broken, each.path))]
    left_out = len(lines) - _FILES_SHOWN
    return [*lines[:_FILES_SHOWN], *([f"and {left_out} more files"] if left_out > 0 else [])]


def _judge(language: Language, path: str, before: Snapshot, after: Snapshot) -> _Judged:
    parsed = _parse(language, path, after.read(path) or b"")
    old = before.read(path) if parsed.parsing is Parsing.BROKEN else None
    was_broken = old is not None and _parse(language, path, old).parsing is Parsing.BROKEN
    return _Judged(path=path, parsed=parsed, was_broken=was_broken)


def _parse(language: Language, path: str, text: bytes) -> Parsed:
    if len(text) > language.limit_bytes:
        return not_judged(f"{len(text)} bytes, more than {language.limit_bytes}")
    if language.parse is not None:
        return language.parse(text)
    return parse_shell(text, _shell_of(path, text))


def _shell_of(path: str, text: bytes) -> str:
    """The shebang's shell; without one the suffix's, and bash for `.sh`, which takes more than sh."""
    named = _shebang(text)
    if named in SHELLS:
        return named
    suffix = PurePosixPath(path).suffix.lower().lstrip(".")
    return suffix if suffix in SHELLS and suffix != "sh" else "bash"
