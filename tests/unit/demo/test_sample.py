"""What `create_sample` leaves behind, and what it refuses."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import polly
from polly.demo import scanner
from polly.demo.sample import Sample, create_sample, issue_ids, polly_toml
from polly.errors import InputError, ToolError
from polly.settings import load_settings

ISSUES = ("C1", "C2", "C3", "C4", "M6", "M7", "M8", "N1", "N3", "N4", "N5", "N9", "N10", "N14")


def test_the_sample_is_a_clean_repository_with_one_commit_of_nobody(
    sample: Sample, git: Callable[..., str]
) -> None:
    assert git(sample.root, "status", "--porcelain", "--ignored") == ""
    assert git(sample.root, "log", "--all", "--format=%D %an <%ae> %cn <%ce>") == (
        "HEAD -> main Polly demo <demo@polly.invalid> Polly demo <demo@polly.invalid>"
    )


def test_the_papers_lie_beside_the_repository(sample: Sample) -> None:
    folder = sample.root.parent
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "findings.sarif", "patches", "review.md", "service",
    ]  # fmt: skip
    assert {file.name for file in sample.patches.iterdir()} == {f"{issue}.patch" for issue in ISSUES}


def test_the_issues_are_listed_worst_first() -> None:
    assert issue_ids() == ISSUES


def test_the_variables_and_ignore_file_of_the_user_do_not_reach_the_sample(
    tmp_path: Path, repo: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ignore = tmp_path / "ignore"
    ignore.write_text("*.sql\nhooks/\n.gitattributes\n", encoding="utf-8")
    configuration = tmp_path / "gitconfig"
    configuration.write_text(
        f"[core]\n\texcludesFile = {ignore.as_posix()}\n[commit]\n\tgpgsign = true\n", encoding="utf-8"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
    before = git(repo, "log", "--all", "--format=%H")

    root = create_sample(tmp_path / "new").root

    monkeypatch.delenv("GIT_DIR")
    committed = git(root, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert {"sql/migrations/001_project_context.sql", "hooks/user_prompt_submit.sh"} <= set(committed)
    assert git(repo, "log", "--all", "--format=%H") == before


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    assert create_sample(tmp_path).root.is_dir()


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    with pytest.raises(InputError, match="is not empty") as refused:
        create_sample(tmp_path)
    assert refused.value.next_step
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious", encoding="utf-8")
    with pytest.raises(InputError, match="is not a folder"):
        create_sample(file)
    with pytest.raises(InputError, match="cannot be written"):
        create_sample(file / "below")
    assert file.read_text(encoding="utf-8") == "precious"


def test_without_git_the_reason_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="git was not found"):
        create_sample(tmp_path / "new")


def test_polly_understands_the_settings_of_the_sample(sample: Sample) -> None:
    settings = load_settings(sample.root)
    assert [issue for check in settings.checks for issue in check.issues] == list(ISSUES)
    assert all(check.command[0] == sys.executable for check in settings.checks)
    assert set(settings.rescan) == ({"ruff"} if sample.has_scanner else set())
    assert settings.plan.contracts
    delays = settings.agents["patch"]["delay_seconds"]
    assert set(delays) <= set(ISSUES)
    assert len(delays) == 7


@pytest.mark.parametrize("python", [r"C:\Program Files\Python\python.exe", '/opt/a "b"/$c/😀/python'])
def test_the_path_of_the_interpreter_survives_in_the_settings(python: str) -> None:
    settings = tomllib.loads(polly_toml(python, None))
    assert settings["checks"][0]["command"][0] == python
    assert settings["gates"]["post"][0]["command"][0] == python
    assert "rescan" not in settings


def test_the_scan_is_what_the_scanner_says_now(sample: Sample) -> None:
    found = scanner.find_scanner()
    if found is None:
        pytest.skip("ruff is not installed")
    # When ruff or the sample has changed: `python -m polly.demo.scanner` writes the file again.
    assert sample.findings.read_text(encoding="utf-8") == scanner.scan(found, sample.root)


def test_the_scan_names_no_place_of_the_machine_that_made_it(sample: Sample) -> None:
    document = json.loads(sample.findings.read_text(encoding="utf-8"))
    for result in document["runs"][0]["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert (sample.root / uri).is_file()
        assert not Path(uri).is_absolute()


def test_a_scanner_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="could not scan"):
        scanner.scan((sys.executable, "-c", "raise SystemExit('no such rule')"), tmp_path)


def test_the_sample_can_be_made_from_a_packed_installation(tmp_path: Path) -> None:
    package = Path(polly.__file__).parent
    archive = tmp_path / "polly.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in package.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                packed.write(file, Path("polly") / file.relative_to(package))
    code = (
        "import sys, pathlib; from polly.demo.sample import create_sample as new; new(pathlib.Path('made'))"
    )

    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(archive)}, check=True
    )

    made = tmp_path / "made"
    shutil.rmtree(made / "service" / ".git")
    names = {file.relative_to(made).as_posix() for file in made.rglob("*") if file.is_file()}
    assert {"review.md", "patches/C1.patch", "service/polly.toml", "service/.gitattributes"} <= names
    assert not [name for name in names if "__pycache__" in name]
