"""One commit per package on the user's branch."""

from collections.abc import Mapping
from dataclasses import dataclass

from polly.errors import RepositoryError
from polly.git import Change, Git, GitError, Repository
from polly.landing.branch import advance, current_branch, refuse_locked_index
from polly.landing.messages import PACKAGE, REVERTS, RUN, commit_message
from polly.landing.selection import Landing
from polly.landing.working_tree import Move, refuse_blocked
from polly.work.run import RunRecord

#: Who commits must be said by the user: git's guess from the machine's names is not an identity.
_OWN_WORDS = {
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "user.useConfigOnly",
    "GIT_CONFIG_VALUE_0": "true",
    "GIT_CONFIG_KEY_1": "i18n.commitEncoding",
    "GIT_CONFIG_VALUE_1": "UTF-8",
}

_COMMITTING = "Committing"


@dataclass(frozen=True, kw_only=True)
class LandedCommit:
    """The commit of one package on the user's branch."""

    package: str
    commit: str


def build(landing: Landing) -> str:
    """A commit in the run's repository with the branch and all packages, for gates to judge.

    It says nothing of who commits, and the user's repository is not touched.
    """
    return landing.store.commit(
        landing.tree, landing.head, "Would land on the branch", f"refs/polly/landing/{landing.tree}"
    )


def check_commit(landing: Landing) -> None:
    """Raises RepositoryError for everything that `commit` would refuse. Nothing is written."""
    landing.repository.refuse_during_operation(_COMMITTING.lower())
    branch = current_branch(landing.repository, _COMMITTING)
    head = landing.repository.head()
    if head.commit != landing.head or branch != landing.branch:
        raise RepositoryError(
            f"The branch moved meanwhile: it was {landing.branch} at {landing.head[:12]}",
            next_step="Try again; what can land is looked up on the branch as it is now.",
        )
    refuse_missing_identity(landing.repository)
    refuse_locked_index(landing.repository)
    refuse_blocked(_whole_move(landing), _COMMITTING)


def commit(landing: Landing, *, messages: Mapping[str, str] | None = None) -> tuple[LandedCommit, ...]:
    """Put one commit per package on the branch, and move index and working tree along with it.

    `messages` replaces subject and body of packages by id; the trailers are always Polly's. Raises
    RepositoryError, with nothing changed, when a touched path is dirty, the branch moved, HEAD is detached,
    git does not know who commits, or a commit cannot be signed. Hooks of the repository do not run.
    """
    check_commit(landing)
    parent, commits = landing.head, []
    for package in landing.packages:
        text = (messages or {}).get(package.package.id)
        message = commit_message(package.package, package.record, landing.run, text)
        parent = write_commit(landing.git, package.tree, parent, message)
        commits.append(LandedCommit(package=package.package.id, commit=parent))
    move = _whole_move(landing)
    take_objects(landing.repository, landing.git, new=parent, old=landing.head)
    advance(
        landing.repository,
        old=landing.head,
        new=parent,
        changes=move.changes,
        reason="polly commit: " + ", ".join(landed.package for landed in commits),
        doing=_COMMITTING,
    )
    return tuple(commits)


def refuse_missing_identity(repository: Repository) -> None:
    """Raises RepositoryError when the user has not told git a name and an address."""
    git = Git(cwd=repository.root, variables=_OWN_WORDS)
    if not all(git.text("var", who, accept=(0, 128)) for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")):
        raise RepositoryError(
            "git does not know who commits",
            next_step='Tell it: git config user.name "Your Name" && git config user.email you@example.com',
        )


def write_commit(git: Git, tree: str, parent: str, message: str) -> str:
    """The id of a new commit of the user's, signed where commit.gpgSign asks for it."""
    wants = git.text("config", "--type=bool", "--get", "commit.gpgSign", accept=(0, 1))
    sign = ("-S",) if wants == "true" else ()
    try:
        made = git.run(
            "commit-tree", *sign, tree, "-p", parent, "-F", "-", stdin=message.encode(), env=_OWN_WORDS
        )
    except GitError as error:
        if not sign:
            raise
        raise RepositoryError(
            f"The commit could not be signed: {error.stderr.strip()}",
            next_step="Make the signing key available, or turn signing off: git config commit.gpgSign false",
        ) from error
    return made.decode("ascii").strip()


def take_objects(repository: Repository, git: Git, *, new: str, old: str) -> None:
    """Copy what `new` has more than `old` into the user's repository. No ref and no FETCH_HEAD is written."""
    pack = git.run("pack-objects", "--quiet", "--revs", "--stdout", stdin=f"{new}\n^{old}\n".encode("ascii"))
    repository.git.run("unpack-objects", "-q", stdin=pack)


def find_landed(repository: Repository, record: RunRecord) -> dict[str, str]:
    """Package id -> commit, for the packages of this run that the branch has, reverted ones left out.

    The branch is the truth where a journal missed the end of `commit` because Polly was killed.
    """
    shown = f"%H%x00%(trailers:key={RUN},valueonly)%x00%(trailers:key={PACKAGE},valueonly)%x00"
    said = repository.git.run(
        "log", "-z", "--no-show-signature", f"--format={shown}%(trailers:key={REVERTS},valueonly)%x00%b",
        f"{record.base_commit}..HEAD", accept=(0, 128),
    ).decode("utf-8", "replace")  # fmt: skip
    fields = said.split("\0")
    reverted: set[str] = set()
    landed: dict[str, str] = {}
    for commit, run, package, reverts, body in zip(*(fields[start::5] for start in range(5)), strict=False):
        undone = {line.removeprefix("This reverts commit ").strip(".") for line in body.splitlines()}
        if commit not in reverted:
            reverted |= undone | {reverts.strip()}
            if run.strip() == record.run and package.strip() and not reverts.strip():
                landed.setdefault(package.strip(), commit)
    return landed


def _whole_move(landing: Landing) -> Move:
    changes: tuple[Change, ...] = landing.store.changes(landing.head, landing.tree)
    return Move(
        repository=landing.repository,
        git=landing.git,
        old=landing.head,
        new=landing.tree,
        changes=changes,
    )
