"""What the model says and does, turn by turn: YAML files that are read anew for every request."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

#: How a prompt names its script. The last one in what the user said counts.
MARKER = re.compile(r"\[\[script:([A-Za-z0-9_.-]+)\]\]")


class ScriptError(Exception):
    """A script cannot be played; the message says which and why."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of one answer. `input` is what no cache had; each API adds them up in its own way."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replace the text `old`, which is whole lines and occurs once."""

    path: str
    old: str
    new: str


class Write(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    path: str
    text: str


class Subagent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another agent of the same program, which plays a script of its own and is waited for."""

    script: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool by its own name. Text as input makes it a call of a free-form tool."""

    name: str
    input: dict[str, Any] | str


class Action(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tool call. All but `tool` are told to each program in the words of its own tools."""

    read: str | None = None
    edit: Edit | None = None
    write: Write | None = None
    shell: str | None = None
    subagent: Subagent | None = None
    tool: ToolCall | None = None

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in self.__struct_fields__) != 1:
            raise ValueError("an action is exactly one of read, edit, write, shell, subagent and tool")


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HTTP error instead of the answer. times: how often, for each conversation; None is always."""

    status: int
    times: int | None = None
    retry_after_seconds: int | None = None


class Cut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The connection is closed in the middle of the answer. times: as in `Failure`."""

    times: int | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer: text, then tool calls, all of them at once.

    meet: the answer waits until so many conversations have come to a step that meets.
    hang: the answer begins and never ends.
    """

    text: str = ""
    actions: tuple[Action, ...] = ()
    usage: Usage | None = None
    delay_seconds: float = 0.0
    meet: int = 0
    error: Failure | None = None
    cut: Cut | None = None
    hang: bool = False


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The steps of one conversation.

    when: a pattern of prompts that name no script and mean this one.
    without_tools: for a program that offers no tools, whose requests are not to be taken for titles.
    """

    steps: tuple[Step, ...]
    when: str | None = None
    without_tools: bool = False


def load(folders: Sequence[Path], name: str) -> Script:
    """The script of this name in the first folder that has it."""
    for folder in folders:
        file = folder / f"{name}.yaml"
        if file.is_file():
            return _read(file)
    raise ScriptError(f"there is no script {name!r}")


def meant_by(folders: Sequence[Path], prompt: str) -> str | None:
    """The name of the script whose `when` is found in the prompt."""
    for folder in folders:
        for file in sorted(folder.glob("*.yaml")):
            when = _read(file).when
            if when is not None and re.search(when, prompt, re.MULTILINE):
                return file.stem
    return None


def save(folder: Path, name: str, script: Script) -> None:
    """Write the script where `load` finds it, as a whole: a server may be reading."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{name}.new"
    aside.write_bytes(msgspec.yaml.encode(script))
    aside.replace(folder / f"{name}.yaml")


def _read(file: Path) -> Script:
    try:
        return msgspec.yaml.decode(file.read_bytes(), type=Script)
    except msgspec.DecodeError as error:
        raise ScriptError(f"{file.name}: {error}") from error
