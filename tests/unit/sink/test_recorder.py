from collections.abc import Callable, Sequence
from pathlib import Path

from polly.errors import StoreError
from polly.events.envelope import Envelope
from polly.events.transfer import Batch, IngestResult
from polly.sink.drain import DrainResult
from polly.sink.recorder import Recorder
from polly.store.sqlite import SqliteStore

MakeEvent = Callable[..., Envelope]


class BrokenStore:
    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        raise StoreError("the store is locked.")

    def position(self, stream: str) -> int:
        return 0

    def forget(self, stream: str) -> None:
        raise AssertionError(stream)


def test_what_is_recorded_is_in_the_store_after_a_flush(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    recorder = Recorder(tmp_path / "spool")
    recorder.record(event())
    recorder.record(event())
    assert recorder.flush_into(store) == DrainResult(stored=2)
    assert recorder.close() is None


def test_the_same_event_recorded_again_after_a_crash_is_one_fact(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    once = event(event_id="0190c0de-0000-7000-8000-000000000001")
    for _ in range(2):
        recorder = Recorder(tmp_path / "spool")
        recorder.record(once)
        recorder.close()
        recorder.flush_into(store)
    assert [run.run for run in store.list_runs()] == ["run-1"]


def test_recording_never_raises_and_tells_its_trouble_once(tmp_path: Path, event: MakeEvent) -> None:
    blocked = tmp_path / "spool"
    blocked.write_text("a file where the folder should be")
    recorder = Recorder(blocked)
    recorder.record(event())
    recorder.record(event())
    told = recorder.close()
    assert told is not None
    assert told.startswith("Events that could not be recorded: 2 (")


def test_events_wait_in_the_spool_while_the_store_has_trouble(
    tmp_path: Path, store: SqliteStore, event: MakeEvent
) -> None:
    recorder = Recorder(tmp_path / "spool")
    recorder.record(event())
    assert recorder.flush_into(BrokenStore()) is None
    told = recorder.close()
    assert told == f"The events wait in the spool {tmp_path / 'spool'}: the store is locked."
    assert Recorder(tmp_path / "spool").flush_into(store) == DrainResult(stored=1, files_deleted=1)


def test_a_full_spool_is_told(tmp_path: Path, event: MakeEvent) -> None:
    recorder = Recorder(tmp_path / "spool")
    recorder._writer._max_bytes = 10
    recorder.record(event())
    assert recorder.close() == f"Events not recorded because the spool {tmp_path / 'spool'} is full: 1."
