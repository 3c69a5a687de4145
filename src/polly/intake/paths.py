"""Paths of unknown origin become paths of the repository, or nothing.

A path is spelled as an anchor ("" relative, "/", "C:", "//server/share") and parts; everything is decided on
spellings, on every system alike, and never by asking the disk.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

_DRIVE = re.compile(r"/?([A-Za-z]:)(?=/|$)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Longer than any path that a system can open.
_MAX_LENGTH = 4096


class Spelling(NamedTuple):
    """A path taken apart; ".." and "." are resolved."""

    anchor: str
    parts: tuple[str, ...]


class Resolution(NamedTuple):
    """What became of each path as written: a path of the repository, "" for its root, None for outside."""

    paths: dict[str, str | None]
    rebased_from: str = ""


def from_uri(uri: str) -> str | None:
    """The path that a URI or URI reference names; None for one that names no file (http:, …)."""
    if _DRIVE.match(uri):
        return unquote(uri)
    if uri[:5].lower() == "file:":
        rest = uri[5:]
        if rest.startswith("//"):
            host, slash, path = rest[2:].partition("/")
            local = host.lower() in ("", "localhost") or _DRIVE.match(host + "/")
            rest = (f"{host}/" if _DRIVE.match(host + "/") else slash) + path if local else f"//{host}/{path}"
        return unquote(_without_query(rest))
    if _SCHEME.match(uri):
        return None
    return unquote(_without_query(uri))


def spell(path: str) -> Spelling | None:
    """The path taken apart; None for what is no path, or climbs above where it starts."""
    if not path or len(path) > _MAX_LENGTH or _CONTROL.search(path):
        return None
    slashed = path.replace("\\", "/")
    drive = _DRIVE.match(slashed)
    if drive:
        return _collapse(drive[1].upper(), slashed[drive.end() :])
    if slashed.startswith("//") and not slashed.startswith("///"):
        server, _, rest = slashed[2:].partition("/")
        share, _, rest = rest.partition("/")
        return _collapse(f"//{server}/{share}", rest)
    return _collapse("/" if slashed.startswith("/") else "", slashed)


def resolve(written: Iterable[str], *, root: Path, known: frozenset[str]) -> Resolution:
    """Each path as a path of the repository at `root`, whose files are `known`.

    Absolute paths of another checkout are accepted when taking one and the same leading folder from them
    makes most of them files of this one.
    """
    roots = [spelling for spelling in map(spell, _root_spellings(root)) if spelling is not None]
    paths: dict[str, str | None] = {}
    foreign: dict[str, Spelling] = {}
    for path in dict.fromkeys(written):
        spelling = spell(path)
        if path in known and spelling is not None:
            paths[path] = _guarded(path)
        elif spelling is None or _SCHEME.match(path):
            paths[path] = None
        elif not spelling.anchor:
            paths[path] = _guarded("/".join(spelling.parts))
        else:
            inside = _below(spelling, roots)
            paths[path] = None if inside is None else _guarded(inside)
            if inside is None:
                foreign[path] = spelling
    base = _common_base(set(foreign.values()), known)
    if base is None:
        return Resolution(paths)
    for path, spelling in foreign.items():
        inside = _below(spelling, [base])
        paths[path] = None if inside is None else _guarded(inside)
    return Resolution(paths, rebased_from=_joined(base))


def _without_query(uri: str) -> str:
    return re.split(r"[?#]", uri, maxsplit=1)[0]


def _root_spellings(root: Path) -> list[str]:
    # A scanner may have been told the root through a symbolic link, or have followed it.
    return list(dict.fromkeys((root.absolute().as_posix(), root.resolve().as_posix())))


def _collapse(anchor: str, rest: str) -> Spelling | None:
    parts: list[str] = []
    for part in rest.split("/"):
        if part == "..":
            if not parts and not anchor:
                return None
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return Spelling(anchor, tuple(parts))


def _below(spelling: Spelling, folders: Sequence[Spelling]) -> str | None:
    for folder in folders:
        depth = len(folder.parts)
        head = Spelling(spelling.anchor, spelling.parts[:depth])
        # Windows does not tell letters apart by case.
        same = head == folder if folder.anchor == "/" else _folded(head) == _folded(folder)
        if same:
            return "/".join(spelling.parts[depth:])
    return None


def _folded(spelling: Spelling) -> tuple[str, ...]:
    return tuple(part.casefold() for part in (spelling.anchor, *spelling.parts))


def _guarded(path: str) -> str | None:
    # Nothing in git's own folder is a file of the repository, whatever a finding says.
    return None if ".git" in path.casefold().split("/") else path


def _common_base(foreign: set[Spelling], known: frozenset[str]) -> Spelling | None:
    """The leading folder without which most of the foreign paths are known files; the longest match wins."""
    found: Counter[Spelling] = Counter()
    for spelling in foreign:
        for depth in range(len(spelling.parts)):
            if "/".join(spelling.parts[depth:]) in known:
                found[Spelling(spelling.anchor, spelling.parts[:depth])] += 1
    if not found:
        return None
    base, count = min(found.items(), key=lambda item: (-item[1], len(item[0].parts), item[0]))
    return base if 2 * count >= len(foreign) else None


def _joined(spelling: Spelling) -> str:
    return spelling.anchor.rstrip("/") + "/" + "/".join(spelling.parts)
