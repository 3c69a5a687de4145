"""Completion reports: which of their claims hold, which do not, and which nobody can know."""

from collections.abc import Callable

import pytest

from polly.checking.claims import Check, Claim, Outcome
from polly.errors import InputError

Claims = Callable[..., list[Claim]]

TABLE = """\
| WP | Issues | Files | Status | Time |
|----|--------|-------|--------|------|
| WP1 | C1, N3 | logger.py | done | 45 min |
| WP3 | C3 | test_client.py | done | 5 min |
| WP6 | N4 | analyze.py | done | 10 min |
| WP7 | N1 | flags.py | done | 15 min |
"""
SECTIONS = """\
### Critical (2 issues) - ALL FIXED

#### C1: Folder
**WP1** | `logger.py:31-32`
- **Commit**: `{WP1}`

#### C3: Attribute
**WP3** | `test_client.py:3`
- **Commit**: done in WP3
"""


def told(claims: list[Claim]) -> list[tuple[str, str]]:
    return [(claim.outcome.value, claim.evidence) for claim in claims]


def test_a_commit_exists_or_not(claims: Claims) -> None:
    first, second = claims("Fixed in `{WP1}` and in `abcdef1`.\n", "commit")
    assert first.outcome is Outcome.HOLDS
    assert "'fix(WP1): temp folder by platform' of 2025-10-25" in first.evidence
    assert (second.outcome, second.evidence) == (Outcome.FAILS, "this repository has no such commit")
    assert second.place == "summary.md:1"


@pytest.mark.parametrize(
    "text", ["Order 20251025 came.", "#a1b2c3d is a colour", "sha256:" + "a1" * 32, "deadline"]
)
def test_what_only_looks_like_a_commit_is_none(claims: Claims, text: str) -> None:
    assert not claims(f"see `analyze.py`\n{text}\n", "commit")


def test_a_listed_commit_has_the_subject_that_is_said(claims: Claims) -> None:
    found = claims(
        "```\n{WP1} fix(WP1): temp folder by platform\n{WP3} fix(WP3): everything\n```\n", "subject"
    )
    assert told(found) == [
        ("holds", "git says 'fix(WP1): temp folder by platform'"),
        ("fails", "git says 'fix(WP3): private attribute'"),
    ]


def test_a_finding_is_fixed_in_a_commit_that_changes_its_file(claims: Claims) -> None:
    first, second = claims(SECTIONS, "fix")
    assert (first.says[:11], first.outcome) == ("C1 is fixed", Outcome.HOLDS)
    assert "lib/logger.py" in first.evidence
    assert (second.outcome, second.evidence) == (Outcome.UNKNOWN, "no commit is named that fixes it")


@pytest.mark.parametrize(
    ("commit", "evidence"),
    [
        ("{WP3}", "does not change lib/logger.py, but tests/test_client.py"),
        ("abcdef1", "there is no commit abcdef1"),
    ],
)
def test_a_finding_is_not_fixed_in_another_commit(claims: Claims, commit: str, evidence: str) -> None:
    found = claims(SECTIONS.replace("{WP1}", commit), "fix")[0]
    assert found.outcome is Outcome.FAILS
    assert evidence in found.evidence


def test_commits_that_hold_the_files_of_another_package_are_found_even_when_nobody_names_them(
    claims: Claims,
) -> None:
    found = {claim.says.split("'")[1][4:7]: claim for claim in claims(TABLE, "commit_files")}
    assert found["WP1"].outcome is Outcome.HOLDS
    assert found["WP7"].outcome is Outcome.FAILS
    assert found["WP7"].evidence == "analyze.py belongs to WP6"
    assert found["WP6"].outcome is Outcome.FAILS
    assert found["WP6"].evidence == ("none of the files of WP6 is in it")


def test_a_file_whose_name_names_another_package_belongs_to_it(claims: Claims) -> None:
    table = TABLE + "| WP2 | C2 | consumer.py | done | 15 min |\n"
    crossing = next(claim for claim in claims(table, "commit_files") if "(WP6)" in claim.says)
    assert "consumers/test_wp2_fixes.py belongs to WP2" in crossing.evidence


def test_no_conflict_is_only_true_when_no_commit_crossed(claims: Claims) -> None:
    found = claims(TABLE + "\nZero file conflicts.\n", "conflict")
    assert found[0].outcome is Outcome.FAILS
    assert "analyze.py belongs to WP6" in found[0].evidence
    clean = "\n".join(line for line in TABLE.splitlines() if "WP6" not in line) + "\n\nZero file conflicts.\n"
    assert claims(clean, "conflict")[0].outcome is Outcome.HOLDS


def test_a_file_with_two_owners_is_named_with_both_places(claims: Claims) -> None:
    found = claims(TABLE + "| WP8 | N9 | analyze.py | done | 5 min |\n", "owner")
    assert (found[0].place, found[0].places) == ("summary.md:7", ("summary.md:5",))


def test_counts_of_issues_are_recounted(claims: Claims) -> None:
    wrong = claims(f"Fixed **ALL 15 important issues**.\n\n{SECTIONS}", "count")
    assert [claim.outcome for claim in wrong] == [Outcome.FAILS, Outcome.HOLDS]
    assert claims("Fixes 5 issues total (C1-C2, C4, N1)\n", "count")[0].evidence == "4 ids are written out"
    assert claims(f"{TABLE}\nAll 7 work packages.\n", "count")[0].evidence == "4 are described"


def test_the_items_of_a_list_are_counted(claims: Claims) -> None:
    text = "**2 unique files modified**:\n\n1. `analyze.py`\n2. `flags.py`\n\n- other\n"
    assert told(claims(text, "count")) == [("holds", "the list below has 2")]
    assert told(claims(text.replace("2 unique", "3 unique"), "count")) == [("fails", "the list below has 2")]


def test_what_all_did_is_held_against_what_is_not_done(claims: Claims) -> None:
    text = "All agents made commits.\n\nNote: WP2, WP6 are complete but not yet committed.\n"
    all_of_them, two, six = claims(text, "status")
    assert (all_of_them.outcome, all_of_them.places) == (Outcome.FAILS, ("summary.md:3",))
    assert (two.says, two.outcome) == ("WP2 is not committed", Outcome.UNKNOWN)
    assert (six.says, six.outcome) == ("WP6 is not committed", Outcome.FAILS)
    assert not claims(
        "All work packages are complete.\n\nWP2 is not yet committed, see `analyze.py`.\n", "status"
    )[1:]


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("- **Actual Parallel Time**: ~4.75 hours\n\n2.2 hours actual time", ["fails"]),
        ("- **Actual Time**: 2 hours\n\n~2.1 hours actual time", ["holds"]),
        (f"- **Actual Time**: 4.75 hours\n\n{TABLE}", ["fails"]),
        (f"- **Actual Time**: 50 min\n\n{TABLE}", ["holds"]),
        (f"- **Actual Time**: 20 min\n\n{TABLE}", ["fails"]),
        ("- **Sequential Time**: 10.5 h\n- **Parallel Time**: 4.75 h\n- **Speedup**: 2.2x", ["holds"]),
        ("- **Sequential Time**: 10.5 h\n- **Parallel Time**: 4.75 h\n- **Speedup**: 4x", ["fails"]),
        ("**Started**: 2025-10-25T08:00Z\n\n**Finished**: 2025-10-25T07:30Z", ["fails"]),
        (
            "**Started**: 2025-10-25 08:00\n\n**Finished**: 2025-10-25 09:30\n\n**Duration**: 90 min",
            ["holds", "holds"],
        ),
        (
            "**Started**: 2025-10-25 08:00\n\n**Finished**: 2025-10-25 09:30\n\n**Duration**: 3 h",
            ["holds", "fails"],
        ),
        ("**Date**: 2025-10-20\n\nsee `{WP1}`", ["fails"]),
        ("**Date**: 2025-10-25\n\nsee `{WP1}`", ["holds"]),
    ],
)
def test_times_that_cannot_all_be_true_are_found(claims: Claims, text: str, outcomes: list[str]) -> None:
    assert [claim.outcome.value for claim in claims(f"{text}\n\n`analyze.py`\n", "time")] == outcomes


def test_the_efficiency_of_another_definition_is_not_called_wrong(claims: Claims) -> None:
    text = f"- **Sequential Time**: 4 h\n- **Parallel Time**: 2 h\n- **Efficiency**: 100%\n\n{TABLE}"
    assert [claim.outcome for claim in claims(text, "time")] == [Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("text", "outcome", "evidence"),
    [
        ("`lib/logger.py`", "holds", "it exists"),
        ("`logger.py:3`", "holds", "lib/logger.py exists"),
        ("`logger.py:999`", "unknown", "lib/logger.py has 41 lines now, and line 999 is named"),
        ("`docs/missing.md`", "fails", "there is no such file at HEAD"),
        ("`consumers/*.py`", "holds", "consumers/consumer.py, consumers/test_wp2_fixes.py exist"),
        ("`/home/me/x/lib/logger.py`", "holds", "lib/logger.py exists"),
        ("`/home/me/x/nope.py`", "unknown", "it is a path of another machine, and no file here ends so"),
        ("removed `old.py`", "holds", "it does not exist"),
        ("removed `analyze.py`", "fails", "analyze.py exists"),
    ],
)
def test_files_are_looked_up(claims: Claims, text: str, outcome: str, evidence: str) -> None:
    assert told(claims(f"{text}\n", "file")) == [(outcome, evidence)]


def test_changed_lines_are_looked_up(claims: Claims) -> None:
    items = ("lib/logger.py` (1 ins, 0 del)", "lib/logger.py` (60 ins, 13 del)", "analyze.py` (1 ins, 1 del)")
    text = "`{WP1}`\n\n" + "".join(f"- `{item}\n" for item in items)
    found = claims(text, "lines")
    assert [claim.outcome.value for claim in found] == ["holds", "fails", "unknown"]
    assert found[1].evidence.endswith("changes it by +1 -0")


def test_what_a_repository_cannot_show_is_unknown(claims: Claims) -> None:
    found = claims("- All unit tests pass\n- Production-ready code\n", "unproven")
    assert [claim.outcome for claim in found] == [Outcome.UNKNOWN, Outcome.UNKNOWN]


def test_claims_stand_in_the_order_of_the_document_and_are_counted(checked: Callable[..., Check]) -> None:
    result = checked(f"{TABLE}\n{SECTIONS}\nFixed in abcdef1.\n")
    lines = [int(claim.place.rpartition(":")[2]) for claim in result.claims]
    assert lines == sorted(lines)
    counts = result.counts
    assert counts.holds + counts.fails + counts.unknown == len(result.claims)
    assert result.subject == {"findings": 2, "packages": 4, "commits": 2}


def test_a_document_that_claims_nothing_is_refused(checked: Callable[..., Check]) -> None:
    with pytest.raises(InputError, match="claims nothing") as refused:
        checked("# Notes\n\nNothing.\n")
    assert refused.value.next_step
    with pytest.raises(InputError, match="no plan to check"):
        checked('{"a": 1}', "x.json")


def test_text_that_was_read_as_cp1252_is_repaired_before_it_is_checked(checked: Callable[..., Check]) -> None:
    whole = f"{TABLE}\n{SECTIONS}\n✅ Zero file conflicts → all fine\n"
    damaged = whole.encode("utf-8").decode("cp1252", errors="ignore")
    assert "✅" not in damaged
    repaired = checked(damaged)
    assert [each.outcome for each in repaired.claims] == [each.outcome for each in checked(whole).claims]
    assert [each.code for each in repaired.warnings] == ["mojibake_repaired"]
