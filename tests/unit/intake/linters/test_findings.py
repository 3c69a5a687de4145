"""What holds for every linter's report: severities, words, proposals, doubts and refusals."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from polly.errors import InputError, ToolError
from polly.intake.read import read_findings
from polly.work.issues import Inventory, Issue

Take = Callable[..., Inventory]
FILES = {"a.py": "x = 1\n" * 20, "a.js": "x\n" * 20, "a.go": "x\n" * 20}


def mypy(**more: Any) -> dict[str, Any]:
    return {
        "file": "a.py",
        "line": 3,
        "column": 0,
        "message": "wrong",
        "hint": None,
        "code": "c",
        "severity": "error",
        **more,
    }


def ruff(**more: Any) -> dict[str, Any]:
    place = {"row": 3, "column": 1}
    return {
        "code": "F401",
        "filename": "a.py",
        "location": place,
        "end_location": place,
        "message": "m",
        **more,
    }


def only(inventory: Inventory) -> Issue:
    (issue,) = inventory.issues
    return issue


def one(take: Take, report: Any, **options: Any) -> Issue:
    return only(take({"report.json": json.dumps(report)}, FILES, **options))


@pytest.mark.parametrize(
    ("table", "severity"),
    [
        ({}, "major"),
        ({"error": "nitpick"}, "nitpick"),
        ({"c": "critical"}, "critical"),
        ({"mypy:c": "minor", "c": "critical"}, "minor"),
    ],
)
def test_the_table_of_the_settings_goes_before_the_tool_s_word(
    take: Take, table: dict[str, str], severity: str
) -> None:
    assert one(take, [mypy()], severity_table=table).severity == severity


def test_the_table_may_name_the_tool_s_own_word_or_what_it_stands_for(take: Take) -> None:
    report = {"errors": [], "metrics": {}, "results": [{"filename": "a.py", "issue_severity": "HIGH"}]}
    report["results"][0] |= {"issue_text": "t", "test_id": "B1", "line_number": 1}  # type: ignore[index]

    assert one(take, report, severity_table={"high": "critical"}).severity == "critical"
    assert one(take, report, severity_table={"HIGH": "critical"}).severity == "critical"
    assert one(take, report, severity_table={"error": "minor"}).severity == "minor"


def test_a_critical_word_can_be_lowered_by_the_table(take: Take) -> None:
    finding = {"description": "d", "check_name": "n", "fingerprint": "f", "severity": "blocker"}
    report = [{**finding, "location": {"path": "a.py", "lines": {"begin": 1}}}]

    assert one(take, report).severity == "critical"
    assert one(take, report, severity_table={"critical": "minor"}).severity == "minor"


def test_a_word_that_the_tool_is_not_known_to_say_is_a_warning_and_is_named(take: Take) -> None:
    inventory = take(
        {"report.json": json.dumps([mypy(severity="dire"), mypy(severity="dire", line=4)])}, FILES
    )

    assert [issue.severity for issue in inventory.issues] == ["minor", "minor"]
    (warning,) = inventory.warnings
    assert (warning.code, warning.ref) == ("unknown_level", "report.json#/0")
    assert "'dire'" in warning.message


def test_a_hint_is_the_suggestion_of_its_error(take: Take) -> None:
    issue = one(take, [mypy(hint="Use None\nor not")])

    assert (issue.suggestion, issue.problem, issue.title) == ("Use None\nor not", "wrong", "wrong")


def test_the_address_of_the_rule_stands_in_the_problem(take: Take) -> None:
    assert one(take, [ruff(url="https://example.org/F401")]).problem == "m\n\nSee https://example.org/F401"


def test_edits_become_sentences_with_the_new_text(take: Take) -> None:
    def edit(content: str, start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
        return {
            "content": content,
            "location": {"row": start[0], "column": start[1]},
            "end_location": {"row": end[0], "column": end[1]},
        }

    edits = [edit("", (3, 1), (4, 1)), edit("y", (5, 2), (5, 4)), edit("z\n", (7, 1), (7, 1))]

    suggestion = one(take, [ruff(fix={"message": "Tidy", "edits": edits})]).suggestion

    assert suggestion == (
        "Tidy\nDelete line 3.\n\n"
        "Replace line 5 column 2 to column 4 with:\n```\ny\n```\n\n"
        "Insert at line 7 column 1:\n```\nz\n```"
    )


def test_an_edit_given_by_offsets_says_so(take: Take) -> None:
    fix = {"range": [20, 22], "text": "==="}
    message = {"ruleId": "r", "severity": 2, "message": "m", "line": 3, "column": 1, "fix": fix}

    issue = one(take, [{"filePath": "a.js", "messages": [message]}])

    assert issue.suggestion == "Replace the text from character 20 to 22 with:\n```\n===\n```"


def test_places_that_explain_a_finding_stand_in_its_problem_and_are_not_its_own(take: Take) -> None:
    related = [
        {"location": {"file": "a.go", "line": number}, "message": f"n{number}"} for number in range(1, 24)
    ]
    place = {"file": "a.go", "line": 2, "column": 1}
    finding = {"code": "S1", "severity": "error", "location": place, "end": place, "message": "m"}

    issue = one(take, [{**finding, "related": related}])

    assert [str(each) for each in issue.locations] == ["a.go:2"]
    assert "- a.go:1: n1\n" in issue.problem
    assert issue.problem.endswith("- and 3 more")


def test_one_malformed_finding_is_counted_and_costs_nobody_else(take: Take) -> None:
    report = [ruff(), 7, [], None, ruff(filename=3), ruff(message={"no": "text"})]

    inventory = take({"report.json": json.dumps(report)}, FILES)

    counts = {each.reason: each.refs for each in inventory.excluded}
    assert inventory.counts.read == 6
    assert counts["unreadable"] == ("report.json#/1", "report.json#/2", "report.json#/3")
    assert [each.code for each in inventory.warnings if each.ref == "report.json"] == ["unreadable"]


def test_a_number_beyond_every_machine_costs_its_own_finding_only(take: Take) -> None:
    lines = [json.dumps(mypy()), json.dumps(mypy(line=1)).replace('"line": 1', '"line": ' + "1" * 5000)]

    inventory = take({"report.json": f"[{','.join(lines)}]"}, FILES)

    assert [(each.reason, each.refs) for each in inventory.excluded] == [("unreadable", ("report.json#/1",))]
    assert inventory.counts.issues == 1


def test_text_is_no_report_of_a_named_tool(take: Take) -> None:
    with pytest.raises(InputError, match=r"notes\.txt is text, but mypy writes JSON"):
        take({"notes.txt": "nothing here"}, source_format="mypy")


def test_a_list_that_is_something_else_is_counted_and_named(take: Take) -> None:
    report = [{"filePath": "a.js", "messages": [], "x": 1}, {"filePath": "a.js", "messages": "none"}]

    inventory = take({"report.json": json.dumps(report)}, FILES)

    assert [each.refs for each in inventory.excluded] == [("report.json#/1/messages",)]
    assert "text where a list belongs" in inventory.warnings[0].message


def test_a_tool_that_did_not_finish_is_said_with_its_reasons(take: Take) -> None:
    errors = [{"filename": f"{number}.py", "reason": "syntax error"} for number in range(7)]

    inventory = take({"report.json": json.dumps({"errors": errors, "metrics": {}, "results": []})})

    (warning,) = inventory.warnings
    assert warning.code == "tool_failed"
    assert "0.py: syntax error; 1.py" in warning.message
    assert warning.message.endswith("and 2 more")


def test_a_figure_that_contradicts_the_report_is_named_with_both_places(take: Take) -> None:
    report = [{"filePath": "a.js", "messages": [], "errorCount": 6, "warningCount": 0}]

    (warning,) = take({"report.json": json.dumps(report)}).warnings

    assert (warning.code, warning.ref) == ("contradiction", "report.json#/0/errorCount")
    assert warning.message == "report.json#/0/errorCount says 6, but report.json#/0/messages[] holds 0."


def test_reports_one_after_another_are_all_read(take: Take) -> None:
    def report(line: int) -> str:
        finding = {
            "kind": "error",
            "message": f"m{line}",
            "locations": [{"caret": {"file": "a.go", "line": line}}],
        }
        return json.dumps([finding])

    inventory = take({"gcc.json": f"{report(1)}\n[]\n{report(2)}\n"}, FILES)

    assert [issue.source.ref for issue in inventory.issues] == ["gcc.json#/0/0", "gcc.json#/2/0"]


def test_a_single_line_of_json_lines_is_read(take: Take) -> None:
    assert only(take({"m.jsonl": json.dumps(mypy()) + "\n"}, FILES)).source.tool == "mypy"


def test_the_same_finding_in_two_formats_is_one_issue(take: Take) -> None:
    place = {"path": "a.py", "range": {"start": {"line": 3, "column": 1}, "end": {"line": 3, "column": 1}}}
    rdjson = {
        "source": {"name": "ruff"},
        "diagnostics": [{"message": "m", "code": {"value": "F401"}, "location": place}],
    }

    inventory = take({"a.json": json.dumps([ruff()]), "b.rdjson": json.dumps(rdjson)}, FILES)

    assert [each.format for each in only(inventory).also_reported_by] == ["rdjson"]


def test_an_empty_list_is_nobody_s_report_until_a_tool_is_named(take: Take) -> None:
    with pytest.raises(InputError, match="a JSON list of 0 items") as refused:
        take({"empty.json": "[]"})

    assert "--from" in (refused.value.next_step or "")
    assert take({"empty.json": "[]"}, source_format="ruff").counts.read == 0


@pytest.mark.parametrize(
    ("name", "text"), [("bandit", "[]"), ("golangci-lint", "{}"), ("ruff", "{}"), ("ruff", "[3]")]
)
def test_a_report_of_another_shape_is_refused_for_the_named_tool(take: Take, name: str, text: str) -> None:
    with pytest.raises(InputError, match=f"x.json is not what {name} writes: it has '"):
        take({"x.json": text}, source_format=name)


def test_a_report_that_may_be_of_two_tools_is_refused_with_both(take: Take) -> None:
    both = {"diagnostics": [], "number_of_files": 1, "generalDiagnostics": [], "summary": {}}

    with pytest.raises(InputError, match="may be of oxlint or pyright"):
        take({"x.json": json.dumps(both)})


def test_an_unknown_format_is_refused_with_the_nearest(take: Take) -> None:
    with pytest.raises(InputError, match="no source format 'Shelcheck'") as refused:
        take({"x.json": "[]"}, source_format="Shelcheck")

    assert (refused.value.next_step or "").startswith("Did you mean shellcheck? Known: ")


def test_a_damaged_line_is_refused_with_its_place(take: Take) -> None:
    with pytest.raises(InputError) as refused:
        take({"m.jsonl": json.dumps(mypy()) + '\n{"file": \n'})

    assert "m.jsonl" in refused.value.what


def test_a_tool_that_writes_nothing_when_clean_is_believed_in_a_rescan(
    rescan: Callable[..., tuple[Issue, ...]], root: Any
) -> None:
    class NoFiles:
        paths: frozenset[str] = frozenset()

        def read(self, path: str) -> bytes | None:
            return None

    def scan(name: str) -> tuple[Issue, ...]:
        return read_findings(b"\n", format=name, name="the scanner", snapshot=NoFiles(), root=root)

    assert scan("mypy") == ()
    with pytest.raises(InputError, match="empty"):
        scan("bandit")


def test_a_rescan_of_a_tool_that_did_not_finish_is_no_answer(root: Any) -> None:
    class NoFiles:
        paths: frozenset[str] = frozenset()

        def read(self, path: str) -> bytes | None:
            return None

    report = json.dumps({"errors": [{"reason": "no"}], "metrics": {}, "results": []}).encode()

    with pytest.raises(ToolError, match="did not finish: no"):
        read_findings(report, format="bandit", name="the scanner", snapshot=NoFiles(), root=root)


@pytest.mark.parametrize("name", ["out.txt", "out.log", "REVIEW.md"])
def test_a_report_in_a_misnamed_file_is_recognised(take: Take, name: str) -> None:
    lines = "\n".join(json.dumps(mypy(line=number)) for number in (1, 2))
    assert [each.source.tool for each in take({name: lines}, FILES).issues] == ["mypy", "mypy"]


def test_what_a_tool_prints_for_people_is_refused_with_a_hint(take: Take) -> None:
    with pytest.raises(InputError, match="prints for people") as refused:
        take({"out.txt": "a.py:1:3: error: wrong [c]\na.py:2: note: so\nFound 1 error\n"}, FILES)
    assert "mypy --output json" in (refused.value.next_step or "")


def test_a_plan_of_pollys_own_is_no_source_and_says_how_to_check_it(take: Take) -> None:
    with pytest.raises(InputError, match="is a plan") as refused:
        take({"plan.json": json.dumps({"plan_version": 1, "base_commit": "0" * 40, "packages": []})}, FILES)
    assert "polly check plan.json" in (refused.value.next_step or "")
    assert ".polly/inventory.json" in (refused.value.next_step or "")
