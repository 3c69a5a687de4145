"""Checklists and bullets: which of them tell findings, and what they say about findings told elsewhere."""

from collections.abc import Callable

import pytest

from polly.errors import InputError
from polly.work.issues import Inventory, IssueStatus, Severity

Take = Callable[..., Inventory]

FILES = {"src/log.py": "a\n" * 60, "src/deep/util.py": "a\n" * 9, "README.md": "# x\n"}
SECTION = "## Critical\n\n### C1. Folder\n**File**: `src/log.py:2`\n**Status**: not fixed\n\n## Work\n\n"


def messages(inventory: Inventory, code: str) -> list[str]:
    return [warning.message for warning in inventory.warnings if warning.code == code]


@pytest.mark.parametrize(
    ("item", "place", "title", "severity", "status"),
    [
        ("- [ ] `src/log.py:3` — bad", "src/log.py:3", "bad", Severity.MINOR, IssueStatus.OPEN),
        (
            "- [x] **[HIGH]** src/log.py:3: bad",
            "src/log.py:3",
            "src/log.py:3: bad",
            Severity.MAJOR,
            IssueStatus.FIXED,
        ),
        ("* [-] Major: `util.py:2`: bad", "src/deep/util.py:2", "bad", Severity.MAJOR, IssueStatus.DECLINED),
        (
            "1. [ ] rename it in `README.md`",
            "README.md",
            "rename it in `README.md`",
            Severity.MINOR,
            IssueStatus.OPEN,
        ),
    ],
)
def test_a_checkbox_that_names_a_place_is_an_issue(
    take: Take, item: str, place: str, title: str, severity: Severity, status: IssueStatus
) -> None:
    issue = take({"todo.md": f"# To do\n\n{item}\n"}, FILES).issues[0]
    assert [str(each) for each in issue.locations] == [place]
    assert (issue.title, issue.severity, issue.status) == (title, severity, status)


def test_bullets_with_a_line_under_a_severity_are_issues(take: Take) -> None:
    text = "## High\n\n- `src/log.py:4` swallows errors\n  and hides them\n- run the tests\n"
    inventory = take({"list.md": text}, FILES)
    assert [(issue.title, issue.problem) for issue in inventory.issues] == [
        ("`src/log.py:4` swallows errors", "and hides them")
    ]


def test_an_id_under_a_severity_is_an_issue_even_without_a_place(take: Take) -> None:
    inventory = take({"list.md": "## Major\n\n- M1: name the lock\n- M2: `src/log.py:1` too\n"}, FILES)
    assert [issue.id for issue in inventory.issues] == ["M2"]
    assert inventory.excluded[0].refs == ("list.md:3",)


@pytest.mark.parametrize(
    "item", ["- [ ] run the tests", "- see `src/log.py:3`", "- [ ] call `client.producer`"]
)
def test_steps_and_remarks_are_no_issues(take: Take, item: str) -> None:
    with pytest.raises(InputError, match="without any finding"):
        take({"list.md": f"# Notes\n\n{item}\n"}, FILES)


def test_a_checkbox_about_a_finding_told_elsewhere_is_held_against_it(take: Take) -> None:
    inventory = take({"list.md": f"{SECTION}- [x] C1: folder\n"}, FILES)
    assert inventory.counts.read == 1
    assert "C1 is called fixed at line 9, but open at line 3" in messages(inventory, "contradiction")[0]
    assert not messages(take({"list.md": f"{SECTION}- [ ] C1: folder\n"}, FILES), "contradiction")


def test_a_checklist_of_tests_beside_findings_stays_a_checklist(take: Take) -> None:
    inventory = take({"list.md": f"{SECTION}- [ ] update `README.md`\n- [ ] run `pytest`\n"}, FILES)
    assert [issue.id for issue in inventory.issues] == ["C1"]
