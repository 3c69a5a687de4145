"""apply writes the packages' files and nothing else; undo_apply takes them back while they are as applied."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from polly import landing
from polly.errors import RepositoryError

from .conftest import FILES, Scene, everything, files_of

Git = Callable[..., str]
needs_links = pytest.mark.skipif(os.name == "nt", reason="makes symbolic links or mode bits")


def test_applied_files_are_uncommitted_and_git_is_untouched(scene: Scene, git: Git) -> None:
    before = files_of(scene.root, git_folder=True)
    landing.apply(scene.prepare())
    assert files_of(scene.root, git_folder=True) == before
    assert git(scene.root, "status", "--porcelain=v1", "-uall").split("\n") == [
        " M other.txt",
        " M src/a.py",
        " D src/gone.py",
        "?? new/x.py",
    ]
    assert (scene.root / "src/a.py").read_bytes().endswith(b"more\n")


def test_applying_twice_equals_once(scene: Scene) -> None:
    landing.apply(scene.prepare())
    once = everything(scene.root)
    landing.apply(scene.prepare())
    assert everything(scene.root) == once


def test_other_changes_of_the_user_stay(scene: Scene, git: Git) -> None:
    (scene.root / "third.txt").write_text("staged\n")
    git(scene.root, "add", "third.txt")
    (scene.root / "src/b.py").write_text("unstaged\n")
    (scene.root / "new").mkdir()
    (scene.root / "new/mine").write_text("untracked\n")
    before = files_of(scene.root, git_folder=True)
    landing.apply(scene.prepare())
    assert files_of(scene.root, git_folder=True) == before
    assert (scene.root / "third.txt").read_text() == "staged\n"
    assert (scene.root / "src/b.py").read_text() == "unstaged\n"
    assert (scene.root / "new/mine").read_text() == "untracked\n"


def _edit(root: Path, git: Git) -> None:
    (root / "src/a.py").write_text("mine\n")


def _stage(root: Path, git: Git) -> None:
    _edit(root, git)
    git(root, "add", "src/a.py")


def _stage_and_revert(root: Path, git: Git) -> None:
    _stage(root, git)
    (root / "src/a.py").write_bytes(FILES["src/a.py"])


def _delete(root: Path, git: Git) -> None:
    (root / "src/a.py").unlink()


def _untracked(root: Path, git: Git) -> None:
    (root / "new").mkdir()
    (root / "new/x.py").write_text("mine\n")


def _ignored(root: Path, git: Git) -> None:
    _untracked(root, git)
    with (root / ".git/info/exclude").open("a") as file:
        file.write("x.py\n")


def _parent_is_a_file(root: Path, git: Git) -> None:
    (root / "new").write_text("mine\n")


def _folder_in_the_way(root: Path, git: Git) -> None:
    (root / "new/x.py").mkdir(parents=True)
    (root / "new/x.py/mine").write_text("mine\n")


@pytest.mark.parametrize(
    ("disturb", "words"),
    [
        (_edit, r"src/a\.py has changes that are not committed"),
        (_stage, r"src/a\.py has other changes staged"),
        (_stage_and_revert, r"src/a\.py has other changes staged"),
        (_delete, r"src/a\.py has changes that are not committed"),
        (_untracked, r"new/x\.py is in the way and untracked"),
        (_ignored, r"new/x\.py is in the way and untracked"),
        (_parent_is_a_file, r"new/x\.py lies below what is a file"),
        (_folder_in_the_way, r"new/x\.py is in the way and untracked"),
    ],
)
@pytest.mark.parametrize("action", [landing.apply, landing.commit])
def test_a_touched_path_with_work_of_the_user_is_named_and_nothing_changes(
    scene: Scene,
    git: Git,
    disturb: Callable[[Path, Git], None],
    words: str,
    action: Callable[[landing.Landing], object],
) -> None:
    disturb(scene.root, git)
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match=words):
        action(scene.prepare())
    assert everything(scene.root) == before


@needs_links
@pytest.mark.parametrize("action", [landing.apply, landing.commit])
@pytest.mark.parametrize("folder", ["src", "new"])
def test_nothing_is_written_through_a_linked_folder(
    scene: Scene, tmp_path: Path, folder: str, action: Callable[[landing.Landing], object]
) -> None:
    outside = tmp_path / "outside"
    if (scene.root / folder).exists():
        (scene.root / folder).rename(outside)
    else:
        outside.mkdir()
    (scene.root / folder).symlink_to(outside)
    before = everything(scene.root), {file.name: file.read_bytes() for file in outside.iterdir()}
    with pytest.raises(RepositoryError, match="below a symbolic link"):
        action(scene.prepare())
    assert before == (everything(scene.root), {file.name: file.read_bytes() for file in outside.iterdir()})


@needs_links
@pytest.mark.parametrize("action", [landing.apply, landing.commit])
def test_when_writing_fails_in_the_middle_everything_is_put_back(
    scene: Scene, git: Git, action: Callable[[landing.Landing], object]
) -> None:
    scene.package("WP3", {"zz/blocked.bin": b"x\n", "aa/first.txt": b"x\n"})
    (scene.root / ".git/info/attributes").write_text("*.bin filter=broken\n")
    git(scene.root, "config", "filter.broken.smudge", "false")
    git(scene.root, "config", "filter.broken.required", "true")
    (scene.root / "third.txt").write_text("staged\n")
    git(scene.root, "add", "third.txt")
    state = git(scene.root, "status", "--porcelain=v1", "-uall"), git(scene.root, "rev-parse", "HEAD")
    files = files_of(scene.root, git_folder=False)
    with pytest.raises(RepositoryError, match="nothing was changed"):
        action(scene.prepare())
    assert files_of(scene.root, git_folder=False) == files
    assert not (scene.root / "aa").exists()
    assert state == (
        git(scene.root, "status", "--porcelain=v1", "-uall"),
        git(scene.root, "rev-parse", "HEAD"),
    )
    assert not list((scene.root / ".git").rglob("*.lock"))


@needs_links
def test_mode_bits_are_written(scene: Scene) -> None:
    scene.package("WP3", {"run.sh": (FILES["run.sh"], "100755"), "tool": (b"#!/bin/sh\n", "100755")})
    landing.apply(scene.prepare("WP3"))
    assert (scene.root / "run.sh").stat().st_mode & 0o111
    assert (scene.root / "tool").stat().st_mode & 0o111


def test_line_ends_are_those_of_the_repository(scene: Scene, git: Git) -> None:
    git(scene.root, "config", "core.autocrlf", "true")
    git(scene.root, "rm", "--quiet", "--cached", "-r", ".")
    git(scene.root, "reset", "--quiet", "--hard")
    assert (scene.root / "other.txt").read_bytes() == b"other\r\n"
    landing.apply(scene.prepare())
    assert (scene.root / "other.txt").read_bytes() == b"better\r\n"
    assert (scene.root / "new/x.py").read_bytes() == b"x\r\n"
    scene.undo_apply("WP1", "WP2")
    assert (scene.root / "other.txt").read_bytes() == b"other\r\n"
    assert git(scene.root, "status", "--porcelain=v1", "-uall") == ""


def test_attributes_that_come_with_a_package_hold_for_its_files(scene: Scene) -> None:
    scene.package("WP3", {".gitattributes": b"*.bat eol=crlf\n", "a.bat": b"echo\n"})
    landing.apply(scene.prepare("WP3"))
    assert (scene.root / "a.bat").read_bytes() == b"echo\r\n"


@pytest.mark.parametrize(
    "name", ["a file.txt", "ä/ö.txt", "-dash", ":(top)x", "a\tb", "quo'te\"s", "[ab]*.py"]
)
@pytest.mark.skipif(os.name == "nt", reason="such names do not exist there")
def test_odd_file_names_land_and_come_back(scene: Scene, git: Git, name: str) -> None:
    scene.package("WP3", {name: b"odd\n"})
    landing.apply(scene.prepare("WP3"))
    assert (scene.root / name).read_bytes() == b"odd\n"
    assert scene.undo_apply("WP3") == (name,)
    assert git(scene.root, "status", "--porcelain=v1", "-uall") == ""
    landing.commit(scene.prepare("WP3"))
    assert git(scene.root, "status", "--porcelain=v1", "-uall") == ""
    (scene.root / name).write_text("mine\n")
    with pytest.raises(RepositoryError):
        landing.undo(scene.repository, ["HEAD"])


def test_applying_needs_no_branch(scene: Scene, git: Git) -> None:
    git(scene.root, "checkout", "--quiet", "--detach")
    landing.apply(scene.prepare())
    assert (scene.root / "other.txt").read_bytes() == b"better\n"


def test_a_path_outside_a_sparse_checkout_is_not_lost_in_silence(scene: Scene, git: Git) -> None:
    git(scene.root, "sparse-checkout", "set", "new")
    with pytest.raises(RepositoryError, match="outside the sparse checkout"):
        landing.apply(scene.prepare("WP1"))
    git(scene.root, "sparse-checkout", "set", "src")
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match=r"did not write new/x\.py"):
        landing.apply(scene.prepare("WP1"))
    assert everything(scene.root) == before


def test_unresolved_conflicts_in_the_index_are_named(scene: Scene, git: Git) -> None:
    (scene.root / "third.txt").write_text("stashed\n")
    git(scene.root, "stash", "--quiet")
    (scene.root / "third.txt").write_text("committed\n")
    git(scene.root, "commit", "--quiet", "-am", "third")
    with pytest.raises(Exception, match="returned non-zero"):
        git(scene.root, "stash", "pop")
    with pytest.raises(RepositoryError, match=r"unresolved conflicts: third\.txt"):
        landing.apply(scene.prepare())


def test_undoing_an_apply_restores_the_very_state(scene: Scene) -> None:
    before = everything(scene.root)
    landing.apply(scene.prepare())
    assert scene.undo_apply("WP2", "WP1") == ("new/x.py", "other.txt", "src/a.py", "src/gone.py")
    assert everything(scene.root) == before


def test_undoing_an_apply_also_takes_it_out_of_the_index(scene: Scene, git: Git) -> None:
    landing.apply(scene.prepare())
    git(scene.root, "add", "--all")
    scene.undo_apply("WP1", "WP2")
    assert git(scene.root, "status", "--porcelain=v1", "-uall") == ""


def test_undoing_one_of_two_leaves_the_other(scene: Scene) -> None:
    landing.apply(scene.prepare())
    scene.undo_apply("WP1")
    assert (scene.root / "src/gone.py").exists()
    assert (scene.root / "other.txt").read_bytes() == b"better\n"


def test_files_changed_after_an_apply_are_named_and_kept(scene: Scene) -> None:
    landing.apply(scene.prepare())
    (scene.root / "src/a.py").write_text("mine\n")
    (scene.root / "src/gone.py").write_text("mine\n")
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match=r"Changed since it was applied: src/a\.py, src/gone\.py"):
        scene.undo_apply("WP1", "WP2")
    assert everything(scene.root) == before


def test_an_apply_that_the_user_committed_is_not_undone_in_the_files(scene: Scene, git: Git) -> None:
    landing.apply(scene.prepare("WP2"))
    git(scene.root, "commit", "--quiet", "-am", "took it over")
    with pytest.raises(RepositoryError, match="was committed or changed"):
        scene.undo_apply("WP2")
