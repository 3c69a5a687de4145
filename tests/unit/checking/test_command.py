"""`polly check` as a person or program meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "polly", "check", *args],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "status"), [("see `analyze.py`", 0), ("see `nope.py`", 1), ("tests pass", 0)]
)
def test_the_exit_code_says_whether_a_claim_does_not_hold(
    crossed: tuple[Path, dict[str, str]], tmp_path: Path, text: str, status: int
) -> None:
    (tmp_path / "report.md").write_text(text, encoding="utf-8")
    done = run("report.md", "--repo", str(crossed[0]), "--format", "json", cwd=tmp_path)
    assert done.returncode == status
    assert json.loads(done.stdout)["check_version"] == 1


def test_what_steers_a_terminal_is_shown_and_not_obeyed(
    crossed: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "report.md").write_text("all tests \x1b[2J pass \u202e`nope.py`\n", encoding="utf-8")
    done = run("report.md", "--repo", str(crossed[0]), cwd=tmp_path)
    assert "\\x1b[2J" in done.stdout
    assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)


def test_bad_input_is_refused_with_the_next_step(
    crossed: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_text('{"runs": []}', encoding="utf-8")
    for name, words in (("nothing.md", "There is no file"), ("x.json", "no plan to check")):
        done = run(name, "--repo", str(crossed[0]), cwd=tmp_path)
        assert (done.returncode, words in done.stderr) == (2, True)
    done = run("x.json", cwd=tmp_path)
    assert (done.returncode, "not inside a git repository" in done.stderr) == (2, True)
