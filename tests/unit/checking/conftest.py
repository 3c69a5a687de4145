"""A repository in which the commits of two packages crossed, and checks of documents given as text."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from polly.checking.check import check
from polly.checking.claims import Check, Claim
from polly.git import Repository


class Crossed(NamedTuple):
    """The repository, and its commits by the package that their subject names."""

    root: Path
    commits: dict[str, str]


COMMITS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("", "start", {}),
    ("WP1", "fix(WP1): temp folder by platform", {"lib/logger.py": "import tempfile\n"}),
    ("WP3", "fix(WP3): private attribute", {"tests/test_client.py": "x\n"}),
    ("WP7", "fix(WP7): parse flags", {"cli/flags.py": "y\n", "analyze.py": "z\n"}),
    ("WP6", "fix(WP6): enum and time", {"consumers/test_wp2_fixes.py": "1\n"}),
)
FILES = ("lib/logger.py", "tests/test_client.py", "cli/flags.py", "analyze.py", "consumers/consumer.py")


@pytest.fixture(scope="session")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Crossed:
    root = tmp_path_factory.mktemp("crossed")
    _git(root, "init", "--quiet")
    for path in FILES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("line\n" * 40, encoding="utf-8")
    commits = {}
    for minute, (package, subject, added) in enumerate(COMMITS):
        for path, text in added.items():
            with (root / path).open("a", encoding="utf-8") as file:
                file.write(text)
        _git(root, "add", "--all")
        _git(root, "commit", "--quiet", "-m", subject, at=f"2025-10-25T08:{minute:02}:00+00:00")
        commits[package] = _git(root, "rev-parse", "--short=7", "HEAD")
    return Crossed(root, commits)


def _git(folder: Path, *args: str, at: str = "2025-10-25T08:00:00+00:00") -> str:
    environment = {**os.environ, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    done = subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, env=environment)
    return done.stdout.decode("utf-8").strip()


@pytest.fixture
def checked(crossed: Crossed, tmp_path: Path) -> Callable[..., Check]:
    """The check of a document; `{WP1}` in it stands for the commit of WP1."""

    def run(text: str, name: str = "summary.md") -> Check:
        for package, commit in crossed.commits.items():
            text = text.replace("{" + package + "}", commit)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return check(tmp_path / name, Repository.find(crossed.root))

    return run


@pytest.fixture
def claims(checked: Callable[..., Check]) -> Callable[..., list[Claim]]:
    """The claims of a document that are of one kind."""

    def run(text: str, kind: str, name: str = "summary.md") -> list[Claim]:
        return [claim for claim in checked(text, name).claims if claim.kind == kind]

    return run
