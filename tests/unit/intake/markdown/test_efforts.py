"""Efforts that a document adds up are added up again."""

from collections.abc import Callable

import pytest

from polly.work.issues import Inventory

Take = Callable[..., Inventory]

FILES = {"src/log.py": "a\n" * 60}
FINDINGS = """\
## Critical

### C1. Folder
**File**: `src/log.py:2`
**Effort**: 2-3 hours

### Issue #7: Retry
**File**: `src/log.py:3`
**Effort**: 4 hours

## Summary

"""


def contradictions(inventory: Inventory) -> list[str]:
    return [warning.message for warning in inventory.warnings if warning.code == "contradiction"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("**Total effort**: 6-7 hours", ""),
        ("**Total Effort**: 6.5 hours", ""),
        ("**Total estimated time**: 10 hours", "line 13 says 'Total estimated time : 10 hours'"),
        ("**Total effort (C1)**: 5 hours", "the efforts stated for them add up to 2 h to 3 h (line 3)"),
        ("**Total Effort (Issues #7-8)**: 4 hours", ""),
        ("**Total Effort (Issues #7)**: 9 hours", "add up to 4 h (line 7)"),
        ("**Actual time**: 1 hour", ""),
        ("- [ ] C1: folder (2-3h)", ""),
        ("- [ ] C1: folder (5h)", "C1 itself says 2 h to 3 h (line 3)"),
        ("- Issue #7: retry (30 min)", "7 itself says 4 h (line 7)"),
        ("### Phase 1 (6-7 hours)\n\n- C1 (2-3h)\n- Issue #7 (4h)", ""),
        (
            "### Phase 1 (9 hours)\n\n- C1 (2-3h)\n- Issue #7 (4h)",
            "but its items add up to 6 h to 7 h (lines 15, 16)",
        ),
    ],
)
def test_a_sum_that_is_wrong_is_named_with_both_places(take: Take, said: str, found: str) -> None:
    told = contradictions(take({"list.md": f"{FINDINGS}{said}\n"}, FILES))
    assert [found in message for message in told] == ([True] if found else [])


def test_a_total_is_not_judged_when_some_findings_state_no_effort(take: Take) -> None:
    text = FINDINGS.replace("**Effort**: 4 hours\n", "") + "**Total effort**: 40 hours\n"
    assert not contradictions(take({"list.md": text}, FILES))
