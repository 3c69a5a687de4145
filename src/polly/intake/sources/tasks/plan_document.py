"""The packages of a plan that another tool wrote, whatever it calls their fields."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

import msgspec

from polly.errors import InputError
from polly.intake import json_text
from polly.intake.document import Document
from polly.intake.sources.markdown.fields import Effort, parse_effort, parse_severity
from polly.work.issues import Severity

#: A plan that people read is far smaller.
_MAX_CHARACTERS = 16 << 20
_MAX_PACKAGES = 5000
#: Nothing that a plan counts, adds up or times comes near.
_MAX_FIGURE = 1e15
#: The lists in which packages stand, the most telling name first.
LISTS = ("work_packages", "packages", "tasks", "subtasks", "work_items")
_ID_KEYS = ("package_id", "task_id", "id", "package", "task", "name", "key")
_TITLE_KEYS = ("title", "description", "summary", "name", "goal", "objective")
_ROLE_KEYS = ("polly_role", "role", "agent", "agent_type", "agent_name", "assignee", "owner", "assigned_to")
_SEVERITY_KEYS = ("severity", "priority")
_ISSUE_KEYS = ("issues_fixed", "issues", "issue_ids", "fixes", "findings", "issues_addressed")
_MODIFY_KEYS = ("files_to_modify", "files", "affected_files", "owned_files", "modify", "file", "path")
_CREATE_KEYS = (
    "files_to_create",
    "create",
    "creates",
    "new_files",
    "output_path",
    "output_file",
    "output_files",
)
_READ_KEYS = ("context_files", "reads", "input_files", "read_files")
_AFTER_KEYS = ("dependencies", "depends_on", "blocked_by", "after", "requires")
_STATUS_KEYS = ("status", "state")
_INNER = ("input_data", "inputs", "input", "params", "files")
_OWNERS_KEY = re.compile(r"owner", re.IGNORECASE)
_OWNS = re.compile(r"[_ -]?owns$", re.IGNORECASE)
_NOT_OWNERS = re.compile(r"total|count|conflict|unique|note", re.IGNORECASE)
#: A plan is a few levels deep; what lies deeper is not looked at.
_MAX_DEPTH = 12


class Text(NamedTuple):
    """A string of the document, with its key and place (a JSON pointer)."""

    key: str
    text: str
    place: str


class Number(NamedTuple):
    """A number of the document outside its packages, with its key and place."""

    key: str
    value: float
    place: str


class Detail(NamedTuple):
    """What a package says about one of its issues."""

    severity: Severity | None
    title: str
    problem: str
    suggestion: str
    place: str


class Package(NamedTuple):
    """A work package or task. Paths are as written; `effort` is in minutes."""

    id: str
    title: str
    place: str
    role: str = ""
    severity: Severity | None = None
    status: str = ""
    effort: Effort | None = None
    issues: tuple[str, ...] = ()
    details: Mapping[str, Detail] = {}
    modify: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def writes(self) -> tuple[str, ...]:
        """Every path that the package changes or makes."""
        return (*self.modify, *self.create)


class Owner(NamedTuple):
    """One line of the document's own list of owners."""

    path: str
    package: str
    place: str


class PlanDocument(NamedTuple):
    """A plan as it stands in the document, with everything else that it says as plain values."""

    name: str
    list_name: str
    packages: tuple[Package, ...]
    owners: tuple[Owner, ...]
    numbers: tuple[Number, ...]
    texts: tuple[Text, ...]

    def ref(self, place: str) -> str:
        """A place of the document for people and programs."""
        return f"{self.name}#{place}"


def is_plan(document: Document) -> bool:
    """True for a JSON object with a list of packages or tasks in which each has an id or title of its own."""
    if document.object_members is None or len(document.text) > _MAX_CHARACTERS:
        return False
    return _list_of(document.object_members) is not None


def parse(document: Document) -> PlanDocument:
    """The plan in a document. Raises InputError for one that is none, or is damaged."""
    members = document.object_members or {}
    list_name = _list_of(members) if is_plan(document) else None
    if list_name is None:
        raise InputError(
            f"{document.name} is no plan of work packages or tasks.",
            next_step=f"Looked for a list called {', '.join(LISTS)} of objects with an id and a title.",
        )
    try:
        anything = msgspec.json.Decoder(Any)
        whole: dict[str, Any] = {key: json_text.decode(raw, anything) for key, raw in members.items()}
    except msgspec.DecodeError as error:
        raise InputError(
            f"{document.name} is not a plan that Polly can read: {error}.",
            next_step="Have the tool write the file again.",
        ) from error
    listed: list[Any] = whole[list_name]
    if len(listed) > _MAX_PACKAGES:
        raise InputError(
            f"{document.name} is a plan of more than {_MAX_PACKAGES} packages.",
            next_step="Split it, for instance by phase.",
        )
    entries = [(number, each) for number, each in enumerate(listed) if isinstance(each, dict)]
    packages = tuple(_package(each, number, f"/{list_name}/{number}") for number, each in entries)
    owners: list[Owner] = []
    numbers: list[Number] = []
    texts: list[Text] = []
    for key, value in whole.items():
        if _OWNERS_KEY.search(key):
            owners += _owners(value, f"/{_escaped(key)}")
        for leaf_key, leaf, place in _leaves(key, value, f"/{_escaped(key)}", 0):
            if isinstance(leaf, str):
                texts.append(Text(leaf_key, leaf, place))
            elif key != list_name and _is_figure(leaf):
                numbers.append(Number(leaf_key, float(leaf), place))
    return PlanDocument(document.name, list_name, packages, tuple(owners), tuple(numbers), tuple(texts))


def _is_figure(value: object) -> TypeGuard[int | float]:
    """True for a number that can be a count, a sum or a duration."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MAX_FIGURE


def _list_of(members: Mapping[str, msgspec.Raw]) -> str | None:
    for name in LISTS:
        if name not in members:
            continue
        try:
            value = json_text.decode(members[name], msgspec.json.Decoder(list[Any]))
        except msgspec.DecodeError:
            continue
        if value and all(isinstance(each, dict) and _looks_like_package(each) for each in value):
            return name
    return None


def _looks_like_package(entry: Mapping[str, Any]) -> bool:
    return bool(_text(entry, _ID_KEYS)) and bool(_text(entry, _TITLE_KEYS) or _texts(entry, _ISSUE_KEYS))


def _package(entry: Mapping[str, Any], number: int, place: str) -> Package:
    files = entry.get("files")
    create = _paths(entry, _CREATE_KEYS)
    if isinstance(files, list):
        create += tuple(_path_of(each) for each in files if _is_new(each))
    modify = tuple(path for path in _paths(entry, _MODIFY_KEYS) if path not in create)
    reads = tuple(path for path in _paths(entry, _READ_KEYS) if path not in (*modify, *create))
    return Package(
        id=_text(entry, _ID_KEYS) or f"{number + 1}",
        title=_text(entry, _TITLE_KEYS),
        place=place,
        role=_text(entry, _ROLE_KEYS),
        severity=parse_severity(_text(entry, _SEVERITY_KEYS)),
        status=_text(entry, _STATUS_KEYS),
        effort=_effort(entry),
        issues=_texts(entry, _ISSUE_KEYS),
        details=_details(entry, place),
        modify=modify,
        create=create,
        reads=reads,
        after=_texts(entry, _AFTER_KEYS),
    )


def _details(entry: Mapping[str, Any], place: str) -> dict[str, Detail]:
    found: dict[str, Detail] = {}
    fixes = _fixes(entry)
    told = entry.get("issue_details")
    if isinstance(told, dict):
        for issue, each in told.items():
            if isinstance(each, dict):
                at = f"{place}/issue_details/{_escaped(issue)}"
                found[issue] = _detail(each, fixes.get(issue, ""), at)
    for key in _ISSUE_KEYS:
        listed: Any = entry.get(key)
        for number, each in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(each, dict) and (issue := _text(each, _ID_KEYS)):
                found.setdefault(issue, _detail(each, fixes.get(issue, ""), f"{place}/{key}/{number}"))
    return found


def _detail(entry: Mapping[str, Any], fix: str, place: str) -> Detail:
    return Detail(
        severity=parse_severity(_text(entry, _SEVERITY_KEYS)),
        title=_text(entry, _TITLE_KEYS),
        problem=_text(entry, ("impact", "problem", "details")),
        suggestion=fix or _text(entry, ("fix", "suggestion", "recommendation")),
        place=place,
    )


def _fixes(entry: Mapping[str, Any]) -> dict[str, str]:
    """What a package wants changed, by the issue whose id begins the id of the change (`C1-fix`)."""
    changes: Any = entry.get("key_changes")
    found: dict[str, str] = {}
    for each in changes if isinstance(changes, list) else []:
        if isinstance(each, dict) and (change := _text(each, ("change_id", "issue", "id"))):
            steps = [
                _text(each, ("description",)),
                *(f"- {step}" for step in _texts(each, ("specific_steps",))),
            ]
            found[change.removesuffix("-fix")] = "\n".join(filter(None, steps))
    return found


def _effort(entry: Mapping[str, Any]) -> Effort | None:
    for key, value in entry.items():
        name = key.casefold()
        if not any(word in name for word in ("hour", "minute", "effort", "duration", "estimate")):
            continue
        if isinstance(value, str) and (effort := parse_effort(value)):
            return effort
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**6:
            minutes = value if "minute" in name else value * 60 if "hour" in name else None
            return Effort(minutes, minutes) if minutes is not None else None
    return None


def _text(entry: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = entry.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool) and key in _ID_KEYS:
            return str(value)
    return ""


def _texts(entry: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    for key in keys:
        value = entry.get(key)
        if isinstance(value, list):
            named = (_text(each, _ID_KEYS) if isinstance(each, dict) else each for each in value)
            return tuple(str(each) for each in named if (isinstance(each, str) and each) or type(each) is int)
        if isinstance(value, str) and value.strip():
            return tuple(filter(None, (part.strip() for part in value.split(","))))
    return ()


def _paths(entry: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    """All paths under these keys, also one level further in."""
    found: dict[str, None] = {}
    for holder in (entry, *(inner for key in _INNER if isinstance(inner := entry.get(key), dict))):
        for key in keys:
            value = holder.get(key)
            for each in value if isinstance(value, list) else [value]:
                if path := _path_of(each):
                    found[path] = None
    return tuple(found)


def _path_of(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("path") or value.get("file")
    return value.strip() if isinstance(value, str) else ""


def _is_new(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("action") or value.get("change")).lower() in (
        "create",
        "new",
        "add",
    )


def _owners(value: Any, place: str) -> Iterator[Owner]:
    """`{"WP1_owns": [paths]}`, `{path: "WP1"}` and `[{"path", "package"}]` say the same."""
    if isinstance(value, dict):
        for key, each in value.items():
            here = f"{place}/{_escaped(key)}"
            if _NOT_OWNERS.search(key):
                continue
            if isinstance(each, list):
                yield from (Owner(path, _OWNS.sub("", key), here) for path in each if isinstance(path, str))
            elif isinstance(each, str) and ("/" in key or "." in key):
                yield Owner(key, each, here)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            if isinstance(each, dict) and (path := _path_of(each)):
                yield Owner(path, _text(each, ("package", "owner", "id")), f"{place}/{number}")


def _leaves(key: str, value: Any, place: str, depth: int) -> Iterator[tuple[str, Any, str]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from _leaves(inner_key, inner, f"{place}/{_escaped(inner_key)}", depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(key, inner, f"{place}/{number}", depth + 1)
    else:
        yield key, value, place


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
