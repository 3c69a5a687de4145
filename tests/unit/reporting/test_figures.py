import msgspec
import pytest
from hypothesis import given

from polly.reporting.figures import Figures, cost_per_verified_fix, figures
from polly.work.run import PackageState

from .conftest import Story, stories


def test_every_figure_follows_from_the_records(told: Story) -> None:
    assert figures(told.record, told.plan) == Figures(
        agent_seconds=36.0,
        wall_seconds=24.0,
        critical_path_seconds=36.0,
        bound_seconds=36.0,
        speedup=1.5,
        efficiency=0.75,
        overhead_seconds={"gates": 3.0, "plan": 0.5},
        tokens=100,
        cost_usd=0.5,
    )
    assert cost_per_verified_fix(told.record) == 0.5


def test_the_bound_of_a_wave_is_the_larger_of_longest_package_and_total_by_agents(told: Story) -> None:
    plan = msgspec.structs.replace(
        told.plan, packages=tuple(msgspec.structs.replace(each, wave=1) for each in told.plan.packages)
    )
    assert figures(told.record, plan).bound_seconds == 30.0
    alone = msgspec.structs.replace(told.record, agents=1)
    assert figures(alone, plan).bound_seconds == 36.0


def test_what_nobody_reported_is_unknown_not_zero(told: Story) -> None:
    packages = tuple(
        msgspec.structs.replace(each, attempts=(), state=PackageState.WAITING)
        for each in told.record.packages
    )
    record = msgspec.structs.replace(told.record, packages=packages, active_seconds=0.0, stages=())
    found = figures(record, told.plan)
    assert found == Figures(
        agent_seconds=None,
        wall_seconds=None,
        critical_path_seconds=None,
        bound_seconds=None,
        speedup=None,
        efficiency=None,
        overhead_seconds={},
        tokens=None,
        cost_usd=None,
    )
    assert cost_per_verified_fix(record) is None


def test_without_a_fix_there_is_no_cost_per_fix(told: Story) -> None:
    packages = tuple(msgspec.structs.replace(each, outcomes=()) for each in told.record.packages)
    assert cost_per_verified_fix(msgspec.structs.replace(told.record, packages=packages)) is None


@given(stories())
def test_figures_of_any_run_are_consistent(any_story: Story) -> None:
    record, plan, _ = any_story
    found = figures(record, plan)
    seconds = [
        attempt.seconds
        for package in record.packages
        for attempt in package.attempts
        if attempt.seconds is not None
    ]
    assert (found.agent_seconds is None) == (not seconds)
    if found.agent_seconds is None or found.bound_seconds is None or found.critical_path_seconds is None:
        assert found.speedup is None
        return
    assert found.agent_seconds == pytest.approx(sum(seconds))
    slack = 1e-9 * max(1.0, found.agent_seconds)
    assert found.critical_path_seconds <= found.bound_seconds + slack <= found.agent_seconds + 2 * slack
    assert found.bound_seconds >= found.agent_seconds / record.agents - slack
