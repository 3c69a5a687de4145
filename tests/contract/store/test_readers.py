"""What every store answers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from polly.events.catalog import (
    AttemptEnded,
    IssuePlanned,
    LandingUndone,
    PackageCommitted,
    PackagePlanned,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    VerdictReached,
)
from polly.events.event import EventData
from polly.events.transfer import IngestResult
from polly.store.ports import RunSummary, Store
from polly.work.issues import Severity
from polly.work.run import AttemptOutcome, IssueOutcome, RunState, Verdict

Put = Callable[..., IngestResult]
Line = Callable[..., bytes]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def put_story(put: Put, line: Line, *story: EventData, since: datetime = NOON) -> None:
    put(*(line(data, at=since + timedelta(seconds=number)) for number, data in enumerate(story)))


def started(run: str, path: str = "/p") -> RunStarted:
    return RunStarted(
        run=run,
        project_path=path,
        base_commit="abc",
        branch="main",
        agent="patch",
        agents=4,
        attempts=2,
        packages=9,
        issues=9,
    )


def planned(run: str, package: str, *issues: str) -> list[EventData]:
    work = PackagePlanned(
        run=run,
        package=package,
        title="t",
        role="general",
        priority=Severity.MAJOR,
        wave=1,
        issues=issues,
        modify=(),
        create=(),
        estimated_minutes=3,
    )
    return [
        work,
        *(
            IssuePlanned(
                run=run,
                issue=issue,
                package=package,
                severity=Severity.MAJOR,
                title="t",
                fingerprint=issue,
                locations=(),
            )
            for issue in issues
        ),
    ]


def verdict(issue: str, reached: Verdict) -> VerdictReached:
    return VerdictReached(
        run="R", package="WP1", attempt=1, outcome=IssueOutcome(issue=issue, verdict=reached)
    )


def ended_attempt(package: str, seconds: float) -> AttemptEnded:
    return AttemptEnded(run="R", package=package, attempt=1, outcome=AttemptOutcome.FINISHED, seconds=seconds)


def committed(package: str) -> PackageCommitted:
    return PackageCommitted(run="R", package=package, tree="t", by="ann", commit="d", branch="main")


def test_no_runs_are_no_rows(store: Store) -> None:
    assert store.list_runs() == ()
    assert store.list_runs("/nowhere") == ()


def test_figures_of_a_run_are_counted_from_its_rows(store: Store, put: Put, line: Line) -> None:
    put_story(
        put,
        line,
        started("R"),
        *planned("R", "WP1", "C1", "C2"),
        *planned("R", "WP2", "C3"),
        ended_attempt("WP1", 2.5),
        ended_attempt("WP2", 1.5),
        verdict("C1", Verdict.NOT_FIXED),
        verdict("C1", Verdict.FIXED),
        verdict("C2", Verdict.FIXED),
        verdict("C3", Verdict.DECLINED),
        committed("WP1"),
        committed("WP2"),
        LandingUndone(run="R", package="WP2", by="ann", how="revert"),
        RunEnded(run="R", verified=0, unverified=0, red=False),
    )
    assert store.list_runs() == (
        RunSummary(
            run="R",
            project_path="/p",
            branch="main",
            agent="patch",
            state=RunState.FINISHED,
            started_at=NOON,
            ended_at=NOON + timedelta(seconds=15),
            packages=2,
            issues=3,
            verdicts={Verdict.FIXED: 2, Verdict.DECLINED: 1},
            committed_packages=1,
            agent_seconds=4.0,
        ),
    )


def test_a_package_committed_again_after_an_undo_counts(store: Store, put: Put, line: Line) -> None:
    undone = LandingUndone(run="R", package="WP1", by="ann", how="revert")
    put_story(put, line, started("R"), committed("WP1"), undone, committed("WP1"))
    assert store.list_runs()[0].committed_packages == 1


def test_the_newest_run_comes_first_and_a_project_sees_its_own(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, started("old", "/a"))
    put_story(put, line, started("new", "/a"), since=NOON + timedelta(days=1))
    put_story(put, line, started("other", "/b"), since=NOON + timedelta(hours=1))
    assert [run.run for run in store.list_runs()] == ["new", "other", "old"]
    assert [run.run for run in store.list_runs("/a")] == ["new", "old"]


def test_a_resumed_run_is_running_again(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, started("R"), RunInterrupted(run="R", reason="Ctrl-C"))
    assert store.list_runs()[0].state is RunState.INTERRUPTED
    put_story(put, line, RunResumed(run="R"), since=NOON + timedelta(minutes=1))
    assert store.list_runs()[0].state is RunState.RUNNING


def test_a_run_whose_start_was_lost_is_listed_last(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, RunEnded(run="R", verified=1, unverified=0, red=False))
    put_story(put, line, started("whole"))
    whole, broken = store.list_runs()
    assert whole.run == "whole"
    assert (broken.run, broken.project_path, broken.started_at) == ("R", None, None)
    assert broken.state is RunState.FINISHED
