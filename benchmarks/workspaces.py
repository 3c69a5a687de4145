"""How long one workspace takes, against `git worktree add` on the same repository of 20,000 files.

Prints medians of alternating rounds and their ratio. Run: make bench, or python benchmarks/workspaces.py
"""

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from polly.git import Repository
from polly.settings import WorkspaceSettings
from polly.workspaces.checkout import Workspaces
from polly.workspaces.store import TreeStore

FILES = int(os.environ.get("POLLY_BENCH_FILES", "20000"))
ROUNDS = int(os.environ.get("POLLY_BENCH_ROUNDS", "5"))


def git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def make_repository(root: Path) -> Path:
    """A repository of FILES small files in folders of a hundred."""
    root.mkdir()
    git(root, "init", "--quiet")
    for number in range(FILES):
        file = root / f"d{number // 100:04d}" / f"f{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# file {number}\n" * 20)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "files")
    return root


def seconds(action: object) -> float:
    begun = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - begun


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="polly-bench-") as folder:
        root = make_repository(Path(folder) / "repo")
        repository = Repository.find(root)
        workspaces = Workspaces(
            store=TreeStore.create(repository, Path(folder) / "repo.git"),
            root=Path(folder) / "workspaces",
            project_root=root,
            settings=WorkspaceSettings(),
        )
        base = repository.base_commit()
        ours, theirs = [], []
        for number in range(ROUNDS):
            target = str(Path(folder) / f"worktree-{number}")
            theirs.append(seconds(lambda t=target: git(root, "worktree", "add", "--quiet", "--detach", t)))
            label = f"WP{number}"
            ours.append(seconds(lambda name=label: asyncio.run(workspaces.prepare(base, name))))
            git(root, "worktree", "remove", "--force", target)
            workspaces.remove(label)
        polly, worktree = statistics.median(ours), statistics.median(theirs)
        print(f"workspace of {FILES} files, median of {ROUNDS} rounds")
        print(f"  git worktree add   {worktree:6.2f} s")
        print(f"  polly workspace    {polly:6.2f} s   ratio {polly / worktree:.2f}")


if __name__ == "__main__":
    main()
