"""undo takes Polly's commits back: the branch moves back where it can, else there is a revert commit each."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polly import landing
from polly.errors import RepositoryError
from polly.landing import How

from .conftest import FILES, Scene, everything, files_of

Git = Callable[..., str]


def _status(scene: Scene, git: Git) -> str:
    return git(scene.root, "status", "--porcelain=v1", "-uall")


def test_the_newest_commits_go_by_moving_the_branch_back(scene: Scene, git: Git) -> None:
    files = files_of(scene.root, git_folder=False)
    landed = landing.commit(scene.prepare())
    undone = landing.undo(scene.repository, [each.commit for each in landed])
    assert undone == landing.Undone(how=How.RESET, new_head=scene.base, reverts={})
    assert files_of(scene.root, git_folder=False) == files
    assert _status(scene, git) == ""


def test_only_the_last_of_two_can_go_and_then_land_again(scene: Scene, git: Git) -> None:
    one, two = landing.commit(scene.prepare())
    assert landing.undo(scene.repository, [two.commit]).new_head == one.commit
    assert (scene.root / "other.txt").read_bytes() == FILES["other.txt"]
    landing.commit(scene.prepare("WP2"))
    assert (scene.root / "other.txt").read_bytes() == b"better\n"


def test_unrelated_changes_stay_when_the_branch_moves_back(scene: Scene, git: Git) -> None:
    (scene.root / "third.txt").write_text("staged\n")
    git(scene.root, "add", "third.txt")
    (scene.root / "src/b.py").write_text("unstaged\n")
    before = _status(scene, git)
    landed = landing.commit(scene.prepare())
    landing.undo(scene.repository, [each.commit for each in landed])
    assert _status(scene, git) == before


def test_an_older_commit_goes_by_a_revert_commit(scene: Scene, git: Git) -> None:
    one, two = landing.commit(scene.prepare())
    undone = landing.undo(scene.repository, [one.commit])
    assert undone.how is How.REVERT
    assert undone.reverts == {one.commit: undone.new_head}
    assert git(scene.root, "log", "-1", "--format=%s") == "revert(WP1): Repair WP1"
    assert git(scene.root, "rev-parse", "HEAD~1") == two.commit
    assert (scene.root / "src/gone.py").exists()
    assert not (scene.root / "new").exists()
    assert (scene.root / "other.txt").read_bytes() == b"better\n"
    assert _status(scene, git) == ""


def test_a_pushed_commit_is_reverted_not_removed(scene: Scene, git: Git, tmp_path: Path) -> None:
    (landed,) = landing.commit(scene.prepare("WP2"))
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(scene.root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(scene.root, "push", "--quiet", "-u", "origin", "main")
    undone = landing.undo(scene.repository, [landed.commit])
    assert undone.how is How.REVERT
    assert git(scene.root, "merge-base", "--is-ancestor", landed.commit, "HEAD") == ""
    assert (scene.root / "other.txt").read_bytes() == FILES["other.txt"]


def test_both_are_reverted_after_further_commits(scene: Scene, git: Git) -> None:
    landed = landing.commit(scene.prepare())
    (scene.root / "third.txt").write_text("later\n")
    git(scene.root, "commit", "--quiet", "-am", "later")
    undone = landing.undo(scene.repository, [each.commit for each in landed])
    assert list(undone.reverts) == [landed[1].commit, landed[0].commit]
    assert git(scene.root, "diff", "--name-only", scene.base, "HEAD") == "third.txt"
    assert _status(scene, git) == ""


def test_later_changes_of_other_lines_stay(scene: Scene, git: Git) -> None:
    (landed,) = landing.commit(scene.prepare("WP1"))
    file = scene.root / "src/a.py"
    file.write_bytes(b"first\n" + file.read_bytes())
    git(scene.root, "commit", "--quiet", "-am", "later")
    landing.undo(scene.repository, [landed.commit])
    assert file.read_bytes() == b"first\n" + FILES["src/a.py"]


def test_later_changes_of_the_same_lines_are_named_and_nothing_changes(scene: Scene, git: Git) -> None:
    (landed,) = landing.commit(scene.prepare("WP2"))
    (scene.root / "other.txt").write_text("best\n")
    git(scene.root, "commit", "--quiet", "-am", "later")
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match=r"WP2 .* cannot be taken back.*other\.txt") as error:
        landing.undo(scene.repository, [landed.commit])
    assert f"git revert {landed.commit[:12]}" in str(error.value.next_step)
    assert everything(scene.root) == before


@pytest.mark.parametrize("how", list(How))
def test_a_touched_path_with_work_of_the_user_is_named_and_nothing_changes(
    scene: Scene, git: Git, how: How
) -> None:
    (landed,) = landing.commit(scene.prepare("WP2"))
    if how is How.REVERT:
        git(scene.root, "commit", "--quiet", "--allow-empty", "-m", "later")
    (scene.root / "other.txt").write_text("mine\n")
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match=r"other\.txt has changes that are not committed"):
        landing.undo(scene.repository, [landed.commit])
    assert everything(scene.root) == before


def test_a_commit_of_somebody_else_is_not_taken_back(scene: Scene) -> None:
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match="not a commit of Polly's") as error:
        landing.undo(scene.repository, [scene.base])
    assert "git revert" in str(error.value.next_step)
    with pytest.raises(RepositoryError, match="no commit of Polly's"):
        landing.undo(scene.repository, [])
    with pytest.raises(RepositoryError, match="no commit 'nowhere'"):
        landing.undo(scene.repository, ["nowhere"])
    assert everything(scene.root) == before


def test_a_commit_on_another_branch_is_not_taken_back(scene: Scene, git: Git) -> None:
    git(scene.root, "switch", "--quiet", "-c", "side")
    (landed,) = landing.commit(scene.prepare("WP2"))
    git(scene.root, "switch", "--quiet", "main")
    with pytest.raises(RepositoryError, match="not on the current branch"):
        landing.undo(scene.repository, [landed.commit])
    git(scene.root, "switch", "--quiet", "--detach", "side")
    with pytest.raises(RepositoryError, match="HEAD is detached"):
        landing.undo(scene.repository, [landed.commit])
