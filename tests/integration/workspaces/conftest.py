from collections.abc import Callable
from pathlib import Path

import pytest

from polly.git import Repository
from polly.settings import WorkspaceSettings
from polly.workspaces.checkout import Workspaces
from polly.workspaces.store import TreeStore


@pytest.fixture
def project(repo: Path, git: Callable[..., str]) -> Path:
    """A repository with a few files, an ignore rule, an executable and a link."""
    for name, text in {
        "src/a.py": "a = 1\n",
        "src/b.py": "b = 1\n",
        "tests/test_a.py": "import a\n",
        ".gitignore": "*.log\nbuild/\n",
        "run.sh": "#!/bin/sh\n",
    }.items():
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(text)
    (repo / "run.sh").chmod(0o755)
    (repo / "link.md").symlink_to("README.md")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "files")
    return repo


@pytest.fixture
def store(project: Path, tmp_path: Path) -> TreeStore:
    return TreeStore.create(Repository.find(project), tmp_path / "repo.git")


@pytest.fixture
def base(project: Path) -> str:
    return Repository.find(project).base_commit()


@pytest.fixture
def workspaces(project: Path, store: TreeStore, tmp_path: Path) -> Workspaces:
    return Workspaces(
        store=store, root=tmp_path / "workspaces", project_root=project, settings=WorkspaceSettings()
    )
