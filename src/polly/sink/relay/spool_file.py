"""How far one file of the spool has come: sent, acknowledged, and written down for the next relay."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from polly.events.numbering import NumberCollector
from polly.kafka.producer import Group
from polly.sink.relay.outgoing import Outgoing
from polly.sink.session_file import SPOOL_SUFFIX
from polly.sink.spool import lock_path

#: Beside each spool file that was begun: up to which byte everything is in Kafka.
POSITION_SUFFIX = ".relayed"


class _Position(msgspec.Struct):
    position: Annotated[int, msgspec.Meta(ge=0)]


def relayed_bytes(path: Path) -> int:
    """Up to which byte of this spool file everything is in Kafka; 0 when no relay has said so."""
    try:
        kept = msgspec.json.decode(path.with_suffix(POSITION_SUFFIX).read_bytes(), type=_Position).position
        return kept if kept <= path.stat().st_size else 0
    except (OSError, msgspec.DecodeError):
        return 0  # what was published already is published again, and stored once


def write_whole(path: Path, content: bytes, *, is_precious: bool = True) -> None:
    """Replace the file: a reader sees the old or the new content, of a precious one after a power cut too."""
    aside = path.with_name(f"{path.name}.new")
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(file, content)
        if is_precious:
            os.fsync(file)
    finally:
        os.close(file)
    aside.replace(path)


class Chunk:
    """Lines that are sent together, up to byte `end`: what became of them, and which numbers they had.

    is_whole: all of them were handed over.
    """

    __slots__ = ("end", "group", "is_whole", "letters", "numbers", "records")

    def __init__(self, end: int) -> None:
        self.end = end
        self.is_whole = False
        self.group = Group()
        self.records = 0
        self.letters = 0
        self.numbers: dict[str, NumberCollector] = {}

    def note(self, outgoing: Outgoing, *, is_letter: bool) -> None:
        """One of its lines was handed over, as itself or as a dead letter."""
        self.records += 1
        if is_letter:
            self.letters += 1
            return
        if outgoing.source is not None and outgoing.number is not None:
            collector = self.numbers.get(outgoing.source)
            if collector is None:
                collector = self.numbers[outgoing.source] = NumberCollector()
            collector.add(outgoing.number)


class SpoolFile:
    """One producer's file. All before `acknowledged` is in Kafka, all before `sent` is on its way.

    careful_until: up to there a record was refused, and each is sent and awaited alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.producer = path.name.removesuffix(SPOOL_SUFFIX)
        self.stream = f"spool:{self.producer}"
        self.acknowledged = self.sent = self._saved = relayed_bytes(path)
        self.careful_until = 0
        self.chunks: list[Chunk] = []
        self.seen_bytes = -1
        self.next_look = 0.0
        self.is_finished = False

    @property
    def is_careful(self) -> bool:
        """True while records are sent one by one."""
        return self.sent < self.careful_until

    @property
    def is_saved(self) -> bool:
        """True when the next relay would start where this one is."""
        return self._saved == self.acknowledged

    @property
    def has_more(self) -> bool:
        """True when not all of the file is in Kafka."""
        try:
            return self.path.stat().st_size > self.acknowledged
        except FileNotFoundError:
            return False

    @property
    def position_file(self) -> Path:
        """Where the position is kept."""
        return self.path.with_suffix(POSITION_SUFFIX)

    def settle(self) -> Iterator[Chunk]:
        """Moves on over the chunks that the cluster has, and hands them out. One that failed stops it."""
        while self.chunks and self.chunks[0].is_whole and self.chunks[0].group.is_acknowledged:
            chunk = self.chunks.pop(0)
            self.acknowledged = chunk.end
            yield chunk

    def go_back(self) -> None:
        """Forget what was sent and not acknowledged: it will be sent again."""
        if self.chunks:
            self.chunks.clear()
            self.sent = self.acknowledged
            self.is_finished = False
            self.look_again()

    def look_again(self) -> None:
        """Read on at the next look, although the file has not grown."""
        self.seen_bytes = -1

    def save(self) -> None:
        """Write the position down. Raises OSError."""
        if not self.is_saved:
            write_whole(self.position_file, msgspec.json.encode(_Position(self.acknowledged)))
            self._saved = self.acknowledged

    def delete(self) -> None:
        """Take the file away; everything of it is in Kafka."""
        self.path.unlink(missing_ok=True)
        self.position_file.unlink(missing_ok=True)
        lock_path(self.path.parent, self.producer).unlink(missing_ok=True)


def remove_orphans(folder: Path) -> None:
    """Take away what a relay left beside files that are gone: a power cut may come between two deletions."""
    for position in folder.glob(f"*{POSITION_SUFFIX}"):
        if not position.with_suffix(SPOOL_SUFFIX).exists():
            position.unlink(missing_ok=True)
