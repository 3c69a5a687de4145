"""Roles of a plan: who chooses them, what is kept of each choice, and what a run records of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from polly.errors import InputError
from polly.events.agents import AgentEvent, RouterMeasured
from polly.routing.library import Roles
from polly.routing.recording import best_of, events_of, failed, measured, status_of, text_of
from polly.routing.request import request_of
from polly.routing.router import Router
from polly.work.issues import Inventory, Issue
from polly.work.plan import Plan, WorkPackage
from polly.work.routing import Candidate, RoutingDecision, Strategy

NAMED_IN_THE_PLAN = "named in the plan"

#: Beside a plan, and in the folder of each run.
ROUTING_FILE = "routing.json"


class KeptDecision(msgspec.Struct, frozen=True, kw_only=True):
    """How the role of one package was found, and for which issues."""

    issues: tuple[str, ...]
    request: str
    decision: RoutingDecision


Decisions = Mapping[str, KeptDecision]


class _File(msgspec.Struct, frozen=True, kw_only=True):
    routing_version: int = 1
    packages: dict[str, KeptDecision] = {}


class RoleChooser:
    """Chooses roles while a plan is made, and remembers how."""

    def __init__(self, router: Router, agent: str | None = None) -> None:
        self._router = router
        self._agent = agent
        self._made: dict[str, KeptDecision] = {}

    def role_of(self, issues: Sequence[Issue], paths: Sequence[str]) -> str:
        """The name of the role for these issues and files."""
        request = request_of(issues, paths, self._agent)
        decision = self._router.route(request)
        if issues:
            ids = tuple(issue.id for issue in issues)
            self._made[ids[0]] = KeptDecision(issues=ids, request=text_of(request), decision=decision)
        return decision.role

    def decisions(self, packages: Iterable[WorkPackage]) -> dict[str, KeptDecision]:
        """What was decided for these packages, by id. An issue is the first one of one package at most."""
        made = {package.id: (package, self._made.get(package.issues[0])) for package in packages}
        return {name: replace(kept, issues=package.issues) for name, (package, kept) in made.items() if kept}


def with_role_names(plan: Plan, roles: Roles) -> Plan:
    """The plan with each role by its own name, where a person wrote an alias."""
    known = {package.role: roles.get(package.role) for package in plan.packages}
    packages = tuple(
        replace(package, role=role.name) if (role := known[package.role]) else package
        for package in plan.packages
    )
    return replace(plan, packages=packages)


def refuse_unknown_roles(plan: Plan, roles: Roles) -> None:
    """Raises InputError when a package of the plan is to have a role that nobody defines."""
    for package in plan.packages:
        if roles.get(package.role) is None:
            raise InputError(
                f"{package.id} of the plan has the role {package.role!r}, and there is no such role",
                next_step=roles.nearest(package.role),
            )


def dump_decisions(decisions: Decisions) -> bytes:
    """The decisions as the text of a file, for `read_decisions`."""
    return msgspec.json.encode(_File(packages=dict(decisions))) + b"\n"


def read_decisions(file: Path) -> Decisions:
    """What was kept beside a plan. Nothing when there is no such file or it cannot be read: how a role was
    found is for the record only, and never keeps a run from its work.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=_File).packages
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def run_events(
    run: str, project_path: str, plan: Plan, inventory: Inventory, decisions: Decisions
) -> Iterator[AgentEvent]:
    """How the role of each package was found: by the router, or by a person who wrote it into the plan."""
    issues = {issue.id: issue for issue in inventory.issues}
    for package in plan.packages:
        kept = decisions.get(package.id)
        if kept is not None and kept.issues != package.issues:
            kept = None
        whose: dict[str, Any] = {"run": run, "project_path": project_path}
        context = {"package": package.id}
        if kept is not None and kept.decision.role == package.role:
            yield from events_of(kept.request, kept.decision, **whose, context=context)
        else:
            text = text_of(request_of([issues[each] for each in package.issues if each in issues], ()))
            yield from _by_hand(package, text, kept, whose)


def _by_hand(
    package: WorkPackage, request: str, kept: KeptDecision | None, whose: Mapping[str, Any]
) -> Iterator[AgentEvent]:
    """A person named the role. What the router had chosen is kept: it is known now that it was wrong."""
    context: dict[str, Any] = {"package": package.id}
    reasoning = NAMED_IN_THE_PLAN
    if kept is not None:
        best = best_of(kept.decision)
        reasoning = f"{NAMED_IN_THE_PLAN}, where the router had chosen {kept.decision.role}"
        context["router"] = {
            "role": kept.decision.role,
            "best": best.role if best else None,
            "confidence": kept.decision.best,
            "strategy": kept.decision.strategy.value,
            "detection": kept.decision.detection,
        }
    chosen = Candidate(role=package.role, score=1.0, confidence=1.0, reasons=(NAMED_IN_THE_PLAN,))
    named = RoutingDecision(chosen=chosen, strategy=Strategy.EXPLICIT, reasoning=reasoning, best=1.0)
    # Nothing was measured for a name that somebody wrote; what the router took for its own choice was.
    own = events_of(request, named, **whose, context=context)
    yield from (each for each in own if not isinstance(each, RouterMeasured))
    if kept is not None:
        yield measured(kept.request, kept.decision, whose)
    status = status_of(kept.decision) if kept is not None else None
    if kept is not None and status is not None:
        yield failed(kept.request, kept.decision, status, context, whose=whose, expected=package.role)
