"""One at a time: a relay keeps a spool to itself, against other relays and against drains."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from polly.errors import PollyError
from polly.sink.spool import DRAIN_LOCK, RELAY_LOCK

#: A drain takes a moment; one that takes longer has a reason to be left alone.
_DRAIN_SECONDS = 10.0


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The spool is this relay's for as long as the block lasts. Raises PollyError when it is somebody's."""
    relay, drain = FileLock(folder / RELAY_LOCK, timeout=0), FileLock(folder / DRAIN_LOCK)
    try:
        relay.acquire()
    except Timeout:
        raise PollyError(
            f"another relay works on the spool {folder}",
            next_step="One is enough: it takes the events of all programs of this user.",
        ) from None
    try:
        drain.acquire(timeout=_DRAIN_SECONDS)
    except Timeout:
        relay.release()
        raise PollyError(
            f"a drain works on the spool {folder}", next_step="Wait until `polly drain` has ended."
        ) from None
    try:
        yield
    finally:
        drain.release()
        relay.release()
