import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock

from polly.errors import StoreMisconfigured, StoreUnavailable
from polly.events.envelope import Envelope
from polly.events.transfer import Batch, IngestResult
from polly.sink import drain as drain_module
from polly.sink.drain import DrainResult, drain
from polly.sink.spool import SpoolWriter, spool_files
from polly.store import schema
from polly.store.sqlite import SqliteStore

MakeEvent = Callable[..., Envelope]


def ids(store: SqliteStore) -> list[str]:
    with store.engine.connect() as connection:
        return list(connection.scalars(sa.select(schema.events.c.id).order_by(schema.events.c.sequence)))


def dead(store: SqliteStore) -> list[tuple[int, bytes, str]]:
    table = schema.dead_letters
    query = sa.select(table.c.position, table.c.raw, table.c.stage).order_by(table.c.position)
    with store.engine.connect() as connection:
        return [(row.position, row.raw, row.stage) for row in connection.execute(query)]


def spooled(folder: Path, *events: Envelope) -> Path:
    with SpoolWriter(folder) as writer:
        for each in events:
            writer.append(each)
    return writer.path


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path, store: SqliteStore) -> None:
    assert drain(tmp_path / "none", store) == DrainResult()
    assert not (tmp_path / "none").exists()


def test_files_of_dead_producers_are_deleted_once_stored(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    sent = [event() for _ in range(5)]
    spooled(tmp_path, *sent)
    assert drain(tmp_path, store) == DrainResult(stored=5, files_deleted=1)
    assert ids(store) == [each.id for each in sent]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["drain.lock"]
    with store.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.sink_offsets)) == 0


def test_the_file_of_a_living_producer_is_drained_again_and_again(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    with SpoolWriter(tmp_path) as writer:
        for expected in (1, 2, 3):
            writer.append(event())
            assert drain(tmp_path, store) == DrainResult(stored=1)
            assert len(ids(store)) == expected
        assert writer.path.exists()
    assert drain(tmp_path, store) == DrainResult(files_deleted=1)


def test_a_line_that_its_producer_is_still_writing_is_left_alone(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    with SpoolWriter(tmp_path) as writer:
        writer.append(event("whole"))
        writer.append(event("half"))
        raw = writer.path.read_bytes()
        writer.path.write_bytes(raw[:-20])
        assert drain(tmp_path, store) == DrainResult(stored=1)
        writer.path.write_bytes(raw)
        assert drain(tmp_path, store) == DrainResult(stored=1)


def test_a_torn_line_of_a_dead_producer_is_a_dead_letter_and_its_neighbours_are_stored(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    path = spooled(tmp_path, event("one"), event("two"), event("three"))
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:40] + b"\n" + b"\xff\xfe\n" + b"\n" + third + first[:30])
    assert drain(tmp_path, store) == DrainResult(stored=2, dead=3, files_deleted=1)
    start = len(first)
    assert dead(store) == [
        (start, second[:40], "decode"),
        (start + 41, b"\xff\xfe", "decode"),
        (start + 45 + len(third), first[:30], "decode"),
    ]


def test_a_last_line_that_lacks_only_its_end_is_an_event(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    path = spooled(tmp_path, event())
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert drain(tmp_path, store) == DrainResult(stored=1, files_deleted=1)


def test_a_line_without_end_costs_neither_memory_nor_neighbours(
    tmp_path: Path, store: SqliteStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "BATCH_BYTES", 4_096)
    monkeypatch.setattr(drain_module, "MAX_LINE_BYTES", 1_024)
    path = spooled(tmp_path, event("one"), event("two"))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"x" * 50_000 + b"\n" + second)
    result = drain(tmp_path, store)
    assert (result.stored, result.files_deleted) == (2, 1)
    assert max(len(raw) for _, raw, _ in dead(store)) <= 1_024


def test_many_batches_are_one_stream(
    tmp_path: Path, store: SqliteStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "BATCH_BYTES", 1_000)
    sent = [event(str(number)) for number in range(50)]
    spooled(tmp_path, *sent)
    assert drain(tmp_path, store) == DrainResult(stored=50, files_deleted=1)
    assert ids(store) == [each.id for each in sent]


class _BreaksAfter:
    """A store that has trouble from its third batch on."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.batches = 0
        self.position = store.position
        self.forget = store.forget

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        self.batches += 1
        if self.batches > 2:
            raise StoreMisconfigured("a table is gone")
        return self.store.ingest(batches, most_dead=most_dead)


def test_trouble_of_the_store_loses_nothing_and_doubles_nothing(
    tmp_path: Path, store: SqliteStore, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "BATCH_BYTES", 1_000)
    sent = [event(str(number)) for number in range(20)]
    path = spooled(tmp_path, *sent)
    with pytest.raises(StoreMisconfigured):
        drain(tmp_path, _BreaksAfter(store))
    stored = len(ids(store))
    assert 0 < stored < 20
    assert path.exists()
    assert drain(tmp_path, store) == DrainResult(stored=20 - stored, files_deleted=1)
    assert ids(store) == [each.id for each in sent]


class _Watched:
    """A store that counts, and that has trouble as often as it is told to."""

    def __init__(self, store: SqliteStore, troubles: int = 0) -> None:
        self.store = store
        self.troubles = troubles
        self.offered: list[int] = []
        self.position = store.position
        self.forget = store.forget

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        self.offered.append(len(batches))
        if self.troubles:
            self.troubles -= 1
            raise StoreUnavailable("it restarts")
        return self.store.ingest(batches, most_dead=most_dead)


def test_the_files_of_many_small_producers_are_stored_together(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    for number in range(30):
        spooled(tmp_path, event(str(number)))
    watched = _Watched(store)
    assert drain(tmp_path, watched) == DrainResult(stored=30, files_deleted=30)
    assert watched.offered == [30]


@pytest.fixture
def however_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tries together count as quick."""
    monkeypatch.setattr(drain_module, "_QUICK_SECONDS", 600.0)


@pytest.mark.usefixtures("however_slow")
def test_trouble_that_passes_at_once_is_not_even_told(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    spooled(tmp_path, event())
    watched = _Watched(store, troubles=3)
    assert drain(tmp_path, watched) == DrainResult(stored=1, files_deleted=1)
    assert len(watched.offered) == 4


@pytest.mark.usefixtures("however_slow")
def test_trouble_that_stays_is_told_and_the_spool_is_kept(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    path = spooled(tmp_path, event())
    watched = _Watched(store, troubles=100)
    with pytest.raises(StoreUnavailable):
        drain(tmp_path, watched)
    assert len(watched.offered) == 4
    assert path.exists()


def test_a_file_that_somebody_else_stores_is_left_and_the_others_are_not(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    paths = [spooled(tmp_path, event(str(number))) for number in range(3)]
    watched = _Watched(store)
    stream = f"spool:{paths[1].stem}"
    # Somebody else stores it between the look at its position and the batch.
    watched.position = lambda name: 0 if name == stream else store.position(name)  # type: ignore[assignment]
    store.ingest([Batch(stream, 0, 7, ())])
    assert drain(tmp_path, watched) == DrainResult(stored=2, files_deleted=2)
    assert [path.exists() for path in paths] == [False, True, False]


def test_another_store_gets_everything_that_is_still_spooled(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    with SpoolWriter(tmp_path) as writer:
        writer.append(event())
        assert drain(tmp_path, store).stored == 1
        with SqliteStore.open(tmp_path / "other.db") as other:
            assert drain(tmp_path, other).stored == 1


def test_a_second_drain_leaves_the_spool_to_the_first(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    path = spooled(tmp_path, event())
    with FileLock(tmp_path / "drain.lock"):
        assert drain(tmp_path, store, wait_seconds=0) == DrainResult(busy=True)
    assert path.exists()


DRAIN = """
import sys, pathlib
from polly.sink.drain import drain
from polly.store.sqlite import SqliteStore
with SqliteStore.open(sys.argv[2]) as store:
    drain(pathlib.Path(sys.argv[1]), store)
"""


def test_two_drains_at_once_store_each_event_once(tmp_path: Path, event: MakeEvent) -> None:
    sent = [event(str(number)) for number in range(300)]
    for start in range(0, 300, 30):
        spooled(tmp_path, *sent[start : start + 30])
    database = tmp_path / "store" / "polly.db"
    command = [sys.executable, "-c", DRAIN, str(tmp_path), str(database)]
    drains = [subprocess.Popen(command) for _ in range(2)]
    assert [each.wait() for each in drains] == [0, 0]
    assert spool_files(tmp_path) == []
    connection = sqlite3.connect(database)
    stored = [row[0] for row in connection.execute("SELECT id FROM events")]
    connection.close()
    assert sorted(stored) == sorted(each.id for each in sent)
