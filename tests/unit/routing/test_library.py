"""Shipped roles and those of a repository, by name."""

import os
import sys
from pathlib import Path

import pytest

from polly.errors import InputError, SettingsError
from polly.routing.library import SHIPPED, Roles, load_roles, read_folder, shipped_roles
from polly.work.routing import GENERAL_ROLE, Role


def role(name: str, **fields: object) -> Role:
    return Role(name=name, title=name, purpose="x", instructions="x", **fields)  # type: ignore[arg-type]


def write(folder: Path, name: str, *lines: str, file: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file or f"{name}.yaml")
    text = [f"name: {name}", "title: Own", "purpose: Own.", "instructions: Do it.", *lines]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".polly" / "roles"


@pytest.mark.parametrize(
    "name",
    [
        "testing-specialist",
        "testing",
        "agent-testing-specialist",
        "agent-testing",
        " Agent-Testing ",
        "TESTING",
    ],
)
def test_a_role_is_found_by_name_and_alias_with_and_without_prefix(name: str) -> None:
    found = load_roles().get(name)
    assert found
    assert found.name == "testing-specialist"


@pytest.mark.parametrize("name", ["", "agent-", "polly", "test", "agent-agent-testing"])
def test_what_is_no_name_finds_nothing(name: str) -> None:
    assert load_roles().get(name) is None


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        load_roles().find("agent-databse-specialist")
    assert refused.value.next_step == "Did you mean 'database-specialist'?"


def test_roles_come_in_the_order_of_their_names() -> None:
    names = [each.name for each in Roles([role("zebra"), role(GENERAL_ROLE), role("ant")])]
    assert names == ["ant", GENERAL_ROLE, "zebra"]


def test_there_is_always_a_general_role() -> None:
    assert load_roles().general.name == GENERAL_ROLE
    with pytest.raises(SettingsError, match="general role"):
        Roles([role("a")])


@pytest.mark.parametrize("there", [False, True])
def test_without_own_roles_there_are_the_shipped_ones(folder: Path, *, there: bool) -> None:
    if there:
        folder.mkdir(parents=True)
        (folder / "README.md").write_text("about them", encoding="utf-8")
        (folder / ".half.yaml").write_text("what an editor left", encoding="utf-8")
    assert tuple(load_roles(folder)) == shipped_roles()


def test_an_own_role_replaces_a_shipped_one_whole(folder: Path) -> None:
    write(folder, "debug-intelligence", "triggers: [kaput]")
    roles = load_roles(folder)
    own = roles.find("debug-intelligence")
    assert (own.triggers, own.aliases, own.title) == (("kaput",), (), "Own")
    assert roles.get("debug") is None
    assert roles.origin("debug-intelligence") == ".polly/roles/debug-intelligence.yaml"
    assert roles.origin("performance") == SHIPPED
    assert len(roles) == len(shipped_roles())


def test_an_own_role_is_added(folder: Path) -> None:
    write(folder, "cobol-expert", "aliases: [cobol]")
    assert load_roles(folder).find("agent-cobol").name == "cobol-expert"


@pytest.mark.parametrize(("name", "line"), [("testing", "domain: x"), ("own", "aliases: [testing]")])
def test_an_own_name_or_alias_wins_over_an_alias_that_ships(folder: Path, name: str, line: str) -> None:
    write(folder, name, line)
    roles = load_roles(folder)
    assert roles.find("testing").name == name
    assert roles.find("testing-specialist").name == "testing-specialist"


def test_an_alias_that_is_the_name_of_another_role_is_refused(folder: Path) -> None:
    write(folder, "fast", "aliases: [performance]")
    with pytest.raises(
        SettingsError, match=r"fast.yaml: the alias 'performance' is the name of another role"
    ):
        load_roles(folder)


def test_two_roles_with_one_alias_are_refused(folder: Path) -> None:
    write(folder, "one", "aliases: [both]")
    write(folder, "two", "aliases: [both]")
    with pytest.raises(SettingsError, match=r"two.yaml: the alias 'both' is an alias of one as well"):
        load_roles(folder)


def test_the_first_file_that_cannot_be_used_is_told_and_all_of_them_are_known(folder: Path) -> None:
    write(folder, "good")
    write(folder, "bad", "nonsense: 1")
    write(folder, "worse", "triggers: 1")
    own = read_folder(folder)
    assert [each.name for each in own.roles] == ["good"]
    assert [each.file for each in own.faults] == [".polly/roles/bad.yaml", ".polly/roles/worse.yaml"]
    with pytest.raises(SettingsError, match=r"^\.polly/roles/bad.yaml:5: unknown key 'nonsense'"):
        load_roles(folder)


def test_a_folder_with_the_name_of_a_role_file_is_refused(folder: Path) -> None:
    (folder / "x.yaml").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"x.yaml is not a file"):
        load_roles(folder)


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("roles", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"\.polly/roles cannot be read"):
        load_roles(folder)


def test_the_other_ending_of_yaml_is_not_passed_over_in_silence(folder: Path) -> None:
    write(folder, "own", file="own.yml")
    with pytest.raises(SettingsError) as refused:
        load_roles(folder)
    assert refused.value.next_step == "Rename it to own.yaml."


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "elsewhere", "own")
    folder.mkdir(parents=True)
    _link(folder / "own.yaml", outside)
    with pytest.raises(SettingsError, match="a link to a file outside its folder"):
        load_roles(folder)


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    write(folder, "own", file="own.source")
    _link(folder / "own.yaml", folder / "own.source")
    assert load_roles(folder).get("own")


@pytest.mark.parametrize("target", ["nowhere.yaml", "own.yaml"])
def test_a_link_that_leads_nowhere_is_told(folder: Path, target: str) -> None:
    folder.mkdir(parents=True)
    _link(folder / "own.yaml", folder / target)
    with pytest.raises(SettingsError, match="a link that leads nowhere"):
        load_roles(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_is_refused_instead_of_waited_for(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.mkfifo(folder / "own.yaml")
    with pytest.raises(SettingsError, match="is not a file"):
        load_roles(folder)


def _link(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except OSError:  # Windows without the right to make links
        pytest.skip("links cannot be made here")
