"""What `polly roles check` finds, and what it leaves alone."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.routing.checking import Finding, check_document, check_roles
from polly.routing.documents import read_document
from polly.routing.library import OwnRoles, Roles, assemble, load_roles
from polly.work.routing import GENERAL_ROLE, Role

ROLES = load_roles()


def role(name: str, *triggers: str, **fields: object) -> Role:
    made = Role(name=name, title=name, purpose="x", instructions="x", triggers=triggers, **fields)  # type: ignore[arg-type]
    assert isinstance(made, Role)
    return made


def check(*own: Role, agents: Iterable[str] = ("claude",)) -> list[Finding]:
    """What is found about these roles of a repository, beside those that ship."""
    roles = assemble(OwnRoles(own, {each.name: f"{each.name}.yaml" for each in own}, ()))
    return [*check_roles(roles, agents=frozenset(agents))]


def look(document: Any, name: str = "plan.json") -> list[tuple[str, str, str]]:
    """Kind, place and message of what is found in a document."""
    text = document if isinstance(document, str) else json.dumps(document)
    found = check_document(read_document(text.encode(), name), ROLES)
    assert all(each.level == "problem" for each in found)
    return [(each.kind, each.where, each.message) for each in found]


def test_roles_that_can_be_told_apart_are_left_alone() -> None:
    assert check(role("cobol-expert", "cobol", "copybook"), role("apl-expert", "apl")) == []


@pytest.mark.parametrize("fields", [{"file_patterns": ("**/*.cob",)}, {"rules": ("cobol:*",)}])
def test_a_role_without_triggers_is_found_by_files_or_rules(fields: dict[str, object]) -> None:
    assert check(role("cobol-expert", **fields)) == []


def test_a_role_that_can_only_be_named_is_told() -> None:
    (found,) = check(role("cobol-expert", capabilities=("write cobol",)))
    assert (found.kind, found.where, found.roles) == ("silent", "cobol-expert.yaml", ("cobol-expert",))


def test_the_general_role_needs_nothing_that_speaks_for_it() -> None:
    assert check(role(GENERAL_ROLE)) == []


def test_a_trigger_that_stands_twice_is_told_once() -> None:
    (found,) = check(role("cobol-expert", "Copybook", "copybooks", "copybook", "jcl"))
    assert (found.kind, found.message) == (
        "repeated_trigger",
        "cobol-expert has the same trigger more than once: 'Copybook'",
    )


def test_the_same_phrase_in_two_roles_is_told_with_both() -> None:
    (found,) = check(role("lock-expert", "Deadlocks", "lockless", "spin lock", "futex"))
    assert (found.kind, found.level) == ("shared_trigger", "problem")
    assert found.roles == ("debug-intelligence", "lock-expert")
    assert found.message.endswith("have the same trigger: 'deadlock'")


def test_a_phrase_inside_another_one_is_a_note() -> None:
    found = check(role("lock-expert", "distributed deadlock", "condition"))
    assert {(each.kind, each.level) for each in found} == {("inner_trigger", "note")}
    assert sorted(each.message for each in found) == [
        "a trigger of debug-intelligence is part of one of lock-expert: 'deadlock' in 'distributed deadlock'",
        "a trigger of lock-expert is part of one of debug-intelligence: 'condition' in 'race condition'",
    ]


def test_part_of_a_word_is_not_part_of_a_phrase() -> None:
    assert check(role("hardware", "lock step", "adlock", "dead line", "sq")) == []


def test_two_roles_with_mostly_the_same_triggers_are_near_duplicates() -> None:
    same = ("cobol", "copybook", "jcl", "vsam")
    (found,) = check(role("one", *same), role("two", *same, "cics"))
    assert (found.kind, found.roles) == ("near_duplicate", ("one", "two"))
    assert "share 4 of 5 triggers" in found.message
    assert found.where == "one.yaml, two.yaml"


def test_a_copy_of_a_shipped_role_under_another_name_is_a_near_duplicate() -> None:
    shipped = ROLES.find("performance")
    (found,) = (each for each in check(role("speed", *shipped.triggers)) if each.level == "problem")
    assert (found.kind, found.where) == ("near_duplicate", "speed.yaml")


def test_two_names_that_differ_by_the_prefix_only_are_one_name() -> None:
    found = check(role("agent-performance", "hurry"))
    assert [(each.kind, each.roles) for each in found] == [
        ("duplicate_name", ("agent-performance", "performance"))
    ]


def test_an_alias_that_was_another_role_s_is_a_note() -> None:
    (found,) = check(role("testing", "cobol"))
    assert (found.kind, found.level, found.roles) == (
        "taken_alias",
        "note",
        ("testing", "testing-specialist"),
    )


@pytest.mark.parametrize(
    ("agent", "known"), [("claude", True), ("claude:opus", True), ("cladue:opus", False)]
)
def test_an_agent_that_polly_does_not_know_is_told(agent: str, *, known: bool) -> None:
    found = check(role("cobol-expert", "cobol", agent=agent), agents=("claude", "patch"))
    assert [each.kind for each in found] == ([] if known else ["unknown_agent"])


_words = st.lists(
    st.sampled_from(["cobol", "jcl", "vsam", "cics", "deadlock", "race", "condition"]), min_size=1, max_size=3
)
_own = st.lists(
    st.builds(
        lambda name, phrases: role(name, *map(" ".join, phrases)), st.sampled_from("abcd"), st.lists(_words)
    ),
    unique_by=lambda each: each.name,
    max_size=4,
)


@given(_own)
def test_findings_do_not_depend_on_the_order_of_the_roles(own: list[Role]) -> None:
    assert check(*own) == check(*reversed(own))


def test_a_plan_of_polly_with_roles_that_exist_is_left_alone() -> None:
    packages = [{"id": "WP1", "role": "debug-intelligence"}, {"id": "WP2", "role": "agent-testing"}]
    assert (
        look({"plan_version": 1, "packages": packages, "gates": {"pre": [{"command": "make"}], "post": []}})
        == []
    )


@pytest.mark.parametrize("key", ["packages", "work_packages", "tasks", "agents", "roles"])
def test_an_empty_plan_or_registry_is_left_alone(key: str) -> None:
    assert look({key: []}) == []


def test_roles_of_a_plan_that_do_not_exist_are_told_once_each_with_the_nearest() -> None:
    names = ["agent-databse-specialist", "agent-databse-specialist", "zzz", "testing-specialist"]
    packages = [{"package_id": f"WP{number}", "polly_role": name} for number, name in enumerate(names)]
    assert look({"work_packages": packages}) == [
        (
            "unknown_role",
            "plan.json#/work_packages/0/polly_role",
            "there is no role 'agent-databse-specialist' (2 times); did you mean 'database-specialist'?",
        ),
        ("unknown_role", "plan.json#/work_packages/2/polly_role", "there is no role 'zzz'"),
    ]


def test_a_plan_that_miscounts_its_packages_is_told() -> None:
    assert look({"total_work_packages": 3, "work_packages": [{"polly_role": "testing"}]}) == [
        ("count", "plan.json#/total_work_packages", "total_work_packages says 3, and work_packages has 1")
    ]


@pytest.mark.parametrize("gate", [{"command": ""}, {"command": []}, {"command": [" "]}, {}, "", None])
def test_a_gate_without_a_command_is_told(gate: object) -> None:
    found = look({"packages": [], "gates": {"pre": [{"command": ["make"]}, gate]}})
    assert [(kind, where) for kind, where, _message in found] == [("empty_gate", "plan.json#/gates/pre/1")]


_REGISTRY = """\
registry: {total_agents: 5}
categories:
  quality: {count: 2, description: that it is good}
  infrastructure: {count: 1}
agents:
  agent-testing: {category: quality}
  testing-specialist: {category: quality}
  commit: {category: infrastructure}
  performance: {category: quality}
"""


def test_three_counts_in_one_registry_that_disagree_are_told_with_their_lines() -> None:
    assert look(_REGISTRY, "registry.yaml") == [
        ("unknown_role", "registry.yaml:8", "there is no role 'commit'"),
        (
            "duplicate_name",
            "registry.yaml:7",
            "'testing-specialist' is the role 'testing-specialist', as 'agent-testing' is",
        ),
        (
            "count",
            "registry.yaml:1",
            "total_agents says 5, the categories add up to 3, and agents has 4",
        ),
        ("count", "registry.yaml:3", "the category quality says 2, and agents has 3 with it"),
    ]


def test_a_registry_whose_counts_agree_is_left_alone() -> None:
    right = (
        "total_agents: 2\ncategories: {quality: 1, other: 1}\n"
        "agents:\n  - {name: agent-testing, category: quality}\n  - {name: performance, category: other}\n"
    )
    assert look(right, "registry.yaml") == []


def test_roles_that_a_category_lists_are_looked_up_and_counted() -> None:
    document = {
        "roles": {"testing": {}, "performance": {}},
        "categories": {"all": {"agents": ["testing", "performance", "ghost"]}},
    }
    assert look(document, "registry.json") == [
        ("unknown_role", "registry.json#/categories/all/agents/2", "there is no role 'ghost'"),
        (
            "count",
            "registry.json#/categories",
            "the categories add up to 3, and roles has 2",
        ),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "names no roles"),
        ("[1]", "names no roles"),
        ("just words", "names no roles"),
        ("", "the file is empty"),
        ('{"agents": {}, "agents": {}}', "the key 'agents' stands twice"),
        ('{"agents": ', "is not JSON"),
        ("agents:\n  a: 1\n  a: 2\n", "doc:3: 'a' stands twice"),
        ("a: b: c", "doc:1 is not YAML"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_neither_plan_nor_registry_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_document(text.encode(), "doc")
    assert said in refused.value.what
    assert refused.value.next_step


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "agents",
                    "roles",
                    "packages",
                    "categories",
                    "count",
                    "name",
                    "role",
                    "gates",
                    "pre",
                    "command",
                    "total_agents",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(["agents", "roles", "packages", "categories", "gates", "total_agents"]), _json
    )
)
def test_a_document_of_any_form_is_checked_or_refused(document: dict[str, Any]) -> None:
    with suppress(InputError):
        assert all(message for _kind, _where, message in look(document))


def test_a_role_is_found_in_other_roles_too() -> None:
    roles = Roles([role(GENERAL_ROLE), role("only")])
    document = read_document(b'{"packages": [{"role": "performance"}]}', "p")
    assert [each.kind for each in check_document(document, roles)] == ["unknown_role"]
