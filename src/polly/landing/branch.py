"""Moving the current branch: locked at its old commit first, so that files and branch change as one.

git holds the locks and lets go of them when its input ends, which it does when Polly dies, however it dies.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from polly.errors import RepositoryError
from polly.git import Change, Git, Repository
from polly.landing.working_tree import Move, Position, move_files_and_index, refuse_blocked


def advance(
    repository: Repository, *, old: str, new: str, changes: Sequence[Change], reason: str, doing: str
) -> None:
    """Move branch, index and files from `old` to `new` together, keeping unrelated changes of the user.

    Both commits must be in the user's repository. Raises RepositoryError, with nothing changed, when a
    touched path is dirty or the branch is not at `old`.
    """
    refuse_locked_index(repository)
    move = Move(repository=repository, git=repository.git, old=old, new=new, changes=tuple(changes))
    positions = refuse_blocked(move, doing)
    branch = current_branch(repository, doing)
    with _locked(repository.git, old=old, new=new, reason=reason) as move_branch:
        if repository.head().branch != branch:
            raise RepositoryError(
                f"The branch was switched from {branch} at this very moment; nothing was changed",
                next_step="Try again on the branch that you want.",
            )
        _carry_out(move, positions, move_branch)


def _carry_out(move: Move, positions: Sequence[Position], move_branch: Callable[[], None]) -> None:
    # Files first: if this process dies in between, the changes are staged and can be seen and committed.
    # The other order would leave a branch whose next commit takes them back.
    move_files_and_index(move, positions)
    try:
        move_branch()
    except BaseException:
        back = move.reverse
        move_files_and_index(back, refuse_blocked(back, "Taking the files back"))
        raise


def refuse_locked_index(repository: Repository) -> None:
    """Raises RepositoryError while another git process writes the index, or has died doing so."""
    lock = repository.git_dir / "index.lock"
    if lock.exists():
        raise RepositoryError(
            f"The index is locked by another git process ({lock} exists)",
            next_step="Wait until it has ended. If none is at work, one has died: delete that file.",
        )


def current_branch(repository: Repository, doing: str) -> str:
    """The name of the checked-out branch. Raises RepositoryError when HEAD is detached."""
    branch = repository.head().branch
    if branch is None:
        raise RepositoryError(
            f"{doing} needs a branch, but HEAD is detached",
            next_step="Switch to one: git switch BRANCH, or make one here: git switch -c NEW_BRANCH",
        )
    return branch


@contextmanager
def _locked(git: Git, *, old: str, new: str, reason: str) -> Iterator[Callable[[], None]]:
    """HEAD and its branch locked at `old` during the block; the function that is handed over moves them."""
    with git.start("update-ref", "-m", reason, "--stdin") as process:
        _tell(process, f"start\nupdate HEAD {new} {old}\nprepare\n", answers=2)
        yield lambda: _tell(process, "commit\n", answers=1)


def _tell(process: subprocess.Popen[bytes], words: str, *, answers: int) -> None:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RepositoryError("git update-ref has no pipes")
    said = []
    try:
        process.stdin.write(words.encode("ascii"))
        process.stdin.flush()
        said = [process.stdout.readline() for _ in range(answers)]
    except BrokenPipeError:
        said = [b""]
    if not all(line.rstrip().endswith(b": ok") for line in said):
        reason = process.stderr.read().decode("utf-8", "replace").strip()
        raise RepositoryError(
            f"The branch could not be moved, and nothing was changed: {reason}",
            next_step="The branch moved meanwhile, or another git process is at work. Try again.",
        )
