"""Follows the log of an attempt line by line, and hands the lines to what understands the agent's format."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from polly.execution.agents.listening import Fact, Said

#: of one look; a look must not hold up the other agents
PIECE_BYTES = 262_144
#: a longer line is counted and passed over; a whole file in a tool's result fits
MAX_LINE_BYTES = 8_000_000

_Record = TypeVar("_Record")


class StreamReader(Protocol):
    """Understands the lines of one agent."""

    def line(self, line: bytes, seen_at: float) -> Iterable[Fact]:
        """The facts in a line. seen_at: seconds of a clock that only goes on.

        Raises msgspec.DecodeError for a line that is broken.
        """
        ...

    def said(self) -> Said:
        """The last word, after the last line."""
        ...


class LogLines:
    """The whole lines that were appended to a file since the last look. The last one needs no line end."""

    def __init__(self, file: Path) -> None:
        self.too_long = 0
        self._file = file
        self._position = 0
        self._begun = b""
        self._skipping = False

    def new(self, *, to_end: bool = False) -> Iterator[bytes]:
        """Each line without its end; a look reads a bounded piece, the last look everything."""
        while piece := self._piece():
            yield from self._lines(piece)
            if not to_end:
                return
        if to_end and self._begun:
            yield self._begun
            self._begun = b""

    def _piece(self) -> bytes:
        try:
            with self._file.open("rb") as file:
                file.seek(self._position)
                piece = file.read(PIECE_BYTES)
        except OSError:  # not there yet, or taken away with the workspace
            return b""
        self._position += len(piece)
        return piece

    def _lines(self, piece: bytes) -> Iterator[bytes]:
        *whole, rest = piece.split(b"\n")
        for part in whole:
            if self._skipping:
                self._skipping = False
                continue
            yield (self._begun + part).rstrip(b"\r")
            self._begun = b""
        if not self._skipping:
            self._begun += rest
        if len(self._begun) > MAX_LINE_BYTES:
            self.too_long += 1
            self._begun, self._skipping = b"", True


class LogListener:
    """A listener whose records are the lines that the agent prints."""

    def __init__(self, log: Path, reader: StreamReader) -> None:
        self._lines = LogLines(log)
        self._reader = reader
        self._broken = 0

    def read(self, *, to_end: bool = False) -> Sequence[Fact]:
        """The facts in the new lines. A broken line is counted; it stays in the log for a person to see."""
        facts: list[Fact] = []
        seen_at = time.monotonic()
        for line in self._lines.new(to_end=to_end):
            try:
                facts.extend(self._reader.line(line, seen_at))
            except (msgspec.DecodeError, RecursionError):
                self._broken += 1
        return facts

    def said(self) -> Said:
        """The reader's last word, with the number of lines that could not be read."""
        said = self._reader.said()
        counted = {"broken_lines": self._broken, "too_long_lines": self._lines.too_long}
        figures = {**said.figures, **{name: count for name, count in counted.items() if count}}
        return replace(said, figures=figures)


def json_record(line: bytes, kind: type[_Record]) -> _Record | None:
    """The record in a line; None for the text for people that programs print between their records.

    Raises msgspec.DecodeError for a line that begins like a record and is none.
    """
    return msgspec.json.decode(line, type=kind) if line.startswith(b"{") else None
