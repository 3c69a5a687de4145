"""Until `apply` or `commit` nothing of the user's repository changes, not even the time of a file."""

import hashlib
import os
from pathlib import Path

from tests.acceptance.conftest import FIXER, Git, Polly


def _fingerprint(root: Path) -> dict[str, tuple[str, int]]:
    found = {}
    for folder, folders, names in os.walk(root):
        if Path(folder) == root and ".polly" in folders:
            folders.remove(".polly")
        for name in (*names, *folders):
            file = Path(folder) / name
            state = file.lstat()
            content = b"" if file.is_dir() else file.read_bytes()
            # git itself touches an object that it was about to write and finds there already
            shared = file.is_dir() or ".git/objects/" in file.as_posix()
            modified = 0 if shared else state.st_mtime_ns
            found[file.relative_to(root).as_posix()] = (
                f"{state.st_mode:o} {hashlib.sha256(content).hexdigest()}",
                modified,
            )
    return found


def test_nothing_changes_before_apply_or_commit(sample: Path, polly: Polly, git: Git) -> None:
    (sample / "other.txt").write_text("my own change\n", encoding="utf-8")
    (sample / "staged.txt").write_text("staged\n", encoding="utf-8")
    git(sample, "add", "staged.txt")
    (sample / "other.txt").write_text("to be stashed\n", encoding="utf-8")
    git(sample, "stash", "push", "--", "other.txt")
    (sample / "other.txt").write_text("my own change again\n", encoding="utf-8")
    before = _fingerprint(sample)
    assert any(name.startswith(".git/refs/stash") for name in before)

    for words in (
        ("issues", "REVIEW.md"),
        ("plan", "REVIEW.md"),
        ("fix", "REVIEW.md", *FIXER),
        ("status",),
        ("diff",),
        ("approve", "WP1"),
        ("reject", "WP2"),
        ("report",),
        ("resume",),
        ("runs",),
    ):
        done = polly(*words, cwd=sample)
        assert done.returncode == 0, (words, done.stderr)
        assert _fingerprint(sample) == before, words
