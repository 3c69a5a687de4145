from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polly.work.issues import Inventory, Issue

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "", "    return", "é"]), min_size=1, max_size=8)
WHERE = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3), st.sampled_from(["R1", "R2"])), max_size=8)


@given(lines=LINES, where=WHERE, inserted=st.lists(st.sampled_from(["a = 1", "new", ""]), max_size=5))
def test_fingerprints_stay_when_lines_are_inserted_above(
    take: Callable[..., Inventory],
    rescan: Callable[..., tuple[Issue, ...]],
    log: Callable[..., str],
    lines: list[str],
    where: list[tuple[int, int, str]],
    inserted: list[str],
) -> None:
    def report(shift: int) -> str:
        results = []
        for line, column, rule in where:
            region = {"startLine": line % len(lines) + 1 + shift, "startColumn": column}
            place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": region}}
            text = f"Wrong, see line {line % len(lines) + 1 + shift}"
            results.append({"ruleId": rule, "message": {"text": text}, "locations": [place]})
        return log(*results)

    before = take({"x.sarif": report(0)}, {"a.py": "\n".join(lines)})
    after = rescan(report(len(inserted)), {"a.py": "\n".join(inserted + lines)})
    assert [each.fingerprint for each in before.issues] == [each.fingerprint for each in after]


def test_fingerprints_do_not_depend_on_where_the_tree_is(
    take: Callable[..., Inventory],
    rescan: Callable[..., tuple[Issue, ...]],
    log: Callable[..., str],
    result: Callable[..., dict[str, Any]],
    root: Any,
    tmp_path: Any,
) -> None:
    def report(folder: Any) -> str:
        message = {"text": f"{folder.as_posix()}/a.py: bad name"}
        return log(result(f"{folder.as_uri()}/a.py", message=message))

    files = {"a.py": "x = 1\n"}
    here = take({"x.sarif": report(root)}, files).issues
    there = rescan(report(tmp_path), files, root=tmp_path)
    assert [each.fingerprint for each in here] == [each.fingerprint for each in there]


def test_another_line_rule_or_path_gives_another_fingerprint(
    take: Callable[..., Inventory], log: Callable[..., str], result: Callable[..., dict[str, Any]]
) -> None:
    results = [
        result(),
        result(line=2),
        result("b.py"),
        result(ruleId="R2"),
        result(message={"text": "Else"}),
    ]
    inventory = take({"x.sarif": log(*results)}, {"a.py": "x = 1\ny = 2\n", "b.py": "x = 1\n"})
    assert len({issue.fingerprint for issue in inventory.issues}) == 5
    assert all(len(issue.fingerprint) == 32 for issue in inventory.issues)


def test_equal_findings_on_equal_lines_are_told_apart_by_their_order(
    take: Callable[..., Inventory], log: Callable[..., str], result: Callable[..., dict[str, Any]]
) -> None:
    files = {"a.py": "x = 1\nx = 1\n"}
    downwards = take({"x.sarif": log(result(line=1), result(line=2))}, files).issues
    upwards = take({"x.sarif": log(result(line=2), result(line=1))}, files).issues
    by_line = {issue.locations[0].start_line: issue.fingerprint for issue in upwards}
    assert [issue.fingerprint for issue in downwards] == [by_line[1], by_line[2]]
    assert by_line[1] != by_line[2]


def test_a_suppressed_twin_does_not_change_the_fingerprint_of_the_other(
    take: Callable[..., Inventory], log: Callable[..., str], result: Callable[..., dict[str, Any]]
) -> None:
    files = {"a.py": "x = 1\nx = 1\n"}
    alone = take({"x.sarif": log(result(line=1), result(line=2))}, files).issues[1]
    beside = take(
        {"x.sarif": log(result(line=1, suppressions=[{"kind": "inSource"}]), result(line=2))}, files
    )
    assert beside.issues[0].fingerprint == alone.fingerprint
