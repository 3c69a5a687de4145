"""The changed files of a package as text, before and after."""

from collections.abc import Sequence

from polly.git import Snapshot
from polly.verification.tampering import TextChange
from polly.workspaces.capture import displayable
from polly.workspaces.store import TreeStore

#: Above this a file is data, whatever its name says.
_LIMIT_BYTES = 2_000_000

#: A NUL byte this near the start means a binary file, as git sees it.
_LOOKED_AT_BYTES = 8_000


def read_changes(store: TreeStore, base: str, commit: str, changed: Sequence[str]) -> tuple[TextChange, ...]:
    """Each changed path with its text at both commits; binary or very large files count as no text."""
    with store.snapshot(base) as before, store.snapshot(commit) as after:
        return tuple(
            TextChange(path=displayable(path), before=_text(before, path), after=_text(after, path))
            for path in sorted(set(changed))
        )


def _text(snapshot: Snapshot, path: str) -> str | None:
    content = snapshot.read(path)
    if content is None or len(content) > _LIMIT_BYTES or b"\0" in content[:_LOOKED_AT_BYTES]:
        return None
    return content.decode("utf-8-sig", errors="replace")
