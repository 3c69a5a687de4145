"""Reports that real linters write here and now: what the descriptions say is what the tools do."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.work.issues import Inventory

Take = Callable[..., Inventory]

CODE = "import os\n\n\ndef f(x: int) -> int:\n    assert x\n    return undefined + x\n\n\nf('a')\n"


@pytest.fixture(scope="module")
def code(root: Path) -> Path:
    file = root / "code.py"
    file.write_text(CODE, encoding="utf-8")
    return file


def report_of(code: Path, *command: str) -> bytes:
    program = [sys.executable, "-m", *command, code.name]
    done = subprocess.run(program, cwd=code.parent, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def told(take: Take, report: bytes) -> set[str]:
    inventory = take({"report.json": report}, {"code.py": CODE})
    assert [warning.code for warning in inventory.warnings] == []
    return {f"{issue.source.rule} {issue.locations[0]} {issue.severity}" for issue in inventory.issues}


@pytest.mark.parametrize("style", ["json", "json-lines", "rdjson", "sarif"])
def test_ruff_says_the_same_in_every_format(take: Take, code: Path, style: str) -> None:
    rules = "--select=F,S101"
    report = report_of(code, "ruff", "check", "--isolated", "--no-cache", rules, "--output-format", style)

    places = {line.rpartition(" ")[0] for line in told(take, report)}

    assert places == {"F401 code.py:1", "S101 code.py:5", "F821 code.py:6"}


def test_ruff_s_report_for_gitlab(take: Take, code: Path) -> None:
    report = report_of(
        code, "ruff", "check", "--isolated", "--no-cache", "--select=F401", "--output-format=gitlab"
    )

    assert {line.split()[1] for line in told(take, report)} == {"code.py:1"}


def test_bandit(take: Take, code: Path) -> None:
    assert told(take, report_of(code, "bandit", "-q", "-f", "json")) == {"B101 code.py:5 nitpick"}


def test_mypy(take: Take, code: Path, tmp_path: Path) -> None:
    report = report_of(code, "mypy", "--output=json", f"--cache-dir={tmp_path}", "--config-file=")

    assert told(take, report) == {"name-defined code.py:6 major", "arg-type code.py:9 major"}
