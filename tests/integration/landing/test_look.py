"""prepare, build and diff look only, and every refusal says what, why and what to do."""

import os
from collections.abc import Callable

import pytest

from polly import landing
from polly.errors import RepositoryError, RunError
from polly.work.plan import GateCommand, Gates
from polly.work.run import Decision, GateResult, GateScope, GateStatus, PackageState, Tampering

from .conftest import FILES, Scene, everything

Git = Callable[..., str]


def test_looking_changes_nothing_at_all(scene: Scene, git: Git) -> None:
    (scene.root / "third.txt").write_text("mine\n")
    git(scene.root, "stash", "--quiet")
    (scene.root / "third.txt").write_text("mine again\n")
    (scene.root / "untracked").write_text("u\n")
    before = everything(scene.root)
    found = scene.prepare()
    tip = landing.build(found)
    landing.check_apply(found)
    landing.check_commit(found)
    landing.diff(scene.store, scene.record, "WP1")
    assert everything(scene.root) == before
    assert scene.store.tree_of(tip) == found.tree


def test_the_landing_lists_paths_trees_and_whether_the_branch_moved(scene: Scene, git: Git) -> None:
    found = scene.prepare("WP2", "WP1", "WP1")
    assert [package.package.id for package in found.packages] == ["WP1", "WP2"]
    assert found.packages[0].paths == ("new/x.py", "src/a.py", "src/gone.py")
    assert not found.moved
    assert not any(package.rebased for package in found.packages)
    git(scene.root, "commit", "--quiet", "--allow-empty", "-m", "moved")
    moved = scene.prepare()
    assert moved.moved
    assert all(package.rebased for package in moved.packages)
    assert moved.tree == found.tree


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": PackageState.RUNNING}, "not finished"),
        ({"state": PackageState.RED}, "a gate fails"),
        ({"state": PackageState.FAILED, "detail": "exit status 3\x1b[31m"}, r"exit status 3\[31m"),
        ({"state": PackageState.UNCHANGED}, "changed nothing"),
        ({"state": PackageState.DROPPED}, "combined tree red"),
        ({"decision": Decision.REJECTED}, "rejected"),
        ({"decision": Decision.COMMITTED, "landed_commit": "abc"}, "already committed as abc"),
        ({"decision": Decision.APPROVED, "approved_tree": "1234"}, "approval of WP1 is void"),
        ({"tampering": (Tampering(package="WP1", path="t.py", line=1, kind="skip"),)}, "approval of its own"),
        ({"commit": None}, "no result"),
        ({"commit": "0" * 40}, "cannot be read"),
        ({"tree": "0" * 40}, "not what its record says"),
        ({"owned_changed": ("src/a.py",)}, "not what its record says"),
    ],
)
def test_a_package_that_must_not_land_is_refused(scene: Scene, fields: dict[str, object], words: str) -> None:
    scene.set("WP1", **fields)
    before = everything(scene.root)
    with pytest.raises(RunError, match=words) as error:
        scene.prepare()
    assert "WP1" in error.value.what
    assert "\x1b" not in error.value.what
    assert everything(scene.root) == before


def test_tampering_lands_once_it_was_approved(scene: Scene) -> None:
    tampering = (Tampering(package="WP2", path="other.txt", line=1, kind="suppression"),)
    scene.set("WP2", tampering=tampering, approved_tree=scene.records["WP2"].tree, decision=Decision.APPROVED)
    assert scene.prepare("WP2").packages


def test_an_unknown_package_is_answered_with_the_known_ones(scene: Scene) -> None:
    with pytest.raises(RunError, match="no package WP9") as error:
        scene.prepare("WP9")
    assert "WP1, WP2" in str(error.value.next_step)
    with pytest.raises(RunError, match="No package was named"):
        landing.prepare(scene.repository, scene.store, scene.record, scene.plan, ())


@pytest.mark.skipif(os.name == "nt", reason="makes a link")
def test_a_link_or_a_path_that_is_not_owned_never_lands(scene: Scene) -> None:
    scene.package("WP3", {"third.txt": (b"/etc/passwd", "120000")})
    with pytest.raises(RunError, match=r"third\.txt is no plain file that it owns"):
        scene.prepare("WP3")
    scene.package("WP4", {"README.md": b"x\n"})
    owned = scene.packages[-1].files.__class__(modify=("src/b.py",))
    scene.packages[-1] = scene.packages[-1].__class__(
        **{name: getattr(scene.packages[-1], name) for name in scene.packages[-1].__struct_fields__}
        | {"files": owned}
    )
    with pytest.raises(RunError, match=r"README\.md is no plain file that it owns"):
        scene.prepare("WP4")


@pytest.mark.parametrize("marker", ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG"])
def test_nothing_lands_in_the_middle_of_something(scene: Scene, marker: str) -> None:
    found = scene.prepare()
    (scene.repository.git_dir / marker).write_text(scene.base + "\n")
    for action in (scene.prepare, lambda: landing.apply(found), lambda: landing.commit(found)):
        with pytest.raises(RepositoryError, match="is going on"):
            action()
    with pytest.raises(RepositoryError, match="is going on"):
        landing.undo(scene.repository, ["HEAD"])


def test_a_repository_without_a_commit_has_nothing_to_land_on(scene: Scene, git: Git) -> None:
    git(scene.root, "checkout", "--quiet", "--orphan", "empty")
    with pytest.raises(RepositoryError, match="no commit yet"):
        scene.prepare()


def test_a_branch_that_moved_elsewhere_is_no_hindrance(scene: Scene, git: Git) -> None:
    (scene.root / "src/b.py").write_text("b = 2\n")
    git(scene.root, "commit", "--quiet", "-am", "elsewhere")
    found = scene.prepare()
    assert not found.refused
    landing.commit(found)
    assert (scene.root / "src/b.py").read_text() == "b = 2\n"
    assert (scene.root / "other.txt").read_bytes() == b"better\n"


def test_a_package_whose_path_changed_on_the_branch_is_refused_with_the_commit(
    scene: Scene, git: Git
) -> None:
    (scene.root / "other.txt").write_text("changed\n")
    git(scene.root, "commit", "--quiet", "-am", "touch the same file")
    found = scene.prepare()
    assert [package.package.id for package in found.packages] == ["WP1"]
    (refusal,) = found.refused
    assert refusal.package == "WP2"
    assert refusal.paths == ("other.txt",)
    short = git(scene.root, "log", "-1", "--format=%h")
    assert refusal.reason == (f"other.txt was changed by {short} (touch the same file) since the run began")
    assert "--only C2" in refusal.next_step
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match=r"WP2 cannot land: other\.txt was changed"):
        scene.prepare("WP2")
    assert everything(scene.root) == before


@pytest.mark.parametrize("path", ["new/x.py", "new", "NEW/X.PY", "new/x.py/deeper"])
def test_a_new_file_is_refused_where_the_branch_has_something_now(scene: Scene, git: Git, path: str) -> None:
    (scene.root / path).parent.mkdir(parents=True, exist_ok=True)
    (scene.root / path).write_text("theirs\n")
    git(scene.root, "add", ".")
    git(scene.root, "commit", "--quiet", "-m", "theirs")
    assert [refusal.paths for refusal in scene.prepare().refused] == [("new/x.py",)]


def test_a_mode_that_changed_on_the_branch_is_a_change(scene: Scene, git: Git) -> None:
    git(scene.root, "update-index", "--chmod=+x", "other.txt")
    git(scene.root, "commit", "--quiet", "-m", "executable")
    (scene.root / "other.txt").chmod(0o755)
    assert [refusal.package for refusal in scene.prepare().refused] == ["WP2"]


def test_a_package_of_the_second_wave_needs_what_it_builds_on(scene: Scene) -> None:
    scene.next_wave()
    scene.package("WP3", {"other.txt": b"best\n"}, wave=2)
    with pytest.raises(RunError, match=r"WP3 builds on WP2 at other\.txt") as error:
        scene.prepare("WP3")
    assert error.value.next_step == "Name both: WP2 WP3"
    found = scene.prepare("WP3", "WP2")
    assert [package.package.id for package in found.packages] == ["WP2", "WP3"]
    landing.commit(found)
    assert (scene.root / "other.txt").read_bytes() == b"best\n"


def test_a_package_of_the_second_wave_lands_after_what_it_builds_on(scene: Scene) -> None:
    scene.next_wave()
    scene.package("WP3", {"other.txt": b"best\n"}, wave=2)
    (landed,) = landing.commit(scene.prepare("WP2"))
    scene.set("WP2", decision=Decision.COMMITTED, landed_commit=landed.commit)
    landing.commit(scene.prepare("WP3"))
    assert (scene.root / "other.txt").read_bytes() == b"best\n"


def test_a_package_that_builds_on_a_refused_one_is_refused_with_it(scene: Scene, git: Git) -> None:
    scene.next_wave()
    scene.package("WP3", {"other.txt": b"best\n"}, wave=2)
    (scene.root / "other.txt").write_text("changed\n")
    git(scene.root, "commit", "--quiet", "-am", "moved")
    found = scene.prepare()
    assert [refusal.package for refusal in found.refused] == ["WP2", "WP3"]
    assert "builds on WP2" in found.refused[1].reason


def test_a_package_of_the_second_wave_that_builds_on_nothing_lands_alone(scene: Scene) -> None:
    scene.next_wave()
    scene.package("WP3", {"third.txt": b"best\n"}, wave=2)
    landing.commit(scene.prepare("WP3"))
    assert (scene.root / "other.txt").read_bytes() == FILES["other.txt"]
    assert (scene.root / "third.txt").read_bytes() == b"best\n"


def test_a_tree_is_judged_only_when_the_post_gates_passed_on_exactly_it(scene: Scene) -> None:
    assert scene.prepare().judged
    scene.gates = Gates(post=(GateCommand(command="pytest"),))
    assert not scene.prepare().judged
    tree = scene.prepare().tree

    def result(status: GateStatus) -> GateResult:
        return GateResult(name="pytest", scope=GateScope.POST, tree=tree, status=status, seconds=1)

    scene.post = (result(GateStatus.PASSED),)
    assert scene.prepare().judged
    assert not scene.prepare("WP1").judged
    scene.post = (result(GateStatus.FAILED),)
    assert not scene.prepare().judged


def test_the_diff_shows_one_package_or_all(scene: Scene) -> None:
    one = landing.diff(scene.store, scene.record, "WP2")
    assert b"+better" in one
    assert b"src/a.py" not in one
    both = landing.diff(scene.store, scene.record)
    assert b"+better" in both
    assert b"src/a.py" in both
    with pytest.raises(RunError, match="no package WP9"):
        landing.diff(scene.store, scene.record, "WP9")
    scene.set("WP2", commit=None, state=PackageState.RUNNING)
    with pytest.raises(RunError, match="no result yet"):
        landing.diff(scene.store, scene.record, "WP2")
