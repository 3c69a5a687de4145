from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polly.events.redaction import reasons_to_look, redact
from polly.intake import fingerprint
from polly.intake.read import Taken
from polly.intake.read import take as take_in
from polly.work.issues import Inventory, Issue

from .conftest import DictSnapshot

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


@given(
    lines=LINES,
    where=WHERE,
    inserted=st.lists(st.sampled_from(["a = 1", "new", ""]), max_size=5),
    other=st.integers(0, 2),
)
def test_fingerprints_from_before_a_rename_are_known_whatever_moved(
    root: Path,
    log: Callable[..., str],
    result: Callable[..., dict[str, Any]],
    lines: list[str],
    where: list[tuple[int, int, str]],
    inserted: list[str],
    other: int,
) -> None:
    def look(path: str, shift: int, text: list[str], **renamed: Any) -> Taken:
        found = [result(path, line=line % len(lines) + 1 + shift, ruleId=rule) for line, _, rule in where]
        beside = [result("c.py", ruleId="R1") for _ in range(other)]
        (root / "round.sarif").write_text(log(*beside, *found))
        snapshot = DictSnapshot({path: "\n".join(text), "c.py": lines[0]})
        return take_in([root / "round.sarif"], snapshot=snapshot, root=root, **renamed)

    before = look("a.py", 0, lines)
    after = look("b.py", len(inserted), inserted + lines, renamed={"b.py": ["a.py"]})
    known = {each.fingerprint for each in after.inventory.issues} | set(after.former)
    assert {each.fingerprint for each in before.inventory.issues} <= known
    assert set(after.former.values()) <= {each.fingerprint for each in after.inventory.issues}


@given(count=st.integers(1, 6), fixed=st.integers(0, 5))
def test_of_twins_as_many_fingerprints_go_as_were_fixed(
    take: Callable[..., Inventory],
    log: Callable[..., str],
    result: Callable[..., dict[str, Any]],
    count: int,
    fixed: int,
) -> None:
    def look(lines: list[int]) -> Inventory:
        return take({"x.sarif": log(*(result(line=line) for line in lines))}, {"a.py": "x\n" * count})

    left = [line for line in range(1, count + 1) if line != fixed]
    before, after = look(list(range(1, count + 1))), look(left)
    prints = [{each.fingerprint for each in inventory.issues} for inventory in (before, after)]
    assert len(prints[1]) == len(left)
    assert prints[1] <= prints[0]


WORDS = st.sampled_from(
    ["line", "12", ":3", "a.py:3:4", "at", "cols", "٣", "\u2013", "-", "password=hunter2!", "token", "İK"]
)


@given(words=st.lists(WORDS, max_size=8), space=st.sampled_from([" ", "\n", "\u00a0", ""]))
def test_messages_without_a_number_after_space_or_colon_need_no_second_look(
    words: list[str], space: str
) -> None:
    message = space.join(words)
    thorough = fingerprint._COORDINATES.sub("", fingerprint._POSITION.sub(r"\1", message))
    assert fingerprint.normal_message(message, "/") == " ".join(thorough.split())


@given(words=st.lists(WORDS | st.text(max_size=12), max_size=8), space=st.sampled_from([" ", "\n", "\t"]))
def test_a_text_whose_words_give_no_reason_is_never_redacted(words: list[str], space: str) -> None:
    text = space.join(words)
    if not reasons_to_look(" ".join(text.split())):
        assert redact(text).text == text
    assert reasons_to_look(text) == frozenset().union(*map(reasons_to_look, text.split()))
