"""A role file, format "role_version 1": read with every mistake told at its line, and written."""

import difflib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from polly.errors import SettingsError
from polly.routing.plain_yaml import PlainYaml, read_plain_yaml
from polly.work.plan import GateCommand
from polly.work.routing import Role

ROLE_VERSION = 1
MANUAL = "docs/reference/roles.md describes the file."

#: Bytes; twenty times the longest role that ships. What is longer is another file.
MOST_BYTES = 100_000

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
_REQUIRED = ("name", "title", "purpose", "instructions")
_LISTS_OF_TEXTS = ("aliases", "triggers", "hints", "capabilities", "file_patterns", "languages", "rules")

#: What msgspec calls by the names of Python and JSON, in the words of YAML.
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}


class _Problem(NamedTuple):
    path: str
    what: str
    next_step: str = MANUAL


def read_role(file: Path, shown: str) -> Role:
    """The role in a file, which must have the role's name. `shown` is what messages call the file.

    Raises SettingsError naming file, line, what is wrong and what to write.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            f"{shown} cannot be read: {error.strerror}.",
            next_step="Make it a file that you may read, or move it away.",
        ) from error
    return parse_role(data, shown, name=file.stem)


def parse_role(data: bytes, shown: str, *, name: str | None = None) -> Role:
    """The role that these bytes define; `name` is the one that it must have. Raises SettingsError."""
    plain = read_plain_yaml(data, shown, most_bytes=MOST_BYTES, error=SettingsError)
    _refuse(shown, plain, _form(plain.value))
    try:
        role = msgspec.convert(plain.value, Role)
    except msgspec.ValidationError as error:
        _refuse(shown, plain, iter([_wrong_kind(str(error))]))
        raise
    _refuse(shown, plain, _content(role, name))
    return role


def dump_role(role: Role) -> str:
    """The role as a YAML file that reads back as the same role; what has its default is left out."""
    plain = msgspec.to_builtins(role)
    kept = {
        field.name: plain[field.name]
        for field in msgspec.structs.fields(role)
        if field.name in ("role_version", *_REQUIRED) or getattr(role, field.name) != _default(field)
    }
    order = ["role_version", "name", "title", "purpose"]
    order += [key for key in kept if key not in (*order, "instructions")]
    return yaml.dump(
        {key: kept[key] for key in [*order, "instructions"]},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def role_schema() -> dict[str, Any]:
    """The JSON Schema of a role file, made from the record; what only reading can check is not in it."""
    schema = msgspec.json.schema(Role)
    record = schema["$defs"]["Role"]
    record["properties"]["role_version"] = {"const": ROLE_VERSION, "default": ROLE_VERSION}
    record["properties"]["name"]["pattern"] = f"^{_NAME.pattern}$"
    for key in _REQUIRED:
        record["properties"][key]["pattern"] = record["properties"][key].get("pattern", r"\S")
    schema["$defs"]["GateCommand"]["additionalProperties"] = False
    for each in schema["$defs"].values():
        each["description"] = " ".join(each["description"].split())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Role", **schema}


def _refuse(shown: str, plain: PlainYaml, problems: Iterator[_Problem]) -> None:
    for path, what, next_step in problems:
        line = plain.lines.get(path) or plain.lines["$"]
        raise SettingsError(f"{shown}:{line}: {what}.", next_step=next_step)


def _form(value: Any) -> Iterator[_Problem]:
    """Is it a table with the keys of a role, of this version?"""
    if not isinstance(value, dict):
        yield _Problem("$", "a role is a table of `key: value` lines, and this is not")
        return
    yield from _unknown(value, Role.__struct_fields__, "$")
    gates = value.get("gates")
    for index, gate in enumerate(gates if isinstance(gates, list) else ()):
        if isinstance(gate, dict):
            yield from _unknown(gate, GateCommand.__struct_fields__, f"$.gates[{index}]")
    translations = value.get("translations")
    if isinstance(translations, dict):
        yield from _translations(translations)
    version = value.get("role_version", ROLE_VERSION)
    if version != ROLE_VERSION or isinstance(version, bool):
        yield _Problem(
            "$.role_version",
            f"role_version is {version!r}, and this Polly reads {ROLE_VERSION}",
            f"Write `role_version: {ROLE_VERSION}`, or use the Polly that it was written for.",
        )
    for key in _REQUIRED:
        if value.get(key) is None:
            yield _Problem(f"$.{key}", f"{key} is missing", f"Write `{key}: …`. {MANUAL}")


def _translations(table: dict[str, Any]) -> Iterator[_Problem]:
    for language, phrases in table.items():
        path = f"$.translations.{language}"
        if not _LANGUAGE.fullmatch(language):
            yield _Problem(path, f"translations: {language!r} is no language", "Such as `de` or `pt-BR`.")
        if not isinstance(phrases, list):
            yield _Problem(path, f"translations.{language} must be a list", f"Write `{language}: [ … ]`.")
            continue
        for index, phrase in enumerate(phrases):
            if not (isinstance(phrase, str) and phrase.strip()):
                what = f"translations.{language}[{index}] must be a text that is not empty"
                yield _Problem(f"{path}[{index}]", what, "Put it in quotes, or remove it.")


def _unknown(table: dict[str, Any], known: tuple[str, ...], path: str) -> Iterator[_Problem]:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key.casefold(), known, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known keys here: {', '.join(known)}."
            yield _Problem(f"{path}.{key}", f"unknown key {key!r}", hint)


def _wrong_kind(message: str) -> _Problem:
    """What msgspec says ("Expected `str`, got `int` - at `$.triggers[2]`") in plain words."""
    path = found[1] if (found := re.search(r" - at `(.+)`$", message)) else "$"
    path = path.removeprefix("key in ")
    key = path.removeprefix("$.")
    if missing := re.search(r"missing required field `(.+?)`", message):
        return _Problem(path, f"{key}: {missing[1]} is missing")
    kinds = re.match(r"Expected `(.+?)`, got `(.+?)`", message)
    if not kinds:
        return _Problem(path, f"{key}: {message.partition(' - at')[0]}")
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds[1].split(" | ") if kind != "null")
    got = _KINDS.get(kinds[2], kinds[2])
    hint = (
        "Put it in quotes." if kinds[1].startswith("str") and kinds[2] in ("int", "float", "bool") else MANUAL
    )
    if kinds[1] == "array" and kinds[2] == "str":
        hint = f"Write `{key}: [ … ]`, or each entry on a line of its own after `- `."
    return _Problem(path, f"{key} must be {wanted}, and is {got}", hint)


def _content(role: Role, name: str | None) -> Iterator[_Problem]:
    yield from _names(role, name)
    for key in _REQUIRED:
        if not getattr(role, key).strip():
            yield _Problem(f"$.{key}", f"{key} is empty", f"Write `{key}: …`. {MANUAL}")
    if not role.domain.strip():
        yield _Problem("$.domain", "domain is empty", "Write one word, or leave the key out.")
    if role.agent is not None and not role.agent.strip():
        yield _Problem("$.agent", "agent is empty", "Name an agent as `--agent` does, or leave the key out.")
    for key in _LISTS_OF_TEXTS:
        for index, text in enumerate(getattr(role, key)):
            if not text.strip():
                yield _Problem(f"$.{key}[{index}]", f"{key}: an entry is empty", "Remove it.")
    yield from _globs(role)
    for index, gate in enumerate(role.gates):
        yield from _gate(gate, f"$.gates[{index}]")


def _names(role: Role, name: str | None) -> Iterator[_Problem]:
    shape = "a name begins with a letter from a to z and has only such letters, digits and hyphens"
    if not _NAME.fullmatch(role.name):
        yield _Problem("$.name", f"{role.name!r} is no name: {shape}", "Such as `name: api-architect`.")
    if name is not None and role.name != name:
        yield _Problem(
            "$.name",
            f"the role is called {role.name!r} and its file {name!r}",
            f"Rename the file to {role.name}.yaml, or write `name: {name}`.",
        )
    for index, alias in enumerate(role.aliases):
        if not _NAME.fullmatch(alias):
            yield _Problem(f"$.aliases[{index}]", f"{alias!r} is no name: {shape}")
        if alias == role.name:
            yield _Problem(
                f"$.aliases[{index}]", f"the role is called {alias!r} already", "Remove the alias."
            )


def _globs(role: Role) -> Iterator[_Problem]:
    for index, glob in enumerate(role.file_patterns):
        parts = glob.split("/")
        if "\\" in glob or parts[0] == "" or ".." in parts or re.match(r"[A-Za-z]:", glob):
            yield _Problem(
                f"$.file_patterns[{index}]",
                f"{glob!r} is no pattern of paths inside the repository",
                "Write it from the root of the repository with `/`, such as `**/migrations/**`.",
            )
        elif re.search(r"[?{}]", glob):
            yield _Problem(
                f"$.file_patterns[{index}]",
                f"{glob!r}: only `*` and `**` stand for other characters",
                "Write one pattern for each case.",
            )
    for index, rule in enumerate(role.rules):
        tool, colon, rest = rule.partition(":")
        if not (tool.strip() and colon and rest.strip()):
            yield _Problem(
                f"$.rules[{index}]", f"{rule!r} is no `tool:rule`", "Such as `ruff:S*` or `bandit:*`."
            )


def _gate(gate: GateCommand, path: str) -> Iterator[_Problem]:
    program = gate.command if isinstance(gate.command, str) else "".join(gate.command[:1])
    if not program.strip():
        yield _Problem(
            f"{path}.command",
            "the command of the gate is empty, so there is nothing to run",
            "Name a program, such as `command: make test`.",
        )
    if not (math.isfinite(gate.timeout_seconds) and gate.timeout_seconds > 0):
        yield _Problem(f"{path}.timeout_seconds", "timeout_seconds must be more than 0")


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - a role file has none
        return True


#: What does not look like what it is on a line of its own: control characters, foreign line ends.
_ODD = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\U0010ffff]")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _ODD.search(text) else "|" if "\n" in text and text.strip() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
