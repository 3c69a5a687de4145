"""What an agent finds before it, and what is taken from it afterwards."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.execution.agents.base import Assignment, prepare_files, read_claims, read_result, result_file
from polly.work.run import Claim

Assign = Callable[..., Assignment]


def _result_file(folder: Path) -> Path:
    file = result_file(folder)
    file.parent.mkdir(exist_ok=True)
    return file


def test_every_variable_leads_to_what_it_names(assign: Assign) -> None:
    assignment = assign("C1", "C2", attempt=2, feedback="the gate `tests` failed")
    variables = prepare_files(assignment)
    assert variables["POLLY_RUN_ID"] == "run-1"
    assert variables["POLLY_PACKAGE_ID"] == "WP1"
    assert variables["POLLY_ATTEMPT"] == "2"
    assert variables["POLLY_ROLE"] == "code-quality-specialist"
    assert Path(variables["POLLY_OWNED_FILES"]).read_text() == "greeting.txt\ntests/test_*.py\n"
    issues = json.loads(Path(variables["POLLY_ISSUES_FILE"]).read_text())
    assert [issue["id"] for issue in issues["issues"]] == ["C1", "C2"]
    assert issues["issues"][0]["locations"] == [{"path": "greeting.txt", "start_line": 1, "end_line": None}]
    assert Path(variables["POLLY_FEEDBACK_FILE"]).read_text() == "the gate `tests` failed"
    assert Path(variables["POLLY_RESULT_FILE"]).parent.parent == assignment.folder
    requests = Path(variables["POLLY_REQUESTS"])
    assert list(Path(variables["POLLY_RESULT_FILE"]).parent.iterdir()) == [requests]
    assert list(requests.iterdir()) == []
    assert variables["POLLY_WORKSPACE"] == str(assignment.workspace)
    assert "# WP1: 2 issues, 1 file" in Path(variables["POLLY_PROMPT_FILE"]).read_text()


def test_a_first_attempt_has_no_feedback(assign: Assign) -> None:
    assignment = assign("C1")
    assert "POLLY_FEEDBACK_FILE" not in prepare_files(assignment)
    assert not (assignment.folder / "feedback.md").exists()


def test_no_path_becomes_two_lines_of_the_owned_files(assign: Assign) -> None:
    import msgspec

    assignment = assign("C1")
    files = msgspec.structs.replace(assignment.package.files, modify=("a\nb.txt", "c.txt"), create=())
    package = msgspec.structs.replace(assignment.package, files=files)
    variables = prepare_files(assign("C1", package=package))
    assert Path(variables["POLLY_OWNED_FILES"]).read_text() == "c.txt\n"


def test_claims_are_read_by_issue(tmp_path: Path) -> None:
    said = {
        "issues": {"C1": {"status": "fixed", "note": "renamed"}, "C2": {"status": "declined"}, "C3": "fixed"}
    }
    _result_file(tmp_path).write_text(json.dumps(said))
    assert read_claims(tmp_path) == {
        "C1": Claim(status="fixed", note="renamed"),
        "C2": Claim(status="declined"),
        "C3": Claim(status="fixed"),
    }


def test_an_agent_that_says_nothing_claims_nothing(tmp_path: Path) -> None:
    result = read_result(tmp_path)
    assert (result.claims, result.note) == ({}, "")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("", "is not JSON"),
        ("{not json", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "does not look like"),
        ('{"issues": ["C1"]}', "does not look like"),
        ('{"issues": {"C1": {"status": 1}}}', "1 claims without a status were left out"),
        ('{"issues": {"C1": null, "C2": {"status": " "}}}', "2 claims without a status were left out"),
        (" " * 1_000_001, "is longer than 1000000 bytes"),
    ],
)
def test_garbage_claims_nothing_and_is_noted(tmp_path: Path, text: str, note: str) -> None:
    _result_file(tmp_path).write_text(text)
    result = read_result(tmp_path)
    assert result.claims == {}
    assert note in result.note


def test_bytes_that_are_no_text_are_noted(tmp_path: Path) -> None:
    _result_file(tmp_path).write_bytes(b"\xff\xfe\x00{")
    assert "is not JSON" in read_result(tmp_path).note


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes and links")
def test_a_result_that_is_no_plain_file_is_not_waited_for_or_followed(tmp_path: Path) -> None:
    os.mkfifo(_result_file(tmp_path))
    assert "not a plain file" in read_result(tmp_path).note
    _result_file(tmp_path).unlink()
    (tmp_path / "elsewhere.json").write_text('{"issues": {"C1": {"status": "fixed"}}}')
    _result_file(tmp_path).symlink_to(tmp_path / "elsewhere.json")
    assert "not a plain file" in read_result(tmp_path).note
    _result_file(tmp_path).unlink()
    _result_file(tmp_path).mkdir()
    assert "not a plain file" in read_result(tmp_path).note


def test_a_claim_of_an_earlier_attempt_does_not_count_again(assign: Assign) -> None:
    assignment = assign("C1")
    prepare_files(assignment)
    (assignment.folder / "result.json").write_text('{"issues": {"C1": {"status": "fixed"}}}')
    prepare_files(assignment)
    assert read_claims(assignment.folder) == {}
