"""Reading a file that an agent made: it may be a pipe that nobody writes, or a link to elsewhere."""

import stat
from pathlib import Path


def read_plain(file: Path, limit: int) -> bytes:
    """The bytes of a plain file. Raises OSError, and ValueError for another kind or a longer file."""
    if not stat.S_ISREG(file.lstat().st_mode):
        raise ValueError("it is not a plain file")
    with file.open("rb") as opened:
        data = opened.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"it is longer than {limit} bytes")
    return data
