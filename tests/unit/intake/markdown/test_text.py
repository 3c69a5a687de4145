"""What documents say in running text: places, statuses in headings, answers to findings."""

from collections.abc import Callable

import pytest

from polly.work.issues import Inventory, IssueStatus

Take = Callable[..., Inventory]

FILES = {"src/log.py": "a\n" * 60, "src/deep/util.py": "a\n" * 9, "lib/util.py": "b\n"}


def messages(inventory: Inventory, code: str) -> list[str]:
    return [warning.message for warning in inventory.warnings if warning.code == code]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("**WP1** | `log.py:31-32`\n- **Problem**: bad", ["src/log.py:31-32"]),
        ("It is in src/log.py:7, which calls `open()`.", ["src/log.py:7"]),
        ("Both stand in `log.py`.", ["src/log.py"]),
        ("See [there](src/log.py).", ["src/log.py"]),
    ],
)
def test_without_a_key_the_place_is_taken_from_the_text(take: Take, text: str, places: list[str]) -> None:
    inventory = take({"list.md": f"## Critical\n\n#### C1: Title\n{text}\n"}, FILES)
    assert [str(each) for each in inventory.issues[0].locations] == places
    assert "of C1 were taken" in messages(inventory, "location_from_text")[0]


@pytest.mark.parametrize(
    "text", ["listens on `127.0.0.1:8080`", "calls `client.producer`", "```\nsrc/log.py:3\n```"]
)
def test_what_only_looks_like_a_place_is_none(take: Take, text: str) -> None:
    inventory = take({"list.md": f"## Critical\n\n#### C1: Title\n{text}\n"}, FILES)
    assert [each.reason for each in inventory.excluded] in (["no_location"], ["outside_repository"])


def test_a_shortened_path_is_completed_when_only_one_file_fits(take: Take) -> None:
    inventory = take({"list.md": "## Minor\n### C1. x\n**File**: `log.py:3`\n"}, FILES)
    assert inventory.issues[0].paths == ("src/log.py",)
    assert "log.py was taken for src/log.py" in messages(inventory, "path_completed")[0]


def test_a_shortened_path_that_fits_several_files_is_left_and_named(take: Take) -> None:
    inventory = take({"list.md": "## Minor\n### C1. x\n**File**: `util.py:3`\n"}, FILES)
    assert inventory.issues[0].paths == ("util.py",)
    assert "lib/util.py, src/deep/util.py" in messages(inventory, "path_ambiguous")[0]


@pytest.mark.parametrize(
    ("heading", "status"),
    [
        ("## Critical (1 issue) - ALL FIXED ✅", IssueStatus.FIXED),
        ("## Critical (resolved)", IssueStatus.FIXED),
        ("## Critical: must be fixed", IssueStatus.OPEN),
        ("## Critical, not fixed", IssueStatus.OPEN),
        ("## Critical fixed-size buffers", IssueStatus.OPEN),
    ],
)
def test_a_heading_that_ends_in_a_status_gives_it_to_its_findings(
    take: Take, heading: str, status: IssueStatus
) -> None:
    issue = take({"list.md": f"{heading}\n### C1. x\n**File**: `src/log.py:3`\n"}, FILES).issues[0]
    assert issue.status is status


def test_an_answer_to_a_finding_is_counted_and_its_word_is_not_believed(take: Take) -> None:
    text = (
        "## CRITICAL\n\n**1. Bypass (`src/log.py:2`)**\n\nRemove it.\n\n"
        "## Response - all fixed\n\n### CRITICAL\n\n**1. Bypass - REMOVED**\n- gone from `src/log.py:2`\n"
    )
    inventory = take({"list.md": text}, FILES)
    assert [(issue.id, issue.status) for issue in inventory.issues] == [("1", IssueStatus.OPEN)]
    assert [(each.reason, each.refs) for each in inventory.excluded] == [("answer", ("list.md:11",))]
    assert "answered as fixed" in messages(inventory, "contradiction")[0]
    assert "1 (line 11, described at line 3)" in messages(inventory, "contradiction")[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "**Actual time**: 4.75 h\n\nIt was ~2.2 hours actual time.",
            "but the actual time is 4.75 h there (line 7)",
        ),
        ("**Sequential**: 9 h\n\n**Parallel**: 3 h\n\n**Speedup**: 2x", "but sequential ÷ parallel is 3.00"),
        (
            "**Started**: 2025-10-25T08:00Z\n\n**Finished**: 2025-10-25T07:30Z",
            "but it began at 2025-10-25T08:00Z",
        ),
    ],
)
def test_times_that_cannot_both_be_true_are_named_with_both_places(take: Take, text: str, words: str) -> None:
    inventory = take({"list.md": f"## Minor\n\n### C1. x\n**File**: `log.py:3`\n\n# End\n{text}\n"}, FILES)
    assert [words in message for message in messages(inventory, "contradiction")] == [True]


def test_work_packages_are_numbered_and_no_findings(take: Take) -> None:
    text = "### WP1: Logger\n**File**: `src/log.py`\n\n### C1. x\n**File**: `src/log.py:3`\n"
    assert [issue.id for issue in take({"list.md": text}, FILES).issues] == ["C1"]
