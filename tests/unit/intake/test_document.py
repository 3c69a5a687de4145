import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from polly.errors import InputError
from polly.intake import document
from polly.intake.document import load, parse, unpack


def refusal(action: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as refused:
        action()
    assert refused.value.next_step
    return refused.value


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(lambda: load(tmp_path / "no.sarif", name="no.sarif")).what == "There is no file no.sarif."


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert refusal(lambda: load(tmp_path, name="reports")).what == "reports is a directory."


@pytest.mark.parametrize("content", [b"", b"  \n\t", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "empty.sarif").write_bytes(content)
    assert refusal(lambda: load(tmp_path / "empty.sarif", name="empty.sarif")).what == "empty.sarif is empty."


def test_a_path_that_no_system_can_open_is_refused() -> None:
    assert "cannot be read" in refusal(lambda: load("a\0b", name="a?b")).what


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.write_text("{}")
    file.chmod(0)
    assert "cannot be read" in refusal(lambda: load(file, name="secret.json")).what


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,\n "b": }', "line 2, column 7"),
        ('{"a": [1, 2}', "line 1, column 12"),
        ("[1,\n2,\n", "line 3, column 1"),
        ("not json at all", "line 1, column 1"),
    ],
)
def test_text_that_is_not_json_is_refused_with_line_and_column(text: str, place: str) -> None:
    assert place in refusal(lambda: parse(text.encode(), "report.json")).what


def test_json_documents_that_follow_each_other_are_kept_apart() -> None:
    document = parse(b' {"a": 1}\n[2][ ]\n', "x.json")
    assert [bytes(each) for each in document.several or ()] == [b'{"a": 1}', b"[2]", b"[ ]"]


def test_a_fault_in_a_later_document_is_placed() -> None:
    assert "document 2, is not JSON" in refusal(lambda: parse(b'{"a": 1}\n{"a": }\n', "x.json")).what


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"runs": ' + "[" * 100_000])
def test_json_that_is_nested_too_deeply_is_refused(text: str) -> None:
    assert "nested too deeply" in refusal(lambda: parse(text.encode(), "deep.json")).what


def test_a_source_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_SOURCE_BYTES", 10)
    (tmp_path / "big.md").write_text("x" * 11)
    assert "larger than" in refusal(lambda: load(tmp_path / "big.md", name="big.md")).what


def test_a_packed_source_is_unpacked_and_judged_by_its_inner_name() -> None:
    packed = gzip.compress(b'{"version": "2.1.0"}')
    assert parse(packed, "report.sarif.gz").object_members is not None
    assert not parse(gzip.compress(b"[badge](x)"), "list.md.gz").is_json


def test_unpacking_is_bounded() -> None:
    packed = gzip.compress(b"0123456789" * 1000)
    assert unpack(packed, "x.gz", limit=10_000) == b"0123456789" * 1000
    assert "unpacks to more than" in refusal(lambda: unpack(packed, "x.gz", limit=9_999)).what


def test_data_that_unpacks_to_far_more_than_its_size_is_refused() -> None:
    bomb = gzip.compress(b"\0" * (20 << 20))
    assert "far more than its packed size" in refusal(lambda: unpack(bomb, "bomb.gz")).what


@pytest.mark.parametrize("damage", [slice(None, -4), slice(None, 12)])
def test_a_damaged_packed_source_is_refused(damage: slice) -> None:
    assert "not a whole gzip file" in refusal(lambda: parse(gzip.compress(b"x" * 999)[damage], "x.gz")).what


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"runs": []}')))
    assert load("-", name="standard input").object_members is not None


def test_empty_standard_input_and_a_terminal_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert refusal(lambda: load("-", name="standard input")).what == "Standard input is empty."
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    assert "terminal" in refusal(lambda: load("-", name="standard input")).what


def test_lone_surrogates_and_not_a_number_do_not_cost_the_report() -> None:
    read = parse(b'{"a": "\\ud800", "b": NaN, "runs": []}', "x.sarif")
    assert read.object_members is not None
    assert "runs" in read.object_members


@pytest.mark.parametrize("name", ["out.txt", "out.log", "notes.md", "out", "out.dat"])
@pytest.mark.parametrize("text", ['{"a": 1}', '[{"a": 1}]', '{"a": 1}\n{"a": 2}', " [] "])
def test_json_is_json_whatever_its_file_is_called(name: str, text: str) -> None:
    assert parse(text.encode(), name).is_json


@pytest.mark.parametrize("name", ["notes.md", "notes.txt", "standard input"])
@pytest.mark.parametrize(
    "text", ["[link](x) and more", "[ ] to do", "[[wiki]] page", "{curly} words", "[1] one"]
)
def test_text_that_begins_with_a_bracket_is_text(name: str, text: str) -> None:
    assert not parse(text.encode(), name).is_json


@pytest.mark.parametrize(
    ("name", "text"), [("r.txt", '[{"a": 1}, {"b'), ("r", '{"a": '), ("r.json", "[link](x)")]
)
def test_json_with_a_fault_is_refused_in_a_misnamed_file_too(name: str, text: str) -> None:
    assert f"{name} is not JSON" in refusal(lambda: parse(text.encode(), name)).what
