"""New, surviving, re-opened, fixed: what became of the findings of earlier runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.intake.read import Taken, take
from polly.intake.rounds import Past, Round, compare, only_about
from polly.work.issues import Inventory, IssueStatus

from .conftest import DictSnapshot

Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]
Look = Callable[..., Taken]

FILES = {"a.py": "one\ntwo\nthree\nfour\n"}


@pytest.fixture(scope="session")
def look(root: Path, log: Log, result: Result) -> Look:
    """What is taken in when the tool reports these lines of a.py."""

    def read(*lines: int, files: dict[str, str] | None = None, path: str = "a.py", **options: Any) -> Taken:
        file = root / "now.sarif"
        file.write_text(log(*(result(path, line=line, ruleId=f"R{line}") for line in lines)))
        return take([file], snapshot=DictSnapshot(files or FILES), root=root, **options)

    return read


def past(taken: Taken, run: str = "r1", **said: Any) -> Round:
    return Round(run, {issue.fingerprint: Past(issue, **said) for issue in taken.inventory.issues})


def rules(taken: Taken, ids: tuple[str, ...]) -> list[str | None]:
    return [taken.inventory.issue(each).source.rule for each in ids]


def test_new_surviving_and_fixed_are_told_apart(look: Look) -> None:
    now = look(2, 3)
    rounds = compare(now, [past(look(1, 2), tried=True)], "r1")
    assert rules(now, rounds.new) == ["R3"]
    assert rules(now, rounds.surviving) == ["R2"]
    assert [each.id for each in rounds.fixed] == ["lint-1"]
    assert (rounds.reopened, rounds.left_out, rounds.unknown) == ((), (), ())


def test_what_was_fixed_and_landed_is_reopened(look: Look) -> None:
    now = look(1)
    assert compare(now, [past(now, tried=True, fixed=True, landed=True)], "r1").reopened == ("lint-1",)


def test_a_fix_that_waits_for_a_decision_leaves_the_issue_as_it_was(look: Look) -> None:
    now = look(1)
    assert compare(now, [past(now, tried=True, fixed=True)], "r1").surviving == ("lint-1",)


def test_what_had_gone_by_the_run_and_is_back_is_reopened(look: Look) -> None:
    now = look(1, 2)
    rounds = compare(now, [past(look(1, 2), "r1"), past(look(2), "r2")], "r2")
    assert (rules(now, rounds.reopened), rules(now, rounds.surviving)) == (["R1"], ["R2"])


def test_later_runs_do_not_change_what_is_new(look: Look) -> None:
    now = look(1, 2)
    rounds = compare(now, [past(look(2), "r1"), past(look(1, 2), "r2")], "r1")
    assert (rules(now, rounds.new), rules(now, rounds.surviving)) == (["R1"], ["R2"])


def test_an_issue_whose_tool_was_not_read_is_not_called_fixed(look: Look) -> None:
    before = look(1).inventory.issues[0]
    other = msgspec.structs.replace(before, source=msgspec.structs.replace(before.source, tool="other"))
    rounds = compare(look(2), [Round("r1", {other.fingerprint: Past(other)})], "r1")
    assert ([each.id for each in rounds.unknown], rounds.fixed) == (["lint-1"], ())


def test_a_tool_that_finds_nothing_was_read(look: Look) -> None:
    assert [each.id for each in compare(look(), [past(look(1))], "r1").fixed] == ["lint-1"]


def test_what_is_left_out_now_is_not_called_fixed(look: Look, root: Path, log: Log, result: Result) -> None:
    (root / "quiet.sarif").write_text(log(result(ruleId="R1", suppressions=[{"kind": "inSource"}])))
    now = take([root / "quiet.sarif"], snapshot=DictSnapshot(FILES), root=root)
    rounds = compare(now, [past(look(1))], "r1")
    assert [(each.id, each.reason) for each in rounds.left_out] == [("lint-1", "suppressed")]
    assert rounds.fixed == ()


@pytest.mark.parametrize(
    ("status", "kind"), [(IssueStatus.FIXED, "fixed"), (IssueStatus.DECLINED, "left_out")]
)
def test_the_word_of_the_source_closes_an_issue(look: Look, status: IssueStatus, kind: str) -> None:
    before = look(1)
    issues = tuple(msgspec.structs.replace(each, status=status) for each in before.inventory.issues)
    now = before._replace(inventory=msgspec.structs.replace(before.inventory, issues=issues))
    rounds = compare(now, [past(before)], "r1")
    assert [each.id for each in getattr(rounds, kind)] == ["lint-1"]
    assert compare(before, [past(now)], "r1").reopened == ("lint-1",)


def test_a_finding_survives_in_a_file_that_git_calls_renamed(
    look: Look, root: Path, log: Log, result: Result
) -> None:
    (root / "moved.sarif").write_text(log(result("src/b.py", line=2, ruleId="R1")))
    before = [past(look(1))]
    snapshot = DictSnapshot({"src/b.py": "zero\none\n"})
    known = take([root / "moved.sarif"], snapshot=snapshot, root=root, renamed={"src/b.py": {"x", "a.py"}})
    unknown = take([root / "moved.sarif"], snapshot=snapshot, root=root)
    assert compare(known, before, "r1").surviving == ("lint-1",)
    assert compare(unknown, before, "r1").new == ("lint-1",)
    assert known.inventory == unknown.inventory


def test_three_runs_in_vain_do_not_converge(look: Look) -> None:
    now = look(1, 2)
    tried = [past(look(1), f"r{number}", tried=True) for number in (1, 2, 3)]
    flagged = compare(now, tried, "r3").not_converging
    assert [(each.issue, each.runs) for each in flagged] == [("lint-1", ("r1", "r2", "r3"))]
    assert compare(now, tried[1:], "r3").not_converging == ()


@pytest.mark.parametrize("said", [{"tried": False}, {"tried": True, "fixed": True}])
def test_a_run_that_did_not_try_or_whose_fix_waits_is_not_in_vain(look: Look, said: dict[str, bool]) -> None:
    now = look(1)
    tried = [past(now, "r1", tried=True), past(now, "r2", tried=True), past(now, "r3", **said)]
    assert compare(now, tried, "r3").not_converging == ()


def test_landed_fixes_that_do_not_hold_count_as_in_vain(look: Look) -> None:
    now = look(1)
    tried = [past(now, f"r{each}", tried=True, fixed=True, landed=True) for each in (1, 2, 3)]
    assert [each.issue for each in compare(now, tried, "r3").not_converging] == ["lint-1"]


def test_a_selection_hides_only_the_issues_of_today(look: Look) -> None:
    now = look(2, 3)
    rounds = only_about(compare(now, [past(look(1, 2))], "r1"), {"lint-2"})
    assert (rounds.new, rounds.surviving) == (("lint-2",), ())
    assert [each.id for each in rounds.fixed] == ["lint-1"]


LINES = st.sets(st.integers(1, 4))
SAID = st.fixed_dictionaries({name: st.booleans() for name in ("tried", "fixed", "landed")})


@given(now=LINES, before=st.lists(st.tuples(LINES, SAID), min_size=1, max_size=4), data=st.data())
def test_every_issue_of_today_and_of_the_run_is_told_once(
    look: Look, now: set[int], before: list[tuple[set[int], dict[str, bool]]], data: st.DataObject
) -> None:
    rounds = [past(look(*sorted(lines)), f"r{number}", **said) for number, (lines, said) in enumerate(before)]
    since = data.draw(st.integers(0, len(rounds) - 1))
    taken = look(*sorted(now))
    told = compare(taken, rounds, f"r{since}")
    states = (*told.new, *told.surviving, *told.reopened)
    assert sorted(states) == sorted(issue.id for issue in taken.inventory.issues)
    gone = {each.fingerprint for each in (*told.fixed, *told.left_out, *told.unknown)}
    present = {issue.fingerprint for issue in taken.inventory.issues}
    assert gone == set(rounds[since].issues) - present
    assert {each.issue for each in told.not_converging} <= set(states)
    assert msgspec.json.decode(msgspec.json.encode(told), type=type(told)) == told


def test_an_inventory_tells_of_rounds_only_when_asked(look: Look) -> None:
    inventory = look(1).inventory
    assert b'"rounds"' not in msgspec.json.encode(inventory)
    told = msgspec.structs.replace(inventory, rounds=compare(look(1), [past(look(1))], "r1"))
    assert msgspec.json.decode(msgspec.json.encode(told), type=Inventory) == told


def reporters(root: Path, **report: Any) -> frozenset[str]:
    (root / "report.json").write_text(msgspec.json.encode(report).decode())
    return take([root / "report.json"], snapshot=DictSnapshot(FILES), root=root).reporters


def test_a_report_that_names_the_tool_that_ran_speaks_for_it_when_it_found_nothing(root: Path) -> None:
    assert reporters(root, source={"name": "Lint"}, diagnostics=[]) == {"lint"}
    scan = {"scanner": {"id": "x", "name": "Scan"}, "status": "success"}
    assert reporters(root, version="15", vulnerabilities=[], scan=scan) == {"scan"}
    assert reporters(root, diagnostics=[]) == frozenset()


def test_a_tool_that_did_not_finish_has_not_shown_that_anything_is_fixed(root: Path, look: Look) -> None:
    scan = {"scanner": {"id": "x", "name": "Scan"}, "status": "failure"}
    assert reporters(root, version="15", vulnerabilities=[], scan=scan) == frozenset()
    driver = {"driver": {"name": "lint"}}
    for run in (
        {"tool": driver},
        {"tool": driver, "invocations": [{"executionSuccessful": False}], "results": []},
    ):
        (root / "now.sarif").write_text(msgspec.json.encode({"version": "2.1.0", "runs": [run]}).decode())
        now = take([root / "now.sarif"], snapshot=DictSnapshot(FILES), root=root)
        rounds = compare(now, [past(look(1))], "r1")
        assert (rounds.fixed, len(rounds.unknown)) == ((), 1)


def test_one_unfinished_report_of_a_tool_makes_its_others_no_proof(root: Path, log: Log) -> None:
    (root / "whole.sarif").write_text(log())
    (root / "half.sarif").write_text('{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}}]}')
    sources = [root / "whole.sarif", root / "half.sarif"]
    assert take(sources, snapshot=DictSnapshot(FILES), root=root).reporters == frozenset()
