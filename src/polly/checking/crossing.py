"""Commits of a package that contain files of another one."""

import re
from collections.abc import Iterable, Iterator, Mapping

from polly.checking.claims import Claim, outcome_of
from polly.checking.history import Commit

_SHOWN = 5
_WORDS = re.compile(r"[A-Za-z]+-?\d+")

#: Package → the paths that belong to it.
Owned = Mapping[str, Iterable[str]]


def claims(commits: Iterable[Commit], owned: Owned, places: Mapping[str, str]) -> Iterator[Claim]:
    """One claim for each commit whose subject names one package: it changes that package's files only.

    places: package or commit id → where the document names it.
    """
    packages = {package: frozenset(paths) for package, paths in owned.items()}
    owner = {path: package for package, paths in packages.items() for path in paths}
    for commit in {each.id: each for each in commits}.values():
        named = packages_in(commit.subject, packages)
        if len(named) == 1 and packages[named[0]]:
            yield _claim(commit, named[0], packages, owner, places)


def is_numbered(package: str) -> bool:
    """True for an id such as WP1 or T-12, which a subject names on purpose."""
    return _WORDS.fullmatch(package) is not None


def packages_in(text: str, packages: Mapping[str, object]) -> list[str]:
    """The packages that a text names, in its order."""
    folded = {package.casefold(): package for package in packages}
    words = (each.casefold() for each in _WORDS.findall(text))
    return list(dict.fromkeys(folded[word] for word in words if word in folded))


def _claim(
    commit: Commit,
    package: str,
    packages: Mapping[str, frozenset[str]],
    owner: Mapping[str, str],
    places: Mapping[str, str],
) -> Claim:
    foreign = {path: owner[path] for path in commit.changes if owner.get(path, package) != package}
    for path in commit.changes:
        hinted = packages_in(path.replace("_", " "), packages) if path not in owner else []
        if hinted and package not in hinted:
            foreign[path] = hinted[0]
    own = [path for path in commit.changes if path in packages[package]]
    told = [f"{path} belongs to {other}" for path, other in foreign.items()]
    if not own:
        told.append(f"none of the files of {package} is in it")
    return Claim(
        kind="commit_files",
        place=places.get(commit.id) or places.get(package, ""),
        says=f"{commit.short} {commit.subject!r} is the work of {package}",
        outcome=outcome_of(not told),
        evidence="; ".join(told) or f"it changes {some(own)}",
        places=(places[package],) if package in places and commit.id in places else (),
    )


def some(names: Iterable[str]) -> str:
    """The first of some names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
