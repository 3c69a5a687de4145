"""Whatever an answer holds, every comment in it is an issue or is left out for a reason."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.read import take
from polly.intake.sources.github.sections import read_review
from polly.work.issues import Inventory

FILES = {"src/app.py": "def total(values):\n    return sum(values)\n"}


class Files:
    """A snapshot held in memory."""

    paths = frozenset(FILES)

    def read(self, path: str) -> bytes | None:
        return FILES[path].encode() if path in FILES else None


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


ODD = st.sampled_from(
    [None, -1, 0, 1, "2", 2**63, 2**70, 1.5, True, "", "x", [], {}, ["x"], {"id": 1}, "\ud800"]
)
IDS = st.integers(1, 5) | ODD
LINES = st.sampled_from([None, 1, 2, 9, 10**9]) | ODD
PATHS = st.sampled_from(["src/app.py", "gone.py", "../x", "/etc/passwd", "", ".git/config", "a\0b"]) | ODD
TEXTS = st.sampled_from(
    [
        "Wrong.",
        "nit: x",
        "**T**\n\n```suggestion\nx\n```",
        "<details>",
        "✅ Fixed",
        "",
        "\x1b[2J\u202e",
        "praise: y",
    ]
) | st.text(max_size=40)
HUNKS = st.sampled_from(
    ["@@ -1 +1,2 @@\n+def total(values):\n-x", "@@ -0,0 +1 @@\n+    return sum(values)", "@@", ""]
)
PEOPLE = st.sampled_from([None, {"login": "ann"}, {"login": "coderabbitai[bot]"}, {"login": None}, {}]) | ODD
COMMENTS = st.fixed_dictionaries(
    {"body": TEXTS | ODD, "path": PATHS},
    optional={
        "id": IDS,
        "in_reply_to_id": IDS,
        "user": PEOPLE,
        "line": LINES,
        "start_line": LINES,
        "original_line": LINES,
        "original_start_line": LINES,
        "position": LINES,
        "side": st.sampled_from(["LEFT", "RIGHT", None]),
        "subject_type": st.sampled_from(["file", "line"]),
        "diff_hunk": HUNKS,
        "is_minimized": st.booleans(),
        "minimized_reason": TEXTS,
    },
)
# fmt: off
KEYS = st.sampled_from((
    "data", "repository", "pullRequest", "reviewThreads", "nodes", "edges", "node", "comments", "reviews",
    "body", "path", "state", "user", "author", "login", "isResolved", "action", "comment", "review",
    "thread", "pageInfo", "hasNextPage", "errors", "message", "documentation_url",
))
PIECES = st.sampled_from((
    "<details>", "</details>", "<summary>Nitpick comments (2)</summary>", "<summary>a.py (1)</summary>",
    "`1-2`: **T**", "**a.py:1**", "### Suppressed comments (1)", "```", "---", "> x", "text", "",
))
# fmt: on
JSON = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner | TEXTS, max_size=4),
    max_leaves=12,
)


#: An answer in which nothing can be read is refused; with this one, something can.
VALID = {"body": "Wrong.", "path": "src/app.py"}


def inventory_of(root: Path, values: list[Any]) -> Inventory:
    file = root / "any.json"
    file.write_text("\n".join(json.dumps(each) for each in values), encoding="utf-8")
    inventory = take([file], snapshot=Files(), root=root, source_format="github").inventory
    counts = inventory.counts
    assert counts.read == counts.issues + counts.excluded
    assert counts.issues == len(inventory.issues)
    assert all(issue.title and issue.locations for issue in inventory.issues)
    return inventory


@given(comments=st.lists(COMMENTS, max_size=6))
def test_every_comment_is_accounted_for(root: Path, comments: list[dict[str, Any]]) -> None:
    assert inventory_of(root, [[VALID, *comments]]).counts.read == len(comments) + 1


@given(comments=st.lists(COMMENTS, max_size=6))
def test_pages_do_not_matter(root: Path, comments: list[dict[str, Any]]) -> None:
    whole = inventory_of(root, [[VALID, *comments]])
    paged = inventory_of(root, [[VALID, *comments[:2]], comments[2:]])
    assert [each.fingerprint for each in whole.issues] == [each.fingerprint for each in paged.issues]
    assert whole.counts == paged.counts


@given(values=st.lists(JSON, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_json_gives_an_inventory_or_a_reason(root: Path, values: list[Any]) -> None:
    refused = "any.json"
    try:
        inventory_of(root, values)
    except InputError as error:
        refused = error.what
    assert "any.json" in refused


@given(lines=st.lists(PIECES, max_size=20))
def test_a_review_body_of_any_build_is_read(lines: list[str]) -> None:
    review = read_review("\n".join(lines))
    assert len(review.findings) <= len(lines)
    assert all(miscount.stated != miscount.found for miscount in review.miscounts)
