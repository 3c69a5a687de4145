"""Who may have a file that the plan gave to nobody: a pure decision on the state of the run."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from polly.events.redaction import redact
from polly.execution.agents.wording import one_line
from polly.git import GITLINK, SYMLINK, Entry
from polly.work.plan import Files
from polly.work.requests import Answer, FileRequest

MAX_PATH_LENGTH = 400
MAX_REASON_LENGTH = 500

#: Folders that are nobody's work: those of git, in the spellings of all file systems, and of Polly.
_CLOSED = (".git", "git~1", ".polly")


class Tree:
    """The files of a commit, and the spelling of each of them and of their folders."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = entries
        self._spelled: dict[str, str] = {}
        for path in entries:
            for each in (path, *_parents(path)):
                known = self._spelled.setdefault(folded(each), each)
                if known == each and each != path:
                    break  # this folder's own folders are known with it

    def spelled(self, path: str) -> str | None:
        """How the file or folder is spelled that a file system could take for this one; None without one."""
        return self._spelled.get(folded(path))


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a decision rests on.

    wave: the files of each package of the wave, with those granted since. protected: why nobody is given this
    file, or None. leads_elsewhere: True when, in the agent's workspace, the path goes through a link.
    """

    package: str
    attempt: int
    wave: Mapping[str, Files]
    tree: Tree
    protected: Callable[[str], str | None]
    leads_elsewhere: Callable[[str], bool]


class _Refusal(NamedTuple):
    answer: Answer
    told: str
    owner: str | None = None


def decide(path: str, reason: str, ground: Ground) -> FileRequest:
    """The request with its answer. Whatever was asked, its texts are short, plain and hold no secret."""
    reason = one_line(redact(reason).text, MAX_REASON_LENGTH)
    shown = one_line(redact(path[: 2 * MAX_PATH_LENGTH]).text, MAX_PATH_LENGTH)
    refusal = _refusal(path, reason, shown, ground)
    told = f"{shown} is {ground.package}'s now." if refusal is None else refusal.told
    return FileRequest(
        path=shown,
        reason=reason,
        answer=Answer.GRANTED if refusal is None else refusal.answer,
        attempt=ground.attempt,
        told=told,
        owner=refusal.owner if refusal else None,
        is_new=refusal is None and path not in ground.tree.entries,
    )


def owns(files: Files, path: str, tree: Tree) -> bool:
    """As the audit of the tree decides it: a glob of files to create opens no file that is there."""
    return path in files.modify if path in tree.entries else files.owns(path)


def _refusal(path: str, reason: str, shown: str, ground: Ground) -> _Refusal | None:
    misshapen = _misshapen(path, shown) or _not_a_file(path, ground)
    if misshapen:
        return _Refusal(Answer.REFUSED, f"{shown} {misshapen}.")
    owner = _owner(path, ground)
    if owner:
        told = f"{shown} belongs to {owner}, which is told of this when it works on."
        return _Refusal(Answer.OWNED, told, owner)
    guarded = ground.protected(path)
    if guarded:
        return _Refusal(Answer.PROTECTED, f"{shown} is for a person to change: {guarded}.")
    if not reason:
        return _Refusal(Answer.REFUSED, f"Say why {shown} must change.")
    return None


def _misshapen(path: str, shown: str) -> str:
    segments = path.split("/")
    if not path or shown != path or not path.isprintable() or any(each in path for each in "*\\:"):
        return "is no path that an agent can have"
    if path.startswith("~") or ".." in segments or segments[0] == "":
        return "is outside of the repository"
    if not all(segments) or "." in segments:
        return "is no path that an agent can have"
    if any(segment.casefold().rstrip(". ") in _CLOSED for segment in segments):
        return "is not part of what agents work on"
    return ""


def _not_a_file(path: str, ground: Ground) -> str:
    tree = ground.tree
    entry = tree.entries.get(path)
    if entry is not None and entry.mode in (SYMLINK, GITLINK):
        return "is no plain file"
    above = next((parent for parent in _parents(path) if parent in tree.entries), None)
    if above is not None:
        return f"lies below {above}, which is no folder"
    for each in (path, *_parents(path)):
        spelled = tree.spelled(each)
        if spelled is not None and spelled != each:
            return f"is another spelling of {spelled}"
    if entry is None and tree.spelled(path) is not None:
        return "is a folder"
    return "leads to another place by a link" if ground.leads_elsewhere(path) else ""


def _owner(path: str, ground: Ground) -> str | None:
    """The other package of the wave that has the file, a twin of it, or something above or below it."""
    wanted = folded(path)
    for package, files in ground.wave.items():
        if package == ground.package:
            continue
        if owns(files, path, ground.tree):
            return package
        for each in (*files.modify, *files.create):
            has = folded(each)
            if has == wanted or has.startswith(f"{wanted}/") or wanted.startswith(f"{has}/"):
                return package
    return None


def folded(path: str) -> str:
    """The same text for all spellings that some file system takes for one name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _parents(path: str) -> tuple[str, ...]:
    return tuple(parent.as_posix() for parent in PurePosixPath(path).parents)[:-1]
