"""Lines are read as they come: whole, bounded, and broken ones are counted."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from polly.execution.agents import log_lines
from polly.execution.agents.listening import Fact, Noticed, Said
from polly.execution.agents.log_lines import LogLines, LogListener, json_record


class _Record(msgspec.Struct):
    name: str


class _Reader:
    def line(self, line: bytes, seen_at: float) -> Iterable[Fact]:
        record = json_record(line, _Record)
        return [Noticed(key=record.name, name=record.name)] if record else []

    def said(self) -> Said:
        return Said(finished=True)


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line and b"\r" not in line)))
def test_however_a_file_grows_each_line_comes_once_and_whole(
    tmp_path_factory: object, lines: list[bytes]
) -> None:
    file = tmp_path_factory.mktemp("log") / "log.txt"  # type: ignore[attr-defined]
    data = b"\n".join(lines)
    reader = LogLines(file)
    seen: list[bytes] = []
    with file.open("wb") as writing:
        for start in range(0, len(data), 7):
            writing.write(data[start : start + 7])
            writing.flush()
            seen += reader.new()
    seen += reader.new(to_end=True)
    assert seen == (lines[:-1] if lines and lines[-1] == b"" else lines)


def test_a_line_without_end_is_passed_over_and_what_follows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(b"a\n" + b"x" * (log_lines.MAX_LINE_BYTES + log_lines.PIECE_BYTES + 5) + b"\nb\n")
    reader = LogLines(file)
    assert list(reader.new(to_end=True)) == [b"a", b"b"]
    assert reader.too_long == 1


def test_a_broken_line_is_counted_and_costs_no_other(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    deep = b'{"name": ' + b"[" * 100_000
    log.write_bytes(b'{"name": "a"}\n{"name": \nfor people\n{"name": 3}\n' + deep + b'\n{"name": "b"}')
    listener = LogListener(log, _Reader())
    assert [fact.name for fact in listener.read(to_end=True) if isinstance(fact, Noticed)] == ["a", "b"]
    assert listener.said() == Said(finished=True, figures={"broken_lines": 3})


def test_a_log_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    listener = LogListener(tmp_path / "none.txt", _Reader())
    assert listener.read() == []
    assert listener.read(to_end=True) == []
