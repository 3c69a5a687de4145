"""A file that is one finding: by a block at its head, or by keys below its title."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.sources.markdown import front_matter
from polly.work.issues import Inventory, IssueStatus, Severity

Take = Callable[..., Inventory]

FILES = {"src/log.py": "a\n" * 60, "src/b.py": "a\n"}
FINDING = """\
---
id: SEC-1
severity: "high"
files:
  - src/log.py
  - src/b.py
status: open
effort: 30 min
tags: [secret, log]
---
# Secrets are printed

They are.

## Fix
Do not.
"""


def test_a_block_at_the_head_describes_the_file_as_one_finding(take: Take) -> None:
    issue = take({"one.md": FINDING}, FILES).issues[0]
    assert (issue.id, issue.severity, issue.title) == ("SEC-1", Severity.MAJOR, "Secrets are printed")
    assert issue.paths == ("src/log.py", "src/b.py")
    assert (issue.status, issue.effort_minutes) == (IssueStatus.OPEN, 30)
    assert issue.problem.startswith("They are.")
    assert issue.source.ref == "one.md:11"


def test_lines_beside_one_file_are_its_lines(take: Take) -> None:
    text = "---\nseverity: low\nfile: src/log.py\nlines: 3-5\n---\n# x\n"
    assert str(take({"one.md": text}, FILES).issues[0].locations[0]) == "src/log.py:3-5"


def test_keys_below_a_title_do_the_same_and_the_name_of_the_file_is_the_id(take: Take) -> None:
    text = "# Lock is missing\n\n**File**: `src/b.py:1`\n**Severity**: critical\n\nText.\n"
    issue = take({"lock missing!.md": text}, FILES).issues[0]
    assert (issue.id, issue.title, issue.severity) == ("lock-missing", "Lock is missing", Severity.CRITICAL)


def test_a_block_about_the_page_leaves_the_findings_in_it(take: Take) -> None:
    text = "---\ntitle: Review\nlayout: page\n---\n## Minor\n### C1. x\n**File**: `src/b.py:1`\n"
    issue = take({"page.md": text}, FILES).issues[0]
    assert (issue.id, issue.source.ref) == ("C1", "page.md:6")


def test_a_block_that_never_ends_is_text(take: Take) -> None:
    with pytest.raises(InputError, match="without any finding"):
        take({"one.md": "---\nseverity: high\n" + "words\n" * 9000}, FILES)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,9}", fullmatch=True),
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
        min_size=1,
    ),
    st.text(st.characters(categories=["L", "N"], include_characters="\n #")),
)
def test_pairs_are_read_back_and_no_line_moves(pairs: dict[str, str], body: str) -> None:
    head = "".join(f"{key}: {value}\n" for key, value in pairs.items())
    found = front_matter.split(f"---\n{head}---\n{body}")
    assert {key: value for key, (value, _) in found.pairs.items()} == pairs
    assert found.rest == "\n" * (len(pairs) + 2) + body
