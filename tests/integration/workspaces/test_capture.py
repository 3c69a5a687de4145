"""Whatever an agent does to its workspace, only owned changes land, and the rest is kept and named."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from polly.work.plan import Files
from polly.workspaces import capture as capture_module
from polly.workspaces.capture import Capture, CaptureError, CaptureRequest, capture
from polly.workspaces.checkout import Workspaces
from polly.workspaces.store import TreeStore

GitRunner = Callable[..., str]


class Attempt:
    """A workspace to misbehave in, and what Polly reads from it afterwards."""

    def __init__(self, workspaces: Workspaces, base: str, tmp_path: Path) -> None:
        self._workspaces = workspaces
        self._base = base
        self._made = asyncio.run(workspaces.prepare(base, "WP1-1"))
        self.path = self._made.path
        self.quarantine = tmp_path / "quarantine"

    def capture(self, modify: Iterable[str] = (), create: Iterable[str] = ()) -> Capture:
        request = CaptureRequest(
            workspace=self.path,
            base=self._base,
            index=self._made.index,
            files=Files(modify=tuple(modify), create=tuple(create)),
            provided=self._made.provided,
            quarantine=self.quarantine,
            message="WP1",
            ref="refs/polly/WP1/1",
        )
        return capture(self._workspaces.store, request)


@pytest.fixture
def attempt(workspaces: Workspaces, base: str, tmp_path: Path) -> Attempt:
    return Attempt(workspaces, base, tmp_path)


def landed(store: TreeStore, base: str, taken: Capture) -> dict[str, str]:
    return {change.path: change.status for change in store.changes(base, taken.tree)}


def test_nothing_done_is_the_base_tree(attempt: Attempt, store: TreeStore, base: str) -> None:
    taken = attempt.capture(modify=["src/a.py"])
    assert taken.tree == store.tree_of(base)
    assert (taken.owned_changed, taken.strays, taken.changes_patch) == ((), (), b"")


def test_owned_changes_land_and_strays_are_kept_apart(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "src/a.py").write_text("a = 2\n")
    (attempt.path / "src/b.py").write_text("b = 2\n")
    (attempt.path / "notes.txt").write_text("mine\n")
    taken = attempt.capture(modify=["src/a.py"])
    assert landed(store, base, taken) == {"src/a.py": "M"}
    assert taken.strays == ("notes.txt", "src/b.py")
    assert b"+a = 2" in taken.changes_patch
    assert b"+b = 2" in taken.quarantine_patch
    assert b"+mine" in taken.quarantine_patch


def test_the_quarantine_patch_applies_on_the_landed_tree(attempt: Attempt, project: Path) -> None:
    (attempt.path / "src/a.py").write_text("a = 2\n")
    (attempt.path / "src/b.py").unlink()
    (attempt.path / "raw.bin").write_bytes(bytes(range(256)))
    taken = attempt.capture(modify=["src/a.py"])
    for patch in (taken.changes_patch, taken.quarantine_patch):
        subprocess.run(["git", "apply"], cwd=project, input=patch, check=True)
    assert (project / "raw.bin").read_bytes() == bytes(range(256))
    assert not (project / "src/b.py").exists()


def test_a_rename_lands_only_its_owned_half(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "src/a.py").rename(attempt.path / "src/renamed.py")
    taken = attempt.capture(modify=["src/a.py"])
    assert landed(store, base, taken) == {"src/a.py": "D"}
    assert taken.strays == ("src/renamed.py",)


def test_created_files_land_when_the_plan_names_them(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "sql").mkdir()
    (attempt.path / "sql/down.sql").write_text("drop\n")
    (attempt.path / "sql/other.sql").write_text("x\n")
    taken = attempt.capture(create=["sql/d*.sql"])
    assert landed(store, base, taken) == {"sql/down.sql": "A"}
    assert taken.strays == ("sql/other.sql",)


def test_a_glob_of_files_to_create_does_not_open_existing_ones(
    attempt: Attempt, store: TreeStore, base: str
) -> None:
    (attempt.path / "src/b.py").write_text("b = 2\n")
    (attempt.path / "src/new.py").write_text("new\n")
    taken = attempt.capture(modify=["src/a.py"], create=["src/*.py"])
    assert landed(store, base, taken) == {"src/new.py": "A"}
    assert taken.strays == ("src/b.py",)


def test_a_file_to_create_lands_although_it_is_ignored(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "build").mkdir()
    (attempt.path / "build/new.py").write_text("x\n")
    assert landed(store, base, attempt.capture(create=["build/new.py"])) == {"build/new.py": "A"}


def test_ignored_leftovers_are_nobodys_change(attempt: Attempt) -> None:
    (attempt.path / "debug.log").write_text("noise\n")
    assert attempt.capture(modify=["src/a.py"]).strays == ()


def test_an_ignore_rule_of_the_agent_hides_nothing(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / ".gitignore").write_text("*\n!src/a.py\n")
    (attempt.path / "src/.gitignore").write_text("*\n")
    (attempt.path / "secret.txt").write_text("hidden\n")
    taken = attempt.capture(modify=["src/a.py"])
    assert landed(store, base, taken) == {}
    assert taken.strays == (".gitignore", "secret.txt", "src/.gitignore")
    assert b"+hidden" in taken.quarantine_patch
    assert b"+!src/a.py" in taken.quarantine_patch


def test_a_cache_that_ignores_itself_is_no_stray(attempt: Attempt) -> None:
    (attempt.path / ".tool_cache").mkdir()
    (attempt.path / ".tool_cache/.gitignore").write_text("*\n")
    (attempt.path / ".tool_cache/data").write_text("cached\n")
    assert attempt.capture(modify=["src/a.py"]).strays == ()


def test_a_link_in_the_place_of_an_owned_file_does_not_land(
    attempt: Attempt, store: TreeStore, base: str
) -> None:
    (attempt.path / "src/a.py").unlink()
    (attempt.path / "src/a.py").symlink_to("/etc/passwd")
    taken = attempt.capture(modify=["src/a.py"])
    assert landed(store, base, taken) == {}
    assert taken.strays == ("src/a.py",)


def test_an_owned_link_cannot_be_pointed_elsewhere(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "link.md").unlink()
    (attempt.path / "link.md").symlink_to("../../outside")
    assert landed(store, base, attempt.capture(modify=["link.md"])) == {}


def test_a_folder_replaced_by_a_link_lands_no_path_behind_it(
    attempt: Attempt, store: TreeStore, base: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.py").write_text("a = 'from outside'\n")
    shutil.rmtree(attempt.path / "src")
    (attempt.path / "src").symlink_to(elsewhere)
    taken = attempt.capture(modify=["src/a.py"])
    assert landed(store, base, taken) == {"src/a.py": "D"}
    assert taken.strays == ("src", "src/b.py")


def test_mode_bits_of_other_files_are_strays(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "src/b.py").chmod(0o755)
    (attempt.path / "run.sh").chmod(0o644)
    taken = attempt.capture(modify=["run.sh"])
    assert landed(store, base, taken) == {"run.sh": "M"}
    assert taken.strays == ("src/b.py",)


def test_a_case_twin_of_an_existing_file_does_not_land(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "src/A.PY").write_text("twin\n")
    taken = attempt.capture(modify=["src/a.py"], create=["src/*"])
    if (attempt.path / "src/a.py").read_text() == "twin\n":
        pytest.skip("this file system does not tell cases apart")
    assert landed(store, base, taken) == {}
    assert taken.strays == ("src/A.PY",)


def test_commits_stashes_and_configuration_of_the_agent_change_nothing(
    attempt: Attempt, store: TreeStore, base: str, project: Path, git: GitRunner, tmp_path: Path
) -> None:
    (attempt.path / "src/a.py").write_text("a = 2\n")
    (attempt.path / "src/b.py").write_text("b = 2\n")
    git(attempt.path, "add", ".")
    git(attempt.path, "commit", "--quiet", "-m", "by the agent")
    (attempt.path / "src/a.py").write_text("a = 3\n")
    git(attempt.path, "config", "core.fsmonitor", f"touch {tmp_path / 'monitor-ran'}; true")
    git(attempt.path, "config", "core.worktree", str(project))
    git(attempt.path, "config", "core.excludesFile", "/dev/stdin")
    before = git(project, "for-each-ref")
    taken = attempt.capture(modify=["src/a.py"])
    assert store.patch(base, taken.tree).count(b"+a = 3") == 1
    assert taken.strays == ("src/b.py",)
    assert not (tmp_path / "monitor-ran").exists()
    assert git(project, "for-each-ref") == before


def test_a_deleted_git_folder_loses_nothing(attempt: Attempt, store: TreeStore, base: str) -> None:
    (attempt.path / "src/a.py").write_text("a = 2\n")
    shutil.rmtree(attempt.path / ".git")
    assert landed(store, base, attempt.capture(modify=["src/a.py"])) == {"src/a.py": "M"}


def test_a_deleted_workspace_is_said_so(attempt: Attempt) -> None:
    shutil.rmtree(attempt.path)
    with pytest.raises(CaptureError, match="deleted its workspace"):
        attempt.capture(modify=["src/a.py"])


def test_an_emptied_workspace_is_said_so(attempt: Attempt) -> None:
    for entry in os.scandir(attempt.path):
        shutil.rmtree(entry.path) if entry.is_dir() and not entry.is_symlink() else Path(entry.path).unlink()
    with pytest.raises(CaptureError, match="emptied its workspace"):
        attempt.capture(modify=["src/a.py"])


def test_a_repository_inside_the_workspace_is_quarantined_with_its_files(
    attempt: Attempt, store: TreeStore, base: str, git: GitRunner
) -> None:
    git(attempt.path, "init", "--quiet", "inner")
    (attempt.path / "inner/work.txt").write_text("inner work\n")
    git(attempt.path / "inner", "add", ".")
    git(attempt.path / "inner", "commit", "--quiet", "-m", "hidden")
    git(attempt.path, "init", "--quiet", "src/empty")
    taken = attempt.capture(modify=["src/a.py"])
    assert landed(store, base, taken) == {}
    assert "inner/work.txt" in taken.strays
    assert b"+inner work" in taken.quarantine_patch


def test_a_file_where_a_folder_was_lands_only_what_is_owned(
    attempt: Attempt, store: TreeStore, base: str
) -> None:
    (attempt.path / "run.sh").unlink()
    (attempt.path / "run.sh").mkdir()
    (attempt.path / "run.sh/inside").write_text("x\n")
    taken = attempt.capture(modify=["src/a.py"], create=["run.sh/*"])
    assert landed(store, base, taken) == {}
    assert taken.strays == ("run.sh", "run.sh/inside")


def test_names_that_are_hard_to_write_are_kept_apart_too(
    attempt: Attempt, store: TreeStore, base: str
) -> None:
    for name in ("-rf", "two\nlines", 'quote"s', "ünï", ":(glob)**"):
        (attempt.path / name).write_text("x\n")
    (attempt.path / "owned name.txt").write_text("x\n")
    taken = attempt.capture(create=["owned name.txt"])
    assert landed(store, base, taken) == {"owned name.txt": "A"}
    assert set(taken.strays) == {"-rf", "two\nlines", 'quote"s', "ünï", ":(glob)**"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names that are not Unicode")
def test_a_name_that_is_not_utf8_is_named_readably(attempt: Attempt) -> None:
    (Path(os.fsdecode(os.fsencode(attempt.path) + b"/caf\xe9"))).write_text("x\n")
    assert attempt.capture().strays == ("caf\\xe9",)


def test_a_large_stray_is_kept_as_a_file(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "LARGE_STRAY_BYTES", 1000)  # the real limit would fill the disk
    (attempt.path / "core.dump").write_bytes(b"x" * 2000)
    taken = attempt.capture(modify=["src/a.py"])
    assert taken.strays == ("core.dump",)
    assert (attempt.quarantine / "core.dump").read_bytes() == b"x" * 2000
    assert taken.quarantine_patch == b""


def test_an_edit_in_the_same_instant_and_of_the_same_size_is_seen(
    attempt: Attempt, store: TreeStore, base: str
) -> None:
    file = attempt.path / "src/a.py"
    before = file.stat()
    file.write_text("a = 9\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert landed(store, base, attempt.capture(modify=["src/a.py"])) == {"src/a.py": "M"}
