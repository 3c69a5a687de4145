"""What every role that ships has to be."""

import re
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest
import yaml

from polly.execution.agents.registry import AGENTS
from polly.routing.checking import check_roles
from polly.routing.definition import dump_role, parse_role
from polly.routing.library import load_roles, shipped_roles
from polly.work.plan import glob_matches
from polly.work.routing import GENERAL_ROLE, Role

ROLES = shipped_roles()
_EACH = pytest.mark.parametrize("role", ROLES, ids=[role.name for role in ROLES])
_MANUAL = Path(__file__).parents[3] / "docs" / "reference" / "roles.md"


def test_these_roles_ship() -> None:
    assert {role.name: role.aliases for role in ROLES} == {
        GENERAL_ROLE: ("code-quality-analyzer",),
        "debug-intelligence": ("debug",),
        "testing-specialist": ("testing",),
        "database-specialist": ("debug-database",),
        **dict.fromkeys(
            (
                "security-audit",
                "performance",
                "api-architect",
                "python-fastapi-expert",
                "devops-infrastructure",
            ),
            (),
        ),
        **dict.fromkeys(
            ("documentation-architect", "structured-logging", "type-validator", "contract-validator"), ()
        ),
        **dict.fromkeys(("ui-testing", "production-monitor", "repository-setup"), ()),
    }


@_EACH
def test_its_instructions_say_where_to_begin_what_done_is_and_what_never_happens(role: Role) -> None:
    assert 100 <= len(role.instructions.split()) <= 400
    beginnings = re.findall(r"^(\w+):", role.instructions, flags=re.MULTILINE)
    assert beginnings == ["First", "How", "Done", "Never"]


@_EACH
def test_it_has_enough_for_the_router_to_go_by(role: Role) -> None:
    assert 10 <= len(role.triggers) <= 150
    assert len(role.hints) >= 10
    assert 3 <= len(role.capabilities) <= 8
    assert role.rules
    assert role.purpose.endswith(".")
    assert role.purpose.count(".") == 1


@_EACH
def test_its_triggers_are_plain_words_each_once(role: Role) -> None:
    too_common = {
        "test",
        "run",
        "use",
        "fix",
        "error",
        "file",
        "code",
        "bug",
        "issue",
        "type",
        "log",
        "change",
    }
    assert not too_common.intersection(role.triggers)
    assert len(set(role.triggers)) == len(role.triggers)
    assert all(re.fullmatch(r"[a-z0-9][\w .'+-]*[a-z0-9+]", trigger) for trigger in role.triggers)


def test_no_trigger_belongs_to_two_of_them() -> None:
    counted = Counter(trigger for role in ROLES for trigger in role.triggers)
    assert [trigger for trigger, number in counted.items() if number > 1] == []


@_EACH
def test_its_patterns_name_paths(role: Role) -> None:
    for pattern in role.file_patterns:
        path = pattern.replace("**/", "some/folder/").replace("/**", "/x").replace("*", "x")
        assert glob_matches(pattern, path), pattern


@_EACH
def test_no_rule_stands_twice(role: Role) -> None:
    assert len(set(role.rules)) == len(role.rules)


@_EACH
def test_it_is_a_file_to_begin_an_own_role_with(role: Role) -> None:
    assert parse_role(dump_role(role).encode(), "role.yaml", name=role.name) == role


@_EACH
def test_it_is_in_the_manual(role: Role) -> None:
    assert f"| `{role.name}` |" in _MANUAL.read_text(encoding="utf-8")


def test_nothing_is_wrong_with_them() -> None:
    assert check_roles(load_roles(), agents=AGENTS) == ()


def test_they_read_the_same_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert not hasattr(yaml, "CSafeLoader")
    folder = resources.files("polly.routing").joinpath("definitions")
    read = {
        role.name: parse_role(folder.joinpath(f"{role.name}.yaml").read_bytes(), role.name) for role in ROLES
    }
    assert tuple(read.values()) == ROLES
