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
from polly.planning.background import Background
from polly.planning.forecast import makespan
from polly.planning.load import dump_plan, load_plan
from polly.planning.paths import path_key
from polly.planning.previous import previous_of
from polly.planning.scope import scope
from polly.planning.waves import CLEAR_GAIN, components, part_minutes, split_into_waves
from polly.work.issues import Inventory, Issue, IssueStatus, Location, Severity, Source
from polly.work.plan import Ownership, Plan, Why, WorkPackage

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


IMPORTS = {
    "src/m1.py": "from m2 import x\nimport m3, new",
    "src/hub.py": "from . import m1, m4, m5, m6, m7",
    "src/m5.py": "from .new import thing",
    "tests/test_hub.py": "import hub",
    "tests/test_m2.py": "from src.m2 import a\nfrom src.m3 import b",
    "web/app.test.ts": "import { run } from './app'",
}
#: Imports, and a history in which m6 and m7 change together.
KNOWN = Background(
    read=lambda path: IMPORTS.get(path, "").encode(),
    changes=(*[("src/m6.py", "src/m7.py")] * 4, *[(f"src/m{n % 4}.py",) for n in range(12)]),
)
BACKGROUNDS = st.sampled_from((None, KNOWN))
LIMITS = st.none() | st.integers(1, 6)
Inventories = Callable[[list[Issue]], Inventory]
PlanOf = Callable[..., Plan]


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_no_two_packages_of_a_wave_own_the_same_path(
    issues: list[Issue], agents: int, limit: int | None, known: Background | None, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known)
    for wave in plan.waves:
        owners: dict[str, str] = {}
        for package in plan.in_wave(wave):
            for path in (*package.files.modify, *package.files.create):
                assert owners.setdefault(path_key(path), package.id) == package.id


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_every_open_issue_is_in_exactly_one_package_or_unplanned(
    issues: list[Issue], agents: int, limit: int | None, known: Background | None, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known)
    placed = Counter(issue for package in plan.packages for issue in package.issues)
    placed.update(left.issue for left in plan.unplanned)
    assert placed == Counter(issue.id for issue in issues if issue.status.is_open)
    assert all(left.reason for left in plan.unplanned)


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_every_package_owns_the_existing_files_of_its_findings(
    issues: list[Issue], agents: int, limit: int | None, known: Background | None, plan_of: PlanOf
) -> None:
    by_id = {issue.id: issue for issue in issues}
    for package in plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known).packages:
        for issue in (by_id[issue_id] for issue_id in package.issues):
            named = (*(path for path in issue.paths if path in PATHS), *issue.creates)
            assert all(map(package.files.owns, named))


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_a_wave_has_at_most_max_packages_and_waves_count_from_one(
    issues: list[Issue], agents: int, limit: int | None, known: Background | None, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known)
    assert plan.waves == tuple(range(1, len(plan.waves) + 1))
    assert all(len(plan.in_wave(wave)) <= (limit or agents) for wave in plan.waves)
    assert [package.id for package in plan.packages] == [f"WP{n}" for n in range(1, len(plan.packages) + 1)]


@given(
    issues=issue_lists(),
    agents=st.integers(1, 9),
    known=BACKGROUNDS,
    shuffler=st.randoms(use_true_random=False),
)
def test_the_order_of_issues_does_not_change_a_byte(
    issues: list[Issue], agents: int, known: Background | None, shuffler: random.Random, plan_of: PlanOf
) -> None:
    shuffled = list(issues)
    shuffler.shuffle(shuffled)
    one, other = (plan_of(each, paths=PATHS, agents=agents, background=known) for each in (issues, shuffled))
    assert dump_plan(one) == dump_plan(other)


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_a_plan_that_was_dumped_loads_as_the_same_plan(
    issues: list[Issue],
    agents: int,
    limit: int | None,
    known: Background | None,
    plan_of: PlanOf,
    inventory: Inventories,
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known)
    text = dump_plan(plan)
    loaded = load_plan(text, name="plan.json", inventory=inventory(issues), paths=frozenset(PATHS))
    assert loaded == plan
    assert dump_plan(loaded) == text


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_the_forecast_lies_between_its_bounds(
    issues: list[Issue], agents: int, limit: int | None, known: Background | None, plan_of: PlanOf
) -> None:
    figures = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known).forecast
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
    assert thief.id in refused.value.what
    # A glob that matches everything has more problems than a message names.
    assert first.id in refused.value.what or " more" in refused.value.what


def carrying_on(
    plan: Plan, issues: list[Issue], known: Background | None, inventory: Inventories
) -> Background:
    """What the next plan knows when this one was kept."""
    previous = previous_of(plan, inventory(issues))
    return msgspec.structs.replace(known or Background(), previous=previous)


def contents(package: WorkPackage) -> WorkPackage:
    """The package without its links to others."""
    return msgspec.structs.replace(package, depends_on=())


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS)
def test_a_plan_that_is_carried_on_unchanged_is_the_same_plan(
    issues: list[Issue],
    agents: int,
    limit: int | None,
    known: Background | None,
    plan_of: PlanOf,
    inventory: Inventories,
) -> None:
    before = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=known)
    carried = carrying_on(before, issues, known, inventory)
    after = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=carried)
    assert dump_plan(after) == dump_plan(before)


@given(issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS, data=st.data())
def test_an_added_issue_changes_only_the_package_that_it_joins_or_adds_one(
    issues: list[Issue],
    agents: int,
    limit: int | None,
    known: Background | None,
    data: st.DataObject,
    plan_of: PlanOf,
    inventory: Inventories,
) -> None:
    assume(issues)
    added = data.draw(st.sampled_from(issues))
    rest = [issue for issue in issues if issue is not added]
    before = plan_of(rest, paths=PATHS, agents=agents, max_packages=limit, background=known)
    assume(before.packages)
    carried = carrying_on(before, rest, known, inventory)
    after = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=carried)
    old = {package.id: contents(package) for package in before.packages}
    new = {package.id: contents(package) for package in after.packages}
    holders = [package.id for package in after.packages if added.id in package.issues]
    changed = [name for name in new if old.get(name) != new[name]]
    assert changed == holders
    assert set(old) <= set(new)


@given(
    issues=issue_lists(), agents=st.integers(1, 9), limit=LIMITS, known=BACKGROUNDS, shift=st.integers(0, 25)
)
def test_a_plan_that_is_carried_on_is_a_valid_plan(
    issues: list[Issue],
    agents: int,
    limit: int | None,
    known: Background | None,
    shift: int,
    plan_of: PlanOf,
    inventory: Inventories,
) -> None:
    """Whatever was added, went away or now names other files."""
    half = [
        msgspec.structs.replace(issue, locations=issues[(number + shift) % len(issues)].locations)
        for number, issue in enumerate(issues)
        if number % 3
    ]
    before = plan_of(half, paths=PATHS, agents=agents, max_packages=limit, background=known)
    carried = carrying_on(before, half, known, inventory)
    plan = plan_of(issues, paths=PATHS, agents=agents, max_packages=limit, background=carried)
    load_plan(dump_plan(plan), name="plan.json", inventory=inventory(issues), paths=frozenset(PATHS))
    assert plan.waves == tuple(range(1, len(plan.waves) + 1))
    assert all(len(plan.in_wave(wave)) <= (limit or agents) for wave in plan.waves)


@given(issues=issue_lists(), agents=st.integers(1, 9))
def test_couplings_lie_between_packages_and_name_files_that_the_other_one_owns(
    issues: list[Issue], agents: int, plan_of: PlanOf
) -> None:
    plan = plan_of(issues, paths=PATHS, agents=agents, background=KNOWN)
    for each in plan.couplings:
        reader, writer = plan.package(each.package), plan.package(each.on)
        assert reader is not writer
        assert writer.wave <= reader.wave
        assert 0 < each.risk <= 1
        assert each.paths
        assert all(map(writer.files.owns, each.paths))
