"""commit: one conventional commit per package; branch, index and files move together or not at all."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from polly import landing
from polly.errors import RepositoryError
from polly.work.run import IssueOutcome, Verdict

from .conftest import Scene, everything, files_of

Git = Callable[..., str]
MakeScene = Callable[[Path], Scene]


def _status(scene: Scene, git: Git) -> str:
    return git(scene.root, "status", "--porcelain=v1", "-uall")


def _assert_landed(scene: Scene, git: Git) -> None:
    assert _status(scene, git) == ""
    assert git(scene.root, "log", "--format=%s", f"{scene.base}..HEAD") == (
        "fix(WP2): Repair WP2\nfix(WP1): Repair WP1"
    )
    git(scene.root, "fsck", "--strict", "--no-dangling")


def test_each_package_is_one_commit_with_exactly_its_paths(scene: Scene, git: Git) -> None:
    landed = landing.commit(scene.prepare())
    assert [each.package for each in landed] == ["WP1", "WP2"]
    _assert_landed(scene, git)
    for each, paths in zip(landed, (["new/x.py", "src/a.py", "src/gone.py"], ["other.txt"]), strict=True):
        shown = git(scene.root, "diff-tree", "-r", "--no-commit-id", "--name-only", each.commit)
        assert shown.split("\n") == paths
    assert git(scene.root, "rev-parse", "HEAD", "main").split() == [landed[-1].commit] * 2
    assert git(scene.root, "log", "-1", "--format=%an <%ae> %cn") == (
        "A Tester <tester@example.invalid> A Tester"
    )


def test_the_message_tells_issues_verdicts_run_and_role(scene: Scene, git: Git) -> None:
    scene.set("WP1", outcomes=(IssueOutcome(issue="C1", verdict=Verdict.NOT_FIXED),))
    landing.commit(scene.prepare())
    assert git(scene.root, "log", "-1", "--format=%B").rstrip() == (
        "fix(WP2): Repair WP2\n\n- C2: fixed (evidence: check)\n\n"
        "Polly-Issues: C2\nPolly-Package: WP2\nPolly-Run: 20250101-120000-abcdef\nPolly-Role: general"
    )
    assert "- C1: not fixed\n" in git(scene.root, "log", "-1", "--format=%B", "HEAD~1")
    trailers = git(scene.root, "log", "-1", "--format=%(trailers:key=Polly-Run,valueonly)")
    assert trailers.strip() == scene.record.run


def test_a_title_cannot_forge_a_trailer_or_steer_a_terminal(scene: Scene, git: Git) -> None:
    scene.package(
        "WP3",
        {"third.txt": b"x\n"},
        title="Good\n\nPolly-Run: other\nSigned-off-by: x\x1b[31m\x00" + "y" * 90,
    )
    landing.commit(scene.prepare("WP3"))
    message = git(scene.root, "log", "-1", "--format=%B")
    assert message.startswith("fix(WP3): Good Polly-Run: other Signed-off-by: x[31myy")
    assert len(message.split("\n")[0]) == 72
    assert (
        git(scene.root, "log", "-1", "--format=%(trailers:key=Polly-Run,valueonly)").strip()
        == scene.record.run
    )
    assert git(scene.root, "log", "-1", "--format=%(trailers:key=Signed-off-by)") == ""


def test_own_words_replace_the_message_but_not_the_trailers(scene: Scene, git: Git) -> None:
    landing.commit(scene.prepare("WP2"), messages={"WP2": "docs: say it better\n\nBecause."})
    message = git(scene.root, "log", "-1", "--format=%B")
    assert message.startswith("docs: say it better\n\nBecause.\n\nPolly-Issues: C2\n")


def test_unrelated_changes_of_the_user_stay_as_they_were(scene: Scene, git: Git) -> None:
    (scene.root / "third.txt").write_text("staged\n")
    (scene.root / "added.txt").write_text("staged new\n")
    git(scene.root, "add", "third.txt", "added.txt")
    (scene.root / "third.txt").write_text("staged and changed\n")
    (scene.root / "src/b.py").write_text("unstaged\n")
    (scene.root / "run.sh").unlink()
    (scene.root / "new").mkdir()
    (scene.root / "new/mine").write_text("untracked\n")
    (scene.root / "a.log").write_text("ignored\n")
    before = _status(scene, git), git(scene.root, "diff"), git(scene.root, "diff", "--cached")
    landing.commit(scene.prepare())
    assert before == (_status(scene, git), git(scene.root, "diff"), git(scene.root, "diff", "--cached"))
    assert (scene.root / "new/mine").read_text() == "untracked\n"


def test_only_what_must_change_in_the_git_folder_changes(scene: Scene, git: Git) -> None:
    (scene.root / "src/b.py").write_text("stashed\n")
    git(scene.root, "stash", "--quiet")
    git(scene.root, "status")
    before = files_of(scene.root, git_folder=True)
    landing.commit(scene.prepare())
    after = files_of(scene.root, git_folder=True)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {name for name in changed if not name.startswith("objects/")} == {
        "index",
        "refs/heads/main",
        "logs/HEAD",
        "logs/refs/heads/main",
    }


def test_an_applied_package_can_be_committed_staged_or_not(scene: Scene, git: Git) -> None:
    landing.apply(scene.prepare())
    git(scene.root, "add", "new/x.py", "src/gone.py")
    landing.commit(scene.prepare())
    _assert_landed(scene, git)


def test_the_built_tip_has_the_tree_that_is_committed(scene: Scene, git: Git) -> None:
    found = scene.prepare()
    tip = landing.build(found)
    landing.commit(found)
    assert git(scene.root, "rev-parse", "HEAD^{tree}") == scene.store.tree_of(tip)


def test_a_detached_head_is_answered_with_the_switch_command(scene: Scene, git: Git) -> None:
    git(scene.root, "checkout", "--quiet", "--detach")
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match="HEAD is detached") as error:
        landing.commit(scene.prepare())
    assert "git switch -c" in str(error.value.next_step)
    assert everything(scene.root) == before


def test_a_branch_that_moved_or_was_switched_after_the_look_is_refused(scene: Scene, git: Git) -> None:
    found = scene.prepare()
    git(scene.root, "switch", "--quiet", "-c", "elsewhere")
    before = everything(scene.root)
    for action in (landing.commit, landing.check_commit):
        with pytest.raises(RepositoryError, match="moved meanwhile: it was main"):
            action(found)
    git(scene.root, "switch", "--quiet", "main")
    git(scene.root, "commit", "--quiet", "--allow-empty", "-m", "moved")
    for refused in (landing.commit, landing.apply):
        with pytest.raises(RepositoryError, match="moved meanwhile"):
            refused(found)
    assert files_of(scene.root, git_folder=False) == before[0]


def test_a_branch_locked_by_another_git_is_refused_whole(scene: Scene) -> None:
    (scene.root / ".git/refs/heads/main.lock").write_text("")
    files = files_of(scene.root, git_folder=False)
    with pytest.raises(RepositoryError, match="could not be moved, and nothing was changed"):
        landing.commit(scene.prepare())
    assert files_of(scene.root, git_folder=False) == files


def test_an_index_locked_by_another_git_is_refused_whole(scene: Scene, git: Git) -> None:
    (scene.root / ".git/index.lock").write_text("")
    files = files_of(scene.root, git_folder=False)
    with pytest.raises(RepositoryError, match="index is locked"):
        landing.commit(scene.prepare())
    assert files_of(scene.root, git_folder=False) == files
    assert git(scene.root, "rev-parse", "HEAD") == scene.base


def test_without_an_identity_the_commands_to_set_one_are_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{role}_{what}")
    monkeypatch.delenv("EMAIL", raising=False)
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match="does not know who commits") as error:
        landing.commit(scene.prepare())
    assert "git config user.name" in str(error.value.next_step)
    assert everything(scene.root) == before


def test_the_identity_of_the_repository_is_used(
    scene: Scene, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{role}_{what}")
    git(scene.root, "config", "user.name", "Jürgen")
    git(scene.root, "config", "user.email", "j@example.invalid")
    landing.commit(scene.prepare("WP2"))
    assert git(scene.root, "log", "-1", "--format=%an %ae %cn %ce") == (
        "Jürgen j@example.invalid Jürgen j@example.invalid"
    )


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen makes the key")
def test_commits_are_signed_where_the_user_signs(scene: Scene, git: Git, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingKey": str(key), "commit.gpgSign": "true"}.items():
        git(scene.root, "config", name, value)
    landing.commit(scene.prepare())
    assert git(scene.root, "cat-file", "commit", "HEAD").count("BEGIN SSH SIGNATURE") == 1
    assert git(scene.root, "cat-file", "commit", "HEAD~1").count("BEGIN SSH SIGNATURE") == 1


def test_a_commit_that_cannot_be_signed_is_refused_whole(scene: Scene, git: Git) -> None:
    git(scene.root, "config", "commit.gpgSign", "yes")
    git(scene.root, "config", "gpg.program", "false")
    before = everything(scene.root)
    with pytest.raises(RepositoryError, match="could not be signed"):
        landing.commit(scene.prepare())
    assert everything(scene.root) == before


@pytest.mark.skipif(os.name == "nt", reason="writes a shell hook")
def test_hooks_of_the_repository_do_not_run(scene: Scene, git: Git, tmp_path: Path) -> None:
    for name in ("pre-commit", "commit-msg", "post-commit", "post-checkout", "reference-transaction"):
        hook = scene.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\nexit 1\n")
        hook.chmod(0o755)
    landing.commit(scene.prepare())
    landing.undo(scene.repository, ["HEAD"])
    assert not (tmp_path / "ran").exists()


def test_stale_time_stamps_are_no_changes(scene: Scene, git: Git) -> None:
    os.utime(scene.root / "src/a.py", (1, 1))
    landing.commit(scene.prepare())
    _assert_landed(scene, git)


def test_a_shallow_clone_takes_commits(scene: Scene, git: Git, tmp_path: Path, make_scene: MakeScene) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", scene.root.as_uri(), "shallow")
    shallow = make_scene(tmp_path / "shallow")
    shallow.package("WP1", {"src/a.py": b"new\n"})
    shallow.package("WP2", {"other.txt": b"new\n"})
    landed = landing.commit(shallow.prepare())
    _assert_landed(shallow, git)
    assert landing.undo(shallow.repository, [each.commit for each in landed]).new_head == shallow.base


def test_a_linked_worktree_takes_commits_on_its_own_branch(
    scene: Scene, git: Git, tmp_path: Path, make_scene: MakeScene
) -> None:
    git(scene.root, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    main = files_of(scene.root, git_folder=False)
    linked = make_scene(tmp_path / "linked")
    linked.package("WP1", {"src/a.py": b"new\n"})
    linked.package("WP2", {"other.txt": b"new\n"})
    landing.apply(linked.prepare())
    landing.commit(linked.prepare())
    _assert_landed(linked, git)
    assert git(scene.root, "rev-parse", "main") == scene.base
    assert files_of(scene.root, git_folder=False) == main
    assert _status(scene, git) == ""


def test_a_sha256_repository_takes_commits(tmp_path: Path, git: Git, make_scene: MakeScene) -> None:
    root = tmp_path / "sha256"
    root.mkdir()
    try:
        git(root, "init", "--quiet", "--object-format=sha256")
    except subprocess.CalledProcessError:
        pytest.skip("this git cannot make sha256 repositories")
    (root / "a.txt").write_text("a\n")
    (root / "gone.txt").write_text("a\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "first")
    scene = make_scene(root)
    scene.package("WP1", {"a.txt": b"b\n", "gone.txt": None, "new.txt": b"n\n"})
    landing.apply(scene.prepare())
    scene.undo_apply("WP1")
    (landed,) = landing.commit(scene.prepare())
    assert len(landed.commit) == 64
    assert _status(scene, git) == ""


def test_a_submodule_is_left_alone(scene: Scene, git: Git, tmp_path: Path, make_scene: MakeScene) -> None:
    allow = ("-c", "protocol.file.allow=always")
    git(tmp_path, "clone", "--quiet", str(scene.root), "inner")
    git(scene.root, *allow, "submodule", "--quiet", "add", str(tmp_path / "inner"), "sub")
    git(scene.root, "commit", "--quiet", "-m", "submodule")
    (scene.root / "sub/README.md").write_text("dirty\n")
    outer = make_scene(scene.root)
    outer.package("WP1", {"src/a.py": b"new\n"})
    before = files_of(scene.root / "sub", git_folder=False)
    landing.apply(outer.prepare())
    landing.commit(outer.prepare())
    assert files_of(scene.root / "sub", git_folder=False) == before
    assert _status(outer, git) == " M sub"


def test_a_branch_without_upstream_history_in_common_still_lands_by_path(scene: Scene, git: Git) -> None:
    git(scene.root, "checkout", "--quiet", "--orphan", "fresh")
    git(scene.root, "commit", "--quiet", "-m", "same files, new history")
    found = scene.prepare()
    assert found.moved
    landing.commit(found)
    assert _status(scene, git) == ""


def test_the_branch_knows_what_landed(scene: Scene, git: Git) -> None:
    assert landing.find_landed(scene.repository, scene.record) == {}
    one, two = landing.commit(scene.prepare())
    assert landing.find_landed(scene.repository, scene.record) == {"WP1": one.commit, "WP2": two.commit}
    git(scene.root, "revert", "--no-edit", one.commit)
    assert landing.find_landed(scene.repository, scene.record) == {"WP2": two.commit}
    git(scene.root, "commit", "--quiet", "--allow-empty", "-m", "later")
    landing.undo(scene.repository, [two.commit])
    assert landing.find_landed(scene.repository, scene.record) == {}


_COMMIT = """
import pathlib, pickle, sys
from polly import landing
landing.commit(pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()))
"""

#: Stands for git on PATH: the chosen call of the chosen command first kills the process that made it.
_DEADLY_GIT = """#!/bin/sh
case " $* " in
  *" $DEADLY_COMMAND "*)
    echo >> "$DEADLY_CALLS"
    [ "$(wc -l < "$DEADLY_CALLS")" -eq "$DEADLY_CALL" ] && kill -9 $PPID
    ;;
esac
exec "$REAL_GIT" "$@"
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("commit-tree", 2),
        ("pack-objects", 1),
        ("unpack-objects", 1),
        ("update-ref", 1),
        ("update-index", 9),
        ("update-index", 10),
        ("read-tree", 1),
        ("read-tree", 2),
    ],
)
def test_kill_9_at_any_step_leaves_the_old_state_or_one_that_a_rerun_completes(
    scene: Scene, git: Git, tmp_path: Path, command: str, call: int
) -> None:
    (scene.root / "third.txt").write_text("staged\n")
    git(scene.root, "add", "third.txt")
    (tmp_path / "landing").write_bytes(pickle.dumps(scene.prepare()))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(_DEADLY_GIT)
    (tmp_path / "bin/git").chmod(0o755)
    env = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "REAL_GIT": str(shutil.which("git")),
        "DEADLY_COMMAND": command,
        "DEADLY_CALL": str(call),
        "DEADLY_CALLS": str(tmp_path / "calls"),
    }
    program = [sys.executable, "-c", _COMMIT, str(tmp_path / "landing")]
    assert subprocess.run(program, env=env, check=False).returncode == -signal.SIGKILL
    _wait_for_children(scene.root)
    assert not list((scene.root / ".git").rglob("*.lock"))
    assert git(scene.root, "rev-parse", "HEAD") == scene.base
    written = (command, call) == ("read-tree", 2)
    assert ((scene.root / "other.txt").read_bytes() == b"better\n") == written
    landing.commit(scene.prepare())
    assert git(scene.root, "rev-list", "--count", f"{scene.base}..HEAD") == "2"
    assert _status(scene, git) == "M  third.txt"
    git(scene.root, "fsck", "--strict", "--no-dangling")


def _wait_for_children(root: Path) -> None:
    # The git that was at work when Polly died ends by itself; what it leaves is what is judged.
    def at_work(process: psutil.Process) -> bool:
        try:
            return process.name() == "git" and process.cwd() == str(root)
        except psutil.Error:
            return False

    while found := [process for process in psutil.process_iter() if at_work(process)]:
        psutil.wait_procs(found)
