"""Which numbers of which source the files of a spool hold: those that wait, and those that were handed on."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import msgspec

from polly.events.numbering import NumberCollector, Numbers, number_of
from polly.sink.spool import spool_files

#: A longer line is no event of ours; it is read in pieces, so that it cannot fill the memory.
_MOST_BYTES_OF_A_LINE = 1024 * 1024


class _Numbered(msgspec.Struct):
    source: str
    sequence: str = ""


_NUMBERED = msgspec.json.Decoder(_Numbered)


class SpoolCensus(msgspec.Struct, frozen=True, kw_only=True):
    """waiting: what nobody has read yet. handed_on: what was, and is still in the files. Both by source.

    unnumbered: waiting events without a number. unreadable: waiting lines that are no event.
    """

    waiting: dict[str, Numbers] = {}
    handed_on: dict[str, Numbers] = {}
    files: int = 0
    waiting_lines: int = 0
    waiting_bytes: int = 0
    unnumbered: int = 0
    unreadable: int = 0


def number_in(line: bytes) -> tuple[str, int | None] | None:
    """The source of an event and its number in it; None for bytes that name no source."""
    try:
        event = _NUMBERED.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return event.source, number_of(event.sequence)


def census(folder: Path, position: Callable[[Path], int]) -> SpoolCensus:
    """Counts what the files of the spool hold. `position(file)`: bytes that were handed on already.

    A last line without an end is still being written and is not counted. Raises OSError.
    """
    counting = _Counting()
    for path in spool_files(folder) if folder.is_dir() else []:
        # Asked first: it only grows, so that what is read later is never taken for handed on too early.
        handed_on_bytes = position(path)
        try:
            counting.count(path, handed_on_bytes)
        except FileNotFoundError:  # emptied and deleted in between
            continue
    return counting.result()


class _Counting:
    def __init__(self) -> None:
        self._waiting: dict[str, NumberCollector] = defaultdict(NumberCollector)
        self._handed_on: dict[str, NumberCollector] = defaultdict(NumberCollector)
        self._files = self._lines = self._bytes = self._unnumbered = self._unreadable = 0

    def count(self, path: Path, handed_on_bytes: int) -> None:
        with path.open("rb") as file:
            self._files += 1
            at = 0
            while line := file.readline(_MOST_BYTES_OF_A_LINE):
                is_whole = line.endswith(b"\n") or len(line) == _MOST_BYTES_OF_A_LINE
                if is_whole and line.strip():
                    self._take(line, is_waiting=at >= handed_on_bytes)
                at += len(line)

    def result(self) -> SpoolCensus:
        return SpoolCensus(
            waiting={source: taken.numbers() for source, taken in self._waiting.items()},
            handed_on={source: taken.numbers() for source, taken in self._handed_on.items()},
            files=self._files,
            waiting_lines=self._lines,
            waiting_bytes=self._bytes,
            unnumbered=self._unnumbered,
            unreadable=self._unreadable,
        )

    def _take(self, line: bytes, *, is_waiting: bool) -> None:
        found = number_in(line)
        source, number = found or ("", None)
        if is_waiting:
            self._lines += 1
            self._bytes += len(line)
            self._unreadable += found is None
            self._unnumbered += found is not None and number is None
        if number is not None:
            (self._waiting if is_waiting else self._handed_on)[source].add(number)
