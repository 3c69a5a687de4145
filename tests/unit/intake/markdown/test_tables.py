"""Tables: a row of a table of findings is an issue; a table about something else is none."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.sources.markdown.tables import cells
from polly.work.issues import Inventory, IssueStatus, Severity

Take = Callable[..., Inventory]

FILES = {"src/log.py": "a\n" * 60, "src/deep/util.py": "a\n" * 9, "README.md": "# x\n"}
AUDIT = """\
# Audit

| ID | Severity | File | Line | Issue | Fix | Effort | Status |
|----|:--------:|------|------|-------|-----|--------|--------|
| A-1 | High | `src/log.py` | 10-12, 20 | Folder \\| is hard-coded | use tempfile | 2h | open |
| A-2 | P0 | src/deep/util.py:7 | | Infinite retry | | 3 hours | ✅ fixed |
| **Total** | | | | 2 | | | |
"""


def messages(inventory: Inventory, code: str) -> list[str]:
    return [warning.message for warning in inventory.warnings if warning.code == code]


def test_every_row_of_a_table_of_findings_is_an_issue_with_all_its_cells(take: Take) -> None:
    inventory = take({"audit.md": AUDIT}, FILES)
    first, second = inventory.issues
    assert (first.id, first.severity, first.title) == ("A-1", Severity.MAJOR, "Folder | is hard-coded")
    assert [str(each) for each in first.locations] == ["src/log.py:10-12", "src/log.py:20"]
    assert (first.suggestion, first.effort_minutes) == ("use tempfile", 120)
    assert first.source.ref == "audit.md:5"
    assert (second.severity, second.status) == (Severity.CRITICAL, IssueStatus.FIXED)
    assert not inventory.warnings


@pytest.mark.parametrize(
    "table",
    [
        "| File | Changes |\n|---|---|\n| `src/log.py` | +3 |\n",
        "| File | Lines | Description |\n|---|---|---|\n| `src/log.py` | 120 | new module |\n",
        "| Severity | Count |\n|---|---|\n| High | 3 |\n",
        "| WP | Priority | Issues | Files |\n|---|---|---|---|\n| WP1 | High | C1, N3 | log.py |\n",
        "| a | b |\n| not | a table |\n",
    ],
)
def test_a_table_about_something_else_has_no_finding(take: Take, table: str) -> None:
    with pytest.raises(InputError, match="without any finding"):
        take({"list.md": table}, FILES)


def test_a_row_without_an_id_gets_a_number(take: Take) -> None:
    table = "## Major\n\nFile | Line | Problem\n---|---|---\nsrc/log.py | 3 | bad name\n"
    issue = take({"list.md": table}, FILES).issues[0]
    assert (issue.id, issue.severity, str(issue.locations[0])) == (
        "markdown-1",
        Severity.MAJOR,
        "src/log.py:3",
    )


def test_a_row_about_a_finding_described_elsewhere_is_held_against_it(take: Take) -> None:
    text = (
        "## Critical\n\n### C1. Folder\n**File**: `src/log.py:2`\n**Status**: not fixed\n\n## Overview\n\n"
        "| ID | Severity | Issue | Status |\n|---|---|---|---|\n| C1 | Minor | Folder | fixed |\n"
    )
    inventory = take({"list.md": text}, FILES)
    assert [issue.id for issue in inventory.issues] == ["C1"]
    found = messages(inventory, "contradiction")
    assert "C1 is called minor at line 11, but critical at line 3" in found[0]
    assert "C1 is called fixed at line 11, but open at line 3" in found[1]


def test_numbers_that_begin_anew_in_every_table_are_other_findings(take: Take) -> None:
    table = "| # | Severity | File | Issue |\n|---|---|---|---|\n| 1 | low | src/log.py:{} | {} |\n"
    text = f"{table.format(1, 'typo')}\nwords\n\n{table.format(2, 'another')}"
    inventory = take({"list.md": text}, FILES)
    assert [issue.id for issue in inventory.issues] == ["1", "1-2"]
    assert messages(inventory, "duplicate_id")


def test_the_sum_row_of_a_table_is_no_finding(take: Take) -> None:
    assert take({"audit.md": AUDIT}, FILES).counts.read == 2


def test_a_table_in_a_block_of_code_is_an_example(take: Take) -> None:
    with pytest.raises(InputError, match="without any finding"):
        take({"list.md": f"```\n{AUDIT}```\n"}, FILES)


@given(st.lists(st.text(st.characters(exclude_characters="|\\\n\r"), min_size=1).map(str.strip).filter(bool)))
def test_cells_are_what_was_put_between_the_pipes(written: list[str]) -> None:
    written = [each for each in written if each[0] not in "-*+>"]
    if len(written) > 1:
        assert cells("| " + " | ".join(written) + " |") == written
