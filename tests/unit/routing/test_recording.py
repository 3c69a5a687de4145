"""What is recorded of a decision, and of the roles of a plan."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from polly.errors import InputError
from polly.events.agents import (
    AgentEvent,
    DetectionFailed,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.pipeline.routing import (
    KeptDecision,
    RoleChooser,
    dump_decisions,
    read_decisions,
    refuse_unknown_roles,
    run_events,
    with_role_names,
)
from polly.planning.forecast import forecast
from polly.routing.library import load_roles
from polly.routing.recording import MOST_CHARACTERS, best_of, events_of, text_of
from polly.routing.router import Router
from polly.work.issues import Inventory, Issue, Severity, Source, count
from polly.work.plan import Files, Plan, WorkPackage
from polly.work.routing import GENERAL_ROLE, POLLY, Outcome, Request, Strategy

ROLES = load_roles()
ROUTER = Router(ROLES)

SURE = "the flaky test needs a fixture and an assertion"


_Event = TypeVar("_Event", bound=AgentEvent)


def of(kind: type[_Event], events: Iterable[AgentEvent]) -> list[_Event]:
    return [each for each in events if isinstance(each, kind)]


def test_a_role_that_was_found_is_a_decision_a_measurement_and_a_transformation() -> None:
    decision = ROUTER.route(Request(text=SURE))
    events = events_of(SURE, decision, run="R", project_path="/p", context={"package": "WP1"})
    assert [type(each) for each in events] == [RoutingDecided, RouterMeasured, TransformationRecorded]
    assert {(each.run, each.project_path) for each in events} == {("R", "/p")}
    (taken,) = of(TransformationRecorded, events)
    assert (taken.source_agent, taken.target_agent) == (POLLY, "testing-specialist")
    (decided,) = of(RoutingDecided, events)
    assert decided.confidence_score >= decision.threshold
    assert decided.context["package"] == "WP1"
    assert set(decided.confidence_components) == {"trigger", "context", "capability", "history"}
    (measured,) = of(RouterMeasured, events)
    assert measured.stage_microseconds == decision.stage_microseconds
    assert measured.candidates_evaluated == len(ROLES)


@pytest.mark.parametrize("text", ["", "thank you", "please have a look at this"])
def test_where_the_general_role_stands_in_nothing_was_transformed_and_the_detection_failed(text: str) -> None:
    events = events_of(text, ROUTER.route(Request(text=text)))
    assert [type(each) for each in events] == [RoutingDecided, RouterMeasured, DetectionFailed]
    (failed,) = of(DetectionFailed, events)
    assert failed.detection_metadata["taken"] == GENERAL_ROLE
    assert failed.detected_agent is None


def test_the_best_guess_is_kept_where_it_was_not_enough() -> None:
    decision = Router(ROLES, threshold=1.01).route(Request(text=SURE))
    best = best_of(decision)
    assert best is not None
    (failed,) = of(DetectionFailed, events_of(SURE, decision))
    assert (failed.detection_status, failed.detected_agent) == ("low_confidence", "testing-specialist")
    assert failed.detection_confidence == best.confidence == decision.best


def test_polly_never_becomes_polly() -> None:
    decision = ROUTER.route(Request(text=SURE))
    itself = replace(decision, chosen=replace(decision.chosen, role=POLLY))
    assert of(TransformationRecorded, events_of(SURE, itself)) == []


def test_a_long_request_is_shortened_and_keeps_all_short_texts() -> None:
    assert text_of(Request(text="a", further=("b", "", "c"))) == "a\n\nb\n\nc"
    assert len(text_of(Request(text="x" * 100_000))) == MOST_CHARACTERS


def issue(name: str, title: str) -> Issue:
    return Issue(
        id=name, severity=Severity.MAJOR, title=title, source=Source(format="markdown"), fingerprint=name
    )


ISSUES = (issue("A1", SURE), issue("A2", "flaky test"), issue("B1", "thank you"))
INVENTORY = Inventory(issues=ISSUES, counts=count(ISSUES, ()))


def package(name: str, role: str, *issues: str) -> WorkPackage:
    return WorkPackage(
        id=name,
        title="t",
        role=role,
        priority=Severity.MAJOR,
        wave=1,
        issues=issues,
        files=Files(modify=(f"{name}.py",)),
        estimated_minutes=1,
    )


def plan(*packages: WorkPackage) -> Plan:
    return Plan(base_commit="abc123", packages=packages, forecast=forecast(packages, 1))


def chosen(*packages: WorkPackage) -> tuple[Plan, dict[str, KeptDecision]]:
    """The plan as the router makes it, and how."""
    chooser = RoleChooser(ROUTER, "claude")
    by_id = {each.id: each for each in ISSUES}
    routed = [replace(p, role=chooser.role_of([by_id[each] for each in p.issues], ())) for p in packages]
    return plan(*routed), chooser.decisions(routed)


WP1, WP2 = package("WP1", "", "A1", "A2"), package("WP2", "", "B1")


def test_a_run_records_how_the_role_of_each_package_was_found() -> None:
    made, decisions = chosen(WP1, WP2)
    events = list(run_events("R", "/p", made, INVENTORY, decisions))
    decided = of(RoutingDecided, events)
    assert [(each.context["package"], each.selected_agent) for each in decided] == [
        ("WP1", "testing-specialist"),
        ("WP2", GENERAL_ROLE),
    ]
    assert len(of(RouterMeasured, events)) == 2
    assert [each.target_agent for each in of(TransformationRecorded, events)] == ["testing-specialist"]
    assert [each.detection_metadata["package"] for each in of(DetectionFailed, events)] == ["WP2"]


def test_a_role_that_a_person_wrote_into_the_plan_is_explicit_and_names_what_the_router_chose() -> None:
    made, decisions = chosen(WP1)
    edited = plan(replace(made.packages[0], role="security-audit"))
    events = list(run_events("R", "/p", edited, INVENTORY, decisions))
    (decided,) = of(RoutingDecided, events)
    assert (decided.selected_agent, decided.routing_strategy) == ("security-audit", Strategy.EXPLICIT.value)
    assert (decided.reasoning or "").startswith("named in the plan")
    assert decided.context["router"]["role"] == "testing-specialist"
    (measured,) = of(RouterMeasured, events)
    assert measured.selected_agent == "testing-specialist"
    (taken,) = of(TransformationRecorded, events)
    assert taken.target_agent == "security-audit"
    assert of(DetectionFailed, events) == []


def test_a_person_who_names_a_role_where_none_was_found_has_reviewed_that_failure() -> None:
    made, decisions = chosen(WP2)
    edited = plan(replace(made.packages[0], role="security-audit"))
    (failed,) = of(DetectionFailed, run_events("R", "/p", edited, INVENTORY, decisions))
    assert (failed.expected_agent, failed.detection_metadata["package"]) == ("security-audit", "WP2")


def test_without_a_kept_decision_nothing_is_made_up_but_the_name_in_the_plan() -> None:
    made, decisions = chosen(WP1)
    other_issues = plan(replace(made.packages[0], issues=("A2",)))
    for edited, kept in ((made, {}), (other_issues, decisions)):
        events = list(run_events("R", "/p", edited, INVENTORY, kept))
        assert [type(each) for each in events] == [RoutingDecided, TransformationRecorded]
        (decided,) = of(RoutingDecided, events)
        assert (decided.reasoning, "router" in decided.context) == ("named in the plan", False)


def test_decisions_are_kept_in_a_file_and_a_spoilt_file_has_none(tmp_path: Path) -> None:
    _, decisions = chosen(WP1, WP2)
    file = tmp_path / "routing.json"
    assert read_decisions(file) == {}
    file.write_bytes(dump_decisions(decisions))
    assert read_decisions(file) == decisions
    for spoilt in (b"", b"\xff", b'{"packages": 3}'):
        file.write_bytes(spoilt)
        assert read_decisions(file) == {}


def test_a_plan_with_an_unknown_role_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        refuse_unknown_roles(plan(package("WP7", "tesing-specialist", "A1")), ROLES)
    assert "WP7" in refused.value.what
    assert "'testing-specialist'" in (refused.value.next_step or "")


def test_an_alias_in_a_plan_becomes_the_name_of_its_role() -> None:
    named = with_role_names(plan(package("WP1", "agent-debug", "A1"), package("WP2", "nobody", "B1")), ROLES)
    assert [each.role for each in named.packages] == ["debug-intelligence", "nobody"]


def test_what_roles_achieved_before_is_heard_by_the_router() -> None:
    request = Request(text=SURE, kinds=("ruff:X",), agent="claude")
    good, bad = (
        Router(
            ROLES,
            outcomes=[Outcome(role="testing-specialist", agent="claude", kind="ruff:X", tried=50, fixed=n)],
        )
        for n in (50, 0)
    )
    assert good.route(request).chosen.components.history > 0.8
    assert bad.route(request).chosen.components.history < 0.2
