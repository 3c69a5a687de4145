"""Findings that stand only in the body of a review, and what a review says about itself."""

from collections.abc import Callable
from typing import Any

import pytest

from polly.intake.finding import Reading
from polly.work.issues import Severity

Read = Callable[..., Reading]
Comment = Callable[..., dict[str, Any]]

BOT = {"login": "coderabbitai[bot]", "type": "Bot"}
NITPICKS = """<details>
<summary>🧹 Nitpick comments (3)</summary><blockquote>

<details>
<summary>src/app.py (2)</summary><blockquote>

`4-5`: **Name the unit.**

Seconds or minutes?

<details>
<summary>🤖 Prompt for AI Agents</summary>

```
`99`: **not a finding**
```

</details>

---

`6`: _⚠️ Potential issue_ | _🟡 Minor_

**Return early.**

</blockquote></details>
<details>
<summary>README.md (1)</summary><blockquote>

`1-1`: **Say why.**

</blockquote></details>

</blockquote></details>
"""
FILES = {"src/app.py": "a\n" * 9, "README.md": "b\n"}


def review(body: str, **more: Any) -> dict[str, Any]:
    address = "https://github.com/o/r/pull/7#pullrequestreview-90"
    return {"id": 90, "user": BOT, "state": "COMMENTED", "body": body, "html_url": address, **more}


def told(reading: Reading) -> list[tuple[str, str, int | None, str]]:
    return [
        (each.title, each.places[0].path, each.places[0].start_line, each.left_out)
        for each in reading.findings
    ]


def test_nitpicks_in_a_review_body_are_findings(read: Read) -> None:
    reading = read([review(NITPICKS)], files=FILES)
    assert told(reading) == [
        ("Name the unit.", "src/app.py", 4, ""),
        ("Return early.", "src/app.py", 6, ""),
        ("Say why.", "README.md", 1, ""),
    ]
    severities = [each.severity for each in reading.findings]
    assert severities == [Severity.NITPICK, Severity.MINOR, Severity.NITPICK]
    assert reading.findings[0].source.ref == "https://github.com/o/r/pull/7#pullrequestreview-90 finding 1"
    assert not reading.warnings


def test_sections_inside_a_quotation_are_read(read: Read) -> None:
    outside = NITPICKS.replace("🧹 Nitpick comments", "⚠️ Outside diff range comments")
    quoted = "> [!CAUTION]\n> Some comments are outside the diff.\n" + "\n".join(
        f"> {line}" for line in outside.split("\n")
    )
    reading = read([review(quoted)], files=FILES)
    assert len(reading.findings) == 3
    assert reading.findings[0].severity is Severity.MINOR


def test_remarks_without_a_wish_are_informational(read: Read) -> None:
    body = NITPICKS.replace("🧹 Nitpick comments", "🔇 Additional comments")
    assert {each[3] for each in told(read([review(body)], files=FILES))} == {"informational"}


def test_a_repeated_comment_is_left_out_where_the_first_one_is_open(read: Read, comment: Comment) -> None:
    body = "Actionable comments posted: 1\n" + NITPICKS.replace("🧹 Nitpick comments", "♻️ Duplicate comments")
    inline = comment(1, "**Name the unit.**\n\nStill.", user=BOT, diff_hunk="")
    reading = read([inline], [review(body)], files=FILES)
    assert [each.left_out for each in reading.findings] == ["", "duplicate", "", ""]
    gone = {**inline, "line": None}
    assert [each.left_out for each in read([gone], [review(body)], files=FILES).findings] == [
        "outdated",
        "",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "frame",
    [
        "<details>\n<summary>Comments suppressed due to low confidence (2)</summary>\n\n{}\n</details>",
        "## Overview\n\n### Suppressed comments (2)\n\n{}\n\n### Files\n\n**a.py:1**",
    ],
)
def test_what_copilot_holds_back_is_a_nitpick(read: Read, frame: str) -> None:
    items = "**src/app.py:2**\n* Unused.\n```\n**README.md:7**\n```\n**README.md:1**\n* Too short."
    user = {"login": "copilot-pull-request-reviewer[bot]", "type": "Bot"}
    reading = read([review(frame.format(items), user=user)], files=FILES)
    assert [each[1:3] for each in told(reading)] == [("src/app.py", 2), ("README.md", 1)]
    assert {each.severity for each in reading.findings} == {Severity.NITPICK}
    assert not reading.warnings


def test_a_heading_that_miscounts_is_a_contradiction(read: Read) -> None:
    reading = read([review(NITPICKS.replace("comments (3)", "comments (4)"))], files=FILES)
    (warning,) = reading.warnings
    assert warning.code == "contradiction"
    assert "'🧹 Nitpick comments (4)' is followed by 3 findings" in warning.message


def test_the_stated_number_of_comments_is_recounted(read: Read, comment: Comment) -> None:
    stated = review("**Actionable comments posted: 2**")
    assert [each.code for each in read([stated]).warnings] == ["comments_missing"]
    one = comment(1, user=BOT)
    assert [each.code for each in read([one], [stated]).warnings] == ["contradiction"]
    two = comment(2, "Another.", user=BOT)
    assert not read([one, two], [stated]).warnings


def test_a_finding_about_a_file_that_is_gone_is_outdated(read: Read) -> None:
    reading = read([review(NITPICKS)], files={"src/app.py": "a\n" * 9})
    assert [each[3] for each in told(reading)] == ["", "", "outdated"]


@pytest.mark.parametrize(
    ("post", "left_out"),
    [
        (review("Looks fine."), "informational"),
        (review("", state="APPROVED", user={"login": "ann"}), "informational"),
        (review("Nice.", user={"login": "ann"}), "informational"),
        (review("Please add tests.", state="CHANGES_REQUESTED", user={"login": "ann"}), "no_location"),
        (review("`src/app.py:3` is wrong.", user={"login": "ann"}), ""),
        (review("`src/app.py:3` is wrong.", user={"login": "ann"}, state="DISMISSED"), "resolved"),
        (review("> `src/app.py:3`\n\nThanks.", user={"login": "ann"}), "informational"),
        (review("`src/other.py:3` is wrong.", user={"login": "ann"}), "informational"),
        ({"issue_url": "x", "user": {"login": "ann"}, "body": "Please test."}, "no_location"),
        ({"issue_url": "x", "user": BOT, "body": "Walkthrough of `src/app.py:3`"}, "informational"),
        ({"issue_url": "x", "user": {"login": "ann"}, "body": "praise: nice"}, "informational"),
        (
            {
                "issue_url": "x",
                "user": {"login": "a"},
                "body": "https://github.com/o/r/blob/main/src/app.py#L2-L4",
            },
            "",
        ),
    ],
)
def test_what_is_said_about_the_whole_change_is_accounted_for(
    read: Read, post: dict[str, Any], left_out: str
) -> None:
    (finding,) = read([post], files=FILES).findings
    assert finding.left_out == left_out
    assert left_out or finding.places


def test_reviewing_programs_are_named_also_when_all_is_well(read: Read, comment: Comment) -> None:
    well = {"id": 5, "state": "APPROVED", "body": "No issues found.", "user": BOT}
    assert read([well, comment()]).tools == ("CodeRabbit",)
