"""What holds for every plan, whatever the inventory."""

import itertools
import random
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.planning.forecast import makespan
from polly.planning.load import dump_plan, load_plan
from polly.planning.paths import path_key
from polly.planning.scope import scope
from polly.planning.waves import CLEAR_GAIN, components, part_minutes, split_into_waves
from polly.work.issues import Inventory, Issue, IssueStatus, Location, Severity, Source
from polly.work.plan import Ownership, Plan, Why

PATHS = (
    *(f"src/m{number}.py" for number in range(8)),
    *("src/M1.py", "src/hub.py", "src/É.py", "src/E\u0301.py", "web/app.ts", "web/App.ts", "README"),
    *("tests/test_m1.py", "tests/test_m2.py", "tests/test_hub.py", "web/app.test.ts"),
    *("sql/migrations/001_a.sql", "sql/migrations/001_a_down.sql", "sql/migrations/002_b.sql"),
)
MISSING = ("gone.py", "../out.py", "/abs.py", "C:/x.py", ".git/config", "src")
NEW = ("src/new.py", "src/New.py", "src/new.py/deeper.py", "sql/migrations/002_b_down.sql", "src/*.py")


@st.composite
def issue_lists(draw: st.DrawFn) -> list[Issue]:
    """Issues with shared files, hubs, missing and unsafe files, case twins, and files to create."""
    hub = draw(st.booleans())
    issues = []
    for number in range(draw(st.integers(0, 25))):
        named = draw(st.lists(st.sampled_from((*PATHS, *PATHS, *MISSING)), max_size=3))
        if hub and number % 2:
            named.append("src/hub.py")
        issues.append(
            Issue(
                id=f"I{number}",
                severity=draw(st.sampled_from(Severity)),
                status=draw(st.sampled_from((IssueStatus.OPEN, IssueStatus.OPEN, *IssueStatus))),
                title=draw(st.sampled_from(("no way down", "a lock is missing", "README"))),
                locations=tuple(Location(path=path) for path in named),
                creates=tuple(draw(st.lists(st.sampled_from(NEW), max_size=1))),
                effort_minutes=draw(st.none() | st.integers(-5, 240)),
                source=Source(format="test"),
                fingerprint=str(number),
            )
        )
    return issues


LIMITS = st.none() | st.integers(1, 6)
Inventories = Callable[[list[Issue]], Inventory]
PlanOf = Callable[..., Plan]


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS)
def test_no_two_packages_of_a_wave_own_the_same_path(
    issues: list[Issue], agents: int, limit: int | None, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit)
    for wave in plan.waves:
        owners: dict[str, str] = {}
        for package in plan.in_wave(wave):
            for path in (*package.files.modify, *package.files.create):
                assert owners.setdefault(path_key(path), package.id) == package.id


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS)
def test_every_open_issue_is_in_exactly_one_package_or_unplanned(
    issues: list[Issue], agents: int, limit: int | None, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit)
    placed = Counter(issue for package in plan.packages for issue in package.issues)
    placed.update(left.issue for left in plan.unplanned)
    assert placed == Counter(issue.id for issue in issues if issue.status.is_open)
    assert all(left.reason for left in plan.unplanned)


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS)
def test_every_package_owns_the_existing_files_of_its_findings(
    issues: list[Issue], agents: int, limit: int | None, plan_of: PlanOf
) -> None:
    by_id = {issue.id: issue for issue in issues}
    for package in plan_of(issues, paths=PATHS, agents=agents, max_packages=limit).packages:
        for issue in (by_id[issue_id] for issue_id in package.issues):
            named = (*(path for path in issue.paths if path in PATHS), *issue.creates)
            assert all(map(package.files.owns, named))


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS)
def test_a_wave_has_at_most_max_packages_and_waves_count_from_one(
    issues: list[Issue], agents: int, limit: int | None, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit)
    assert plan.waves == tuple(range(1, len(plan.waves) + 1))
    assert all(len(plan.in_wave(wave)) <= (limit or agents) for wave in plan.waves)
    assert [package.id for package in plan.packages] == [f"WP{n}" for n in range(1, len(plan.packages) + 1)]


@given(issues=issue_lists(), agents=st.integers(1, 9), shuffler=st.randoms(use_true_random=False))
def test_the_order_of_issues_does_not_change_a_byte(
    issues: list[Issue], agents: int, shuffler: random.Random, plan_of: PlanOf
) -> None:
    shuffled = list(issues)
    shuffler.shuffle(shuffled)
    one, other = (plan_of(each, paths=PATHS, agents=agents) for each in (issues, shuffled))
    assert dump_plan(one) == dump_plan(other)


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS)
def test_a_plan_that_was_dumped_loads_as_the_same_plan(
    issues: list[Issue], agents: int, limit: int | None, plan_of: PlanOf, inventory: Inventories
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit)
    text = dump_plan(plan)
    loaded = load_plan(text, name="plan.json", inventory=inventory(issues), paths=frozenset(PATHS))
    assert loaded == plan
    assert dump_plan(loaded) == text


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS)
def test_the_forecast_lies_between_its_bounds(
    issues: list[Issue], agents: int, limit: int | None, plan_of: PlanOf
) -> None:
    figures = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit).forecast
    assert figures.bound_minutes <= figures.parallel_minutes <= figures.sequential_minutes
    assert figures.critical_path_minutes <= figures.parallel_minutes


@given(issues=issue_lists(), slots=st.integers(1, 9))
def test_a_further_wave_comes_only_when_the_whole_gets_clearly_shorter(
    issues: list[Issue], slots: int, inventory: Inventories
) -> None:
    tasks = scope(inventory(issues), frozenset(PATHS)).tasks
    waves = split_into_waves(tasks, slots)
    expected = sum(makespan(map(part_minutes, wave.parts), slots) for wave in waves)
    in_one_wave = makespan(map(part_minutes, components(tasks)), slots)
    assert expected <= in_one_wave * (1 if len(waves) < 2 else 1 - CLEAR_GAIN)


@given(issues=issue_lists(), agents=st.integers(1, 9), data=st.data())
def test_a_plan_edited_into_overlap_is_refused(
    issues: list[Issue], agents: int, data: st.DataObject, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents)
    pairs = list(itertools.combinations(plan.in_wave(1), 2))
    assume(pairs)
    first, second = data.draw(st.sampled_from(pairs))
    stolen = data.draw(st.sampled_from((*first.files.modify, *first.files.create)))
    path = data.draw(st.sampled_from((stolen, stolen.upper(), f"{stolen[:-1]}*", "**")))
    thief = msgspec.structs.replace(second, files=msgspec.structs.replace(second.files, create=(path,)))
    packages = tuple(thief if package is second else package for package in plan.packages)
    row = Ownership(path=path, wave=1, package=thief.id, why=Why.CREATE)
    edited = msgspec.structs.replace(plan, packages=packages, ownership=(*plan.ownership, row))
    with pytest.raises(InputError) as refused:
        load_plan(dump_plan(edited), name="plan.json")
    assert first.id in refused.value.what
    assert thief.id in refused.value.what
