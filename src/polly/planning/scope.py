"""What of an inventory can be planned: each open issue becomes a task with its files, or is left out."""

import itertools
import re
from collections.abc import Iterable

import msgspec

from polly.errors import InputError
from polly.planning.paths import path_key, unsafe_reason
from polly.work.issues import Inventory, Issue, Severity, Warning
from polly.work.plan import Unplanned

#: Minutes of agent time for an issue whose source names no effort.
DEFAULT_MINUTES = {Severity.CRITICAL: 60, Severity.MAJOR: 30, Severity.MINOR: 15, Severity.NITPICK: 5}

#: An effort above this (ten weeks) is a slip of the source and would hide every other package.
MAX_EFFORT_MINUTES = 100_000


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """An issue that can be planned. `keys` say what it touches; tasks that share one belong together.

    `place` counts the tasks of the inventory, worst first and then by id, whatever the order of the sources.
    """

    place: int
    issue: Issue
    modify: tuple[str, ...]
    create: tuple[str, ...]
    keys: tuple[str, ...]
    minutes: int


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks in their order, and what was left out and why."""

    tasks: tuple[Task, ...]
    unplanned: tuple[Unplanned, ...]
    warnings: tuple[Warning, ...]


def natural_key(text: str) -> tuple[object, ...]:
    """Sorts C2 before C10."""
    parts = re.split(r"([0-9]+)", text)
    for number in range(1, len(parts), 2):
        digits = parts[number].lstrip("0")
        parts[number] = f"{len(digits):09}{digits}"
    return (tuple(parts), text)


def scope(inventory: Inventory, paths: frozenset[str]) -> Scope:
    """Every open issue as a task or as unplanned. Raises InputError when two issues have one id."""
    issues = sorted(inventory.issues, key=lambda issue: natural_key(issue.id))
    _refuse_equal_ids(issues)
    planned: list[Issue] = []
    unplanned: list[Unplanned] = []
    warnings: list[Warning] = []
    folders = _folders(paths) if any(issue.creates for issue in issues) else frozenset()
    for issue in issues:
        if not issue.status.is_open:
            continue
        reason = _reason_to_leave_out(issue, paths, folders)
        if reason is not None:
            unplanned.append(Unplanned(issue=issue.id, reason=reason))
            continue
        planned.append(issue)
        missing = [path for path in issue.paths if path not in paths and path not in issue.creates]
        if missing:
            message = f"{issue.id} is planned without {', '.join(missing)}: not in the base commit"
            warnings.append(Warning(code="path_not_in_base", message=message, ref=issue.id))
    planned.sort(key=lambda issue: issue.severity.rank)  # stable: the order of ids stays within a severity
    tasks = [_task(place, issue, paths) for place, issue in enumerate(planned)]
    return Scope(
        tasks=tuple(_with_parents(tasks)),
        unplanned=tuple(unplanned),
        warnings=(*warnings, *_default_efforts(tasks)),
    )


def _refuse_equal_ids(issues: list[Issue]) -> None:
    for one, next_one in itertools.pairwise(issues):
        if one.id == next_one.id:
            raise InputError(
                f'Two issues of the inventory have the id "{one.id}": "{one.title}" and "{next_one.title}".',
                next_step="Give each issue an id of its own.",
            )


def _reason_to_leave_out(issue: Issue, paths: frozenset[str], folders: frozenset[str]) -> str | None:
    named = (*issue.paths, *issue.creates)
    if not named:
        return "no_location"
    for path in named:
        why = unsafe_reason(path)
        if why is not None:
            return f"unsafe_path: {path!r} {why}"
    for path in issue.creates:
        if "*" in path:
            return f"unsafe_path: {path!r} is a glob, and a source may only name single files"
        if path in folders or not paths.isdisjoint(_parents(path)):
            return f"unsafe_path: {path!r} would stand where a file and a folder meet"
    if not issue.creates and paths.isdisjoint(issue.paths):
        return f"file_not_in_base: {', '.join(issue.paths)}"
    return None


def _task(place: int, issue: Issue, paths: frozenset[str]) -> Task:
    modify = tuple(sorted({path for path in (*issue.paths, *issue.creates) if path in paths}))
    create = tuple(sorted({path for path in issue.creates if path not in paths}))
    return Task(
        place=place,
        issue=issue,
        modify=modify,
        create=create,
        keys=tuple(sorted({path_key(path) for path in (*modify, *create)})),
        minutes=_effort(issue) or DEFAULT_MINUTES[issue.severity],
    )


def _effort(issue: Issue) -> int | None:
    minutes = issue.effort_minutes
    return minutes if minutes is not None and 0 < minutes <= MAX_EFFORT_MINUTES else None


def _default_efforts(tasks: list[Task]) -> list[Warning]:
    count = sum(_effort(task.issue) is None for task in tasks)
    if not count:
        return []
    defaults = ", ".join(f"{severity.value} {minutes}" for severity, minutes in DEFAULT_MINUTES.items())
    message = f"{count} of {len(tasks)} issues name no usable effort; assumed minutes: {defaults}"
    return [Warning(code="default_effort", message=message)]


def _with_parents(tasks: list[Task]) -> list[Task]:
    """A file to create at a place that another issue makes a folder: the two must meet in one package."""
    created = {path_key(path) for task in tasks for path in task.create}
    result = []
    for task in tasks:
        above = {parent for path in task.create for parent in _parents(path_key(path))} & created
        result.append(
            msgspec.structs.replace(task, keys=tuple(sorted({*task.keys, *above}))) if above else task
        )
    return result


def _parents(path: str) -> list[str]:
    return [path[:place] for place, letter in enumerate(path) if letter == "/"]


def _folders(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(parent for path in paths for parent in _parents(path))
