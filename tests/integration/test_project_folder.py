"""The folder .polly as git sees it."""

import subprocess
from pathlib import Path

import pytest

from polly.pipeline.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return Project.find(tmp_path)


def _untracked(project: Project) -> list[str]:
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True)
    return sorted(line[3:] for line in listed.stdout.splitlines())


def test_git_sees_what_people_wrote_and_nothing_of_pollys_own(project: Project) -> None:
    for folder in ("runs", "spool", "linters", "patterns", "prompts", "roles"):
        (project.make_folder(folder) / "file").write_text("x\n")
    (project.folder / "plan.json").write_text("{}")
    assert _untracked(project) == [
        ".polly/linters/file",
        ".polly/patterns/file",
        ".polly/prompts/file",
        ".polly/roles/file",
    ]


def test_a_folder_made_by_an_earlier_polly_is_opened_for_what_people_write(project: Project) -> None:
    project.folder.mkdir()
    (project.folder / ".gitignore").write_text("*\n")
    (project.make_folder("roles") / "mine.yaml").write_text("name: mine\n")
    assert _untracked(project) == [".polly/roles/mine.yaml"]


def test_a_list_that_a_person_changed_stays_theirs(project: Project) -> None:
    project.folder.mkdir()
    (project.folder / ".gitignore").write_text("*\n!mine\n")
    project.make_folder("roles")
    assert (project.folder / ".gitignore").read_text() == "*\n!mine\n"
