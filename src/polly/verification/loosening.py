"""Configuration that became more lenient: longer ignore lists, lower thresholds, switched-off strictness."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from polly.verification.config_values import Value, read_values

_CONFIG_NAMES = frozenset(
    {
        "pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", "mypy.ini", ".mypy.ini", ".flake8",
        ".coveragerc", "ruff.toml", ".ruff.toml", ".pylintrc", "pylintrc", ".bandit", "bandit.yaml",
        "bandit.yml", ".importlinter", "package.json", "biome.json", ".stylelintrc", ".yamllint",
        ".yamllint.yml", ".hadolint.yaml", ".semgrep.yml", ".shellcheckrc", "codecov.yml",
        ".codecov.yml", "clippy.toml", ".clang-tidy", "sonar-project.properties", ".rubocop.yml",
        "phpstan.neon", "detekt.yml", "polly.toml",
    }
)  # fmt: skip

_CONFIG_PATTERN = re.compile(
    r"^(\.eslintrc(\..*)?|eslint\.config\..*|tsconfig.*\.json|jsconfig\.json|\.golangci\..*|\.pre-commit-config\.ya?ml"
    r"|jest\.config\..*|vitest\.config\..*|\.stylelintrc\..*|pyrightconfig\.json)$"
)

_IGNORE_FILE = re.compile(
    r"^\.(eslint|prettier|semgrep|trivy|gitleaks|bandit|stylelint|snyk|pylint)\w*ignore$"
)

_GROWS = re.compile(
    r"ignore|exclude|skip|disable|omit|allow|suppress|deselect|baseline|skips?$", re.IGNORECASE
)
_SHRINKS = re.compile(
    r"select$|enable|^rules$|^hooks$|^repos$|filterwarnings|^plugins$|fail[-_]on|^pre$|^package$|^post$|^checks$",
    re.IGNORECASE,
)
_LOW_IS_LAX = re.compile(
    r"fail[-_]?under|threshold|^min|minimum|^(branches|functions|lines|statements)$|^target$|coverage",
    re.IGNORECASE,
)
_HIGH_IS_LAX = re.compile(r"^max|maximum|line[-_]?length", re.IGNORECASE)
_ON_IS_LAX = re.compile(
    r"ignore|skip|^allow|continue[-_]on[-_]error|exit[-_]zero|disable(?!.*untyped|_error)|nonblocking",
    re.IGNORECASE,
)
_ON_IS_STRICT = re.compile(
    r"strict|^warn|^disallow|^check|^no([-_]|implicit|unused|fallthrough|unchecked)|^fail|^error|exhaustive",
    re.IGNORECASE,
)

_OPTIONS = re.compile(r"^(add_?opts|args|options|command|commands|entry|script)$", re.IGNORECASE)
_LAX_OPTION = re.compile(
    r"^--?(ignore|deselect|exit-zero|no-cov|skip|exclude|allow|disable|no-strict|silent|quiet-level)"
)
_STRICT_OPTION = re.compile(r"^--(strict|cov-fail-under|fail|error|max-warnings|enable)|^error$")

#: Worst for the code first; a rule that moves to the right became quieter.
_LEVELS = ("error", "warn", "warning", "note", "information", "info", "none", "off", "ignore")
_NUMBERED = {"2": "error", "1": "warn", "0": "off"}


#: Each is looked up through the whole file, and nobody reads more of them one by one.
_LINES_LOOKED_UP = 50


@dataclass(frozen=True, kw_only=True)
class Loosening:
    """One place that became more lenient; `line` in the new text when it can be found."""

    line: int | None
    text: str


def judges_code(path: str) -> bool:
    """True for a file that says how strictly code is judged."""
    name = PurePosixPath(path).name
    return name in _CONFIG_NAMES or bool(_CONFIG_PATTERN.match(name) or _IGNORE_FILE.match(name))


def loosened(path: str, before: str, after: str) -> Iterator[Loosening]:
    """What became more lenient; nothing for a configuration that is a program."""
    if not judges_code(path):
        return
    if _IGNORE_FILE.match(PurePosixPath(path).name):
        yield from _ignore_lines(before, after)
        return
    old, new = read_values(path, before), read_values(path, after)
    found = 0
    for key in sorted(old.keys() | new.keys()):
        text = _compare(key, old.get(key), new.get(key))
        if text:
            found += 1
            line = _line_of(after, key, text) if found <= _LINES_LOOKED_UP else None
            yield Loosening(line=line, text=f"{'.'.join(key)}: {text}")


def _ignore_lines(before: str, after: str) -> Iterator[Loosening]:
    known = {line.strip() for line in before.splitlines()}
    for number, line in enumerate(after.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#") and stripped not in known:
            yield Loosening(line=number, text=f"ignores {stripped}")


def _compare(key: tuple[str, ...], old: Value | None, new: Value | None) -> str | None:
    """What became more lenient at this key, in words, or None."""
    if _OPTIONS.search(key[-1]):
        return _compare_options(_words(old), _words(new))
    if "rules" in key and _level(old) in _LEVELS:
        return _compare_levels(_level(old), _level(new))
    if isinstance(old, bool) or isinstance(new, bool):
        return _compare_switches(key, old, new)
    if isinstance(old, float) or isinstance(new, float):
        return _compare_numbers(key, old, new)
    return _compare_lists(key, _as_set(old), _as_set(new))


def _compare_lists(key: tuple[str, ...], old: frozenset[str], new: frozenset[str]) -> str | None:
    # `per-file-ignores` is a table, so the word that tells may stand above the key.
    if any(_GROWS.search(part) for part in key[-2:]):
        return f"added {', '.join(sorted(new - old))}" if new - old else None
    if _SHRINKS.search(key[-1]):
        return f"removed {', '.join(sorted(old - new))}" if old - new else None
    return None


def _compare_options(old: frozenset[str], new: frozenset[str]) -> str | None:
    added = sorted(word for word in new - old if _LAX_OPTION.search(word))
    removed = sorted(word for word in old - new if _STRICT_OPTION.search(word))
    if added:
        return f"added {', '.join(added)}"
    return f"removed {', '.join(removed)}" if removed else None


def _words(value: Value | None) -> frozenset[str]:
    return frozenset(word for part in _as_set(value) for word in part.split())  # lists may hold command lines


def _compare_switches(key: tuple[str, ...], old: Value | None, new: Value | None) -> str | None:
    name = key[-1]
    if _ON_IS_LAX.search(name):
        return "switched on" if new is True and old is not True else None
    if _ON_IS_STRICT.search(name):
        if new is False and old is not False:
            return "switched off"
        return "removed" if old is True and new is None else None
    return None


def _compare_numbers(key: tuple[str, ...], old: Value | None, new: Value | None) -> str | None:
    if isinstance(old, float) and new is None and _LOW_IS_LAX.search(key[-1]):
        return f"{old:g} removed"
    if not (isinstance(old, float) and isinstance(new, float)):
        return None
    lax = (_LOW_IS_LAX.search(key[-1]) and new < old) or (_HIGH_IS_LAX.search(key[-1]) and new > old)
    return f"{old:g} became {new:g}" if lax else None


def _compare_levels(old: str, new: str) -> str | None:
    if new in _LEVELS and _LEVELS.index(new) > _LEVELS.index(old):
        return f"{old} became {new}"
    return None


def _level(value: Value | None) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value).casefold()
    return _NUMBERED.get(text, text)


def _as_set(value: Value | None) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    return frozenset(re.split(r"[,\s]+", str(value).strip())) - {""} if value is not None else frozenset()


def _line_of(text: str, key: tuple[str, ...], said: str) -> int | None:
    """The line of an added entry, else of the key; the last such line, for keys repeat across sections."""
    added = said.removeprefix("added ").split(", ")[0] if said.startswith("added ") else None
    for needle in filter(None, (added, key[-1])):
        lines = [number for number, line in enumerate(text.splitlines(), start=1) if needle in line]
        if lines:
            return lines[-1]
    return None
