"""The paths in the text with which Codex changes files (`apply_patch`)."""

_HEADS = ("*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:")


def paths_in_patch(text: str) -> list[str]:
    """Every path that the patch writes, moves to or deletes, in its order."""
    lines = (line.strip() for line in text.splitlines())
    return [line[len(head) :].strip() for line in lines for head in _HEADS if line.startswith(head)]
