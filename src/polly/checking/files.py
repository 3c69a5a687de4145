"""Claims about the files that a document names."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from polly.checking.claims import Claim, Outcome
from polly.checking.crossing import some
from polly.intake.globs import is_pattern, matches
from polly.intake.sources.markdown.fields import FileMention
from polly.intake.sources.markdown.places import Places

_PATH = re.compile(r"[\w@.+~\\/:*?\[\]{}-]{2,400}")
_SUFFIX = re.compile(
    r"\.(?:py|pyi|sh|bash|sql|md|json|jsonl|ya?ml|toml|jsx?|tsx?|mjs|go|rs|java|kt|swift|c|h|cc|cpp|hpp|cs|rb|php"
    r"|css|scss|html?|txt|cfg|ini|lock|ipynb|xml|svg|proto|tf|vue|svelte|sarif|log|csv)$",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(r"^(?:/|[A-Za-z]:[\\/]|\\\\|~)")
#: More paths than a person names in one document.
_MAX_FILES = 2000


class Mention(NamedTuple):
    """A path with its place; `gone` where the text says that it was removed, `new` where it is to be made."""

    file: FileMention
    place: str
    gone: bool = False


def claims(
    mentions: Iterable[Mention], known: Places, paths: frozenset[str], lines_of: Callable[[str], int | None]
) -> Iterator[Claim]:
    """For each path that is named: there is such a file. Each path once, with all its places."""
    places: dict[str, list[Mention]] = {}
    for each in mentions:
        if _is_file(each.file) and len(places) < _MAX_FILES:
            places.setdefault(each.file.path, []).append(each)
    for path, named in places.items():
        outcome, evidence = _judge(path, named, known, paths, lines_of)
        yield Claim(
            kind="file",
            place=named[0].place,
            says=f"there is a file {path}" if not all(each.gone for each in named) else f"{path} is gone",
            outcome=outcome,
            evidence=evidence,
            places=tuple(dict.fromkeys(each.place for each in named[1:] if each.place != named[0].place)),
        )


def _is_file(mention: FileMention) -> bool:
    path = mention.path
    return bool(_PATH.fullmatch(path)) and ".." not in path and bool(_SUFFIX.search(path))


def _judge(
    path: str,
    named: list[Mention],
    known: Places,
    paths: frozenset[str],
    lines_of: Callable[[str], int | None],
) -> tuple[Outcome, str]:
    found = _found(path, known, paths)
    last = max((end for each in named for _, end in each.file.lines), default=0)
    length = lines_of(found[0]) if last and len(found) == 1 else None
    if all(each.gone for each in named):
        outcome = Outcome.FAILS if len(found) == 1 else Outcome.HOLDS
        evidence = f"{found[0]} exists" if len(found) == 1 else "it does not exist"
    elif len(found) > 1 and not is_pattern(path):
        outcome, evidence = Outcome.UNKNOWN, f"it can be any of {some(found)}"
    elif found and length is not None and last > length:
        outcome = Outcome.UNKNOWN
        evidence = f"{found[0]} has {length} lines now, and line {last} is named"
    elif found:
        outcome = Outcome.HOLDS
        evidence = (
            "it exists" if found[0] == path else f"{some(found)} {'exist' if len(found) > 1 else 'exists'}"
        )
    elif _ABSOLUTE.match(path):
        outcome, evidence = Outcome.UNKNOWN, "it is a path of another machine, and no file here ends so"
    else:
        outcome, evidence = Outcome.FAILS, "there is no such file at HEAD"
    return outcome, evidence


def _found(path: str, known: Places, paths: frozenset[str]) -> tuple[str, ...]:
    if is_pattern(path) and path not in paths:
        return tuple(sorted(each for each in paths if matches(each, path)))
    if not _ABSOLUTE.match(path):
        return known.ending(path)
    parts = path.replace("\\", "/").split("/")
    tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next(((tail,) for tail in tails if tail in paths), ())
