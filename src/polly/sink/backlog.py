"""How much waits in a spool, and since when."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from polly.sink.spool import spool_files

_CHUNK_BYTES = 1024 * 1024
#: The first waiting event is asked for its time; a longer line is no event of ours.
_MOST_BYTES_OF_A_LINE = 256 * 1024


class Backlog(NamedTuple):
    """Whole lines that nobody has taken yet. `oldest_at` is the time of the oldest that says it."""

    events: int
    oldest_at: datetime | None


class _Timed(msgspec.Struct):
    time: datetime


def backlog(folder: Path, position: Callable[[Path], int]) -> Backlog:
    """What waits in the files of a spool. `position(file)`: bytes that were taken already. Raises OSError."""
    events, times = 0, []
    for path in spool_files(folder) if folder.is_dir() else []:
        try:
            with path.open("rb") as file:
                file.seek(position(path))
                first = file.readline(_MOST_BYTES_OF_A_LINE)
                events += first.endswith(b"\n")
                times += _time_of(first)
                while chunk := file.read(_CHUNK_BYTES):
                    events += chunk.count(b"\n")
        except FileNotFoundError:  # emptied and deleted in between
            continue
    return Backlog(events, min(times, default=None))


def _time_of(line: bytes) -> list[datetime]:
    try:
        time = msgspec.json.decode(line, type=_Timed).time
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [time] if time.tzinfo else []
