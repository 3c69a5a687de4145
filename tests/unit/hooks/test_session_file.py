"""The spool file that the hooks of one session share."""

import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.sink import session_file
from polly.sink.places import other_folders
from polly.sink.session_file import SessionFile, forget_old_sessions, is_closed, key_of
from polly.sink.spool import producer_is_alive, spool_files
from polly.sink.straggling import bring_home

EVENT = b'{"specversion":"1.0","id":"x"'


def append(folder: Path, *, session: str = "s", count: int = 1) -> None:
    with SessionFile(str(folder), session) as file:
        assert file.append([EVENT] * count)


def numbers(path: Path) -> list[int]:
    return [int(sequence) for sequence in re.findall(rb'"sequence":"(\d{12})"\}\n', path.read_bytes())]


def test_one_session_is_one_file_with_numbers_without_gaps(tmp_path: Path) -> None:
    append(tmp_path, count=3)
    append(tmp_path)
    append(tmp_path, session="other")
    first, second = sorted(spool_files(tmp_path), key=lambda path: path.stem.endswith(".other"))
    assert (numbers(first), numbers(second)) == ([1, 2, 3, 4], [1])
    sources = {msgspec.json.decode(line)["source"] for line in first.read_bytes().splitlines()}
    assert len(sources) == 1


def test_a_quiet_file_is_closed_and_the_session_goes_on_in_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(tmp_path)
    (first,) = spool_files(tmp_path)
    assert producer_is_alive(tmp_path, first.stem)
    monkeypatch.setattr(session_file, "QUIET_SECONDS", 0.0)
    assert is_closed(str(tmp_path), first.stem)
    append(tmp_path)
    assert len(spool_files(tmp_path)) == 2
    assert numbers(first) == [1]
    assert is_closed(str(tmp_path), first.stem)


def test_a_file_that_a_hook_writes_now_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_file, "QUIET_SECONDS", 0.0)
    with SessionFile(str(tmp_path), "s") as file:
        file.append([EVENT])
        (path,) = spool_files(tmp_path)
        assert not is_closed(str(tmp_path), path.stem)
    assert is_closed(str(tmp_path), path.stem)


def test_the_end_of_a_session_closes_its_file_at_once(tmp_path: Path) -> None:
    with SessionFile(str(tmp_path), "s") as file:
        file.append([EVENT])
        file.close_file()
    (path,) = spool_files(tmp_path)
    assert not producer_is_alive(tmp_path, path.stem)


def test_a_session_remembers_its_marks_in_every_file(tmp_path: Path) -> None:
    with SessionFile(str(tmp_path), "s") as file:
        file.append([EVENT])
        file.marks.append("-call")
        file.close_file()
    with SessionFile(str(tmp_path), "s") as file:
        assert file.marks == ["-call"]


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(b"", [1, 2, 3]), (b'{"half', [1, 2, 3]), (b'{"whole":1,"sequence":"000000000003"}', [1, 2, 4])],
)
def test_after_a_write_that_was_cut_off_the_next_number_follows(
    tmp_path: Path, tail: bytes, expected: list[int]
) -> None:
    append(tmp_path, count=2)
    (path,) = spool_files(tmp_path)
    with path.open("ab") as file:
        file.write(tail)
    append(tmp_path)
    found = [int(each) for each in re.findall(rb'"sequence":"(\d{12})"\}\n', path.read_bytes())]
    assert [each for each in found if each != 3 or b"whole" not in tail] == expected
    assert path.read_bytes().endswith(b"\n")


def test_a_file_that_is_large_enough_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_file, "MAX_FILE_BYTES", 300)
    for _ in range(9):
        append(tmp_path)
    assert len(spool_files(tmp_path)) > 1
    assert all(path.stat().st_size < 600 for path in spool_files(tmp_path))


def test_a_full_spool_takes_nothing_and_the_session_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_file, "MAX_SPOOL_BYTES", 0)
    for expected in (1, 2):
        with SessionFile(str(tmp_path), "s") as file:
            assert not file.append([EVENT])
            assert file.dropped == expected
    monkeypatch.undo()
    with SessionFile(str(tmp_path), "s") as file:
        assert file.dropped == 2
        assert file.append([EVENT])
        assert file.dropped == 0


def test_whoever_waits_too_long_is_told(tmp_path: Path) -> None:
    with (
        SessionFile(str(tmp_path), "s"),
        pytest.raises(TimeoutError, match="held"),
        SessionFile(str(tmp_path), "s", wait_seconds=0.0),
    ):
        pass


def test_what_is_kept_of_old_sessions_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path, session="open")
    with SessionFile(str(tmp_path), "over") as file:
        file.append([EVENT])
        file.close_file()
    forget_old_sessions(str(tmp_path))
    assert (tmp_path / "over.session").exists()
    monkeypatch.setattr(session_file, "_FORGET_SECONDS", -1.0)
    forget_old_sessions(str(tmp_path))
    assert not (tmp_path / "over.session").exists()
    assert (tmp_path / "open.session").exists()


def test_a_state_file_that_is_spoilt_costs_nothing_but_a_new_file(tmp_path: Path) -> None:
    append(tmp_path)
    (tmp_path / "s.session").write_bytes(b"\xff\x00 nonsense")
    append(tmp_path)
    assert [numbers(path) for path in spool_files(tmp_path)] == [[1], [1]]


@given(st.text(max_size=90))
def test_any_session_id_is_a_name_of_a_file(session: str) -> None:
    key = key_of(session)
    assert re.fullmatch(r"[a-z0-9-]{1,64}", key)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_events_that_were_written_elsewhere_are_brought_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLLY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(session_file, "QUIET_SECONDS", 0.0)
    (elsewhere, _) = other_folders(dict(os.environ), str(tmp_path))
    append(Path(elsewhere), count=2)
    (path,) = spool_files(Path(elsewhere))
    bring_home(tmp_path / "another spool")
    assert path.exists()
    home = tmp_path / "home" / "spool"
    bring_home(home)
    assert [numbers(each) for each in spool_files(home)] == [[1, 2]]
    assert spool_files(Path(elsewhere)) == []
