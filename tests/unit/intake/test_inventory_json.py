import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from polly.errors import InputError
from polly.work.issues import Inventory

Take = Callable[..., Inventory]
Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]

REVIEW = """\
## Major
### M1. a (3 locations)
**File**: `a.py:1, 2`
**Status**: fixed
### M1. b
**File**: `new.py` (new)
"""


def written(*issues: dict[str, Any], **more: Any) -> str:
    return json.dumps({"inventory_version": 1, "issues": issues, **more})


def issue(**more: Any) -> dict[str, Any]:
    return {
        "id": "X1",
        "severity": "minor",
        "title": "t",
        "locations": [{"path": "a.py", "start_line": 1}],
        **more,
    }


def test_an_inventory_is_read_back_exactly_as_it_was_written(take: Take, log: Log, result: Result) -> None:
    sources = {
        "review.md": REVIEW,
        "x.sarif": log(result(), result(), result(line=2, kind="pass"), result("../y"), result("gone.py")),
    }
    files = {"a.py": "x\ny\n"}
    first = take(sources, files)
    assert {each.reason for each in first.excluded} == {"duplicate", "not_a_failure", "outside_repository"}
    codes = {"contradiction", "duplicate_id", "file_not_found", "outside_repository"}
    assert {each.code for each in first.warnings} == codes
    assert take({"inventory.json": msgspec.json.encode(first)}, files) == first


def test_fingerprint_and_source_can_be_left_to_polly(take: Take) -> None:
    read = take({"x.json": written(issue())}, {"a.py": "x\n"}).issues[0]
    assert len(read.fingerprint) == 32
    assert (read.source.format, read.source.ref) == ("inventory", "x.json#/issues/0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"inventory_version": 2, "issues": []}', "version 2"),
        ('{"inventory_version": "1", "issues": []}', "version"),
        ('{"inventory_version": 1}', "issues"),
        (written(issue(severity="high")), "$.issues[0].severity"),
        (written(issue(id="../up")), "cannot be the id"),
        (written(issue(id="")), "cannot be the id"),
        (written(issue(effort_minutes=-5)), "$.issues[0].effort_minutes"),
        (written(issue(locations=[{"path": 5}])), "$.issues[0].locations[0].path"),
        (written(excluded=[{"reason": "x", "count": -1}]), "$.excluded[0].count"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(take: Take, text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        take({"x.json": text})
    assert words in refused.value.what
    assert refused.value.next_step


def test_unknown_fields_are_named(take: Take) -> None:
    inventory = take(
        {"x.json": written(issue(colour="red", source={"format": "x", "k": 1}), extra=1)}, {"a.py": ""}
    )
    named = [warning.message for warning in inventory.warnings if warning.code == "unknown_field"]
    assert len(named) == 3
    assert "issues.colour" in named[0]


def test_an_id_used_twice_keeps_both_issues(take: Take) -> None:
    inventory = take({"x.json": written(issue(), issue(title="other"))}, {"a.py": "x\n"})
    assert [each.id for each in inventory.issues] == ["X1", "X1-2"]
    assert [warning.code for warning in inventory.warnings] == ["duplicate_id"]


def test_a_path_outside_the_repository_excludes_its_issue(take: Take) -> None:
    inventory = take({"x.json": written(issue(locations=[{"path": "../../etc/passwd"}]))})
    assert [(each.reason, each.refs) for each in inventory.excluded] == [
        ("outside_repository", ("x.json#/issues/0",))
    ]


def test_counts_that_do_not_agree_with_the_issues_are_contradictions(take: Take) -> None:
    text = written(issue(), counts={"read": 7, "issues": 1, "by_severity": {"critical": 1}})
    inventory = take({"x.json": text}, {"a.py": ""})
    assert [warning.code for warning in inventory.warnings] == ["contradiction", "contradiction"]
    assert inventory.counts.read == 1
