import contextlib
from collections.abc import Callable

import pytest

from polly.errors import InputError
from polly.work.issues import Inventory, IssueStatus, Severity

Take = Callable[..., Inventory]

REVIEW = """\
# Review of the change

**Total Issues**: 5
**Status**: open

- 🔴 **Critical** (1 issue): before merge
- 🟡 **Minor** (4 issues)

## 🔴 Critical Issues (1)

### C1. Folder is hard-coded

**File**: `src/log.py:2-3, 5`
**Status**: ❌ Not fixed
**Effort**: 2 hours
**Priority**: MUST FIX

**Problem**:
```python
# C9. no heading
### C8. no heading either
folder = "/tmp"
```

**Impact**: fails elsewhere

**Fix**: use `tempfile`

---

## 🟡 Minor Issues (4)

### M1. Poison message
**File**: `src/consumer.py`
**Status**: ✅ FIXED in 5552d2d
---

### P7-P9. Documentation (3 issues)
**File**: `README.md`
**Effort**: 1 hour total
"""
FILES = {"src/log.py": "a\nb\nc\nd\ne\n", "src/consumer.py": "x\n", "README.md": "# x\n"}


def messages(inventory: Inventory, code: str) -> list[str]:
    return [warning.message for warning in inventory.warnings if warning.code == code]


def test_a_review_is_read_with_all_its_fields(take: Take) -> None:
    inventory = take({"review.md": REVIEW}, FILES)
    first = inventory.issues[0]
    assert (first.id, first.title, first.severity) == ("C1", "Folder is hard-coded", Severity.CRITICAL)
    assert [str(each) for each in first.locations] == ["src/log.py:2-3", "src/log.py:5"]
    assert first.effort_minutes == 120
    assert first.problem.startswith("```python\n# C9.")
    assert first.problem.endswith("Impact: fails elsewhere")
    assert first.suggestion == "use `tempfile`"
    assert first.source.ref == "review.md:11"
    assert not inventory.warnings


def test_a_fixed_issue_is_kept_with_its_status(take: Take) -> None:
    inventory = take({"review.md": REVIEW}, FILES)
    assert inventory.issue("M1").status is IssueStatus.FIXED
    assert inventory.counts.issues == 5


def test_a_range_stands_for_each_of_its_ids(take: Take) -> None:
    inventory = take({"review.md": REVIEW}, FILES)
    assert [issue.id for issue in inventory.issues] == ["C1", "M1", "P7", "P8", "P9"]
    assert inventory.issue("P8").title == "Documentation (2 of 3)"
    assert inventory.issue("P8").effort_minutes == 20


def test_the_items_of_a_range_become_its_issues(take: Take) -> None:
    text = """\
### Issue #11-12: Learning
1. **Recall** (src/log.py:2)
2. **Tuning** (`src/consumer.py`)
**Effort**: 2 hours
**Problem**: both are missing
"""
    inventory = take({"list.md": text}, FILES)
    assert [(issue.id, issue.title, str(issue.locations[0])) for issue in inventory.issues] == [
        ("11", "Recall", "src/log.py:2"),
        ("12", "Tuning (`src/consumer.py`)", "src/consumer.py"),
    ]


def test_a_range_that_is_none_is_one_issue_with_a_warning(take: Take) -> None:
    for heading in ("### P9-P7. Backwards", "### P1-P999999. Endless", "### P1-C2. Mixed"):
        inventory = take({"list.md": f"{heading}\n**File**: `README.md`\n"}, FILES)
        assert inventory.counts.issues == 1
        assert messages(inventory, "contradiction")


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        (
            "**Total Issues**: 5",
            "**Total Issues**: 45",
            "line 3 says 'Total Issues : 45', but 5 are described",
        ),
        ("**Critical** (1 issue)", "**Critical** (2 issues)", "but 1 is described (line 11)"),
        (
            "Critical Issues (1)",
            "Critical Issues (4)",
            "line 9 says '🔴 Critical Issues (4)', but 1 is described",
        ),
        ("(3 issues)", "(9 issues)", "but its ids are 3"),
        ("**Priority**: MUST FIX", "**Severity**: Low", "is called nitpick at line 16, but stands under"),
        ("hard-coded", "hard-coded (3 locations)", "but it lists 2"),
    ],
)
def test_every_figure_that_a_document_gets_wrong_is_named_with_both_places(
    take: Take, said: str, instead: str, words: str
) -> None:
    assert said in REVIEW
    found = messages(take({"review.md": REVIEW.replace(said, instead)}, FILES), "contradiction")
    assert any(words in message for message in found)


def test_lists_in_a_summary_are_recounted_by_the_ids_they_name(take: Take) -> None:
    right = REVIEW + "\n## Summary\n### Can wait (4)\n1. M1: poison\n2. P7-P9: documentation\n"
    assert not messages(take({"review.md": right}, FILES), "contradiction")
    wrong = right.replace("Can wait (4)", "Can wait (35)")
    assert "it lists 4" in messages(take({"review.md": wrong}, FILES), "contradiction")[0]


def test_rows_of_a_summary_table_are_recounted(take: Take) -> None:
    rows = "| 🔴 Critical | 3 |\n| Fixed | 1 |\n| Time | 9 |\n"
    table = f"\n## Summary\n\n| Severity | Count |\n|---|---|\n{rows}"
    found = messages(take({"review.md": REVIEW + table}, FILES), "contradiction")
    assert len(found) == 1
    assert "Critical 3" in found[0]


def test_an_id_used_twice_keeps_both_issues(take: Take) -> None:
    text = REVIEW.replace("### M1.", "### C1.")
    inventory = take({"review.md": text}, FILES)
    assert [issue.id for issue in inventory.issues][:2] == ["C1", "C1-2"]
    assert "review.md:11 and at review.md:33" in messages(inventory, "duplicate_id")[0]


def test_a_file_that_the_fix_creates_is_no_location(take: Take) -> None:
    text = "### M8. No way down\n**Files**: `sql/up.sql:3`, `sql/down.sql` (new)\n"
    issue = take({"list.md": text}, {"sql/up.sql": "a\nb\nc\n"}).issues[0]
    assert issue.paths == ("sql/up.sql",)
    assert issue.creates == ("sql/down.sql",)


def test_a_file_called_new_that_exists_is_a_location(take: Take) -> None:
    issue = take({"list.md": "### M8. x\n**File**: `README.md` (new)\n"}, FILES).issues[0]
    assert (issue.paths, issue.creates) == (("README.md",), ())


def test_path_patterns_stand_for_the_files_they_match(take: Take) -> None:
    inventory = take({"list.md": "### P18. Package it\n**Files**: `src/*.py`, `none/*.py`\n"}, FILES)
    assert inventory.issues[0].paths == ("src/consumer.py", "src/log.py")
    assert messages(inventory, "pattern_without_match")


def test_an_issue_without_a_file_is_excluded_with_its_place(take: Take) -> None:
    inventory = take({"list.md": REVIEW + "\n### N1. Somewhere\n**Problem**: who knows\n"}, FILES)
    assert [(each.reason, each.refs) for each in inventory.excluded] == [("no_location", ("list.md:42",))]
    assert inventory.counts.read == 6


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../x.py", "C:\\Windows\\x.ini", "\\\\server\\share\\x.py", ".git/config"]
)
def test_a_path_outside_the_repository_excludes_its_issue(take: Take, path: str) -> None:
    inventory = take({"list.md": f"### C1. x\n**File**: `{path}:3`\n"}, FILES)
    assert [each.reason for each in inventory.excluded] == ["outside_repository"]


@pytest.mark.parametrize(
    ("text", "severity", "assumed"),
    [
        ("### X1. a\n**File**: `README.md`\n**Severity**: 🔴 Critical\n", Severity.CRITICAL, False),
        ("## Serious\n### X1. a\n**File**: `README.md`\n", Severity.MAJOR, False),
        ("### X1. a\n**File**: `README.md`\n**Priority**: Very Low\n", Severity.NITPICK, False),
        ("### X1. a\n**File**: `README.md`\n**Labels**: `priority:high`\n", Severity.MAJOR, False),
        ("# Critical things\n### X1. a\n**File**: `README.md`\n", Severity.CRITICAL, False),
        ("### X1. a\n**File**: `README.md`\n", Severity.MINOR, True),
    ],
)
def test_the_severity_comes_from_the_nearest_that_says_so(
    take: Take, text: str, severity: Severity, *, assumed: bool
) -> None:
    inventory = take({"list.md": text}, FILES)
    assert inventory.issues[0].severity is severity
    assert bool(messages(inventory, "severity_assumed")) is assumed


def test_an_unknown_status_is_taken_as_open_with_a_warning(take: Take) -> None:
    inventory = take({"list.md": "## Minor\n### X1. a\n**File**: `README.md`\n**Status**: banana\n"}, FILES)
    assert inventory.issues[0].status is IssueStatus.OPEN
    assert "banana" in messages(inventory, "unknown_status")[0]


def test_numbered_bold_lines_under_a_severity_are_findings(take: Take) -> None:
    text = "## CRITICAL\n\n**1. Bypass in production (`src/log.py:2-3`)**\n\nRemove it.\n\n**2. No place**\n"
    inventory = take({"list.md": text}, FILES)
    assert [(issue.id, issue.severity, issue.problem) for issue in inventory.issues] == [
        ("1", Severity.CRITICAL, "Remove it.")
    ]
    assert inventory.counts.read == 2


def test_numbered_chapters_and_steps_are_no_findings(take: Take) -> None:
    steps = "#### 1. First\n#### 2. Then"
    text = f"## 1. Chapter\nwords\n## Major\n### M1. a\n**File**: `README.md`\n**Fix**:\n{steps}\n"
    issues = take({"list.md": text}, FILES).issues
    assert [issue.id for issue in issues] == ["M1"]
    assert issues[0].suggestion == steps


@pytest.mark.parametrize(
    "heading", ["### 1. Title", "## Issue #1: Title", "### [1] - Title", "### 🔴 1) Title"]
)
def test_headings_with_a_bare_number_are_findings_when_keys_follow(take: Take, heading: str) -> None:
    issue = take({"list.md": f"{heading}\n\n- **File:** `README.md`\n- **Problem:** bad\n"}, FILES).issues[0]
    assert (issue.id, issue.title, issue.problem) == ("1", "Title", "bad")


@pytest.mark.parametrize("text", ["# Notes\n\nNothing here.\n", "just words", "[link](x)", "- [ ] todo\n"])
def test_text_without_a_finding_is_refused_saying_what_was_looked_for(take: Take, text: str) -> None:
    with pytest.raises(InputError, match="without any finding") as refused:
        take({"notes.md": text})
    assert "### C1. Title" in (refused.value.next_step or "")


def test_line_ends_of_every_system_give_the_same_issues(take: Take) -> None:
    unix = take({"review.md": REVIEW}, FILES)
    windows = take({"review.md": REVIEW.replace("\n", "\r\n")}, FILES)
    assert unix == windows


@pytest.mark.parametrize(
    "text",
    [
        "### C1. a" + " " * 100_000 + "b\n**File**: " + "`" * 30_001,
        "### " + "- " * 50_000 + "C1. a\n**File**: a",
        "### C1. a\n**File**: " + "[`a" * 30_000,
        "### C1. a\n**File**: " + "a:1,1,1" * 20_000,
        "> " * 50_000,
        "**" * 50_000,
    ],
)
def test_text_made_to_be_slow_still_gets_an_answer(take: Take, text: str) -> None:
    # With a time that grows as the square of the size, this would take minutes instead of milliseconds.
    found = 0
    with contextlib.suppress(InputError):
        found = take({"list.md": text}).counts.read
    assert found == text.count("C1. a")
