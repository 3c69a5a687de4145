import json
from collections.abc import Callable
from typing import Any

import pytest

from polly.errors import InputError, ToolError
from polly.work.issues import Inventory, Issue, Severity

Take = Callable[..., Inventory]
Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]


def excluded(inventory: Inventory) -> dict[str, int]:
    return {each.reason: each.count for each in inventory.excluded}


def codes(inventory: Inventory) -> list[str]:
    return [warning.code for warning in inventory.warnings]


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ({"level": "error"}, Severity.MAJOR),
        ({"level": "warning"}, Severity.MINOR),
        ({"level": "note"}, Severity.NITPICK),
        ({}, Severity.MINOR),
        ({"ruleIndex": 0}, Severity.MAJOR),
        ({"ruleId": "LOUD"}, Severity.MAJOR),
        ({"ruleId": "LOUD/detail"}, Severity.MAJOR),
        ({"rule": {"index": 1}}, Severity.NITPICK),
        ({"rule": {"id": "QUIET"}}, Severity.NITPICK),
        ({"rule": {"index": 0, "toolComponent": {"index": 0}}}, Severity.NITPICK),
        ({"rule": {"index": 0, "toolComponent": {"name": "pack"}}}, Severity.NITPICK),
        ({"rule": {"guid": "abc"}}, Severity.NITPICK),
        ({"ruleId": "EXTENDED"}, Severity.NITPICK),
        ({"ruleId": "LOUD", "level": "note"}, Severity.NITPICK),
        ({"ruleIndex": 99, "ruleId": "LOUD"}, Severity.MAJOR),
        ({"ruleIndex": -1}, Severity.MINOR),
    ],
)
def test_the_level_comes_from_the_result_or_its_rule(
    take: Take, log: Log, result: Result, said: dict[str, Any], severity: Severity
) -> None:
    rules = [
        {"id": "LOUD", "defaultConfiguration": {"level": "error"}},
        {"id": "QUIET", "defaultConfiguration": {"level": "note"}},
    ]
    pack = {
        "name": "pack",
        "rules": [{"id": "EXTENDED", "guid": "abc", "defaultConfiguration": {"level": "note"}}],
    }
    tool = {"driver": {"name": "lint", "rules": rules}, "extensions": [pack]}
    inventory = take({"x.sarif": log(result(**said), tool=tool)}, {"a.py": ""})
    assert [issue.severity for issue in inventory.issues] == [severity]


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        ("9.0", Severity.CRITICAL),
        ("8.9", Severity.MAJOR),
        (7, Severity.MAJOR),
        ("4.0", Severity.MINOR),
        ("3.9", Severity.NITPICK),
        ("0.0", Severity.NITPICK),
        ("high", Severity.MAJOR),
        ("nan", Severity.MAJOR),
        (None, Severity.MAJOR),
    ],
)
def test_a_security_score_goes_before_the_level(
    take: Take, log: Log, result: Result, score: object, severity: Severity
) -> None:
    rules = [{"id": "R1", "properties": {"security-severity": score}}]
    inventory = take({"x.sarif": log(result(level="error"), rules=rules)}, {"a.py": ""})
    assert [issue.severity for issue in inventory.issues] == [severity]


@pytest.mark.parametrize(
    ("table", "severity"),
    [
        ({"error": "critical"}, Severity.CRITICAL),
        ({"R1": "nitpick", "error": "critical"}, Severity.NITPICK),
        ({"lint:R1": "minor", "R1": "nitpick"}, Severity.MINOR),
        ({"other:R1": "minor"}, Severity.MAJOR),
        ({"lint:R1": "none"}, None),
        ({"error": "none"}, None),
    ],
)
def test_the_table_of_the_settings_goes_first(
    take: Take, log: Log, result: Result, table: dict[str, str], severity: Severity | None
) -> None:
    inventory = take({"x.sarif": log(result(level="error"))}, {"a.py": ""}, severity_table=table)
    assert [issue.severity for issue in inventory.issues] == ([severity] if severity else [])
    assert excluded(inventory) == ({} if severity else {"informational": 1})


def test_an_override_of_the_invocation_goes_before_the_rules_default(
    take: Take, log: Log, result: Result
) -> None:
    overrides = [{"descriptor": {"id": "R1"}, "configuration": {"level": "error"}}]
    invocations = [{"executionSuccessful": True, "ruleConfigurationOverrides": overrides}]
    rules = [{"id": "R1", "defaultConfiguration": {"level": "note"}}]
    inventory = take({"x.sarif": log(result(), rules=rules, invocations=invocations)}, {"a.py": ""})
    assert inventory.issues[0].severity is Severity.MAJOR


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"kind": "pass"}, "not_a_failure"),
        ({"kind": "review"}, "not_a_failure"),
        ({"suppressions": [{"kind": "inSource"}]}, "suppressed"),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, "suppressed"),
        ({"baselineState": "absent"}, "baseline_absent"),
        ({"baselineState": "unchanged"}, "baseline_unchanged"),
        ({"level": "none"}, "informational"),
        ({"locations": []}, "no_location"),
        ({"locations": [{"logicalLocations": [{"name": "main"}]}]}, "no_location"),
        ({"locations": [{"physicalLocation": {"artifactLocation": {"uri": "../x"}}}]}, "outside_repository"),
        ({"locations": 5}, "unreadable"),
        ({"message": "text"}, "unreadable"),
    ],
)
def test_what_is_left_out_is_counted_with_its_reason_and_place(
    take: Take, log: Log, result: Result, said: dict[str, Any], reason: str
) -> None:
    inventory = take({"x.sarif": log(result(), result(line=2, **said))}, {"a.py": "a\nb\n"})
    assert excluded(inventory) == {reason: 1}
    assert inventory.excluded[0].refs == ("x.sarif#/runs/0/results/1",)
    assert (inventory.counts.read, inventory.counts.issues) == (2, 1)


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "fail"},
        {"suppressions": []},
        {"suppressions": [{"kind": "external", "status": "rejected"}]},
        {"suppressions": [{"kind": "external", "status": "underReview"}]},
        {"suppressions": [{"kind": "external"}, {"kind": "external", "status": "rejected"}]},
        {"baselineState": "new"},
        {"baselineState": "updated"},
    ],
)
def test_what_its_tool_still_asks_for_is_an_issue(
    take: Take, log: Log, result: Result, said: dict[str, Any]
) -> None:
    assert take({"x.sarif": log(result(**said))}, {"a.py": ""}).counts.issues == 1


def test_the_same_finding_twice_is_one_issue_and_one_duplicate(take: Take, log: Log, result: Result) -> None:
    inventory = take({"x.sarif": log(result(), result(), result(line=2))}, {"a.py": "a\na\n"})
    assert excluded(inventory) == {"duplicate": 1}
    assert inventory.counts.issues == 2


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ({"text": "Use [this](1) or [that](22)."}, "Use this or that."),
        ({"text": "See [docs](https://example.org)."}, "See [docs](https://example.org)."),
        ({"text": "Replace {0} by {1}, keep {{2}}.", "arguments": ["a", "b"]}, "Replace a by b, keep {2}."),
        ({"id": "default", "arguments": ["x"]}, "Rename x."),
        ({"id": "shared"}, "From the driver."),
        ({"markdown": "**bold**"}, "**bold**"),
        ({"text": "Escaped \\[brackets\\]"}, "Escaped [brackets]"),
        ({}, "What the rule is about"),
    ],
)
def test_messages_are_read_as_their_tool_means_them(
    take: Take, log: Log, result: Result, message: dict[str, Any], shown: str
) -> None:
    rule = {
        "id": "R1",
        "shortDescription": {"text": "What the rule is about"},
        "messageStrings": {"default": {"text": "Rename {0}."}},
    }
    driver = {
        "name": "lint",
        "rules": [rule],
        "globalMessageStrings": {"shared": {"text": "From the driver."}},
    }
    inventory = take({"x.sarif": log(result(message=message), tool={"driver": driver})}, {"a.py": ""})
    assert inventory.issues[0].problem == shown


def test_proposed_fixes_become_a_readable_suggestion(take: Take, log: Log, result: Result) -> None:
    replacement = {
        "deletedRegion": {"startLine": 3, "startColumn": 5, "endLine": 4, "endColumn": 2},
        "insertedContent": {"text": "value = 1\n"},
    }
    removal = {"deletedRegion": {"startLine": 9}}
    changes = [
        {"artifactLocation": {"uri": "a.py"}, "replacements": [replacement, removal]},
        {"artifactLocation": {"uri": "b.py"}, "replacements": [removal]},
    ]
    fixes = [{"description": {"text": "Make it a value"}, "artifactChanges": changes}]
    inventory = take({"x.sarif": log(result(fixes=fixes))}, {"a.py": ""})
    assert inventory.issues[0].suggestion == (
        "Make it a value\n"
        "Replace line 3 column 5 to line 4 column 2 with:\n```\nvalue = 1\n```\n"
        "Delete line 9.\n"
        "Delete line 9 of b.py."
    )


def test_artifacts_are_found_by_index_and_through_base_chains(take: Take, log: Log, result: Result) -> None:
    def at(**artifact: Any) -> list[dict[str, Any]]:
        return [{"physicalLocation": {"artifactLocation": artifact}}]

    text = log(
        result(locations=at(index=0)),
        result(locations=at(uri="io/k%20b.c", uriBaseId="SRC")),
        result(locations=at(uri="top.c", uriBaseId="%SRCROOT%")),
        result(locations=at(uri="x.c", uriBaseId="LOOP")),
        artifacts=[{"location": {"uri": "lib/a.c", "uriBaseId": "SRC"}}],
        originalUriBaseIds={
            "REPO": {"description": {"text": "the checkout"}},
            "SRC": {"uri": "src/", "uriBaseId": "REPO"},
            "LOOP": {"uri": "deep", "uriBaseId": "POOL"},
            "POOL": {"uriBaseId": "LOOP"},
        },
    )
    inventory = take({"x.sarif": text})
    assert [issue.locations[0].path for issue in inventory.issues][:3] == [
        "src/lib/a.c",
        "src/io/k b.c",
        "top.c",
    ]
    assert codes(inventory).count("base_id_broken") == 2


def test_absolute_paths_of_another_machine_are_rebased_with_one_warning(
    take: Take, log: Log, result: Result
) -> None:
    bases = {"ROOT": {"uri": "file:///ci/build/"}}
    place = {"physicalLocation": {"artifactLocation": {"uri": "src/b.py", "uriBaseId": "ROOT"}}}
    text = log(result("file:///ci/build/src/a.py"), result(locations=[place]), originalUriBaseIds=bases)
    inventory = take({"x.sarif": text}, {"src/a.py": "", "src/b.py": ""})
    assert [issue.paths for issue in inventory.issues] == [("src/a.py",), ("src/b.py",)]
    assert codes(inventory) == ["paths_rebased"]


def test_a_file_that_does_not_exist_is_kept_with_one_warning(take: Take, log: Log, result: Result) -> None:
    inventory = take({"x.sarif": log(result("gone.py"), result("gone.py", line=2))})
    assert inventory.counts.issues == 2
    assert codes(inventory) == ["file_not_found"]


@pytest.mark.parametrize(
    ("region", "kind", "lines"),
    [
        ({"startLine": 2, "endLine": 3}, "utf16CodeUnits", (2, 3)),
        ({"startLine": 2}, "utf16CodeUnits", (2, 2)),
        ({"startLine": 3, "endLine": 1}, "utf16CodeUnits", (3, 3)),
        ({"charOffset": 0, "charLength": 1}, "utf16CodeUnits", (1, 1)),
        ({"charOffset": 4, "charLength": 9}, "utf16CodeUnits", (2, 3)),
        ({"charOffset": 3}, "utf16CodeUnits", (1, 1)),
        ({"charOffset": 3}, "unicodeCodePoints", (2, 2)),
        ({"byteOffset": 5}, "utf16CodeUnits", (1, 1)),
        ({"byteOffset": 6}, "utf16CodeUnits", (2, 2)),
        ({"byteOffset": 99}, "utf16CodeUnits", (None, None)),
        ({"charOffset": -1}, "utf16CodeUnits", (None, None)),
        ({"startLine": 0}, "utf16CodeUnits", (None, None)),
        ({"startLine": 10**30}, "utf16CodeUnits", (None, None)),
        ({}, "utf16CodeUnits", (None, None)),
    ],
)
def test_regions_become_lines(
    take: Take,
    log: Log,
    result: Result,
    region: dict[str, int],
    kind: str,
    lines: tuple[int | None, int | None],
) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.txt"}, "region": region}}
    inventory = take(
        {"x.sarif": log(result(locations=[place]), columnKind=kind)}, {"a.txt": "😀x\nsecond\nthird\n"}
    )
    location = inventory.issues[0].locations[0]
    assert (location.start_line, location.end_line) == lines


def test_several_runs_and_locations_are_read(take: Take, result: Result) -> None:
    def run(tool: str, *results: dict[str, Any]) -> dict[str, Any]:
        return {"tool": {"driver": {"name": tool}}, "results": results}

    two = result()
    two["locations"] += result("b.py", line=3)["locations"]
    text = json.dumps({"version": "2.1.0", "runs": [run("Semgrep OSS", two), run("ruff", result())]})
    inventory = take({"x.sarif": text}, {"a.py": "", "b.py": ""})
    assert [issue.id for issue in inventory.issues] == ["semgrep-oss-1", "ruff-1"]
    assert [str(each) for each in inventory.issues[0].locations] == ["a.py:1", "b.py:3"]


def test_a_tool_that_failed_is_not_a_clean_report(
    take: Take, log: Log, rescan: Callable[..., tuple[Issue, ...]]
) -> None:
    notes = [{"level": "error", "message": {"text": "Out of memory."}}]
    text = log(
        results=None, invocations=[{"executionSuccessful": False, "toolExecutionNotifications": notes}]
    )
    inventory = take({"x.sarif": text})
    assert codes(inventory) == ["tool_failed"]
    assert "Out of memory." in inventory.warnings[0].message
    with pytest.raises(ToolError, match="Out of memory"):
        rescan(text, {})


def test_a_run_without_a_list_of_results_is_not_a_clean_report(
    take: Take, log: Log, rescan: Callable[..., tuple[Issue, ...]]
) -> None:
    assert codes(take({"x.sarif": log(results=None)})) == ["results_missing"]
    with pytest.raises(ToolError):
        rescan(log(results=None), {})
    assert rescan(log(), {}) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"version": "1.0.0", "runs": []}', "is SARIF 1.0.0"),
        ('{"version": "2.0.0", "runs": []}', "is SARIF 2.0.0"),
        ('{"runs": []}', "does not say its version"),
        ('{"version": "2.1.0", "runs": 3}', "at `$.runs`"),
        ('{"version": "2.1.0", "runs": [{"results": 42}]}', "at `$.runs[0].results`"),
        ('{"$schema": "https://example.org/sarif-2.1.0.json", "version": "2.1.0"}', "runs"),
        ('{"bandit": 1, "errors": []}', "a JSON object with 'bandit', 'errors'"),
        ("[1, 2, 3]", "a JSON list of 3 items"),
        ("{}", "an empty JSON object"),
    ],
)
def test_other_json_is_refused_by_name_with_a_next_step(take: Take, text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        take({"x.json": text})
    assert words in refused.value.what
    assert refused.value.next_step


def test_one_malformed_result_costs_nobody_else(take: Take, log: Log, result: Result) -> None:
    inventory = take({"x.sarif": log(result(), {"level": 7}, "text", result(line=2))}, {"a.py": "a\nb\n"})
    assert inventory.counts.issues == 2
    assert excluded(inventory) == {"unreadable": 2}
    assert "$.level" in next(each.message for each in inventory.warnings if each.code == "unreadable")


def test_secrets_leave_the_text_but_not_the_fingerprint(take: Take, log: Log, result: Result) -> None:
    def read(secret: str) -> Inventory:
        return take(
            {"x.sarif": log(result(message={"text": f"Found the key {secret} in code"}))}, {"a.py": ""}
        )

    one, other = read("ghp_" + "a1B2c3D4e5F6" * 3), read("ghp_" + "f6E5d4C3b2A1" * 3)
    assert "ghp_" not in one.issues[0].title + one.issues[0].problem
    assert codes(one) == ["secret_redacted"]
    assert one.issues[0].fingerprint != other.issues[0].fingerprint
