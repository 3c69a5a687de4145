import pytest

from polly.intake.sources.markdown.fields import (
    FileMention,
    parse_effort,
    parse_files,
    parse_rule,
    parse_severity,
    parse_status,
)
from polly.work.issues import IssueStatus, Severity


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2 hours", 120),
        ("15 minutes", 15),
        ("1 minute", 1),
        ("1 hour total", 60),
        ("2-3 hours", 150),
        ("2\u20133 hours (after week 4)", 150),
        ("1.5h", 90),
        ("1h 30m", 90),
        ("1 hour and 15 min", 75),
        ("2 hours (1 hour for tests)", 120),
        ("1 day", 480),
        ("2 to 3 weeks", 6000),
        ("Variable (requires packaging)", None),
        ("", None),
        ("4", None),
    ],
)
def test_efforts_become_minutes(text: str, minutes: int | None) -> None:
    effort = parse_effort(text)
    assert (effort.middle if effort else None) == minutes


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("❌ Not fixed", IssueStatus.OPEN),
        ("✅ FIXED in 5552d2d (note)", IssueStatus.FIXED),
        ("✅", IssueStatus.FIXED),
        ("⚠️ Partially fixed", IssueStatus.PARTLY),
        ("📝 New issue identified", IssueStatus.OPEN),
        ("Won't fix", IssueStatus.DECLINED),
        ("Declined: by design", IssueStatus.DECLINED),
        ("unresolved", IssueStatus.OPEN),
        ("In progress", IssueStatus.OPEN),
        ("banana", None),
    ],
)
def test_statuses_are_read_by_word_before_sign(text: str, status: IssueStatus | None) -> None:
    assert parse_status(text) is status


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("🔴 Critical Issues (4)", Severity.CRITICAL),
        ("MUST FIX (blocks tests)", Severity.CRITICAL),
        ("🟡 High Priority", Severity.MAJOR),
        ("SIGNIFICANT problems", Severity.MAJOR),
        ("priority:medium", Severity.MINOR),
        ("🟢 Lower Priority (Post-Merge OK)", Severity.NITPICK),
        ("Nitpicks", Severity.NITPICK),
        ("🟠", Severity.MAJOR),
        ("🔵", Severity.NITPICK),
        ("Summary", None),
    ],
)
def test_severities_are_read_by_word_before_sign(text: str, severity: Severity | None) -> None:
    assert parse_severity(text) is severity


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("`src/a.py`", [FileMention("src/a.py")]),
        ("`src/a.py:10`", [FileMention("src/a.py", ((10, 10),))]),
        ("`src/a.py:47-51, 151-155`", [FileMention("src/a.py", ((47, 51), (151, 155)))]),
        ("`src/a.py`:47-51, 60", [FileMention("src/a.py", ((47, 51), (60, 60)))]),
        ("`src/a.py` (lines 4-6)", [FileMention("src/a.py", ((4, 6),))]),
        ("`src/a.py` (3 locations)", [FileMention("src/a.py")]),
        ("`src/a.py`, line 30", [FileMention("src/a.py", ((30, 30),))]),
        ("`a.py:1`, `b.py:2`", [FileMention("a.py", ((1, 1),)), FileMention("b.py", ((2, 2),))]),
        ("- `a.py:1` (import)\n- `b.py:2`", [FileMention("a.py", ((1, 1),)), FileMention("b.py", ((2, 2),))]),
        ("src/a.py:10-12, 20 and b.sh", [FileMention("src/a.py", ((10, 12), (20, 20))), FileMention("b.sh")]),
        ("`sql/down.sql` (new)", [FileMention("sql/down.sql", (), is_new=True)]),
        (
            "`new.py` (to be created), `old.py`",
            [FileMention("new.py", (), is_new=True), FileMention("old.py")],
        ),
        ("[a.py](src/a.py#L10-L20)", [FileMention("src/a.py", ((10, 20),))]),
        ("`C:\\x\\a.py:3`", [FileMention("C:\\x\\a.py", ((3, 3),))]),
        ("`tests/t.py::test_it`", [FileMention("tests/t.py")]),
        ("`Makefile`", [FileMention("Makefile")]),
        ("`sql/*.sql`", [FileMention("sql/*.sql")]),
        ("`some code()` and nothing", []),
        ("https://example.org/a.py", []),
    ],
)
def test_files_are_read_with_their_lines(text: str, mentions: list[FileMention]) -> None:
    assert list(parse_files(text)) == mentions


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("`ruff:DTZ005`", ("ruff", "DTZ005")),
        ("ruff DTZ005", ("ruff", "DTZ005")),
        ("`Semgrep OSS:rules.x/y`", ("Semgrep OSS", "rules.x/y")),
        ("`B101`", (None, "B101")),
    ],
)
def test_rules_are_read_with_their_tool(text: str, rule: tuple[str | None, str]) -> None:
    assert parse_rule(text) == rule
