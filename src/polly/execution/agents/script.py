"""The scripts of the `scripted` agent: YAML that a person wrote, checked whole before anything starts."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from polly.errors import InputError
from polly.execution.agents.options import nearest
from polly.execution.agents.playing import Step

#: a script is written by hand; YAML of this size is something else
MAX_SCRIPT_BYTES = 5_000_000
ONE_DAY_SECONDS = 86_400.0
MANUAL = "docs/reference/agents.md describes the script."


@dataclass(frozen=True, kw_only=True)
class Field:
    """One value of a step: its type as a reader would say it, and the types of Python."""

    kind: str
    types: tuple[type, ...]
    required: bool = True


TEXT = Field(kind="text", types=(str,))
SECONDS = Field(kind="a number of seconds", types=(int, float))
NUMBER = Field(kind="a whole number", types=(int,))

#: step -> its values; the first one may stand alone, as in `delete: path`
STEPS: dict[str, dict[str, Field]] = {
    "write": {"path": TEXT, "text": TEXT},
    "replace": {
        "path": TEXT,
        "old": TEXT,
        "new": TEXT,
        "all": Field(kind="true or false", types=(bool,), required=False),
    },
    "delete": {"path": TEXT},
    "patch": {"file": TEXT},
    "sleep": {"seconds": SECONDS},
    "print": {"text": TEXT, "times": Field(kind="a whole number", types=(int,), required=False)},
    "exit": {"code": NUMBER},
    "claim": {
        "issue": TEXT,
        "status": TEXT,
        "note": Field(kind="text", types=(str,), required=False),
    },
    "hang": {},
}
SECTIONS = ("packages", "issues", "default")


@dataclass(frozen=True, kw_only=True)
class ScriptStep:
    """A step for the player, and the attempts in which it is played (None: in all)."""

    step: Step
    attempts: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """Steps by package, by issue, and for packages that neither names."""

    packages: Mapping[str, tuple[ScriptStep, ...]]
    issues: Mapping[str, tuple[ScriptStep, ...]]
    default: tuple[ScriptStep, ...] = ()

    def steps(self, package: str, issues: tuple[str, ...], attempt: int) -> tuple[Step, ...]:
        """What is played: the package's steps, then those of its issues in their order, or the default."""
        named = [self.packages.get(package), *(self.issues.get(issue) for issue in issues)]
        found = [steps for steps in named if steps is not None] or [self.default]
        return tuple(
            each.step
            for steps in found
            for each in steps
            if each.attempts is None or attempt in each.attempts
        )


def read_script(file: Path) -> Script:
    """The script in the file. Raises InputError with the place of the first mistake."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"the script {file} cannot be read: {error.strerror}", next_step="Write `--agent scripted:FILE`."
        ) from error
    if len(data) > MAX_SCRIPT_BYTES:
        raise InputError(
            f"the script {file} is longer than {MAX_SCRIPT_BYTES // 1_000_000} MB", next_step=MANUAL
        )
    try:
        value = yaml.load(data, Loader=_StrictLoader)  # noqa: S506 # nosec B506 - derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(
            f"the script {file}{line} is not YAML: {error.problem}", next_step="Correct that line."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"the script {file} is not YAML: {error}", next_step=MANUAL) from error
    return _Reader(file).script(value)


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which plain YAML would drop one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        names = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in names:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Reader:
    """Turns the YAML of one file into a script, or says where it is wrong."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def script(self, value: Any) -> Script:
        if not isinstance(value, dict):
            raise self._wrong("", f"must be a table of {', '.join(SECTIONS)}")
        for name in value:
            if name not in SECTIONS:
                raise self._wrong("", f"unknown section {name!r}", nearest(str(name), SECTIONS, "Sections"))
        return Script(
            packages=self._table("packages", value.get("packages")),
            issues=self._table("issues", value.get("issues")),
            default=self._steps("default", value.get("default")),
        )

    def _table(self, place: str, value: Any) -> dict[str, tuple[ScriptStep, ...]]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(place, "must be a table of ids, each with its list of steps")
        for key in value:
            if not isinstance(key, str):
                raise self._wrong(place, f"the id {key!r} is not text", "Put it in quotes.")
        return {key: self._steps(f"{place}.{key}", steps) for key, steps in value.items()}

    def _steps(self, place: str, value: Any) -> tuple[ScriptStep, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(place, "must be a list of steps", "Begin each step with `- `.")
        return tuple(self._step(f"{place}, step {number}", step) for number, step in enumerate(value, 1))

    def _step(self, place: str, value: Any) -> ScriptStep:
        if value == "hang":
            value = {"hang": None}
        if not isinstance(value, dict):
            raise self._wrong(place, f"{value!r} is not a step", f"Steps: {', '.join(STEPS)}.")
        verbs = [name for name in value if name != "attempts"]
        if len(verbs) != 1:
            raise self._wrong(
                place, f"has {len(verbs)} actions instead of one", "Begin each with its own `- `."
            )
        verb = verbs[0]
        if verb not in STEPS:
            raise self._wrong(place, f"unknown step {verb!r}", nearest(str(verb), STEPS, "Steps"))
        given = self._values(f"{place} ({verb})", STEPS[verb], value[verb])
        self._check(f"{place} ({verb})", given)
        return ScriptStep(
            step={"do": verb, **given},
            attempts=self._attempts(place, value.get("attempts")) if "attempts" in value else None,
        )

    def _values(self, place: str, fields: Mapping[str, Field], value: Any) -> dict[str, Any]:
        if not fields:
            if value not in (None, True):
                raise self._wrong(place, "takes no value")
            return {}
        given = value if isinstance(value, dict) else {next(iter(fields)): value}
        for name in given:
            if name not in fields:
                raise self._wrong(place, f"unknown value {name!r}", nearest(str(name), fields, "Values"))
        for name, field in fields.items():
            if name not in given and field.required:
                raise self._wrong(place, f"{name!r} is missing")
            if name in given and not _fits(given[name], field):
                quotes = "Put it in quotes." if field is TEXT else None
                raise self._wrong(place, f"{name!r} must be {field.kind}, not {given[name]!r}", quotes)
        return dict(given)

    def _check(self, place: str, given: dict[str, Any]) -> None:
        """What types do not say. A patch is looked for beside the script."""
        if "path" in given and _leaves(given["path"]):
            raise self._wrong(place, f"{given['path']!r} is not a path inside the workspace")
        if "old" in given and not given["old"]:
            raise self._wrong(place, "'old' is empty")
        if not 0 <= given.get("seconds", 0) <= ONE_DAY_SECONDS:
            raise self._wrong(
                place, f"{given['seconds']} is no time to wait", "Take 0 to 86400 seconds, or `hang`."
            )
        if not 0 <= given.get("code", 0) <= 255:
            raise self._wrong(place, f"{given['code']} is no exit status", "Take 0 to 255.")
        if "file" in given:
            patch = (self._file.parent / given["file"]).absolute()
            if not patch.is_file():
                raise self._wrong(place, f"there is no patch {patch}")
            given["file"] = str(patch)

    def _attempts(self, place: str, value: Any) -> tuple[int, ...]:
        numbers = value if isinstance(value, list) else [value]
        if not numbers or not all(type(number) is int and number >= 1 for number in numbers):
            raise self._wrong(place, "'attempts' must be a number from 1, or a list of such numbers")
        return tuple(numbers)

    def _wrong(self, place: str, what: str, next_step: str | None = None) -> InputError:
        where = f"{self._file.name}: {place}: " if place else f"{self._file.name}: "
        return InputError(
            where + what, next_step=next_step or "docs/reference/agents.md describes the script."
        )


def _fits(value: Any, field: Field) -> bool:
    # To Python true is a number; to a reader it is not.
    return isinstance(value, field.types) and (bool in field.types or not isinstance(value, bool))


def _leaves(path: str) -> bool:
    plain = PurePosixPath(path)
    outside = plain.is_absolute() or ".." in plain.parts or PureWindowsPath(path).drive or "\0" in path
    return bool(outside) or not plain.parts
