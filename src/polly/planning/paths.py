"""Which paths are the same file on some machine, and which must never be given to an agent."""

import re
import unicodedata

_DRIVE = re.compile(r"[A-Za-z]:")
#: Paths as most are, and nothing that has to be looked at more closely.
_PLAIN = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_RESERVED = frozenset({".git", "git~1"})


def path_key(path: str) -> str:
    """The same text for paths that a case-insensitive or normalising file system takes for one file."""
    if path.isascii():
        return path.lower()
    folded = unicodedata.normalize("NFC", path).casefold()
    return unicodedata.normalize("NFC", folded)


def unsafe_reason(path: str) -> str | None:
    """Why this is not a plain path inside the repository that an agent may own, or None."""
    if _PLAIN.fullmatch(path):
        return None
    segments = path.split("/")
    names = [_as_written_by_windows(segment) for segment in segments]
    checks = (
        (not path, "is empty"),
        (_CONTROL.search(path), "contains control characters"),
        ("\\" in path, "contains a backslash"),
        (path.startswith("/") or _DRIVE.match(path), "is absolute"),
        (".." in segments, "leaves its folder with '..'"),
        ("." in segments or "" in segments, "has an empty or '.' segment"),
        (not _RESERVED.isdisjoint(names), "lies in git's own folder"),
        (names[0] == ".polly", "lies in Polly's own folder"),
    )
    return next((reason for is_bad, reason in checks if is_bad), None)


def _as_written_by_windows(segment: str) -> str:
    """A folder name as NTFS and HFS+ read it, which drop invisible characters, streams, trailing dots."""
    if segment.isascii():
        visible = segment
    else:
        visible = "".join(letter for letter in segment if unicodedata.category(letter) != "Cf")
    return path_key(visible.split(":")[0].rstrip(" ."))
