"""Polly's commits taken back: the branch moves back where nobody has seen them, else they are reverted."""

import enum
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from polly.errors import RepositoryError
from polly.git import Change, Git, GitError, Repository, parse_raw_diff
from polly.landing.branch import advance, current_branch
from polly.landing.committing import refuse_missing_identity, take_objects, write_commit
from polly.landing.listing import listed, one_line
from polly.landing.messages import PACKAGE, RUN, revert_message
from polly.landing.working_tree import Move, refuse_blocked

_UNDOING = "Taking commits back"


class How(enum.StrEnum):
    """How commits were taken back."""

    RESET = "reset"  # the branch moved back to before them
    REVERT = "revert"  # one new commit each that undoes them


@dataclass(frozen=True, kw_only=True)
class Undone:
    """How commits were taken back, and where the branch is now. `reverts`: commit -> its revert commit."""

    how: How
    new_head: str
    reverts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Landed:
    commit: str
    parent: str
    package: str
    run: str
    subject: str


def undo(repository: Repository, commits: Sequence[str]) -> Undone:
    """Take commits of Polly's back from the current branch.

    Raises RepositoryError, with nothing changed, when one is not Polly's or not on the branch, when a
    touched path is dirty, or when later changes of the same lines stand in the way of a revert.
    """
    repository.refuse_during_operation("taking commits back")
    head = repository.base_commit()
    current_branch(repository, _UNDOING)
    landed = _in_history(repository, commits)
    base = _end_of_run_up(head, landed)
    if base and not _is_pushed(repository, landed[-1].commit):
        _advance(repository, old=head, new=base, landed=landed)
        return Undone(how=How.RESET, new_head=base, reverts={})
    return _revert(repository, head, landed)


def _revert(repository: Repository, head: str, landed: Sequence[_Landed]) -> Undone:
    refuse_missing_identity(repository)
    tip, reverts = head, {}
    with _aside(repository) as git:
        for each in landed:
            tree = _without(git, tip, each)
            message = revert_message(each.package, each.subject, each.commit, each.run)
            tip = write_commit(git, tree, tip, message)
            reverts[each.commit] = tip
        # What would be refused is refused before anything is copied.
        move = Move(repository=repository, git=git, old=head, new=tip, changes=_changes(git, head, tip))
        refuse_blocked(move, _UNDOING)
        take_objects(repository, git, new=tip, old=head)
    _advance(repository, old=head, new=tip, landed=landed)
    return Undone(how=How.REVERT, new_head=tip, reverts=reverts)


@contextmanager
def _aside(repository: Repository) -> Iterator[Git]:
    """Git in the user's repository, but new objects go to a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="polly-objects-") as folder:
        (Path(folder) / "info").mkdir()
        alternates = f"{(repository.common_dir / 'objects').as_posix()}\n"
        (Path(folder) / "info" / "alternates").write_text(alternates, encoding="utf-8", newline="\n")
        yield Git(cwd=repository.root, variables={"GIT_OBJECT_DIRECTORY": folder})


def _advance(repository: Repository, *, old: str, new: str, landed: Sequence[_Landed]) -> None:
    changes = _changes(repository.git, old, new)
    reason = "polly undo: " + ", ".join(each.package for each in landed)
    advance(repository, old=old, new=new, changes=changes, reason=reason, doing=_UNDOING)


def _in_history(repository: Repository, commits: Sequence[str]) -> tuple[_Landed, ...]:
    """The commits, newest first."""
    wanted = {repository.git.resolve(commit) for commit in commits}
    if not wanted:
        raise RepositoryError("There is no commit of Polly's to take back", next_step="See: polly status")
    landed = [_read(repository.git, commit) for commit in wanted]
    order = repository.git.text("rev-list", "--topo-order", "HEAD").split("\n")
    place = {commit: number for number, commit in enumerate(order)}
    elsewhere = [each.commit[:12] for each in landed if each.commit not in place]
    if elsewhere:
        raise RepositoryError(
            f"{listed(elsewhere)} is not on the current branch",
            next_step="Switch to the branch that has it: git branch --contains COMMIT",
        )
    return tuple(sorted(landed, key=lambda each: place[each.commit]))


def _read(git: Git, commit: str) -> _Landed:
    said = git.text(
        "show", "-s", "--no-show-signature",
        f"--format=%P%x00%s%x00%(trailers:key={RUN},valueonly)%x00%(trailers:key={PACKAGE},valueonly)",
        commit,
    )  # fmt: skip
    parents, subject, run, package = (field.strip() for field in said.split("\0"))
    if not run or not package or len(parents.split()) != 1:
        raise RepositoryError(
            f"{commit[:12]} ({one_line(subject)}) is not a commit of Polly's: it has no {RUN} trailer",
            next_step=f"Take it back with git: git revert {commit[:12]}",
        )
    return _Landed(
        commit=commit, parent=parents, package=one_line(package), run=one_line(run), subject=subject
    )


def _end_of_run_up(head: str, landed: Sequence[_Landed]) -> str | None:
    # The commit below them all, when they are the newest commits of the branch without a gap.
    for each in landed:
        if each.commit != head:
            return None
        head = each.parent
    return head


def _is_pushed(repository: Repository, oldest: str) -> bool:
    return bool(repository.git.text("for-each-ref", "--count=1", f"--contains={oldest}", "refs/remotes"))


def _changes(git: Git, old: str, new: str) -> tuple[Change, ...]:
    return parse_raw_diff(git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", old, new))


def _without(git: Git, tip: str, landed: _Landed) -> str:
    """The tree of `tip` with the changes of a commit taken out, by a three-way merge per file."""
    patch = git.run(
        "diff-tree", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv",
        "--no-color", "--src-prefix=a/", "--dst-prefix=b/", landed.parent, landed.commit,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="polly-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.run("read-tree", tip, env=env)
        try:
            git.run("apply", "-R", "--cached", "--3way", "--whitespace=nowarn", stdin=patch, env=env)
        except GitError as error:
            raise _conflict(git, tip, landed) from error
        return git.run("write-tree", env=env).decode("ascii").strip()


def _conflict(git: Git, tip: str, landed: _Landed) -> RepositoryError:
    touched = {change.path for change in _changes(git, landed.parent, landed.commit)}
    since = {change.path for change in _changes(git, landed.commit, tip)}
    paths = touched & since or touched
    return RepositoryError(
        f"{landed.package} ({landed.commit[:12]}) cannot be taken back:"
        f" later commits changed the same lines of {listed(paths)}",
        next_step=f"Revert it by hand and resolve the conflict: git revert {landed.commit[:12]}",
    )
