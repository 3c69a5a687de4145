"""Whatever a report holds, each of its findings is an issue or excluded, or the report is refused."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.document import parse
from polly.intake.finding import Context
from polly.intake.sources.linters.load import shipped_tools
from polly.intake.sources.linters.reader import read
from polly.intake.sources.linters.selectors import Odd, Scope, items, text_at
from polly.intake.sources.linters.tool import Tool
from polly.work.issues import Inventory

Take = Callable[..., Inventory]


class NoFiles:
    paths = frozenset({"a.py"})

    def read(self, path: str) -> bytes | None:
        return b"x\ny\n" if path == "a.py" else None


#: Every name that any description looks for, so that generated reports come close to real ones.
NAMES = sorted(
    {
        name
        for tool in shipped_tools()
        for text in re.findall(r'"([^"]*)"', msgspec.json.encode(tool).decode())
        for name in re.findall(r"[A-Za-z_][\w-]*", text)
    }
)
SCALARS = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        3,
        10**15,
        2.5,
        3.0,
        "",
        "a.py",
        "12-14",
        "7",
        "error",
        "HIGH",
        "\u202e\x1b",
        "../x",
        "/a.py",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
TOOLS = st.sampled_from(shipped_tools())


@st.composite
def reports(draw: st.DrawFn) -> tuple[Tool, Any]:
    """A tool, and something that has the members by which its report is known."""
    tool = draw(TOOLS)
    report: Any = None
    for path, members in draw(st.sampled_from(tool.recognise)).items():
        wanted = [member for member in members if not member.startswith("!")]
        items = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(wanted, VALUES)), min_size=1, max_size=3))
        odd = draw(st.lists(VALUES, max_size=1))
        report = _put(report, re.findall(r"[^.\[\]{}]+|\[\]|\{\}", path), items + odd)
    return tool, report


def _put(report: Any, steps: list[str], members: list[Any]) -> Any:
    if not steps:
        found = members[0]
        return {**report, **found} if isinstance(report, dict) and isinstance(found, dict) else found
    step, rest = steps[0], steps[1:]
    if step == "[]":
        return [_put(None, rest, [each]) for each in members] if rest else members
    if step == "{}":
        return {"a.py": _put(None, rest, members) if rest else members[0]}
    inner = report if isinstance(report, dict) else {}
    return {**inner, step: _put(inner.get(step), rest, members)}


def check(inventory: Inventory) -> None:
    counts = inventory.counts
    assert counts.read == counts.issues + counts.excluded
    assert counts.excluded == sum(each.count for each in inventory.excluded)
    assert msgspec.json.decode(msgspec.json.encode(inventory), type=Inventory) == inventory


@given(tool=TOOLS, value=VALUES | st.lists(VALUES, max_size=3))
def test_any_json_for_a_named_tool_gives_an_inventory_or_a_reason(take: Take, tool: Tool, value: Any) -> None:
    refused = None
    try:
        inventory = take({"x.json": json.dumps(value)}, {"a.py": "x\n"}, source_format=tool.name)
    except InputError as error:
        refused = error
    if refused is None:
        check(inventory)
    else:
        assert "x.json" in refused.what
        assert refused.next_step


@given(drawn=reports())
def test_every_item_of_a_report_is_an_issue_or_excluded(take: Take, drawn: tuple[Tool, Any]) -> None:
    tool, report = drawn
    document = parse(json.dumps(report).encode(), "x.json")
    try:
        reading = read(tool, document, Context(NoFiles(), {}))
    except InputError:
        return
    inventory = take({"x.json": json.dumps(report)}, {"a.py": "x\n"}, source_format=tool.name)
    check(inventory)
    assert inventory.counts.read == len(reading.findings)


@given(value=VALUES, path=st.text(alphabet="ab.[]{}^@0-", max_size=12))
@example(value={"a": [1]}, path="^^^a[]")
def test_a_selector_is_refused_or_leads_somewhere_or_nowhere(value: Any, path: str) -> None:
    refused = ""
    found: list[Scope | Odd] = []
    try:
        found = list(items(Scope(value, ""), path))
    except ValueError as error:
        refused = str(error)
    if refused:
        assert repr(path) in refused
    else:
        assert all(each.ref == "" or each.ref.startswith("/") for each in found)
        assert isinstance(text_at(Scope(value, ""), [path]), str)
