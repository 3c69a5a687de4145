"""What the packages of a run know of each other's files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from polly.events.catalog import FileRequested
from polly.execution.agents.prompt import Note
from polly.execution.context import RunContext
from polly.execution.fold import RunFold
from polly.execution.journal import Row
from polly.execution.ports import Limits
from polly.work.issues import Severity
from polly.work.plan import Files, Forecast, Plan, WorkPackage
from polly.work.requests import Answer, FileRequest


def _package(name: str, wave: int, *files: str) -> WorkPackage:
    return WorkPackage(
        id=name,
        title=name,
        role="r",
        priority=Severity.MAJOR,
        wave=wave,
        issues=(),
        files=Files(modify=files),
        estimated_minutes=1,
    )


_PACKAGES = (
    _package("WP1", 1, "a.py"),
    _package("WP2", 1, "b.py"),
    _package("WP3", 2, "b.py", "c.py"),
    _package("WP4", 2, "d.py"),
)


@pytest.fixture
def context() -> RunContext:
    """Two waves; WP1 was given free.py and wanted b.py, twice."""
    names = ("agents", "sequential_minutes", "parallel_minutes", "critical_path_minutes", "bound_minutes")
    forecast = Forecast(**dict.fromkeys((*names, "speedup", "efficiency"), 1))
    plan = Plan(base_commit="0" * 40, packages=_PACKAGES, forecast=forecast)
    fold = RunFold(plan)
    asked = (
        FileRequest(path="free.py", reason="new", answer=Answer.GRANTED, attempt=1, is_new=True),
        *(
            FileRequest(path="b.py", reason="why", answer=Answer.OWNED, attempt=n, owner="WP2")
            for n in (1, 2)
        ),
    )
    for number, request in enumerate(asked):
        data = FileRequested(run="run-1", package="WP1", attempt=1, request=request)
        fold.add(Row(seq=number, id=str(number), at=datetime.now(UTC), data=data))
    limits = Limits(agents=1, attempts=1, timeout_seconds=1, output_bytes=1, disk_bytes=1, max_cost_usd=None)
    nothing: Any = None
    return RunContext(
        run="run-1",
        project_path="",
        plan=plan,
        issues={},
        agent=nothing,
        executor=nothing,
        workspaces=nothing,
        journal=nothing,
        fold=fold,
        judge=nothing,
        limits=limits,
        folder=Path(),
    )


def test_what_was_granted_is_the_packages_own_in_its_wave(context: RunContext) -> None:
    assert context.wave_files(1)["WP1"] == Files(modify=("a.py",), create=("free.py",))
    assert context.wave_files(1)["WP2"] == Files(modify=("b.py",))


def test_a_wish_is_told_once_to_the_owner_and_to_whoever_has_the_file_in_a_later_wave(
    context: RunContext,
) -> None:
    note = Note(package="WP1", path="b.py", reason="why")
    notes = {package.id: context.notes_for(package) for package in _PACKAGES}
    assert notes == {"WP1": (), "WP2": (note,), "WP3": (note,), "WP4": ()}
