"""What every store tells about how long issues took."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from polly.events.catalog import (
    AttemptEnded,
    AttemptStarted,
    IssuePlanned,
    PackageEnded,
    PackagePlanned,
    RunStarted,
    VerdictReached,
)
from polly.events.event import EventData
from polly.events.transfer import IngestResult
from polly.store.ports import Store
from polly.work.effort import EffortSample
from polly.work.issues import Severity
from polly.work.run import AttemptOutcome, IssueOutcome, PackageState, Verdict

Put = Callable[..., IngestResult]
Line = Callable[..., bytes]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def story(
    run: str,
    seconds: tuple[float, ...],
    issues: dict[str, Verdict | None],
    *,
    path: str = "/p",
    state: PackageState = PackageState.READY,
) -> list[EventData]:
    """A run of one package: so many attempts, and these issues with their verdicts."""
    names = tuple(issues)
    told: list[EventData] = [
        RunStarted(
            run=run, project_path=path, base_commit="c", branch=None, agent="claude", agents=1, attempts=2,
            packages=1, issues=len(names),
        ),
        PackagePlanned(
            run=run, package="WP1", title="t", role="r", priority=Severity.MAJOR, wave=1, issues=names,
            modify=(), create=(), estimated_minutes=9,
        ),
    ]  # fmt: skip
    told += [
        IssuePlanned(
            run=run,
            issue=name,
            package="WP1",
            severity=Severity.MAJOR,
            title="t",
            fingerprint=name,
            locations=(),
            tool="ruff",
            rule=f"R-{name}",
        )
        for name in names
    ]
    for number, each in enumerate(seconds, 1):
        told.append(
            AttemptStarted(
                run=run,
                package="WP1",
                attempt=number,
                agent="claude",
                role="r",
                base_commit="c",
                workspace="w",
            )
        )
        told.append(
            AttemptEnded(
                run=run,
                package="WP1",
                attempt=number,
                outcome=AttemptOutcome.FINISHED,
                exit_code=0,
                seconds=each,
                output_bytes=0,
                tokens=None,
                cost_usd=None,
                detail="",
                claims={},
            )
        )
    told += [
        VerdictReached(run=run, package="WP1", attempt=1, outcome=IssueOutcome(issue=name, verdict=verdict))
        for name, verdict in issues.items()
        if verdict is not None
    ]
    return [*told, PackageEnded(run=run, package="WP1", attempt=1, state=state, detail="")]


def put_story(put: Put, line: Line, told: list[EventData], *, days: int = 0) -> None:
    since = NOON + timedelta(days=days)
    put(*(line(data, at=since + timedelta(seconds=number)) for number, data in enumerate(told)))


def sample(name: str, seconds: float) -> EffortSample:
    return EffortSample(
        severity=Severity.MAJOR, tool="ruff", rule=f"R-{name}", agent="claude", seconds=seconds
    )


def test_each_issue_has_its_even_share_of_all_attempts(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, story("r1", (40.0, 20.0), {"A": Verdict.FIXED, "B": None}))
    assert store.effort_samples() == (sample("A", 30.0), sample("B", 30.0))


def test_issues_that_were_not_fixed_or_declined_do_not_count(store: Store, put: Put, line: Line) -> None:
    verdicts = {"A": Verdict.NOT_FIXED, "B": Verdict.DECLINED, "C": Verdict.PARTLY, "D": Verdict.UNVERIFIABLE}
    put_story(put, line, story("r1", (40.0,), dict(verdicts)))
    assert store.effort_samples() == (sample("C", 10.0), sample("D", 10.0))


def test_packages_that_did_not_get_through_do_not_count(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, story("r1", (40.0,), {"A": Verdict.FIXED}, state=PackageState.RED))
    put_story(put, line, story("r2", (), {"A": Verdict.FIXED}))
    assert store.effort_samples() == ()


def test_the_newest_come_first_and_a_project_sees_only_its_own(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, story("r1", (10.0,), {"A": Verdict.FIXED}))
    put_story(put, line, story("r2", (20.0,), {"A": Verdict.FIXED}, path="/other"), days=1)
    put_story(put, line, story("r3", (30.0,), {"A": Verdict.FIXED}), days=2)
    assert [each.seconds for each in store.effort_samples()] == [30.0, 20.0, 10.0]
    assert [each.seconds for each in store.effort_samples("/p")] == [30.0, 10.0]
