"""What the files of a request and the rules that reported it say about the role."""

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from polly.work.plan import glob_matches
from polly.work.routing import Role

#: Neither for nor against a role: no files and rules, or none that speaks for any role.
NEUTRAL = 0.5

#: A language alone says little: most files of a project have the same one.
_LANGUAGE = 0.2

#: Longer rule ids and paths than anybody's are cut, so that matching stays quick.
_LONGEST = 400

_REMEMBERED = 50_000

_LANGUAGES = {
    "avro": "avsc avdl",
    "c": "c h",
    "c++": "cc cpp cxx hpp hh",
    "c#": "cs",
    "css": "css scss sass less",
    "dockerfile": "dockerfile",
    "go": "go",
    "graphql": "graphql gql",
    "hcl": "tf tfvars hcl",
    "html": "html htm",
    "java": "java",
    "javascript": "js jsx mjs cjs vue svelte",
    "kotlin": "kt kts",
    "markdown": "md mdx markdown",
    "php": "php",
    "protobuf": "proto",
    "python": "py pyi",
    "restructuredtext": "rst",
    "ruby": "rb",
    "rust": "rs",
    "shell": "sh bash zsh bats",
    "sql": "sql",
    "swift": "swift",
    "typescript": "ts tsx mts cts",
    "yaml": "yml yaml",
}
_LANGUAGE_OF = {suffix: language for language, suffixes in _LANGUAGES.items() for suffix in suffixes.split()}


class Evidence(NamedTuple):
    """score: how much speaks for a role, 0 to 1. speaking: the files and rules that do."""

    score: float = 0.0
    speaking: tuple[str, ...] = ()


class Context:
    """File patterns, rules and languages of all roles. What a path or rule says is remembered."""

    def __init__(self, roles: Iterable[Role]) -> None:
        roles = tuple(roles)
        patterns = [(pattern, role.name) for role in roles for pattern in role.file_patterns]
        rules = [_Rule(glob, role.name) for role in roles for glob in role.rules]
        self._languages = {role.name: frozenset(each.lower() for each in role.languages) for role in roles}
        self._of_path: Callable[[str], frozenset[str]] = functools.lru_cache(_REMEMBERED)(
            _Paths(patterns).roles
        )
        self._of_rule: Callable[[str], frozenset[str]] = functools.lru_cache(_REMEMBERED)(
            functools.partial(_roles_of_rule, rules)
        )

    def weigh(
        self, paths: Sequence[str], rules: Sequence[str], spoken_for: Iterable[str]
    ) -> dict[str, Evidence]:
        """By role name what speaks for it, 0 to 1; `standing` makes scores of it.

        spoken_for: the roles of which the text speaks; only for them a language counts.
        """
        speaking: dict[str, list[str]] = {}
        support = _together(_shares(paths, self._of_path, speaking), _shares(rules, self._of_rule, speaking))
        for role in spoken_for:
            share = self._share_of_language(role, paths)
            if share:
                support[role] = 1 - (1 - support.get(role, 0.0)) * (1 - _LANGUAGE * share)
        return {role: Evidence(support[role], tuple(speaking.get(role, ()))) for role in support}

    def shares(self, paths: Sequence[str]) -> tuple[tuple[str, float], ...]:
        """The roles that these files speak for, each with the share of the files, by name."""
        return tuple(sorted(_shares(paths, self._of_path, {}).items()))

    def _share_of_language(self, role: str, paths: Sequence[str]) -> float:
        wanted = self._languages[role]
        if not wanted or not paths:
            return 0.0
        return sum(_language(path) in wanted for path in paths) / len(paths)


def standing(evidence: Mapping[str, Evidence], role: str) -> float:
    """The score of a role: 0.5, more by what speaks for it, less by what speaks for the strongest other."""
    others = max((each.score for name, each in evidence.items() if name != role), default=0.0)
    own = evidence[role].score if role in evidence else 0.0
    return NEUTRAL + (own - others) / 2


def _shares(
    things: Sequence[str], roles_of: Callable[[str], frozenset[str]], speaking: dict[str, list[str]]
) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for thing in things:
        for role in roles_of(thing):
            counts[role] += 1
            speaking.setdefault(role, []).append(thing)
    return {role: count / len(things) for role, count in counts.items()}


def _together(files: dict[str, float], rules: dict[str, float]) -> dict[str, float]:
    return {
        role: 1 - (1 - files.get(role, 0.0)) * (1 - rules.get(role, 0.0)) for role in sorted({*files, *rules})
    }


def _language(path: str) -> str | None:
    name = path.rpartition("/")[2].lower()
    return _LANGUAGE_OF.get(name.rpartition(".")[2])


class _Paths:
    """File patterns sorted by what they ask of a path, so that most are a look into a table."""

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        self._names: dict[str, set[str]] = {}
        self._endings: dict[str, set[str]] = {}
        self._folders: dict[str, set[str]] = {}
        self._others: list[tuple[str, str]] = []
        for pattern, role in patterns:
            table, key = self._table(pattern)
            if table is None:
                self._others.append((pattern, role))
            else:
                table.setdefault(key, set()).add(role)

    def roles(self, path: str) -> frozenset[str]:
        """The roles one of whose patterns names this path."""
        path = path[:_LONGEST]
        *folders, name = path.split("/")
        found = set(self._names.get(name, ()))
        for folder in folders:
            found |= self._folders.get(folder, set())
        for at, character in enumerate(name):
            if character == ".":
                found |= self._endings.get(name[at:], set())
        found.update(
            role for pattern, role in self._others if role not in found and glob_matches(pattern, path)
        )
        return frozenset(found)

    def _table(self, pattern: str) -> tuple[dict[str, set[str]] | None, str]:
        if (plain := re.fullmatch(r"\*\*/([^*/]+)", pattern)) is not None:
            return self._names, plain[1]
        if (ending := re.fullmatch(r"\*\*/\*(\.[^*/]+)", pattern)) is not None:
            return self._endings, ending[1]
        if (folder := re.fullmatch(r"\*\*/([^*/]+)/\*\*", pattern)) is not None:
            return self._folders, folder[1]
        return None, ""


class _Rule:
    """A glob of `tool:rule`; `*` is any number of characters, and case does not matter."""

    def __init__(self, glob: str, role: str) -> None:
        self.role = role
        self.exactness = len(glob.replace("*", ""))
        self._first, *self._inner = re.split(r"\*+", glob.lower())

    def fits(self, rule: str) -> bool:
        if not self._inner:
            return rule == self._first
        *middle, last = self._inner
        if (
            len(rule) < len(self._first) + len(last)
            or not rule.startswith(self._first)
            or not rule.endswith(last)
        ):
            return False
        at, end = len(self._first), len(rule) - len(last)
        for part in middle:
            found = rule.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True


def _roles_of_rule(globs: Sequence[_Rule], rule: str) -> frozenset[str]:
    """The roles with the most exact glob for this rule: `ruff:SIM*` is not about `ruff:S*`."""
    plain = rule[:_LONGEST].lower()
    fitting = [glob for glob in globs if glob.fits(plain)]
    best = max((glob.exactness for glob in fitting), default=0)
    return frozenset(glob.role for glob in fitting if glob.exactness == best)
