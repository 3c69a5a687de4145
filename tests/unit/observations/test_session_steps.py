"""Events of a session become steps: paired, nested, ended. Whatever order they come in."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.store.observations.session_steps import QUIET, Happened, Spent, launched_by, session
from polly.work.sessions import Session, SessionEnd, StepKind, StepOutcome

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = START + timedelta(days=1)


def happened(second: float, kind: StepKind, name: str, **values: Any) -> Happened:
    at = START + timedelta(seconds=second)
    return Happened(at, values.pop("event_id", f"{second:09.3f} {name} {values}"), kind, name, **values)


def call(second: float, key: str, phase: str, name: str = "Read", **values: Any) -> Happened:
    return happened(second, StepKind.NOTE, name, key=key, phase=phase, agent="claude", **values)


def hook(second: float, name: str, **values: Any) -> Happened:
    return happened(second, StepKind.HOOK, name, agent="claude", **values)


def told(*events: Happened, now: datetime = LATER) -> Session:
    return session("s", events, Spent(), now)


def shown(found: Session) -> list[tuple[int, str, str]]:
    return [(step.depth, step.name, step.outcome.value) for step in found.steps]


def test_a_call_and_its_end_are_one_step() -> None:
    found = told(call(1, "a", "tool_call", target="x.py"), call(2, "a", "success", duration_ms=7.0))
    (step,) = found.steps
    assert (step.outcome, step.target, step.duration_ms) == (StepOutcome.SUCCESS, "x.py", 7.0)
    assert step.at == START + timedelta(seconds=1)
    assert (found.summary.tools, found.summary.failures) == (1, 0)


def test_events_twice_count_once() -> None:
    events = [call(1, "a", "tool_call"), call(2, "a", "error"), call(3, "a", "error")]
    assert (told(*events).summary.tools, told(*events).summary.failures) == (1, 1)


def test_a_denial_says_more_than_the_failure_that_it_causes() -> None:
    found = told(
        call(1, "a", "tool_call", name="Write"),
        call(2, "a", "error", name="Write"),
        call(3, "a", "error", name="Write", is_denial=True, detail="not yours"),
    )
    assert shown(found) == [(0, "Write", "denied")]
    assert (found.summary.denials, found.summary.failures) == (1, 0)
    assert found.denied[0].detail == "not yours"
    assert found.files_written == ()


@pytest.mark.parametrize(
    ("now", "outcome", "end"),
    [
        (START + timedelta(minutes=1), StepOutcome.IN_PROGRESS, SessionEnd.OPEN),
        (LATER, StepOutcome.UNKNOWN, SessionEnd.DERIVED),
    ],
)
def test_a_call_without_an_end_runs_as_long_as_the_session_is_open(
    now: datetime, outcome: StepOutcome, end: SessionEnd
) -> None:
    found = told(call(1, "a", "tool_call"), now=now)
    assert (found.steps[0].outcome, found.summary.end) == (outcome, end)


def test_a_session_that_is_quiet_for_long_ended_with_its_last_event() -> None:
    events = (hook(0, "session_started"), hook(60, "turn_ended"))
    last = START + timedelta(seconds=60)
    just_before = told(*events, now=last + QUIET - timedelta(seconds=1)).summary
    assert (just_before.end, just_before.ended_at) == (SessionEnd.OPEN, None)
    after = told(*events, now=last + QUIET).summary
    assert (after.end, after.ended_at, after.duration_ms) == (SessionEnd.DERIVED, last, 60_000.0)


def test_a_session_that_said_its_end_has_it_at_once() -> None:
    found = told(hook(0, "session_started"), hook(5, "session_ended"), now=START + timedelta(seconds=6))
    assert found.summary.end is SessionEnd.RECORDED


def test_a_session_that_was_resumed_is_open_again() -> None:
    events = (hook(0, "session_started"), hook(5, "session_ended"), hook(9, "session_started"))
    assert told(*events, now=START + timedelta(seconds=10)).summary.end is SessionEnd.OPEN


def test_steps_of_subagents_stand_below_their_launch() -> None:
    found = told(
        call(1, "launch-1", "tool_call", name="Agent"),
        call(2, "launch-2", "tool_call", name="Agent"),
        hook(3, "subagent_started", launched="A"),
        call(4, "r1", "tool_call", parent="A"),
        call(5, "r2", "tool_call", parent="B", name="Grep"),
        call(6, "r1", "success", parent="A"),
        call(7, "r2", "success", parent="B", name="Grep"),
        hook(8, "subagent_stopped", parent="A"),
        call(9, "launch-1", "success", name="Agent", launched="A"),
        call(10, "launch-2", "success", name="Agent", launched="B"),
        call(11, "own", "success", name="Write", target="x"),
    )
    assert shown(found) == [
        (0, "Agent", "success"),
        (1, "subagent_started", ""),
        (1, "Read", "success"),
        (1, "subagent_stopped", ""),
        (0, "Agent", "success"),
        (1, "Grep", "success"),
        (0, "Write", "success"),
    ]
    assert found.summary.subagents == 2


def test_a_subagent_may_be_named_by_the_call_that_launched_it() -> None:
    found = told(
        call(1, "launch", "tool_call", name="Task"),
        call(2, "r", "success", parent="launch"),
        call(3, "deep", "success", parent="r"),
    )
    assert [depth for depth, _, _ in shown(found)] == [0, 1, 2]
    assert found.summary.subagents == 2


def test_a_subagent_whose_launch_is_unknown_has_a_place_of_its_own() -> None:
    found = told(call(1, "r", "success", parent="Z"))
    assert shown(found) == [(0, "subagent", ""), (1, "Read", "success")]
    assert found.steps[0].target == "Z"


def test_the_end_of_a_subagent_that_did_nothing_is_none() -> None:
    found = told(hook(1, "session_started"), hook(2, "subagent_stopped", parent="of a compaction"))
    assert found.summary.subagents == 0
    assert [depth for depth, _, _ in shown(found)] == [0, 0]


def test_steps_that_name_each_other_as_their_launch_are_all_shown() -> None:
    found = told(call(1, "a", "success", parent="b"), call(2, "b", "success", parent="a"))
    assert len(found.steps) == 2


def test_files_are_those_that_writing_tools_wrote() -> None:
    patch = "*** Begin Patch\n*** Update File: b.py\n@@\n*** Add File: c.py\n+x\n*** End Patch"
    found = told(
        call(1, "1", "success", name="Write", target="a.py"),
        call(2, "2", "success", name="Edit", target="a.py"),
        call(3, "3", "error", name="Write", target="failed.py"),
        call(4, "4", "success", name="apply_patch", target=patch),
        call(5, "5", "success", name="Read", target="read.py"),
    )
    assert found.files_written == ("a.py", "b.py", "c.py")


def test_totals_are_by_tool() -> None:
    found = told(
        call(1, "1", "success", duration_ms=5.0),
        call(2, "2", "error", duration_ms=6.0),
        call(3, "3", "success", name="Bash"),
    )
    first, second = found.tools
    assert (first.tool, first.calls, first.failed, first.total_ms) == ("Read", 2, 1, 11.0)
    assert (second.tool, second.total_ms) == ("Bash", None)


@pytest.mark.parametrize(
    ("name", "response", "launched"),
    [
        ("Agent", '{"agentId": "A", "status": "completed"}', "A"),
        ("spawn_agent", '{"agent_id": "B"}', "B"),
        ("spawn_agent", '"{\\"agent_id\\": \\"B\\"}"', "B"),
        ("Read", '{"agentId": "A"}', ""),
        ("Agent", "no json", ""),
        ("Agent", "[1]", ""),
        ("Agent", '{"agentId": 7}', ""),
        ("Agent", None, ""),
    ],
)
def test_the_answer_of_a_launch_names_the_subagent(name: str, response: str | None, launched: str) -> None:
    assert launched_by(name, response) == launched


_KEYS = st.sampled_from(["", "a", "b", "c"])
_EVENTS = st.lists(
    st.builds(
        lambda second, key, phase, parent, launched, denial: happened(
            second,
            StepKind.NOTE if phase else StepKind.HOOK,
            "Agent" if phase else "subagent_started",
            key=key if phase else "",
            phase=phase,
            parent=parent,
            launched=launched,
            is_denial=denial and phase == "error",
        ),
        st.integers(0, 50),
        _KEYS,
        st.sampled_from(["", "tool_call", "success", "error", "decision"]),
        _KEYS,
        _KEYS,
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(events=_EVENTS, seed=st.integers(0, 5))
def test_any_events_in_any_order_give_one_session(events: list[Happened], seed: int) -> None:
    events = [each._replace(event_id=f"e{number}") for number, each in enumerate(events)]
    found = told(*events)
    mixed = list(events)
    random.Random(seed).shuffle(mixed)
    assert told(*mixed) == found
    keys = {each.key for each in events if each.phase and each.key}
    alone = [each for each in events if not each.phase or not each.key]
    shown = [step for step in found.steps if step.kind is not StepKind.SUBAGENT]
    assert len(shown) == len(keys) + len(alone), "none lost, none twice"
    assert found.summary.tools + sum(step.kind is not StepKind.TOOL for step in shown) == len(shown)
