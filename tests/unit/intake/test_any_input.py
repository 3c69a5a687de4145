"""Whatever a source holds, intake answers with an inventory whose figures add up, or with a reason."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.sources.registry import FORMATS
from polly.work.issues import Inventory

Take = Callable[..., Inventory]

NAMES = st.sampled_from(["x.sarif", "x.md", "x.json", "x.txt", "x.sarif.gz", "x"])
FILES = {"a.py": "x = 1\ny = 2\n", "src/b.py": b"\0binary", "src/c.py": b"\xff\xfe"}
URIS = st.sampled_from(
    ["a.py", "src/b.py", "file:///ci/a.py", "../x", "C:/x/a.py", "", "http://x/y", "a\0", "%zz"]
)
NUMBERS = st.sampled_from([None, -1, 0, 1, 2, 7, 10**12, "3", 1.5, True])
WORDS = st.sampled_from(
    [None, "", "text", "\u202e\x1b[0m", "{0} {1} {{", "[a](1)", "none", "error", "fail", "é"]
)
JSON = st.recursive(
    WORDS | NUMBERS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2)
)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


MESSAGES = maybe(text=WORDS, id=WORDS, markdown=WORDS, arguments=st.lists(WORDS, max_size=2) | JSON)
REGIONS = maybe(
    startLine=NUMBERS, endLine=NUMBERS, charOffset=NUMBERS, charLength=NUMBERS, byteOffset=NUMBERS
)
ARTIFACTS = maybe(uri=URIS, uriBaseId=WORDS, index=NUMBERS)
LOCATIONS = maybe(physicalLocation=maybe(artifactLocation=ARTIFACTS, region=REGIONS))
RESULTS = maybe(
    ruleId=WORDS,
    ruleIndex=NUMBERS,
    rule=maybe(id=WORDS, index=NUMBERS, toolComponent=maybe(index=NUMBERS, name=WORDS)),
    kind=WORDS,
    level=WORDS,
    message=MESSAGES,
    locations=st.lists(LOCATIONS, max_size=2),
    suppressions=st.lists(maybe(status=WORDS), max_size=2),
    baselineState=st.sampled_from(["new", "absent", "unchanged", None]),
    fixes=st.lists(
        maybe(artifactChanges=st.lists(maybe(artifactLocation=ARTIFACTS)), description=MESSAGES), max_size=1
    ),
    properties=st.dictionaries(st.just("security-severity"), JSON),
    relatedLocations=st.lists(LOCATIONS, max_size=2) | JSON,
    codeFlows=st.lists(maybe(threadFlows=st.lists(maybe(locations=JSON), max_size=1)), max_size=1) | JSON,
    graphs=JSON,
    taxa=st.lists(maybe(index=NUMBERS, toolComponent=maybe(index=NUMBERS)), max_size=2) | JSON,
    rank=NUMBERS,
)
RUNS = st.fixed_dictionaries(
    {"results": st.lists(RESULTS | JSON, max_size=4)},
    optional={
        "tool": maybe(
            driver=maybe(name=WORDS, rules=st.lists(maybe(id=WORDS, messageStrings=JSON), max_size=2))
        ),
        "artifacts": st.lists(maybe(location=ARTIFACTS), max_size=2),
        "originalUriBaseIds": st.dictionaries(st.sampled_from(["", "text", "é"]), ARTIFACTS, max_size=3),
        "invocations": st.lists(maybe(executionSuccessful=st.booleans()), max_size=2),
        "taxonomies": JSON,
        "threadFlowLocations": JSON,
    },
)
LINES = st.sampled_from(
    [
        "# Review",
        "## 🔴 Critical (2)",
        "### C1. Title",
        "### P7-P9. More (3 issues)",
        "**1. Bold (`a.py:2`)**",
        "**File**: `a.py:1-2, 4`",
        "**Files**: `src/*.py`, `new.py` (new)",
        "- **Status**: fixed",
        "**Effort**: 2-3 hours",
        "**Rule**: `lint:R1`",
        "**Total Issues**: 45",
        "```",
        "---",
        "> quote",
        "| Critical | 4 |",
        "",
        "words",
    ]
)


def check(inventory: Inventory) -> None:
    counts = inventory.counts
    assert counts.read == counts.issues + counts.excluded
    assert counts.issues == len(inventory.issues) == sum(counts.by_severity.values())
    assert counts.excluded == sum(each.count for each in inventory.excluded)
    assert msgspec.json.decode(msgspec.json.encode(inventory), type=Inventory) == inventory


def attempt(take: Take, name: str, data: bytes) -> Inventory | None:
    refused = ""
    try:
        inventory = take({name: data}, FILES)
    except InputError as error:
        refused = error.what
    if refused:
        assert name in refused
        return None
    check(inventory)
    return inventory


@given(name=NAMES, data=st.binary(max_size=200))
@example(name="x.json", data=b'{"version": "2.1.0", "runs": [{"results": [{"ruleId": "\\ud800"}]}]}')
@example(name="x.json", data=b'{"inventory_version": 1, "issues": "\\ud800"}')
@example(name="x.json", data=b'{"inventory_version": 1, "issues": [NaN]}')
@example(name="x.sarif", data=b'{"version": "2.1.0", "runs": [{"tool": ' + b"[" * 5000 + b"]" * 5000 + b"}]}")
@example(
    name="x.sarif", data=b'{"version": "2.1.0", "runs": [{"results": [' + b"[" * 5000 + b"]" * 5000 + b"]}]}"
)
@example(name="x.json", data=b"1" * 5000)
@example(name="x.gz", data=gzip.compress(gzip.compress(b"{}")))
def test_any_bytes_give_an_inventory_or_a_reason(take: Take, name: str, data: bytes) -> None:
    attempt(take, name, data)


@given(lines=st.lists(LINES, max_size=25))
def test_any_review_gives_an_inventory_or_a_reason(take: Take, lines: list[str]) -> None:
    attempt(take, "x.md", "\n".join(lines).encode())


@given(runs=st.lists(RUNS, max_size=2))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_result_of_a_log_is_an_issue_or_excluded(take: Take, runs: list[dict[str, Any]]) -> None:
    inventory = attempt(take, "x.sarif", json.dumps({"version": "2.1.0", "runs": runs}).encode())
    if inventory is not None:
        assert inventory.counts.read == sum(len(run["results"]) for run in runs)


@given(
    document=st.dictionaries(
        st.sampled_from(["inventory_version", "issues", "runs", "version", "counts"]), JSON
    )
)
def test_any_json_object_gives_an_inventory_or_a_reason(take: Take, document: dict[str, Any]) -> None:
    attempt(take, "x.json", json.dumps(document).encode())


def test_no_source_and_an_unknown_format_are_refused(take: Take) -> None:
    with pytest.raises(InputError, match="No source"):
        take({})
    with pytest.raises(InputError, match="no source format 'xml'"):
        take({"x.md": "x"}, source_format="xml")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_is_told_is_not_guessed(take: Take, name: str) -> None:
    with pytest.raises(InputError, match=r"x\.txt"):
        take({"x.txt": "neither this nor that"}, source_format=name)
