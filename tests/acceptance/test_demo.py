"""`polly demo`: the whole main job on a sample project, for someone who has nothing at hand yet."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import Git, Polly, is_refused


def test_everything_is_fixed_and_proved_and_every_next_command_works(
    tmp_path: Path, polly: Polly, git: Git
) -> None:
    done = polly("demo", tmp_path / "a demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" ready ") == 7
    assert "14 of 14 issues proved fixed" in done.stderr

    root = tmp_path / "a demo" / "service"
    report = json.loads(polly("report", "--format", "json", cwd=root).stdout)
    assert [issue["verdict"] for issue in report["issues"]] == ["fixed"] * 14
    assert all(
        any(each["kind"] == "check" and each["status"] == "fixed" for each in issue["evidence"])
        for issue in report["issues"]
    )
    assert [gate["status"] for gate in report["gates"]] == ["passed"]
    for package in report["packages"]:
        assert {"passed"} == {gate["status"] for gate in package["gates"]}
        assert any(not gate["name"].startswith("syntax") for gate in package["gates"])

    change, *commands = [line.strip() for line in done.stderr.split("Next:\n")[1].splitlines()]
    assert shlex.split(change) == ["cd", str(root)]
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "polly"
        typed = polly(*words, cwd=root)
        assert typed.returncode == 0, (command, typed.stderr)
    assert git(root, "rev-list", "--count", "HEAD") == "8"
    left = polly("report", cwd=root).stdout.split("## What is left\n")[1].split("##")[0]
    assert left.strip() == "Nothing: every issue is fixed with evidence, and committed."


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path, polly: Polly) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    assert is_refused(polly("demo", tmp_path / "mine"), "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="a folder of Windows can be written whatever its mode")
def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, without_override: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    assert is_refused(without_override("demo", tmp_path / "locked" / "demo"), "locked")
