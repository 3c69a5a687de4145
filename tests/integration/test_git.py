"""Polly's questions to git, asked of real repositories."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.errors import RepositoryError
from polly.git import GitError, Repository

GitRunner = Callable[..., str]


def test_a_folder_below_the_top_finds_the_repository(repo: Path) -> None:
    (repo / "src" / "deep").mkdir(parents=True)
    assert Repository.find(repo / "src" / "deep").root == repo.resolve()


def test_outside_of_a_repository_the_answer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="not inside a git repository") as caught:
        Repository.find(tmp_path)
    assert "git init" in (caught.value.next_step or "")


def test_a_bare_repository_is_refused(tmp_path: Path, git: GitRunner) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(RepositoryError, match="no working tree"):
        Repository.find(tmp_path / "bare.git")


def test_a_repository_without_a_commit_has_no_base(tmp_path: Path, git: GitRunner) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    repository = Repository.find(tmp_path / "empty")
    assert repository.head().commit is None
    with pytest.raises(RepositoryError, match="no commit yet"):
        repository.base_commit()


def test_a_detached_head_has_no_branch(repo: Path, git: GitRunner) -> None:
    assert Repository.find(repo).head().branch == "main"
    git(repo, "checkout", "--quiet", "--detach")
    assert Repository.find(repo).head().branch is None


def test_a_merge_with_conflicts_is_an_operation(repo: Path, git: GitRunner) -> None:
    git(repo, "checkout", "--quiet", "-b", "other")
    (repo / "README.md").write_text("theirs\n")
    git(repo, "commit", "--quiet", "-am", "theirs")
    git(repo, "checkout", "--quiet", "main")
    (repo / "README.md").write_text("ours\n")
    git(repo, "commit", "--quiet", "-am", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "other")
    repository = Repository.find(repo)
    assert repository.operation() == "merge"
    with pytest.raises(RepositoryError, match="A merge is going on"):
        repository.refuse_during_operation("a run")


def test_dirty_paths_tell_staged_unstaged_and_untracked_apart(repo: Path, git: GitRunner) -> None:
    (repo / "staged file.txt").write_text("x")
    git(repo, "add", "staged file.txt")
    (repo / "README.md").write_text("changed\n")
    (repo / "naïve.txt").write_text("new")
    dirty = {
        each.path: (each.staged, each.unstaged, each.untracked)
        for each in Repository.find(repo).dirty_paths()
    }
    assert dirty == {
        "staged file.txt": (True, False, False),
        "README.md": (False, True, False),
        "naïve.txt": (False, False, True),
    }


def test_asking_for_dirty_paths_does_not_touch_the_index(repo: Path) -> None:
    index = repo / ".git" / "index"
    (repo / "README.md").touch()  # git status would refresh the time stamp in the index
    before = index.read_bytes()
    Repository.find(repo).dirty_paths()
    assert index.read_bytes() == before


def test_a_snapshot_reads_plain_files_of_the_commit_only(repo: Path, git: GitRunner) -> None:
    (repo / "link").symlink_to("README.md")
    (repo / "two\nlines").write_bytes(b"\x00\xff")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "more")
    (repo / "README.md").write_text("changed since\n")
    repository = Repository.find(repo)
    with repository.snapshot(repository.base_commit()) as snapshot:
        assert snapshot.paths == {"README.md", "two\nlines"}
        assert snapshot.read("README.md") == b"# A repository\n"
        assert snapshot.read("two\nlines") == b"\x00\xff"
        assert snapshot.read("link") is None
        assert snapshot.read("missing") is None
        link = snapshot.entry("link")
        assert link is not None
        assert link.mode == "120000"


def test_the_callers_git_variables_do_not_point_elsewhere(
    repo: Path, tmp_path: Path, git: GitRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "decoy")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "decoy" / ".git"))
    assert Repository.find(repo).head().commit is not None


def test_hooks_of_the_repository_are_not_started(repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch started\n")
    hook.chmod(0o755)
    repository = Repository.find(repo)
    repository.git.run("update-ref", "refs/test", repository.base_commit())
    assert not (repo / "started").exists()


def test_a_failed_command_says_what_git_said(repo: Path) -> None:
    with pytest.raises(GitError, match=r"git cat-file failed: .*Not a valid object name"):
        Repository.find(repo).git.run("cat-file", "blob", "nonsense")
