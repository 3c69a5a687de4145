"""What a person decides about a finished run: approve, reject, apply, commit, undo. Each is an event."""

import asyncio
import getpass
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from polly.errors import RepositoryError, RunError
from polly.events.catalog import (
    ApprovalGiven,
    GateEnded,
    LandingUndone,
    PackageApplied,
    PackageCommitted,
    PackageRejected,
)
from polly.events.event import EventData
from polly.landing import applying, committing, undoing
from polly.landing.selection import Landing, prepare
from polly.pipeline.judging import Judging
from polly.pipeline.project import Project
from polly.pipeline.runs import OpenRun
from polly.work.run import Decision, PackageRecord, PackageState


@dataclass(frozen=True, kw_only=True)
class Landed:
    """What landed: the packages with their commits (None for apply), and whether the branch had moved.

    `left_out` has a sentence for each package that was chosen and did not fit.
    """

    commits: tuple[tuple[str, str | None], ...]
    paths: tuple[str, ...]
    moved: bool
    left_out: tuple[str, ...]


def approve(
    project: Project, run: OpenRun, packages: Sequence[str], *, note: str, accept_tampering: bool
) -> tuple[PackageRecord, ...]:
    """Record a person's yes to these packages at their present trees. Raises RunError; all or none."""
    records = [_finished(run, package) for package in packages]
    for record in records:
        if record.decision in (Decision.APPLIED, Decision.COMMITTED):
            raise RunError(
                f"{record.id} is {record.decision.value} already",
                next_step=f"Take it back: polly undo {record.id}",
            )
        if record.tampering and not accept_tampering:
            found = record.tampering[0]
            place = f"{found.path}:{found.line}" if found.line else found.path
            raise RunError(
                f"{record.id} made a check quieter: {found.kind} at {place}"
                + (f" and {len(record.tampering) - 1} more" if len(record.tampering) > 1 else ""),
                next_step=f"Look at it with `polly diff {record.id}`; "
                f"if it is right: polly approve {record.id} --accept-tampering",
            )
    by = _person(project)
    _append(
        run,
        *(
            ApprovalGiven(run=run.run, package=record.id, tree=record.tree or "", by=by, note=note)
            for record in records
        ),
    )
    return tuple(run.record.package(package) for package in packages)


def reject(project: Project, run: OpenRun, packages: Sequence[str], *, note: str) -> tuple[str, ...]:
    """Record a person's no to these packages. Raises RunError; all or none."""
    for package in packages:
        record = _known(run, package)
        if record.decision in (Decision.APPLIED, Decision.COMMITTED):
            raise RunError(
                f"{package} is {record.decision.value} already",
                next_step=f"Take it back: polly undo {package}",
            )
    by = _person(project)
    _append(run, *(PackageRejected(run=run.run, package=each, by=by, note=note) for each in packages))
    return tuple(packages)


def apply(project: Project, run: OpenRun, packages: Sequence[str], tell: Callable[[str], None]) -> Landed:
    """Write approved packages (all of them when none is named) into the working tree, uncommitted."""
    chosen = packages or _of(run, lambda record: record.decision is Decision.APPROVED)
    if not chosen:
        raise RunError(
            "No package is approved", next_step="Look and approve first: polly diff; polly approve WP1"
        )
    for record in [_finished(run, package) for package in chosen]:
        if record.decision is Decision.OPEN:
            raise RunError(
                f"{record.id} is not approved",
                next_step=f"Look at it, then say yes: polly diff {record.id}; polly approve {record.id}",
            )
    landing = prepare(project.repository, run.store, run.record, run.plan, chosen)
    applying.check_apply(landing)
    _verify(project, run, landing, tell)
    applying.apply(landing)
    by = _person(project)
    _append(
        run,
        *(
            PackageApplied(
                run=run.run,
                package=each.package.id,
                tree=each.record.tree or "",
                by=by,
                paths=each.paths,
            )
            for each in landing.packages
        ),
    )
    return _landed(landing, [(each.package.id, None) for each in landing.packages])


def commit(project: Project, run: OpenRun, packages: Sequence[str], tell: Callable[[str], None]) -> Landed:
    """One commit per package on the current branch; without names, all that are ready and not rejected."""
    _catch_up(project, run)
    chosen = packages or _of(run, _can_be_committed)
    if not chosen:
        raise RunError(
            "There is nothing to commit: "
            + "; ".join(f"{record.id} {_why_not(record)}" for record in run.record.packages),
            next_step=_after_nothing(run),
        )
    landing = prepare(project.repository, run.store, run.record, run.plan, chosen)
    committing.check_commit(landing)
    _verify(project, run, landing, tell)
    commits = committing.commit(landing)
    by = _person(project)
    trees = {each.package.id: each.record.tree or "" for each in landing.packages}
    _append(
        run,
        *(
            PackageCommitted(
                run=run.run,
                package=each.package,
                tree=trees[each.package],
                by=by,
                commit=each.commit,
                branch=landing.branch or "",
            )
            for each in commits
        ),
    )
    return _landed(landing, [(each.package, each.commit) for each in commits])


def undo(project: Project, run: OpenRun, packages: Sequence[str]) -> str:
    """Take landed packages back (all of them when none is named); a sentence that says how."""
    _catch_up(project, run)
    chosen = packages or _of(run, lambda record: record.decision in (Decision.APPLIED, Decision.COMMITTED))
    records = [_known(run, package) for package in chosen]
    if not records:
        raise RunError("Nothing of this run has landed", next_step="`polly status` shows every package.")
    for record in records:
        if record.decision not in (Decision.APPLIED, Decision.COMMITTED):
            raise RunError(
                f"{record.id} has not landed, so there is nothing to take back",
                next_step="`polly status` shows what has.",
            )
    applied = [record.id for record in records if record.decision is Decision.APPLIED]
    committed = [record for record in records if record.decision is Decision.COMMITTED]
    sentences = []
    if applied:
        paths = applying.undo_apply(project.repository, run.store, run.record, run.plan, applied)
        _record_undone(project, run, applied, "files restored", None)
        files = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
        sentences.append(f"{files} as before {', '.join(applied)}.")
    if committed:
        undone = undoing.undo(project.repository, [record.landed_commit or "" for record in committed])
        names = [record.id for record in committed]
        _record_undone(project, run, names, undone.how.value, undone.new_head)
        way = (
            f"The branch is back at {undone.new_head[:12]}, before"
            if undone.how is undoing.How.RESET
            else f"Reverted, with {len(undone.reverts)} commits of its own:"
        )
        sentences.append(f"{way} {', '.join(names)}.")
    return " ".join(sentences)


def _verify(project: Project, run: OpenRun, landing: Landing, tell: Callable[[str], None]) -> None:
    """Run the post gates on a tree that they have not seen: another branch tip, or some packages only."""
    if landing.judged or not run.plan.gates.post:
        return
    tell("No gate has judged this tree as a whole yet; the post gates run on it now.")
    judge = Judging.of(project, run, project.roles()).judge
    results = asyncio.run(judge.judge_combined(committing.build(landing), label="landing"))
    _append(run, *(GateEnded(run=run.run, gate=gate) for gate in results))
    red = next((gate for gate in results if gate.status.is_red), None)
    if red:
        raise RepositoryError(
            f"The gate `{red.name}` fails on what would land, so nothing was written:\n{red.output.strip()}",
            next_step="Land other packages, or run the issues again from the present commit.",
        )


def _landed(landing: Landing, commits: list[tuple[str, str | None]]) -> Landed:
    return Landed(
        commits=tuple(commits),
        paths=tuple(sorted({path for each in landing.packages for path in each.paths})),
        moved=landing.moved,
        left_out=tuple(
            f"{refusal.package} was left out: {refusal.reason}. {refusal.next_step}"
            for refusal in landing.refused
        ),
    )


def _catch_up(project: Project, run: OpenRun) -> None:
    # A process that was killed between the commit and its record left the branch as the only witness.
    found = committing.find_landed(project.repository, run.record)
    known = {record.id for record in run.record.packages}
    head = project.repository.head()
    for package, commit_id in found.items():
        if package in known and run.record.package(package).decision is not Decision.COMMITTED:
            _append(
                run,
                PackageCommitted(
                    run=run.run,
                    package=package,
                    tree=run.record.package(package).tree or "",
                    by=_person(project),
                    commit=commit_id,
                    branch=head.branch or "",
                ),
            )


def _record_undone(
    project: Project, run: OpenRun, packages: Sequence[str], how: str, commit_id: str | None
) -> None:
    by = _person(project)
    _append(
        run,
        *(LandingUndone(run=run.run, package=each, by=by, how=how, commit=commit_id) for each in packages),
    )


def _can_be_committed(record: PackageRecord) -> bool:
    if record.state is not PackageState.READY or record.decision in (Decision.REJECTED, Decision.COMMITTED):
        return False
    return not record.tampering or record.approved_tree == record.tree


def _why_not(record: PackageRecord) -> str:
    if record.decision in (Decision.REJECTED, Decision.COMMITTED):
        return f"is {record.decision.value}"
    if record.state is PackageState.READY:
        return "made a check quieter and needs an approval of its own"
    return "changed nothing" if record.state is PackageState.UNCHANGED else f"is {record.state.value}"


def _after_nothing(run: OpenRun) -> str:
    if not all(record.state.is_final for record in run.record.packages):
        return f"Go on with the run: polly resume --run {run.run}"
    quieter = next((each for each in run.record.packages if _why_not(each).startswith("made")), None)
    if quieter:
        return (
            f"Look at it and say yes: polly diff {quieter.id}; polly approve {quieter.id} --accept-tampering"
        )
    return "`polly report` says what became of every issue."


def _of(run: OpenRun, wanted: Callable[[PackageRecord], bool]) -> list[str]:
    return [record.id for record in run.record.packages if wanted(record)]


def _known(run: OpenRun, package: str) -> PackageRecord:
    try:
        return run.record.package(package)
    except KeyError as error:
        names = ", ".join(each.id for each in run.plan.packages)
        raise RunError(
            f"There is no package {package} in run {run.run}", next_step=f"It has: {names}"
        ) from error


def _finished(run: OpenRun, package: str) -> PackageRecord:
    record = _known(run, package)
    if record.state is not PackageState.READY:
        reason = f" ({record.detail.removeprefix('red: ')})" if record.detail else ""
        raise RunError(
            f"{package} cannot land, it is {record.state.value}{reason}",
            next_step="`polly report` says more. To run its issues again: "
            f"polly fix SOURCE --only {' --only '.join(run.plan.package(package).issues)}",
        )
    return record


def _person(project: Project) -> str:
    name = project.repository.git.config("user.name")
    if name is None:
        with suppress(OSError, KeyError, ImportError):
            name = getpass.getuser()
    return name or "someone"


def _append(run: OpenRun, *events: EventData) -> None:
    run.journal.append(*events)
    run.write_record()
