"""A role file: what is read from it, and what is said about one that cannot be used."""

import json
import re
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polly.errors import SettingsError
from polly.routing.definition import dump_role, parse_role, read_role, role_schema
from polly.work.plan import GateCommand
from polly.work.routing import Role

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "role.schema.json"

_GOOD = "name: tidy\ntitle: Tidy\npurpose: Tidies.\ninstructions: Tidy up.\n"

_names = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"]) | st.sampled_from("\n:#-'\"{}[]&*!|>%@`~"),
    min_size=1,
).filter(str.strip)
_lists = st.lists(_texts, max_size=4).map(tuple)
_gates = st.builds(
    GateCommand,
    command=_texts | st.lists(_texts, min_size=1, max_size=3).map(tuple),
    name=st.just("") | _texts,
    serial=st.booleans(),
    timeout_seconds=st.floats(min_value=0.001, max_value=1e9),
)
_roles = st.builds(
    Role,
    name=_names,
    title=_texts,
    purpose=_texts,
    instructions=_texts,
    domain=_texts,
    triggers=_lists,
    hints=_lists,
    translations=st.dictionaries(st.sampled_from(["de", "pt-BR", "no"]), _lists, max_size=2),
    capabilities=_lists,
    languages=_lists,
    file_patterns=st.lists(st.sampled_from(["**/*.sql", "docs/**", "app/[id]/page.tsx"])).map(tuple),
    rules=st.lists(st.sampled_from(["ruff:S1*", "eslint:jsx-a11y/*", "mypy:*"])).map(tuple),
    gates=st.lists(_gates, max_size=2).map(tuple),
    agent=st.none() | _texts,
)


@given(_roles)
@example(
    Role(
        name="a", title="no", purpose="1.5", instructions="null", domain="~", triggers=("true", "2020-01-01")
    )
)
@example(
    Role(
        name="a",
        title=" x ",
        purpose="\n\nx \n",
        instructions="  x\n y\n\n",
        domain="\ufeffx",
        agent="a: b #",
    )
)
@example(Role(name="a", title="x\u0085y", purpose="x\u2028y", instructions="x\n\u2029", domain="\U0001f600"))
def test_a_role_that_is_written_reads_back_as_the_same_role(role: Role) -> None:
    assert parse_role(dump_role(role).encode(), "role.yaml", name=role.name) == role


def test_what_has_its_default_is_not_written() -> None:
    role = parse_role(_GOOD.encode(), "tidy.yaml")
    keys = re.findall(r"^(\w+):", dump_role(role), flags=re.MULTILINE)
    assert keys == ["role_version", "name", "title", "purpose", "instructions"]


def test_the_published_schema_is_what_the_record_says() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json.loads(msgspec.json.encode(role_schema()))


def test_the_schema_has_every_key_and_no_other_is_allowed() -> None:
    record = role_schema()["$defs"]["Role"]
    assert tuple(record["properties"]) == Role.__struct_fields__
    assert record["additionalProperties"] is False
    assert set(record["required"]) == {"name", "title", "purpose", "instructions"}


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    role = parse_role(b"\xef\xbb\xbf" + _GOOD.replace("\n", "\r\n").encode(), "tidy.yaml")
    assert role.purpose == "Tidies."


_BAD = [
    ("trigers: [x]", 5, "unknown key 'trigers'", "Did you mean 'triggers'?"),
    ("zzz: 1", 5, "unknown key 'zzz'", "Known keys here: role_version, name,"),
    ("triggers: [x, 3]", 5, "triggers[1] must be a text, and is a whole number", "Put it in quotes."),
    ("triggers:\n  - x\n  - no", 7, "triggers[1] must be a text, and is true or false", "Put it in quotes."),
    ("triggers: deadlock", 5, "triggers must be a list, and is a text", "Write `triggers: [ … ]`"),
    ("domain: {a: b}", 5, "domain must be a text, and is a table", "docs/reference/roles.md"),
    ("gates: [make]", 5, "gates[0] must be a table, and is a text", "docs/reference/roles.md"),
    ("gates:\n  - {name: x}", 6, "command is missing", "docs/reference/roles.md"),
    ("gates:\n  - command: x\n    timeout: 3", 7, "unknown key 'timeout'", "Did you mean 'timeout_seconds'?"),
    ("gates:\n  - command: ' '", 6, "command of the gate is empty", "command: make test"),
    ("gates:\n  - command: []", 6, "command of the gate is empty", "command: make test"),
    ("gates:\n  - {command: x, timeout_seconds: .nan}", 6, "must be more than 0", "docs/reference/roles.md"),
    ("gates:\n  - {command: x, timeout_seconds: 0}", 6, "must be more than 0", "docs/reference/roles.md"),
    ("role_version: 2", 5, "role_version is 2, and this Polly reads 1", "role_version: 1"),
    ("role_version: true", 5, "role_version is True", "role_version: 1"),
    ("aliases: [Big_Name]", 5, "'Big_Name' is no name", "docs/reference/roles.md"),
    ("aliases: [tidy]", 5, "the role is called 'tidy' already", "Remove the alias."),
    ("triggers: [a, ' ']", 5, "triggers: an entry is empty", "Remove it."),
    ("hints: [a, '']", 5, "hints: an entry is empty", "Remove it."),
    ("translations: [Absturz]", 5, "translations must be a table, and is a list", "docs/reference/roles.md"),
    ("translations:\n  de: Absturz", 6, "translations.de must be a list", "Write `de: [ … ]`."),
    ("translations:\n  de: [a, 3]", 6, "translations.de[1] must be a text", "Put it in quotes"),
    ("translations:\n  German: [a]", 6, "'German' is no language", "Such as `de`"),
    ("domain: ''", 5, "domain is empty", "leave the key out"),
    ("agent: ''", 5, "agent is empty", "leave the key out"),
    ("file_patterns: [/etc/passwd]", 5, "'/etc/passwd' is no pattern", "**/migrations/**"),
    ("file_patterns: [a/../b]", 5, "'a/../b' is no pattern", "**/migrations/**"),
    ("file_patterns: ['src\\x']", 5, "is no pattern", "**/migrations/**"),
    ("file_patterns: ['C:/x']", 5, "is no pattern", "**/migrations/**"),
    ("file_patterns: ['*.{js,ts}']", 5, "only `*` and `**`", "one pattern for each case"),
    ("rules: [ruff]", 5, "'ruff' is no `tool:rule`", "ruff:S*"),
    ("rules: ['ruff: ']", 5, "is no `tool:rule`", "ruff:S*"),
    ("title: again", 5, "'title' stands twice", "Keep one"),
    ("triggers: &t [x]\nrules: *t", 5, "&t is an anchor or alias", "Write the value out."),
    ("<<: *t", 5, "*t is an anchor or alias", "Write the value out."),
    ("agent: !!python/object/apply:os.getcwd []", 5, "the tag", "Leave the tag out."),
    ("? [a, b]\n: c", 5, "a key must be a text", "key: value"),
    ("\tdomain: x", 5, "is not YAML", "Correct that line."),
    ("domain: a: b", 5, "is not YAML", "needs quotes"),
    ("---\nname: other", 5, "a second document begins here", "Keep one of them."),
    ("agent: " + "9" * 6000, 5, "the number is too long", "Put it in quotes"),
    ("agent: " + "[" * 40_000, 5, "nested too deeply", "Make it flatter."),
]


@pytest.mark.parametrize(("lines", "line", "what", "next_step"), _BAD, ids=[bad[0][:30] for bad in _BAD])
def test_a_mistake_is_told_with_its_line_and_what_to_write(
    lines: str, line: int, what: str, next_step: str
) -> None:
    error = _refusal(f"{_GOOD}{lines}\n".encode())
    assert error.what.startswith(f"tidy.yaml:{line}"), error.what
    assert what in error.what
    assert next_step in (error.next_step or "")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "tidy.yaml: the file is empty"),
        (b"# nothing but this\n", "tidy.yaml: the file is empty"),
        (b"[1, 2]", "tidy.yaml:1: a role is a table"),
        (b"just words", "tidy.yaml:1: a role is a table"),
        (b"name: x\ntitle: \xff\xfe", "tidy.yaml:2 is not UTF-8 text"),
        (_GOOD.encode("utf-16"), "tidy.yaml:1 is not UTF-8 text"),
        (b"name: \x01", "tidy.yaml is not YAML: control characters"),
        (b"x" * 100_001, "more than 100,000 bytes"),
        (b"name: x\ntitle: y\npurpose: z\n", "tidy.yaml:1: instructions is missing"),
        (_GOOD.replace("Tidies.", "''").encode(), "tidy.yaml:3: purpose is empty"),
        (_GOOD.replace("Tidy up.", "' '").encode(), "tidy.yaml:4: instructions is empty"),
        (_GOOD.replace("Tidy up.", "null").encode(), "tidy.yaml:4: instructions is missing"),
        (_GOOD.replace("tidy", "Ti_dy").encode(), "tidy.yaml:1: 'Ti_dy' is no name"),
        (_GOOD.replace("tidy", "9x").encode(), "tidy.yaml:1: '9x' is no name"),
        (_GOOD.replace("tidy", "tidier").encode(), "the role is called 'tidier' and its file 'tidy'"),
    ],
)
def test_a_file_that_is_no_role_is_refused(data: bytes, what: str) -> None:
    assert what in _refusal(data).what


def test_aliases_that_would_grow_without_bound_are_refused_before_they_grow() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 30)]
    assert "anchor or alias" in _refusal("\n".join(lines).encode()).what


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_role_or_refused_in_words(data: bytes) -> None:
    with suppress(SettingsError):
        assert parse_role(data, "tidy.yaml").name


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.yaml cannot be read"):
        read_role(tmp_path / "gone.yaml", "gone.yaml")


def _refusal(data: bytes) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        parse_role(data, "tidy.yaml", name="tidy")
    assert refused.value.next_step
    return refused.value
