"""What a SARIF log tells beside messages and places, and what it admits about itself."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from polly.errors import ToolError
from polly.work.issues import Inventory, Issue

Take = Callable[..., Inventory]
Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]


def at(uri: str, line: int, text: str = "", **more: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    return {"physicalLocation": place, **({"message": {"text": text}} if text else {}), **more}


def problem(take: Take, log: Log, result: Result, run: dict[str, Any] | None = None, **said: Any) -> str:
    inventory = take({"x.sarif": log(result(**said), **(run or {}))}, {"a.py": ""})
    text = inventory.issues[0].problem
    assert text.startswith("Something is wrong")
    return text.removeprefix("Something is wrong").strip()


def test_related_places_follow_the_message(take: Take, log: Log, result: Result) -> None:
    logical = {"logicalLocations": [{"fullyQualifiedName": "app.main"}]}
    places = [at("b.py", 3, "read here"), at("c.py", 4), logical, {"message": {"text": "somewhere"}}, {}]
    assert problem(take, log, result, relatedLocations=places) == (
        "Related places:\n- b.py:3: read here\n- c.py:4\n- app.main\n- somewhere"
    )


def test_the_first_flow_is_told_step_by_step(take: Take, log: Log, result: Result) -> None:
    steps = [{"location": at("b.py", 3, "source")}, {"index": 0}, {"index": 9}, {}]
    flows = [{"threadFlows": [{"locations": steps}]}, {"threadFlows": []}]
    run = {"threadFlowLocations": [{"location": at("c.py", 5, "sink")}]}
    assert problem(take, log, result, run, codeFlows=flows) == (
        "How it comes about (one of 2 ways):\n- b.py:3: source\n- c.py:5: sink"
    )


def test_stacks_and_graphs_become_lines(take: Take, log: Log, result: Result) -> None:
    stacks = [{"message": {"text": "Thrown here:"}, "frames": [{"location": at("b.py", 7, "call()")}]}]
    nodes = [{"id": "n1", "label": {"text": "start"}}, {"id": "n2"}]
    edges = [{"sourceNodeId": "n1", "targetNodeId": "n2"}, {"sourceNodeId": "n2"}]
    assert problem(take, log, result, stacks=stacks, graphs=[{"nodes": nodes, "edges": edges}]) == (
        "Thrown here:\n- b.py:7: call()\n\nGraph of 2 nodes:\n- start → n2\n- n2 → ?"
    )


def test_taxa_and_rank_are_named(take: Take, log: Log, result: Result) -> None:
    taxa = [
        {"id": "79", "toolComponent": {"name": "CWE"}},
        {"index": 0, "toolComponent": {"index": 0}},
        {"id": "A01"},
        {"index": 5},
    ]
    run = {"taxonomies": [{"name": "OWASP", "taxa": [{"id": "A03"}]}]}
    assert problem(take, log, result, run, taxa=taxa, rank=87.5) == (
        "Classified as: CWE 79, OWASP A03, A01\n\nRank: 87.5 of 100"
    )
    assert problem(take, log, result, rank=-1.0) == ""


def test_details_are_bounded(take: Take, log: Log, result: Result) -> None:
    places = [at("b.py", number, "x" * 1000) for number in range(1, 101)]
    lines = problem(take, log, result, relatedLocations=places).splitlines()
    assert lines[-1] == "- … and 88 more"
    assert len(lines) == 14
    assert max(map(len, lines)) <= 210


@pytest.mark.parametrize(
    "said",
    [
        {"relatedLocations": 5},
        {"codeFlows": "x"},
        {"graphs": [[]]},
        {"taxa": {"id": 1}},
        {"rank": "high"},
        {"stacks": [{"frames": 3}]},
    ],
)
def test_a_fault_in_the_details_costs_no_finding(
    take: Take, log: Log, result: Result, said: dict[str, Any]
) -> None:
    assert problem(take, log, result, **said) == ""


def test_details_change_no_fingerprint(take: Take, log: Log, result: Result) -> None:
    def fingerprint(**said: Any) -> str:
        return take({"x.sarif": log(result(**said))}, {"a.py": ""}).issues[0].fingerprint

    assert fingerprint(relatedLocations=[at("b.py", 3)], rank=5.0) == fingerprint()


@pytest.mark.parametrize(
    ("references", "codes"),
    [
        ({"results": [{"itemCount": 3}]}, ["external_results"]),
        ({"driver": {"location": {"uri": "x"}}, "artifacts": [{}]}, ["external_properties"]),
        ({"graphs": [{}], "webRequests": [{}], "addresses": [{}]}, []),
    ],
)
def test_parts_that_stand_in_other_files_are_told(
    take: Take, log: Log, result: Result, references: dict[str, Any], codes: list[str]
) -> None:
    text = log(result(), externalPropertyFileReferences=references, webRequests=[{"target": "/"}])
    assert [each.code for each in take({"x.sarif": text}, {"a.py": ""}).warnings] == codes


def test_results_in_inline_external_properties_are_told(
    take: Take, rescan: Callable[..., tuple[Issue, ...]], log: Log, result: Result
) -> None:
    text = json.loads(log()) | {"inlineExternalProperties": [{"results": [result()]}]}
    assert [each.code for each in take({"x.sarif": json.dumps(text)}).warnings] == ["external_results"]
    with pytest.raises(ToolError, match="inlineExternalProperties"):
        rescan(json.dumps(text), {})


def test_errors_of_a_tool_that_finished_are_told(take: Take, log: Log, result: Result) -> None:
    notes = [
        {"level": "error", "message": {"text": "Cannot parse"}, "locations": [at("b.py", 1)]},
        {"level": "error", "descriptor": {"id": "CFG1"}},
        {"level": "note", "message": {"text": "Done"}},
        {"level": "error"},
    ]
    invocations = [{"executionSuccessful": True, "toolConfigurationNotifications": notes}]
    warnings = take({"x.sarif": log(result(), invocations=invocations)}, {"a.py": ""}).warnings
    assert [(each.code, each.message) for each in warnings] == [
        ("tool_reported", "lint finished but reports errors of its own, 2: b.py: Cannot parse; CFG1")
    ]


@pytest.mark.parametrize(
    ("seen", "is_told"),
    [
        ({"contents": {"text": "x = 1\r\n"}}, False),
        ({"contents": {"text": "x = 2\n"}}, True),
        ({"contents": {"binary": "AA=="}}, False),
        ({"contents": "x"}, False),
        ({"hashes": {"sha-256": hashlib.sha256(b"x = 1\n").hexdigest().upper()}}, False),
        ({"hashes": {"sha-256": hashlib.sha256(b"x = 1\r\n").hexdigest()}}, False),
        ({"hashes": {"sha-256": "0" * 64}}, True),
        ({"hashes": {"sha-256": 5, "md5": "x"}}, False),
        ({}, False),
    ],
)
def test_a_log_about_other_contents_is_told(
    take: Take, log: Log, result: Result, seen: dict[str, Any], *, is_told: bool
) -> None:
    artifacts = [{"location": {"uri": "a.py"}, **seen}, {"location": {"uri": "gone.py"}, **seen}]
    warnings = take({"x.sarif": log(result(), artifacts=artifacts)}, {"a.py": "x = 1\n"}).warnings
    assert [each.code for each in warnings] == (["changed_since_scan"] if is_told else [])


def test_thousands_of_findings_are_told_apart_and_counted(take: Take, log: Log, result: Result) -> None:
    found = [result(line=number % 50 + 1, ruleId=f"R{number % 7}") for number in range(3000)]
    inventory = take({"x.sarif": log(*found)}, {"a.py": "\n".join(map(str, range(50)))})
    assert (inventory.counts.read, inventory.counts.issues) == (3000, 350)
    assert len({issue.fingerprint for issue in inventory.issues}) == 350
    assert [issue.id for issue in inventory.issues][:3] == ["lint-1", "lint-2", "lint-3"]
