"""A plan.json that a person edited is checked before anything runs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from polly.errors import InputError
from polly.planning.load import dump_plan, load_plan
from polly.work.issues import Inventory, Issue
from polly.work.plan import Plan

PATHS = frozenset({"a.py", "b.py", "c.py", "hub.py"})

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="session")
def issues(issue: Callable[..., Issue]) -> list[Issue]:
    """Three files with a fault each, and a hub that ties them: WP1 to WP3, then WP4."""
    alone = [issue(name.upper(), f"{name}.py", minutes=30) for name in "abc"]
    return [*alone, issue("H", "hub.py", "a.py", "b.py", "c.py", minutes=5)]


@pytest.fixture(scope="session")
def text(issues: list[Issue], plan_of: Callable[..., Plan]) -> bytes:
    return dump_plan(plan_of(issues, paths=PATHS))


def refusal(text: bytes, edit: Edit = lambda _: None, *, inventory: Inventory | None = None) -> InputError:
    """The error for this text after an edit of its JSON."""
    raw = json.loads(text)
    edit(raw)
    with pytest.raises(InputError) as refused:
        load_plan(json.dumps(raw).encode(), name="plan.json", inventory=inventory, paths=PATHS)
    assert refused.value.next_step
    return refused.value


def give(package: int, kind: str, path: str) -> Edit:
    """Adds a path to the files of a package, and the row that goes with it."""

    def edit(raw: dict[str, Any]) -> None:
        target = raw["packages"][package]
        target["files"][kind].append(path)
        why = "create" if kind == "create" else "finding"
        raw["ownership"].append({"path": path, "wave": target["wave"], "package": target["id"], "why": why})

    return edit


def test_a_dumped_plan_is_indented_and_ends_with_a_newline(text: bytes) -> None:
    assert text.startswith(b'{\n  "plan_version": 1,\n  "base_commit"')
    assert text.endswith(b"}\n")


def test_a_plan_with_a_byte_order_mark_is_read(text: bytes) -> None:
    assert load_plan(b"\xef\xbb\xbf" + text, name="plan.json") == load_plan(text, name="plan.json")


def test_the_forecast_of_an_edited_plan_is_worked_out_anew(text: bytes) -> None:
    raw = json.loads(text)
    raw["packages"][0]["estimated_minutes"] = 500
    assert load_plan(json.dumps(raw).encode(), name="plan.json").forecast.critical_path_minutes == 505


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "plan.json is empty"),
        (b" \n", "plan.json is empty"),
        (b"# Review", "plan.json is not JSON"),
        (b'{"plan_version": 1', "plan.json is not JSON"),
        (b'{"plan_version": "\xff"}', "plan.json is not JSON"),
        (b"[" * 200_000, "plan.json is not JSON"),
        (b"[]", "holds a JSON list"),
        (b'{"inventory_version": 1}', "looks like an inventory"),
        (b'{"version": "2.1.0"}', 'has no "plan_version"'),
        (b'{"plan_version": 2}', "has plan_version 2, and this Polly reads 1"),
        (b'{"plan_version": true}', "has plan_version True"),
        (b'{"plan_version": 1}', "missing required field `base_commit`"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(content: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load_plan(content, name="plan.json")
    assert said in refused.value.what
    assert refused.value.next_step


def test_an_unknown_field_is_refused_with_its_place_and_the_nearest_name(text: bytes) -> None:
    error = refusal(text, lambda raw: raw["packages"][1].update(isues=[]))
    assert "packages[1].isues: unknown field; did you mean 'issues'?" in error.what


def test_a_value_of_the_wrong_kind_is_refused_with_its_place(text: bytes) -> None:
    error = refusal(text, lambda raw: raw["packages"][0].update(wave="first"))
    assert "$.packages[0].wave" in error.what


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            give(1, "modify", "a.py"),
            (
                "wave 1: 'a.py' is owned by WP1 (packages[0].files.modify[0]) "
                "and by WP2 (packages[1].files.modify[1])"
            ),
        ),
        (
            give(1, "create", "A.PY"),
            (
                "'a.py' (the same file as 'A.PY' on some machines) is owned by WP1 "
                "(packages[0].files.modify[0]) and by WP2 (packages[1].files.create[0])"
            ),
        ),
        (
            give(1, "create", "*.PY"),
            "'*.PY' of WP2 (packages[1].files.create[0]) matches 'a.py' of WP1 (packages[0].files.modify[0])",
        ),
        (
            lambda raw: (give(0, "create", "t/*_x.py")(raw), give(2, "create", "t/test_*")(raw)),
            (
                "'t/test_*' of WP3 (packages[2].files.create[0]) and 't/*_x.py' of WP1 "
                "(packages[0].files.create[0]) can match one path"
            ),
        ),
        (
            lambda raw: (give(0, "create", "new")(raw), give(1, "create", "new/x.py")(raw)),
            (
                "'new/x.py' of WP2 (packages[1].files.create[0]) lies below the file 'new' "
                "of WP1 (packages[0].files.create[0])"
            ),
        ),
        (
            give(0, "modify", "a.py"),
            (
                "'a.py' is named twice in WP1 (packages[0].files.modify[0]) "
                "and WP1 (packages[0].files.modify[1])"
            ),
        ),
        (
            give(0, "modify", "gone.py"),
            "'gone.py' of WP1 (packages[0].files.modify[1]) is not in the base commit",
        ),
        (
            give(0, "create", "hub.py"),
            "'hub.py' of WP1 (packages[0].files.create[0]) exists at the base commit; list it under modify",
        ),
    ],
)
def test_files_that_cannot_be_owned_so_are_refused_with_both_places(
    edit: Edit, said: str, text: bytes
) -> None:
    assert said in refusal(text, edit).what


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.py", "C:\\x.py", "src\\x.py", ".git/config", ".polly/plan.json", "", "a\nb"]
)
def test_unsafe_paths_are_refused_with_their_place(path: str, text: bytes) -> None:
    said = f"{path!r} of WP1 (packages[0].files.create[0])"
    assert said in refusal(text, give(0, "create", path)).what


def test_two_globs_of_one_package_and_of_different_waves_may_meet(text: bytes) -> None:
    raw = json.loads(text)
    for package in (0, 0, 3):
        give(package, "create", f"t/{package}*")(raw)
    raw["packages"][0]["files"]["create"][1] = "t/*"
    raw["ownership"][-2]["path"] = "t/*"
    loaded = load_plan(json.dumps(raw).encode(), name="plan.json", paths=PATHS)
    assert loaded.packages[0].files.create == ("t/0*", "t/*")


@pytest.mark.parametrize("made", ["new.py", "n*.py"])
def test_a_later_wave_may_modify_what_an_earlier_one_creates(made: str, text: bytes) -> None:
    raw = json.loads(text)
    give(0, "create", made)(raw)
    give(3, "modify", "new.py")(raw)
    loaded = load_plan(json.dumps(raw).encode(), name="plan.json", paths=PATHS)
    assert loaded.packages[3].files.owns("new.py")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda raw: raw["packages"][1].update(id="wp1"),
            "packages[1].id: 'wp1' is also the id of packages[0]",
        ),
        (lambda raw: raw["packages"][0].update(id="../x"), "packages[0].id: '../x' must be letters"),
        (lambda raw: raw["packages"][0].update(wave=0), "packages[0].wave: WP1 is in wave 0"),
        (
            lambda raw: raw["packages"][0].update(estimated_minutes=-1),
            "packages[0].estimated_minutes: WP1 takes -1 minutes",
        ),
        (lambda raw: raw["packages"][0].update(issues=[]), "packages[0].issues: WP1 has no issue to fix"),
        (
            lambda raw: raw["packages"][0].update(files={"modify": [], "create": []}),
            "packages[0].files: WP1 owns no file",
        ),
        (lambda raw: raw.update(base_commit="--upload-pack=x"), "base_commit: '--upload-pack=x' is not"),
        (lambda raw: raw["forecast"].update(agents=0), "forecast.agents: 0"),
    ],
)
def test_a_package_that_cannot_be_run_is_refused(edit: Edit, said: str, text: bytes) -> None:
    assert said in refusal(text, edit).what


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda raw: raw["packages"][1]["issues"].append("A"),
            "issue A is in WP1 (packages[0].issues[0]) and in WP2 (packages[1].issues[1])",
        ),
        (
            lambda raw: raw["unplanned"].append({"issue": "A", "reason": "later"}),
            "issue A is in WP1 (packages[0].issues[0]) and in unplanned[0]",
        ),
        (
            lambda raw: raw["packages"][0]["issues"].append("Z9"),
            "issue Z9 in WP1 (packages[0].issues[1]) is not in the inventory",
        ),
        (
            lambda raw: raw["packages"][0].update(issues=["B"]),
            "issue A is open, and neither in a package nor in unplanned",
        ),
    ],
)
def test_every_issue_is_known_and_in_one_place(
    edit: Edit, said: str, text: bytes, issues: list[Issue], inventory: Callable[..., Inventory]
) -> None:
    assert said in refusal(text, edit, inventory=inventory(issues)).what


@pytest.mark.parametrize(
    ("depends_on", "said"),
    [
        ("WP9", "packages[0].depends_on[0]: WP1 depends on 'WP9', which is no package of this plan"),
        ("WP4", "WP1 (wave 1) depends on WP4 (wave 2), which does not end before it starts"),
        ("WP2", "WP1 (wave 1) depends on WP2 (wave 1), which does not end before it starts"),
        ("WP1", "WP1 (wave 1) depends on WP1 (wave 1), which does not end before it starts"),
    ],
)
def test_a_package_depends_only_on_packages_of_earlier_waves(depends_on: str, said: str, text: bytes) -> None:
    assert said in refusal(text, lambda raw: raw["packages"][0].update(depends_on=[depends_on])).what


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda raw: raw["ownership"].pop(0),
            "WP1 (packages[0].files.modify[0]) names 'a.py', and ownership has no such row in wave 1",
        ),
        (
            lambda raw: raw["ownership"][0].update(package="WP2"),
            "ownership[0] gives 'a.py' in wave 1 to WP2, whose files do not name it",
        ),
        (
            lambda raw: raw["ownership"][0].update(why="create"),
            "ownership[0] says 'create' for 'a.py', and WP1 (packages[0].files.modify[0]) says otherwise",
        ),
        (
            lambda raw: raw["ownership"].append(raw["ownership"][0]),
            "ownership has 2 rows for 'a.py' in wave 1 and WP1",
        ),
    ],
)
def test_an_ownership_row_that_disagrees_with_the_packages_is_refused(
    edit: Edit, said: str, text: bytes
) -> None:
    assert said in refusal(text, edit).what


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"package": "WP9"}, "couplings[0].package: 'WP9' is no package of this plan"),
        ({"on": "WP9"}, "couplings[0].on: 'WP9' is no package of this plan"),
        ({"risk": 1.5}, "couplings[0].risk: 1.5, and a risk lies between 0 and 1"),
    ],
)
def test_a_coupling_lies_between_packages_of_the_plan(
    changed: dict[str, Any], said: str, text: bytes
) -> None:
    row = {"package": "WP1", "on": "WP2", "risk": 0.5, "paths": ["b.py"], "reason": ""} | changed
    assert said in refusal(text, lambda raw: raw["couplings"].append(row)).what


def test_all_problems_come_in_one_message_ten_of_them_in_words(text: bytes) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["packages"][0]["files"]["modify"] = [f"gone{number}.py" for number in range(8)]

    lines = refusal(text, edit).what.splitlines()
    assert lines[0] == "plan.json cannot be used, 17 problems:"
    assert len(lines) == 1 + 10 + 1
    assert lines[-1].strip() == "- and 7 more"
