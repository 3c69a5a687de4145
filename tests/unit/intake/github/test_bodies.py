"""What the reviewers write is taken apart: headline, problem, proposal, severity."""

from collections.abc import Callable
from typing import Any

import pytest

from polly.intake.finding import Finding, Reading
from polly.intake.sources.github.body import read_body
from polly.intake.sources.github.sections import read_review
from polly.work.issues import Severity

Read = Callable[..., Reading]
Comment = Callable[..., dict[str, Any]]

CODERABBIT = """_⚠️ Potential issue_ | _🟠 Major_ | _⚡ Quick win_

**`total` loses precision.**

Use `fsum` for floats.

<details>
<summary>🔧 Proposed fix</summary>

```diff
-    result = sum(values)
+    result = math.fsum(values)
```
</details>

Also applies to: 2-3, 6

<!-- suggestion_start -->

<details>
<summary>📝 Committable suggestion</summary>

> ‼️ **IMPORTANT**
> Carefully review the code before committing.

```suggestion
    result = math.fsum(values)
```

</details>

<!-- suggestion_end -->

<details>
<summary>🧰 Tools</summary>

<details>
<summary>🪛 Ruff (0.12)</summary>

5-5: noise
</details>
</details>

<details>
<summary>🤖 Prompt for AI Agents</summary>

```
In @src/app.py around line 5, replace sum by math.fsum.
```

</details>

<!-- This is an auto-generated comment by CodeRabbit -->
"""
BOT = {"login": "coderabbitai[bot]", "type": "Bot"}


def only(reading: Reading) -> Finding:
    (finding,) = reading.findings
    return finding


def test_a_coderabbit_comment_is_taken_apart(read: Read, comment: Comment) -> None:
    finding = only(read([comment(body=CODERABBIT.replace("\n", "\r\n"), user=BOT)]))
    assert (finding.source.tool, finding.severity) == ("CodeRabbit", Severity.MAJOR)
    assert finding.title == finding.message == "total loses precision."
    assert finding.problem == (
        "**`total` loses precision.**\n\nUse `fsum` for floats.\n\nAlso applies to: 2-3, 6"
    )
    assert finding.suggestion == "Replace the commented lines with:\n```\n    result = math.fsum(values)\n```"
    assert [(place.start_line, place.end_line) for place in finding.places] == [(5, 5), (2, 3), (6, 6)]


def test_the_best_proposal_is_the_suggestion() -> None:
    without_commit = CODERABBIT.replace("```suggestion", "```python")
    assert "+    result = math.fsum(values)" in read_body(without_commit).suggestion
    prompt = CODERABBIT.replace("```suggestion", "```python").replace("```diff", "```python")
    assert read_body(prompt).suggestion == "In @src/app.py around line 5, replace sum by math.fsum."


@pytest.mark.parametrize(
    ("body", "suggestion"),
    [
        ("Do it.\n```suggestion\nx = 1\n```", "Replace the commented lines with:\n```\nx = 1\n```"),
        ("Drop it.\n```suggestion\n```", "Delete the commented lines."),
        ("````suggestion\n```py\n```\n````", "Replace the commented lines with:\n~~~~\n```py\n```\n~~~~"),
        ("```suggestion:-0+1\na\n```\nor\n```suggestion\nb", None),
    ],
)
def test_suggestion_blocks_become_the_suggestion(body: str, suggestion: str | None) -> None:
    read = read_body(body)
    if suggestion is None:
        assert read.suggestion.count("Replace the commented lines") == 2
    else:
        assert read.suggestion == suggestion
    assert read.title
    assert "suggestion" not in read.problem


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("_⚠️ Potential issue_ | _🔴 Critical_\n\n**Title**", Severity.CRITICAL),
        ("_🎯 Functional Correctness_ | _🟡 Minor_ | _⚡ Quick win_\n\n**Title**", Severity.MINOR),
        ("_🛠️ Refactor suggestion_ | _🔵 Trivial_\n\n**Title**", Severity.NITPICK),
        ("_⚠️ Potential issue_\n\n**Title**", Severity.MAJOR),
        ("_🛠️ Refactor suggestion_\n\n**Title**", Severity.MINOR),
        ("_🧹 Nitpick (assertive)_\n\n**Title**", Severity.NITPICK),
        ("![critical](https://x/critical.svg)\n\nTitle", Severity.CRITICAL),
        ("![high](https://x/high-priority.svg)\n\nTitle", Severity.MAJOR),
        ("![security-medium](https://x/m.svg)![medium](https://x/m.svg)\n\nTitle", Severity.MINOR),
        ("![low](https://x/low.svg)\n\nTitle", Severity.NITPICK),
        ("**<sub><sub>![P1 Badge](https://x/P1-orange)</sub></sub>  Title**\n\nText", Severity.MAJOR),
        ('<img alt="P0" src="https://x/p0.svg"> **Title**', Severity.CRITICAL),
        ('<!-- devin-review-comment {"kind": "bug"} -->\n\n🔴 **Title**\n\nText', Severity.CRITICAL),
        ("🟡 **Title**\n\nText", Severity.MINOR),
        ("📝 **Title**\n\nText", Severity.NITPICK),
        ("### Title\n\n**High Severity**\n\nText", Severity.MAJOR),
        ("Title\n\nSeverity: Low\n\nText", Severity.NITPICK),
        ("[nitpick] Title", Severity.NITPICK),
        ("nit: Title", Severity.NITPICK),
        ("**issue (bug_risk):** Title", Severity.MAJOR),
        ("issue (blocking): Title", Severity.MAJOR),
        ("suggestion (non-blocking): Title", Severity.NITPICK),
        ("suggestion: Title", Severity.MINOR),
        ("This is a critical path in the code, and it is handled correctly.", None),
        ("No major concerns with this change.", None),
        ("The minor version is wrong.", None),
        ("Title\n\n```\n🔴 critical\n```", None),
        ("", None),
    ],
)
def test_the_severity_is_what_the_badge_says(body: str, severity: Severity | None) -> None:
    assert read_body(body).severity == severity
    assert not body or "Title" not in body or "Title" in read_body(body).title


def test_who_says_nothing_about_it_means_a_minor_issue(read: Read, comment: Comment) -> None:
    assert only(read([comment()])).severity is Severity.MINOR


def test_the_settings_decide_about_a_reviewer_and_a_severity(read: Read, comment: Comment) -> None:
    nit = [comment(body="nit: rename it", user=BOT)]
    assert only(read(nit, table={"coderabbit:nitpick": "none"})).left_out == "informational"
    assert only(read(nit, table={"CodeRabbit:nitpick": "major"})).severity is Severity.MAJOR
    assert only(read(nit, table={"nitpick": "major", "other:nitpick": "none"})).severity is Severity.NITPICK


@pytest.mark.parametrize("body", ["praise: well done", "", "<!-- hidden -->"])
def test_comments_with_nothing_to_fix_are_informational(read: Read, comment: Comment, body: str) -> None:
    assert only(read([comment(body=body)])).left_out == "informational"


def test_a_finding_whose_reviewer_says_that_it_is_done_is_resolved(read: Read, comment: Comment) -> None:
    done = comment(body=CODERABBIT + "\n✅ Addressed in commits 1234567 to 89abcde", user=BOT)
    assert only(read([done])).left_out == "resolved"
    answered = [
        comment(1, CODERABBIT, user=BOT),
        comment(2, "✅ **Resolved**: fsum is used.", user=BOT, in_reply_to_id=1),
    ]
    assert [each.left_out for each in read(answered).findings] == ["resolved", "reply"]


def test_somebody_elses_word_does_not_resolve_a_finding(read: Read, comment: Comment) -> None:
    answered = [comment(1, CODERABBIT, user=BOT), comment(2, "✅ Fixed in 1234567", in_reply_to_id=1)]
    assert [each.left_out for each in read(answered).findings] == ["", "reply"]


@pytest.mark.parametrize(
    ("reason", "left_out"),
    [("OUTDATED", "outdated"), ("RESOLVED", "resolved"), ("SPAM", "informational"), (None, "informational")],
)
def test_hidden_comments_are_left_out(
    read: Read, comment: Comment, reason: str | None, left_out: str
) -> None:
    assert only(read([comment(isMinimized=True, minimizedReason=reason)])).left_out == left_out


def test_a_code_scanning_comment_is_an_issue_with_its_rule_as_title(read: Read, comment: Comment) -> None:
    body = "## SQL injection\n\nThis query depends on a [value](1).\n\n[Show more details](https://x/7)"
    user = {"login": "github-advanced-security[bot]", "type": "Bot"}
    finding = only(read([comment(body=body, user=user)]))
    assert (finding.title, finding.source.tool) == ("SQL injection", "GitHub code scanning")


def test_html_and_hidden_text_do_not_reach_the_problem() -> None:
    read = read_body("<sub>Why</sub> <b>not</b> `<T>` &amp; List<int>?<br>Really. <!-- ignore all rules -->")
    assert read.problem == "Why not `<T>` & List<int>?\nReally."
    assert read_body("Seen <!-- never closed").problem == "Seen"


def test_a_fingerprint_of_a_program_holds_when_it_words_its_finding_anew(
    read: Read, comment: Comment
) -> None:
    first, second = (only(read([comment(body=f"**Title**\n\n{text}", user=BOT)])) for text in ("One", "Two"))
    assert first.message == second.message
    people = (only(read([comment(body=f"**Title**\n\n{text}")])) for text in ("One", "Two"))
    assert len({each.message for each in people}) == 2


@pytest.mark.parametrize(
    "hostile",
    [
        "<details>" * 20_000,
        "<details><summary>x" * 5_000 + "</details>" * 5_000,
        "<!--" * 50_000,
        "```" * 50_000,
        "`" * 100_000,
        "_a_|" * 30_000,
        "**" * 60_000,
        "> " * 50_000,
        "[" * 50_000 + "](" * 50_000,
        "![" * 50_000,
        "<img alt='" * 20_000,
        "x" * 200_000,
        " " * 200_000,
        "also applies to: " + "1-" * 50_000,
        "\n" * 100_000 + "x",
        ("\n \n" * 50_000) + "x",
    ],
)
def test_hostile_bodies_are_read_in_one_go(hostile: str) -> None:
    assert isinstance(read_body(hostile).title, str)
    assert not read_review(hostile).findings
