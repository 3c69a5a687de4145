from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.globs import matches
from polly.intake.select import select
from polly.work.issues import Inventory, Severity

FILES = {"src/a.py": "", "src/deep/b.py": "", "sql/1.sql": "", "README.md": ""}
REVIEW = """\
## Critical
### C1. a
**File**: `src/a.py`
### C1. b
**File**: `src/deep/b.py`
## Nitpick
### P7-P9. c
**File**: `README.md`
"""


@pytest.fixture(scope="module")
def inventory(
    take: Callable[..., Inventory], log: Callable[..., str], result: Callable[..., Any]
) -> Inventory:
    scan = log(result("sql/1.sql"), result("src/a.py", level="error"), result(kind="pass"))
    return take({"review.md": REVIEW, "x.sarif": scan}, FILES)


def ids(inventory: Inventory) -> list[str]:
    return [issue.id for issue in inventory.issues]


@pytest.mark.parametrize(
    ("only", "chosen"),
    [
        (["C1"], ["C1"]),
        (["C1-2"], ["C1-2"]),
        (["c1", "p9"], ["C1", "P9"]),
        (["C1,P7"], ["C1", "P7"]),
        (["P7-P8"], ["P7", "P8"]),
        (["P8-99"], ["P8", "P9"]),
        (["P7..P9"], ["P7", "P8", "P9"]),
        (["lint-1..lint-2"], ["lint-1", "lint-2"]),
        (["lint-1"], ["lint-1"]),
    ],
)
def test_ids_and_ranges_are_chosen(inventory: Inventory, only: list[str], chosen: list[str]) -> None:
    assert ids(select(inventory, only=only)) == chosen


@pytest.mark.parametrize(("wrong", "near"), [("P77", "P7"), ("C2", "C1"), ("P20-P30", "P"), ("zzz", "C1")])
def test_an_id_that_does_not_exist_is_refused_with_the_nearest(
    inventory: Inventory, wrong: str, near: str
) -> None:
    with pytest.raises(InputError) as refused:
        select(inventory, only=[wrong])
    assert wrong in refused.value.what
    assert near in (refused.value.next_step or "")


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("src", {"src/a.py", "src/deep/b.py"}),
        ("src/", {"src/a.py", "src/deep/b.py"}),
        ("src/*.py", {"src/a.py"}),
        ("src/**/*.py", {"src/a.py", "src/deep/b.py"}),
        ("*.py", {"src/a.py", "src/deep/b.py"}),
        ("./README.md", {"README.md"}),
        ("**", set(FILES)),
        ("src/[ab].py", {"src/a.py"}),
        ("src/[!a].py", set()),
        ("s?l/1.sql", {"sql/1.sql"}),
    ],
)
def test_paths_are_chosen_by_folder_and_pattern(inventory: Inventory, pattern: str, paths: set[str]) -> None:
    chosen = select(inventory, paths=[pattern])
    assert {path for issue in chosen.issues for path in issue.paths} == paths
    assert ("nothing_selected" in [each.code for each in chosen.warnings]) is not bool(paths)


def test_what_is_not_selected_is_counted(inventory: Inventory) -> None:
    chosen = select(inventory, severities=[Severity.CRITICAL, Severity.MAJOR], paths=["src"])
    assert chosen.counts.read == inventory.counts.read
    assert (
        chosen.counts.excluded == inventory.counts.excluded + inventory.counts.issues - chosen.counts.issues
    )
    again = select(chosen, only=["C1"])
    left_out = {each.reason: each for each in again.excluded}
    assert left_out["not_selected"].count == len(left_out["not_selected"].refs) == inventory.counts.issues - 1
    assert left_out["not_a_failure"].count == 1


def test_without_a_criterion_nothing_changes(inventory: Inventory) -> None:
    assert select(inventory) == inventory


@given(st.text(alphabet="ab/*?[]!^-\\.&|~", max_size=12), st.text(alphabet="ab/.", max_size=8))
@example("[[]", "[")
@example("[a--b]", "a")
def test_no_pattern_is_too_odd_to_be_tried(pattern: str, path: str) -> None:
    assert matches(path, pattern) in (True, False)


@given(st.text(alphabet="abc.-_é ", min_size=1, max_size=8))
def test_a_path_matches_itself(path: str) -> None:
    assert matches(f"x/{path}", f"x/{path}")
