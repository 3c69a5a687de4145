import hashlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polly.events.catalog import AttemptEnded, ChangesCaptured
from polly.events.envelope import Envelope, unwrap
from polly.sink.fitting import MAX_DATA_BYTES
from polly.sink.spool import SpoolWriter, fitted, producer_is_alive, spool_files
from polly.work.run import AttemptOutcome, Claim

MakeEvent = Callable[..., Envelope]


def lines(folder: Path) -> list[Envelope]:
    return [
        msgspec.json.decode(line, type=Envelope)
        for path in spool_files(folder)
        for line in path.read_bytes().splitlines()
    ]


def test_events_are_numbered_without_gaps_in_the_order_of_their_arrival(
    tmp_path: Path, event: MakeEvent
) -> None:
    with SpoolWriter(tmp_path) as writer:
        sent = [event(str(number)) for number in range(20)]
        for each in sent:
            writer.append(each)
    stored = lines(tmp_path)
    assert [each.id for each in stored] == [each.id for each in sent]
    assert [each.sequence for each in stored] == [str(number).zfill(12) for number in range(1, 21)]
    assert {each.source for each in stored} == {writer.source}
    assert writer.source.startswith("urn:polly:")


def test_each_writer_is_a_producer_with_a_file_of_its_own(tmp_path: Path, event: MakeEvent) -> None:
    for _ in range(3):
        with SpoolWriter(tmp_path) as writer:
            writer.append(event())
    assert len(spool_files(tmp_path)) == 3
    assert {each.sequence for each in lines(tmp_path)} == {"000000000001"}


def test_a_writer_that_writes_nothing_leaves_nothing(tmp_path: Path) -> None:
    SpoolWriter(tmp_path / "spool").close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such mode bits")
def test_nobody_else_can_read_the_spool(tmp_path: Path, event: MakeEvent) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o755)
    with SpoolWriter(folder) as writer:
        writer.append(event())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(writer.path.stat().st_mode) == 0o600


def test_secrets_are_taken_out_before_the_disk(tmp_path: Path, event: MakeEvent) -> None:
    with SpoolWriter(tmp_path) as writer:
        writer.append(event("login with password=hunter2 failed"))
    raw = writer.path.read_bytes()
    assert b"hunter2" not in raw
    assert b"password=[redacted:" in raw


def test_threads_of_one_process_share_a_writer(tmp_path: Path, event: MakeEvent) -> None:
    writer = SpoolWriter(tmp_path)

    def work() -> None:
        for _ in range(50):
            writer.append(event())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert [int(each.sequence) for each in lines(tmp_path)] == list(range(1, 201))


def test_a_full_spool_drops_new_events_and_counts_them(tmp_path: Path, event: MakeEvent) -> None:
    with SpoolWriter(tmp_path, max_bytes=2_000) as writer:
        for _ in range(20):
            writer.append(event())
        kept = len(lines(tmp_path))
        assert 0 < kept < 20
        assert writer.dropped == 20 - kept
        assert writer.path.stat().st_size <= 2_000
        os.truncate(writer.path, 0)  # as a drain makes room
        writer.append(event("after"))
    assert [each.sequence for each in lines(tmp_path)] == [str(kept + 1).zfill(12)]


def test_an_event_after_a_torn_one_stands_on_a_line_of_its_own(
    tmp_path: Path, event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    with SpoolWriter(tmp_path) as writer:
        writer.append(event("first"))
        monkeypatch.setattr(os, "write", lambda file, raw: write(file, raw[:10]))  # as a full disk does
        with pytest.raises(OSError, match="only a part"):
            writer.append(event("torn"))
        monkeypatch.undo()
        writer.append(event("last"))
    first, torn, last = writer.path.read_bytes().splitlines()
    assert len(torn) == 10
    numbers = [msgspec.json.decode(line, type=Envelope).sequence for line in (first, last)]
    assert numbers == ["000000000001", "000000000002"]


def test_a_producer_lives_until_it_is_closed(tmp_path: Path, event: MakeEvent) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append(event())
    assert producer_is_alive(tmp_path, writer.path.stem)
    writer.close()
    assert not producer_is_alive(tmp_path, writer.path.stem)


def test_a_body_that_is_too_large_is_shortened_and_still_fits_its_schema(
    tmp_path: Path, event: MakeEvent
) -> None:
    ended = AttemptEnded(
        run="run-1",
        package="WP1",
        attempt=1,
        outcome=AttemptOutcome.FINISHED,
        detail="x" * 500_000,
        claims={f"C{number}": Claim(status="fixed", note="y" * 3_000) for number in range(40)},
    )
    captured = ChangesCaptured(
        run="run-1",
        package="WP1",
        attempt=1,
        tree="t",
        commit="c",
        owned_changed=tuple(f"a/long/path/of/file_{number}.py" for number in range(20_000)),
        strays=(),
    )
    with SpoolWriter(tmp_path) as writer:
        writer.append(event(data=ended))
        writer.append(event(data=captured))
    for each, whole in zip(lines(tmp_path), (ended, captured), strict=True):
        assert len(bytes(each.data)) <= MAX_DATA_BYTES
        assert type(unwrap(each)) is type(whole)
        raw = msgspec.json.encode(whole)
        note = msgspec.json.decode(each.data)["_cut"]
        assert note == {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=400)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=30), st.dictionaries(st.text(max_size=9), inner, max_size=9)
    ),
    max_leaves=60,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=9), JSON, max_size=9), st.integers(150, 5_000))
def test_a_body_never_exceeds_its_limit_and_is_kept_whole_below_it(
    data: dict[str, object], limit: int
) -> None:
    whole = msgspec.json.encode(data)
    kept = fitted(data, limit)
    assert len(kept) <= limit
    assert (kept == whole) is (len(whole) <= limit)


def test_an_event_numbered_by_its_source_keeps_both_so_that_it_can_be_sent_again(
    tmp_path: Path, event: MakeEvent
) -> None:
    numbered = msgspec.structs.replace(event("once"), source="urn:polly:run:r1", sequence="000000000007")
    for _ in range(2):  # two processes: the second sends again what the first may not have sent
        with SpoolWriter(tmp_path) as writer:
            writer.append(numbered)
            writer.append(event("own"))
    written = lines(tmp_path)
    again = [each for each in written if each.source == "urn:polly:run:r1"]
    assert [(each.id, each.sequence) for each in again] == [(numbered.id, numbered.sequence)] * 2
    assert [each.sequence for each in written if each.source != "urn:polly:run:r1"] == ["000000000001"] * 2
