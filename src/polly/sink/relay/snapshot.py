"""relay.json in the spool: what the relay has published, so that it can be held against what arrived."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from polly.events.numbering import Numbers
from polly.sink.relay.spool_file import Chunk, write_whole

SNAPSHOT = "relay.json"
#: Producers whose numbers are remembered; the oldest are forgotten first.
MOST_SOURCES = 5_000

State = Literal["working", "waiting for Kafka", "stopped"]


class RelaySnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a relay did. Counts are of this relay since `started_at`; `sources` is of all before it as well.

    sources: per `source` of events, which of its numbers Kafka has acknowledged.
    """

    relay_version: int = 1
    started_at: datetime
    updated_at: datetime
    state: State
    trouble: str | None = None
    published: int = 0
    dead_letters: int = 0
    files_deleted: int = 0
    sources: dict[str, Numbers] = {}


def read_snapshot(folder: Path) -> RelaySnapshot | None:
    """What the relay of this spool last wrote; None when none ever worked here, or the file is spoilt."""
    try:
        return msgspec.json.decode((folder / SNAPSHOT).read_bytes(), type=RelaySnapshot)
    except (OSError, msgspec.DecodeError):
        return None


class Bookkeeping:
    """Counts what was acknowledged, and writes it down."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started_at = datetime.now(UTC)
        self._sources: dict[str, Numbers] = {}
        self.published = 0
        self.dead_letters = 0
        self.files_deleted = 0
        self.state: State = "working"
        self.trouble: str | None = None

    def begin(self) -> None:
        """Carry on what the relay before this one wrote down."""
        before = read_snapshot(self._folder)
        self._sources = dict(before.sources) if before else {}

    def take(self, chunk: Chunk) -> None:
        """These lines are in Kafka."""
        self.published += chunk.records - chunk.letters
        self.dead_letters += chunk.letters
        for source, collector in chunk.numbers.items():
            known = self._sources.pop(source, Numbers())
            self._sources[source] = known | collector.numbers()
        while len(self._sources) > MOST_SOURCES:
            del self._sources[next(iter(self._sources))]

    def save(self) -> None:
        """Write relay.json. Raises OSError."""
        snapshot = RelaySnapshot(
            started_at=self._started_at,
            updated_at=datetime.now(UTC),
            state=self.state,
            trouble=self.trouble,
            published=self.published,
            dead_letters=self.dead_letters,
            files_deleted=self.files_deleted,
            sources=self._sources,
        )
        # Not forced to the disk: what it counts is in Kafka, and a slow disk would hold up the events.
        write_whole(self._folder / SNAPSHOT, msgspec.json.encode(snapshot), is_precious=False)
