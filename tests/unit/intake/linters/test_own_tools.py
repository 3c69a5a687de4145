"""A user describes a tool in TOML; what is wrong with the description is said before anything is read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.errors import SettingsError
from polly.intake.sources.linters.load import load_tools
from polly.work.issues import Inventory

Take = Callable[..., Inventory]

TOOL = """
name = "housecheck"
about = "housecheck --json"
severities = { bad = "error", meh = "note" }
recognise = [{ "problems[]" = ["what", "at"] }]

[[findings]]
at = "problems[]"
message = "{kind}: {what}"
rule = "kind"
severity = "weight"
places = { path = "at.file", line = "at.line" }
"""
REPORT = {
    "problems": [
        {"what": "too long", "kind": "H1", "weight": "bad", "at": {"file": "a.py", "line": 2}},
        {"what": "odd", "kind": "H2", "weight": "meh", "at": {"file": "a.py", "line": 1}},
    ]
}
FILES = {"a.py": "x\ny\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_tool_is_added_with_one_file(take: Take, folder: Path) -> None:
    (folder / "house.toml").write_text(TOOL, encoding="utf-8")

    linters = load_tools(folder)
    recognised = take({"r.json": json.dumps(REPORT)}, FILES, linters=linters)
    told = take({"r.json": json.dumps(REPORT)}, FILES, linters=linters, source_format="housecheck")

    assert [(each.title, each.severity, str(each.locations[0])) for each in recognised.issues] == [
        ("H1: too long", "major", "a.py:2"),
        ("H2: odd", "nitpick", "a.py:1"),
    ]
    assert told == recognised
    assert recognised.issues[0].source.tool == "housecheck"


def test_a_user_s_tool_goes_before_one_of_the_same_name(take: Take, folder: Path) -> None:
    text = TOOL.replace("housecheck", "ruff").replace("problems[]", "[]")
    (folder / "ours.toml").write_text(text, encoding="utf-8")
    place = {"row": 1, "column": 1}
    finding = {"filename": "z", "location": place, "end_location": place, "message": "m"}

    report = json.dumps([{**REPORT["problems"][0], **finding}])
    issues = take({"r.json": report}, FILES, linters=load_tools(folder)).issues

    assert [issue.title for issue in issues] == ["H1: too long"]


def test_no_folder_is_no_tool(folder: Path) -> None:
    assert load_tools(folder / "missing") == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "housecheck"', 'name = "House Check"', "Expected `str` matching regex"),
        ('name = "housecheck"', "", "missing required field `name`"),
        ("rule =", "rules =", "unknown field `rules`"),
        ('bad = "error"', 'bad = "awful"', "Invalid enum value 'awful'"),
        ('at = "problems[]"', 'at = "problems"', r"findings\.at: 'problems' must end in \[\] or \{\}"),
        ('rule = "kind"', 'rule = "a[b"', r"findings\.rule: 'a\[b' cannot be read from"),
        ('"{kind}: {what}"', '"{ki[nd}"', r"findings\.message: 'ki\[nd' cannot be read"),
        ('"problems[]" = [', '"problems]" = [', "recognise: 'problems]' cannot be read"),
        ('path = "at.file"', "path = 3", "Expected `str | array`, got `int`"),
        ("recognise = [{", "recognise = [] #", "Expected `array` of length >= 1"),
        ('rule = "kind"', "leave_out = { boring = [{}] }", "boring"),
        ('rule = "kind"', "rule = ", "is not TOML"),
    ],
)
def test_a_wrong_description_is_refused_with_file_and_key(
    folder: Path, before: str, after: str, said: str
) -> None:
    assert before in TOOL
    (folder / "house.toml").write_text(TOOL.replace(before, after), encoding="utf-8")

    with pytest.raises(SettingsError, match=said) as refused:
        load_tools(folder)

    assert refused.value.what.startswith("house.toml")
    assert refused.value.next_step


def test_an_unknown_key_is_refused_with_the_nearest_known(folder: Path) -> None:
    (folder / "house.toml").write_text(TOOL.replace("severity =", "severty ="), encoding="utf-8")

    with pytest.raises(SettingsError) as refused:
        load_tools(folder)

    assert refused.value.next_step == "Did you mean 'severity'?"


def test_two_files_about_one_tool_are_refused(folder: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (folder / name).write_text(TOOL, encoding="utf-8")

    with pytest.raises(SettingsError, match=r"b\.toml and a\.toml both describe 'housecheck'"):
        load_tools(folder)


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "a.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match=r"a\.toml cannot be read: it is not UTF-8"):
        load_tools(folder)
