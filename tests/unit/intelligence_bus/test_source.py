"""Only files inside of the root are read."""

import os
from pathlib import Path

import pytest

from polly.intelligence.analysis import AnalysisError, FailureCode
from polly.intelligence.bus.source import MAX_CONTENT_BYTES, check_size, inner_path, read_inside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "a.py").write_text("ä = 1\n", encoding="utf-8")
    (tmp_path / "secret.py").write_text("secret", encoding="utf-8")
    (tmp_path / "root-of-others").mkdir()
    (tmp_path / "root-of-others" / "b.py").write_text("secret", encoding="utf-8")
    return root


def code(root: Path, name: str) -> FailureCode:
    with pytest.raises(AnalysisError) as refused:
        read_inside(root, name)
    assert "secret" not in refused.value.what or "secret" in name
    return refused.value.code


def test_a_file_inside_is_read_by_any_name_that_leads_to_it(root: Path) -> None:
    (root / "link.py").symlink_to(root / "inner" / "a.py")
    names = ("inner/a.py", "inner/../inner/a.py", str(root / "inner" / "a.py"), "link.py")
    assert {read_inside(root, name) for name in names} == {"ä = 1\n"}


def test_nothing_outside_is_read_or_told_apart_from_nothing(root: Path) -> None:
    (root / "out.py").symlink_to(root.parent / "secret.py")
    (root / "outer").symlink_to(root.parent, target_is_directory=True)
    names = (
        "../secret.py",
        str(root.parent / "secret.py"),
        "out.py",
        "outer/secret.py",
        "inner/../../secret.py",
        "../root-of-others/b.py",
        "/etc/passwd",
        "nowhere.py",
    )
    assert {code(root, name) for name in names} == {FailureCode.FILE_NOT_FOUND}


def test_what_is_no_text_file_is_refused(root: Path) -> None:
    (root / "binary.py").write_bytes(b"\xff\x00")
    (root / "large.py").write_bytes(b"x" * (MAX_CONTENT_BYTES + 1))
    (root / "loop.py").symlink_to(root / "loop.py")
    assert code(root, "binary.py") is FailureCode.BINARY
    assert code(root, "large.py") is FailureCode.TOO_LARGE
    assert code(root, "inner") is FailureCode.NOT_A_FILE
    assert code(root, "") is FailureCode.NOT_A_FILE
    assert code(root, "loop.py") is FailureCode.NOT_READABLE
    assert code(root, "nul\0.py") is FailureCode.NOT_READABLE
    assert code(root, "x" * 5000) is FailureCode.NOT_READABLE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hold_the_server(root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    assert code(root, "pipe.py") is FailureCode.NOT_A_FILE


def test_a_source_that_came_with_the_question_has_the_same_limit() -> None:
    check_size("a.py", "x" * MAX_CONTENT_BYTES)
    with pytest.raises(AnalysisError, match="at most"):
        check_size("a.py", "x" * (MAX_CONTENT_BYTES + 1))


def test_a_folder_of_rules_has_to_lie_inside_too(root: Path) -> None:
    assert inner_path(root, "inner") == (root / "inner").resolve()
    with pytest.raises(AnalysisError):
        inner_path(root, "..")
