"""Runs as values: a small one that is told in full, and a strategy for any."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import strategies as st

from polly.work.issues import Inventory, Issue, Location, Severity, Source, Warning, count
from polly.work.plan import Files, Forecast, Ownership, Plan, Unplanned, Why, WorkPackage
from polly.work.run import (
    AttemptOutcome,
    AttemptRecord,
    Claim,
    Decision,
    Evidence,
    EvidenceKind,
    EvidenceStatus,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    PackageRecord,
    PackageState,
    RunRecord,
    RunState,
    StageTime,
    Tampering,
    Verdict,
)

START = datetime(2025, 1, 1, tzinfo=UTC)


class Story(NamedTuple):
    """What a report is made from."""

    record: RunRecord
    plan: Plan
    inventory: Inventory


def attempt(number: int, **fields: Any) -> AttemptRecord:
    return AttemptRecord(
        **{
            "number": number,
            "agent": "patch",
            "started_at": START,
            "outcome": AttemptOutcome.FINISHED,
            **fields,
        }
    )


def story(words: str = "plain") -> Story:
    """Two packages in two waves, four issues, one of everything; `words` is all untrusted text."""
    issues = tuple(
        Issue(
            id=name,
            severity=severity,
            title=words,
            locations=(Location(path=words, start_line=3),),
            problem=words,
            suggestion=words,
            source=Source(format="markdown"),
            fingerprint=name,
        )
        for name, severity in (
            ("C1", Severity.CRITICAL),
            ("C2", Severity.CRITICAL),
            ("M1", Severity.MINOR),
            ("N1", Severity.NITPICK),
        )
    )
    note = Warning(code="figure_contradicts", message=words, ref=words)
    inventory = Inventory(issues=issues, warnings=(note,), counts=count(issues, ()))
    fixed = Evidence(kind=EvidenceKind.CHECK, status=EvidenceStatus.FIXED, command=words, tree="t" * 40)
    claim = Evidence(kind=EvidenceKind.CLAIM, status=EvidenceStatus.FIXED)
    gate = GateResult(
        name=words,
        scope=GateScope.PACKAGE,
        tree="t" * 40,
        status=GateStatus.FAILED,
        seconds=1.5,
        output=words,
    )
    packages = (
        PackageRecord(
            id="WP1",
            state=PackageState.READY,
            attempts=(
                attempt(1, seconds=10.0, tokens=100, cost_usd=0.5, outcome=AttemptOutcome.CRASHED),
                attempt(2, seconds=20.0, claims={"C1": Claim(status=words, note=words)}),
            ),
            tree="t" * 40,
            commit="c" * 40,
            owned_changed=(words,),
            strays=(words,),
            gates=(gate,),
            outcomes=(
                IssueOutcome(issue="C1", verdict=Verdict.FIXED, evidence=(fixed, claim)),
                IssueOutcome(issue="C2", verdict=Verdict.UNVERIFIABLE, evidence=(claim,)),
            ),
            tampering=(Tampering(package="WP1", path=words, line=4, kind=words, text=words),),
            detail=words,
            decision=Decision.COMMITTED,
            landed_commit="d" * 40,
        ),
        PackageRecord(id="WP2", state=PackageState.FAILED, attempts=(attempt(1, seconds=6.0), attempt(2))),
    )
    record = RunRecord(
        run="r1",
        project_path="/nowhere",
        base_commit="b" * 40,
        branch="main",
        agent=words,
        agents=2,
        state=RunState.FINISHED,
        started_at=START,
        active_seconds=24.0,
        packages=packages,
        gates=(msgspec.structs.replace(gate, scope=GateScope.POST, status=GateStatus.PASSED),),
        stages=(
            StageTime(stage="gates", seconds=2.0, package="WP1"),
            StageTime(stage="gates", seconds=1.0),
            StageTime(stage="plan", seconds=0.5),
        ),
        warnings=(note,),
    )
    work = [
        WorkPackage(
            id=name,
            title=words,
            role="general",
            priority=Severity.CRITICAL,
            wave=wave,
            issues=of_it,
            files=Files(modify=(words,)),
            estimated_minutes=5,
        )
        for name, wave, of_it in (("WP1", 1, ("C1", "C2")), ("WP2", 2, ("M1",)))
    ]
    plan = Plan(
        base_commit="b" * 40,
        packages=tuple(work),
        ownership=(Ownership(path=words, wave=1, package="WP1", why=Why.FINDING),),
        unplanned=(Unplanned(issue="N1", reason=words),),
        forecast=Forecast(
            agents=3,
            sequential_minutes=10,
            parallel_minutes=5,
            critical_path_minutes=5,
            bound_minutes=5,
            speedup=2,
            efficiency=0.67,
        ),
        warnings=(note,),
    )
    return Story(record, plan, inventory)


_SECONDS = st.none() | st.floats(min_value=0, max_value=1e6)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Runs at any point of their life, with whatever is known of them."""
    names = [f"WP{number}" for number in range(1, draw(st.integers(0, 5)) + 1)]
    base = story()
    packages, work, issues = [], [], []
    for name in names:
        own = tuple(f"{name}-{number}" for number in range(draw(st.integers(1, 3))))
        judged = draw(st.lists(st.sampled_from(own), unique=True))
        attempts = tuple(
            attempt(
                number,
                seconds=draw(_SECONDS),
                tokens=draw(st.none() | st.integers(0, 10**6)),
                cost_usd=draw(_SECONDS),
            )
            for number in range(1, draw(st.integers(0, 3)) + 1)
        )
        packages.append(
            PackageRecord(
                id=name,
                state=draw(st.sampled_from(list(PackageState))),
                attempts=attempts,
                outcomes=tuple(
                    IssueOutcome(issue=issue, verdict=draw(st.sampled_from(list(Verdict))))
                    for issue in judged
                ),
                decision=draw(st.sampled_from(list(Decision))),
            )
        )
        template = base.plan.packages[0]
        wave = draw(st.integers(1, 3))
        work.append(msgspec.structs.replace(template, id=name, wave=wave, issues=own))
        issues += [msgspec.structs.replace(base.inventory.issues[0], id=issue) for issue in own]
    record = msgspec.structs.replace(
        base.record,
        packages=tuple(packages),
        active_seconds=draw(st.floats(min_value=0, max_value=1e6)),
        agents=draw(st.integers(1, 9)),
        state=draw(st.sampled_from(list(RunState))),
    )
    plan = msgspec.structs.replace(base.plan, packages=tuple(work), ownership=(), unplanned=())
    inventory = msgspec.structs.replace(base.inventory, issues=tuple(issues))
    return Story(record, plan, inventory)


@pytest.fixture
def told() -> Story:
    return story()
