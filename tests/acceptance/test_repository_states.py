"""Whatever state a repository is in: a plain answer, the right exit code, and nothing lost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import (
    FIXER,
    Git,
    Polly,
    commit_all,
    fixed_sample,
    is_refused,
    make_sample,
    newest_run,
)


def test_outside_a_repository(tmp_path: Path, polly: Polly) -> None:
    for words in (["issues", "x.md"], ["fix", "x.md", *FIXER], ["status"], ["commit"]):
        assert is_refused(polly(*words, cwd=tmp_path), "is not inside a git repository", "git init")


def test_without_a_commit(tmp_path: Path, polly: Polly, git: Git) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "x.md").write_text("### C1. x\n**File**: `a.py`\n", encoding="utf-8")
    assert is_refused(polly("plan", "x.md", cwd=tmp_path), "no commit yet", "git commit")
    assert not (tmp_path / ".polly").exists()


def test_in_a_bare_repository(tmp_path: Path, sample: Path, polly: Polly, git: Git) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(sample), "bare")
    assert is_refused(polly("fix", "x.md", *FIXER, cwd=tmp_path / "bare"), "no working tree")


def test_a_changed_file_of_the_plan_stops_the_run_unless_told_otherwise(sample: Path, polly: Polly) -> None:
    (sample / "src/a.py").write_text("def a():\n    return 'mine'\n", encoding="utf-8")
    refused = polly("fix", "REVIEW.md", *FIXER, cwd=sample)
    assert is_refused(refused, "src/a.py", "Commit or stash", "--allow-dirty")
    assert not (sample / ".polly/plan.json").exists()

    fixed_sample(polly, sample, "--allow-dirty")
    assert is_refused(polly("commit", cwd=sample), "src/a.py has changes that are not committed")
    assert polly("commit", "WP2", "WP3", cwd=sample).returncode == 0
    assert "'mine'" in (sample / "src/a.py").read_text(encoding="utf-8")


def test_changes_elsewhere_are_named_and_survive_everything(sample: Path, polly: Polly, git: Git) -> None:
    (sample / "other.txt").write_text("changed\n", encoding="utf-8")
    (sample / "new.txt").write_text("untracked\n", encoding="utf-8")
    (sample / "staged.txt").write_text("staged\n", encoding="utf-8")
    git(sample, "add", "staged.txt")
    before = git(sample, "status", "--porcelain")
    done = fixed_sample(polly, sample)
    assert "do not see what is not in it: new.txt, other.txt, staged.txt" in done.stderr
    assert polly("commit", cwd=sample).returncode == 0
    assert git(sample, "status", "--porcelain") == before
    assert "staged.txt" not in git(sample, "log", "--name-only", "--format=")
    assert polly("undo", cwd=sample).returncode == 0
    assert git(sample, "status", "--porcelain") == before


def test_an_untracked_file_in_the_way_is_not_overwritten(sample: Path, polly: Polly) -> None:
    (sample / "create.md").write_text(
        "### C1. a needs a sibling\n**File**: `src/a.py:1`, `src/new.py` (new file)\n**Problem**: x\n",
        encoding="utf-8",
    )
    program = "import pathlib; pathlib.Path('src/new.py').write_text('x = 1\\n')"
    create = ("--agent", "command", "--", sys.executable, "-c", program)
    assert polly("fix", "create.md", *create, cwd=sample).returncode in (0, 1)
    (sample / "src/new.py").write_text("mine\n", encoding="utf-8")
    assert is_refused(polly("commit", cwd=sample), "src/new.py is in the way")
    assert is_refused(polly("fix", "create.md", *create, cwd=sample), "src/new.py")
    assert (sample / "src/new.py").read_text(encoding="utf-8") == "mine\n"


def test_a_branch_that_moved_elsewhere_is_no_hindrance(sample: Path, polly: Polly, git: Git) -> None:
    fixed_sample(polly, sample)
    (sample / "other.txt").write_text("moved\n", encoding="utf-8")
    tip = commit_all(git, sample, "elsewhere")
    done = polly("commit", cwd=sample)
    assert done.returncode == 0
    assert "The branch had moved" in done.stderr
    assert git(sample, "rev-parse", "HEAD~3") == tip
    assert (sample / "other.txt").read_text(encoding="utf-8") == "moved\n"


def test_a_branch_that_moved_in_the_same_file_keeps_only_that_package_out(
    sample: Path, polly: Polly, git: Git
) -> None:
    fixed_sample(polly, sample)
    (sample / "src/a.py").write_text("def a():\n    return 3\n", encoding="utf-8")
    commit_all(git, sample, "the same file")
    done = polly("commit", cwd=sample)
    assert done.returncode == 1
    assert "WP1 was left out: src/a.py was changed by" in done.stderr
    assert "polly fix SOURCE --only C1" in done.stderr
    assert is_refused(polly("commit", "WP1", cwd=sample), "WP1 cannot land", "the same file")
    assert "return 3" in (sample / "src/a.py").read_text(encoding="utf-8")


def test_an_operation_of_git_that_is_going_on_is_not_mixed_with(sample: Path, polly: Polly, git: Git) -> None:
    fixed_sample(polly, sample)
    git(sample, "checkout", "--quiet", "-b", "side")
    (sample / "other.txt").write_text("side\n", encoding="utf-8")
    commit_all(git, sample, "side")
    git(sample, "checkout", "--quiet", "main")
    (sample / "other.txt").write_text("main\n", encoding="utf-8")
    commit_all(git, sample, "main")
    for name in ("merge", "rebase", "cherry-pick"):
        with pytest.raises(subprocess.CalledProcessError):
            git(sample, name, "side")
        before = git(sample, "status", "--porcelain")
        for words in (["fix", "REVIEW.md", *FIXER], ["commit"]):
            assert is_refused(polly(*words, cwd=sample), f"A {name} is going on", f"git {name} --abort")
        assert polly("status", cwd=sample).returncode == 0
        assert git(sample, "status", "--porcelain") == before
        git(sample, name, "--abort")


def test_with_a_detached_head_everything_but_commit_works(sample: Path, polly: Polly, git: Git) -> None:
    git(sample, "checkout", "--quiet", "--detach")
    assert "HEAD is detached" in fixed_sample(polly, sample).stderr
    assert is_refused(polly("commit", cwd=sample), "HEAD is detached", "git switch -c")
    assert polly("approve", "WP1", cwd=sample).returncode == 0
    assert polly("apply", cwd=sample).returncode == 0
    assert polly("undo", cwd=sample).returncode == 0
    assert git(sample, "status", "--porcelain") == ""


def _shallow(tmp_path: Path, sample: Path, git: Git) -> Path:
    commit_all(git, sample, "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", sample.as_uri(), "clone")
    return tmp_path / "clone"


def _linked(tmp_path: Path, sample: Path, git: Git) -> Path:
    git(sample, "worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    return tmp_path / "linked"


def _subfolder(_tmp_path: Path, sample: Path, _git: Git) -> Path:
    return sample / "tools"


def _odd_path(tmp_path: Path, _sample: Path, git: Git) -> Path:
    root = tmp_path / "Mein Ordner für 修复"
    make_sample(root, git)
    (root / "src/b.py").rename(root / "src/zwei Wörter.py")
    for name in ("REVIEW.md", "polly.toml"):
        text = (root / name).read_text(encoding="utf-8").replace("src/b.py", "src/zwei Wörter.py")
        (root / name).write_text(text, encoding="utf-8")
    commit_all(git, root, "renamed")
    return root


def _with_submodule(tmp_path: Path, sample: Path, git: Git) -> Path:
    make_sample(tmp_path / "library", git)
    git(
        sample, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "library"
    )  # fmt: skip
    commit_all(git, sample, "a submodule")
    return sample


@pytest.mark.parametrize("place", [_shallow, _linked, _subfolder, _odd_path, _with_submodule])
def test_the_main_job_works_in(
    tmp_path: Path, sample: Path, polly: Polly, git: Git, place: Callable[[Path, Path, Git], Path]
) -> None:
    folder = place(tmp_path, sample, git)
    root = Path(git(folder, "rev-parse", "--show-toplevel"))
    base = git(folder, "rev-parse", "HEAD")
    done = polly("fix", root / "REVIEW.md", *FIXER, cwd=folder)
    assert done.returncode == 0, done.stderr
    report = done.stderr.split("Report: ")[1].splitlines()[0]
    assert (folder / report).is_file()
    committed = polly("commit", cwd=folder)
    assert committed.returncode == 0, committed.stderr
    assert git(folder, "rev-parse", "HEAD~3") == base
    assert git(folder, "status", "--porcelain") == ""
    assert polly("undo", cwd=folder).returncode == 0
    assert git(folder, "rev-parse", "HEAD") == base


def test_polly_that_is_a_file_is_named(sample: Path, polly: Polly) -> None:
    (sample / ".polly").write_text("mine", encoding="utf-8")
    for words in (["plan", "REVIEW.md"], ["fix", "REVIEW.md", *FIXER]):
        assert is_refused(polly(*words, cwd=sample), ".polly is not a folder", "Move it away")
    assert (sample / ".polly").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["plan.json", "inventory.json", "runs"])
def test_something_else_in_the_place_of_a_record_is_named(sample: Path, polly: Polly, name: str) -> None:
    (sample / ".polly").mkdir()
    if name == "runs":
        (sample / ".polly/runs").write_text("mine", encoding="utf-8")
    else:
        (sample / ".polly" / name).mkdir()
    done = polly("fix", "REVIEW.md", *FIXER, cwd=sample)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr
    assert name in done.stderr
    assert not list((sample / ".polly").glob("*.new"))


@pytest.mark.skipif(sys.platform == "win32", reason="a folder of Windows can be written whatever its mode")
def test_a_polly_folder_that_may_not_be_written_is_named(sample: Path, without_override: Polly) -> None:
    (sample / ".polly").mkdir(mode=0o555)
    for words in (["plan", "REVIEW.md"], ["fix", "REVIEW.md", *FIXER]):
        assert is_refused(without_override(*words, cwd=sample), ".polly", "Permission denied")


@pytest.mark.skipif(sys.platform == "win32", reason="a folder of Windows can be written whatever its mode")
def test_a_run_that_may_not_be_written_is_named(sample: Path, polly: Polly, without_override: Polly) -> None:
    fixed_sample(polly, sample)
    folder = newest_run(sample)
    for file in (*folder.iterdir(), folder):
        file.chmod(0o555 if file.is_dir() else 0o444)
    try:
        for words in (["approve", "WP1"], ["commit"], ["resume"]):
            assert is_refused(without_override(*words, cwd=sample), folder.name)
    finally:
        folder.chmod(0o755)
