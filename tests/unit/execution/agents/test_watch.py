"""Facts become events once, and an attempt ended as badly as the worse of process and records says."""

from collections.abc import Sequence
from typing import Any

import pytest

from polly.events.agents import ActionRecorded
from polly.execution.agents.listening import Fact, Noticed, Said, ToolCalled, ToolEnded, ToolOutcome
from polly.execution.watch import Watch, Whose, ending, known_actions
from polly.process import Report
from polly.work.run import AttemptOutcome

WHOSE = Whose(
    run="r", execution="e", agent="claude", package="WP1", attempt=2, project_path="/p", workspace="/w/tree"
)
CALLED = ToolCalled(call="t1", tool="Edit", target="/w/tree/src/a.py")
ENDED = ToolEnded(
    call="t1", tool="Edit", target="/w/tree/src/a.py", outcome=ToolOutcome.DENIED, detail="not yours"
)


class _Told:
    """A listener that tells these facts at once."""

    def __init__(self, *facts: Fact) -> None:
        self._facts: Sequence[Fact] = facts

    def read(self, *, to_end: bool = False) -> Sequence[Fact]:
        facts, self._facts = self._facts, ()
        return facts

    def said(self) -> Said:
        return Said(finished=True)


class _Faulty(_Told):
    def read(self, *, to_end: bool = False) -> Sequence[Fact]:
        raise LookupError("surprise")


def test_an_action_says_whose_it_is_what_on_and_how_it_ended() -> None:
    began, ended = Watch(_Told(CALLED, ENDED), WHOSE).rest()
    assert (began.action_type, began.action_name, began.action, began.execution) == (
        "tool_call",
        "Edit",
        "t1",
        "e",
    )
    assert ended.action_type == "error"
    assert ended.action_details == {
        "target": "src/a.py",
        "outcome": "denied",
        "detail": "not yours",
        "package": "WP1",
        "attempt": 2,
    }


def test_what_an_earlier_process_recorded_is_not_recorded_again() -> None:
    recorded = Watch(_Told(CALLED), WHOSE).rest()[:1]
    known = known_actions(recorded, "e")
    assert known == {("t1", "tool_call")}
    assert [event.action_type for event in Watch(_Told(CALLED, ENDED), WHOSE, known).rest()] == ["error"]
    assert known_actions(recorded, "another") == set()


def test_a_fact_that_is_told_twice_is_recorded_once() -> None:
    assert len(Watch(_Told(CALLED, CALLED, ENDED, ENDED), WHOSE).rest()) == 2


def test_a_call_that_never_ended_failed_with_the_session() -> None:
    events = Watch(_Told(CALLED), WHOSE).rest()
    assert [event.action_type for event in events] == ["tool_call", "error"]
    assert events[1].action_details["detail"] == "the session ended before it"


def test_a_secret_in_what_an_agent_tells_is_not_recorded() -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    (event,) = Watch(_Told(Noticed(key="n", name="x", details={"error": f"token {token}"})), WHOSE).rest()
    assert token[:40] not in str(event.action_details)


def test_a_fault_in_reading_costs_the_records_and_not_the_work() -> None:
    watch = Watch(_Faulty(), WHOSE)
    assert watch.rest() == []
    assert watch.said().figures == {"reading_stopped": "LookupError: surprise"}


def test_an_agent_that_runs_in_circles_is_recorded_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polly.execution.watch.MAX_ACTIONS", 3)
    watch = Watch(_Told(*(Noticed(key=str(number), name="x") for number in range(5))), WHOSE)
    assert len(watch.rest()) == 3
    assert watch.said().figures == {"actions_left_out": 2}


def _report(outcome: AttemptOutcome, **given: Any) -> Report:
    fields: dict[str, Any] = {"exit_code": 0, "seconds": 1.0, "output_bytes": 5, "detail": "", "leftovers": 0}
    return Report(outcome=outcome, **{**fields, **given})


@pytest.mark.parametrize(
    ("outcome", "detail", "said", "expected"),
    [
        ("finished", "", Said(finished=True), ("finished", "")),
        ("finished", "", Said(), ("finished", "")),
        ("finished", "", Said(finished=False, detail="refused"), ("crashed", "refused")),
        ("crashed", "exit status 1", Said(finished=True), ("crashed", "exit status 1")),
        ("crashed", "exit status 1", Said(finished=False, detail="why"), ("crashed", "why; exit status 1")),
        ("timed_out", "too long", Said(finished=False, detail="no result"), ("timed_out", "too long")),
        ("cancelled", "stopped", Said(finished=False, detail="no result"), ("cancelled", "stopped")),
    ],
)
def test_the_worse_of_process_and_records_counts(
    outcome: str, detail: str, said: Said, expected: tuple[str, str]
) -> None:
    ended = ending(_report(AttemptOutcome(outcome), detail=detail), said)
    assert (ended.outcome.value, ended.detail) == expected


def test_an_attempt_without_a_report_is_lost() -> None:
    assert ending(None, Said(finished=True)).outcome is AttemptOutcome.LOST


def test_events_of_a_watch_are_actions() -> None:
    assert all(isinstance(event, ActionRecorded) for event in Watch(_Told(CALLED), WHOSE).rest())
