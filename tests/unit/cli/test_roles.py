"""`polly roles list|show|check` as a person calls them."""

import json
from pathlib import Path

import pytest
from tests.acceptance.conftest import Polly

from polly.routing.definition import parse_role
from polly.routing.library import load_roles, shipped_roles

_OWN = "name: {name}\ntitle: Own\npurpose: Own.\ninstructions: Do it.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of own roles, empty."""
    made = tmp_path / ".polly" / "roles"
    made.mkdir(parents=True)
    return made


def test_list_shows_every_role_with_its_origin(polly: Polly, folder: Path) -> None:
    (folder / "own.yaml").write_text(_OWN.format(name="own"), encoding="utf-8")
    done = polly("roles", "list", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    value = json.loads(done.stdout)
    assert value["roles_version"] == 1
    origins = {each["name"]: each["origin"] for each in value["roles"]}
    assert origins == {role.name: "shipped" for role in shipped_roles()} | {"own": ".polly/roles/own.yaml"}
    table = polly("roles", "list").stdout
    assert all(name in table for name in origins)


def test_list_works_without_a_repository(polly: Polly) -> None:
    assert len(json.loads(polly("roles", "list", "--format", "json").stdout)["roles"]) == len(shipped_roles())


def test_a_broken_role_does_not_hide_the_others(polly: Polly, folder: Path) -> None:
    (folder / "broken.yaml").write_text("name: a: b", encoding="utf-8")
    done = polly("roles", "list")
    assert done.returncode == 0
    assert "Warning: .polly/roles/broken.yaml:1 is not YAML" in done.stderr
    assert "testing-specialist" in done.stdout


@pytest.mark.parametrize("name", ["security-audit", "agent-security-audit"])
def test_show_tells_all_of_a_role(polly: Polly, name: str) -> None:
    role = load_roles().find("security-audit")
    done = polly("roles", "show", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert role.instructions.strip() in done.stdout
    assert all(
        text in done.stdout for text in (role.purpose, *role.triggers, *role.rules, *role.capabilities)
    )


def test_show_as_json_is_the_whole_role(polly: Polly) -> None:
    value = json.loads(polly("roles", "show", "debug", "--format", "json").stdout)
    assert (value["roles_version"], value["origin"]) == (1, "shipped")
    assert value["role"]["name"] == "debug-intelligence"
    assert "Never" in value["role"]["instructions"]


def test_show_as_yaml_is_a_file_that_can_be_used(polly: Polly, folder: Path) -> None:
    target = folder / "performance.yaml"
    target.touch()  # as the shell makes it, before Polly starts
    done = polly("roles", "show", "performance", "--format", "yaml")
    assert (done.returncode, done.stderr) == (0, "")
    target.write_text(done.stdout, encoding="utf-8")
    assert parse_role(target.read_bytes(), "x") == load_roles(folder).find("performance")
    assert polly("roles", "check").returncode == 0


def test_show_as_markdown_has_facts_and_instructions(polly: Polly) -> None:
    done = polly("roles", "show", "performance", "--format", "markdown")
    assert "| purpose | Makes measured slow paths" in done.stdout
    assert "\nNever: no optimising" in done.stdout


def test_an_unknown_role_is_told_with_the_nearest(polly: Polly) -> None:
    done = polly("roles", "show", "agent-securty-audit")
    assert done.returncode == 2
    assert done.stderr == "Error: There is no role 'agent-securty-audit'.\nDid you mean 'security-audit'?\n"


def test_check_finds_nothing_wrong_with_what_ships(polly: Polly) -> None:
    done = polly("roles", "check")
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 problems, 0 notes" in done.stderr


def test_notes_alone_are_no_failure(polly: Polly, folder: Path) -> None:
    own = _OWN.format(name="own") + "triggers: [distributed deadlock]\n"
    (folder / "own.yaml").write_text(own, encoding="utf-8")
    done = polly("roles", "check", "--format", "json")
    assert done.returncode == 0
    value = json.loads(done.stdout)
    assert [(each["kind"], each["level"]) for each in value["findings"]] == [("inner_trigger", "note")]


def test_check_tells_of_every_file_that_cannot_be_used(polly: Polly, folder: Path) -> None:
    (folder / "a.yaml").write_text("trigers: [x]", encoding="utf-8")
    (folder / "b.yaml").write_text(_OWN.format(name="b") + "aliases: [performance]", encoding="utf-8")
    (folder / "c.yaml").write_text(_OWN.format(name="c") + "agent: cladue", encoding="utf-8")
    done = polly("roles", "check", "--format", "json")
    assert done.returncode == 1
    findings = json.loads(done.stdout)["findings"]
    assert [(each["kind"], each["where"]) for each in findings] == [
        ("unusable", ".polly/roles/a.yaml"),
        ("unusable", ".polly/roles"),
    ]
    (folder / "b.yaml").unlink()
    findings = json.loads(polly("roles", "check", "--format", "json").stdout)["findings"]
    assert [each["kind"] for each in findings] == ["unusable", "silent", "unknown_agent"]


def test_check_looks_at_the_plan_that_is_there(polly: Polly, folder: Path) -> None:
    plan = folder.parent / "plan.json"
    plan.write_text('{"plan_version": 1, "packages": [{"id": "WP1", "role": "nobody"}]}', encoding="utf-8")
    done = polly("roles", "check")
    assert done.returncode == 1
    assert ".polly/plan.json#/packages/0/role" in done.stdout
    assert "there is no role 'nobody'" in done.stdout


def test_check_looks_at_the_documents_named(polly: Polly, tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text("total_agents: 2\nagents:\n  testing: {}\n", encoding="utf-8")
    done = polly("roles", "check", "registry.yaml", "--format", "json")
    assert done.returncode == 1
    value = json.loads(done.stdout)
    assert value["documents"] == ["registry.yaml"]
    assert [each["message"] for each in value["findings"]] == ["total_agents says 2, and agents has 1"]


@pytest.mark.parametrize("name", ["gone.yaml", "."])
def test_a_document_that_cannot_be_read_is_wrong_use(polly: Polly, name: str) -> None:
    done = polly("roles", "check", name)
    assert done.returncode == 2
    assert f"Error: {name} cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
