"""What of an inventory can be planned: each open issue becomes a task with its files, or is left out."""

import itertools
import re
from collections.abc import Iterable

import msgspec

from polly.errors import InputError
from polly.planning.effort import Efforts, added
from polly.planning.paths import path_key, unsafe_reason
from polly.work.issues import Inventory, Issue, Severity, Warning
from polly.work.plan import EffortFrom, Unplanned


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An issue that can be planned. `keys` say what it touches; tasks that share one belong together.

    `place` counts the tasks of the inventory, worst first and then by id, whatever the order of the sources.
    """

    place: int
    issue: Issue
    modify: tuple[str, ...]
    create: tuple[str, ...]
    keys: tuple[str, ...]
    minutes: int
    effort_from: EffortFrom = EffortFrom()


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks in their order, and what was left out and why."""

    tasks: tuple[Task, ...]
    unplanned: tuple[Unplanned, ...]
    warnings: tuple[Warning, ...]


_DIGITS = re.compile(r"[0-9]+")


def natural_key(text: str) -> tuple[str, str]:
    """Sorts C2 before C10."""
    letters = text.rstrip("0123456789")
    if letters.isalpha():  # as most ids are; the same answer, sooner
        number = text[len(letters) :].lstrip("0")
        return (f"{letters}{len(number):09}{number}" if letters != text else text, text)
    return (_DIGITS.sub(_counted, text), text)


def _counted(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"{len(number):09}{number}"


def scope(inventory: Inventory, paths: frozenset[str], efforts: Efforts | None = None) -> Scope:
    """Every open issue as a task or as unplanned. Raises InputError when two issues have one id."""
    issues = sorted(inventory.issues, key=lambda issue: natural_key(issue.id))
    _refuse_equal_ids(issues)
    entrance = _Entrance(paths, efforts or Efforts({}), issues)
    planned: list[tuple[Issue, tuple[str, ...]]] = []
    unplanned: list[Unplanned] = []
    warnings: list[Warning] = []
    for issue in issues:
        if not issue.status.is_open:
            continue
        named = issue.paths
        reason = entrance.reason_to_leave_out(issue, named)
        if reason is not None:
            unplanned.append(Unplanned(issue=issue.id, reason=reason))
            continue
        planned.append((issue, named))
        missing = [path for path in named if path not in paths and path not in issue.creates]
        if missing:
            message = f"{issue.id} is planned without {', '.join(missing)}: not in the base commit"
            warnings.append(Warning(code="path_not_in_base", message=message, ref=issue.id))
    ranks = {severity: rank for rank, severity in enumerate(Severity)}
    planned.sort(key=lambda each: ranks[each[0].severity])  # stable: ids stay in order within a severity
    tasks = [entrance.task(place, issue, named) for place, (issue, named) in enumerate(planned)]
    return Scope(
        tasks=tuple(_with_parents(tasks)),
        unplanned=tuple(unplanned),
        warnings=(*warnings, *_estimated(tasks)),
    )


def _refuse_equal_ids(issues: list[Issue]) -> None:
    for one, next_one in itertools.pairwise(issues):
        if one.id == next_one.id:
            raise InputError(
                f'Two issues of the inventory have the id "{one.id}": "{one.title}" and "{next_one.title}".',
                next_step="Give each issue an id of its own.",
            )


class _Entrance:
    """Judges the issues of one inventory; what it learns about a path it remembers."""

    def __init__(self, paths: frozenset[str], efforts: Efforts, issues: Iterable[Issue]) -> None:
        self._paths = paths
        self._efforts = efforts
        self._folders = _folders(paths) if any(issue.creates for issue in issues) else frozenset()
        self._unsafe: dict[str, str | None] = {}
        self._keys: dict[str, str] = {}
        self._single: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def reason_to_leave_out(self, issue: Issue, named: tuple[str, ...]) -> str | None:
        if not named and not issue.creates:
            return "no_location"
        for path in (*named, *issue.creates):
            why = self._unsafe_reason(path)
            if why is not None:
                return f"unsafe_path: {path!r} {why}"
        for path in issue.creates:
            if "*" in path:
                return f"unsafe_path: {path!r} is a glob, and a source may only name single files"
            if path in self._folders or not self._paths.isdisjoint(_parents(path)):
                return f"unsafe_path: {path!r} would stand where a file and a folder meet"
        if not issue.creates and self._paths.isdisjoint(named):
            return f"file_not_in_base: {', '.join(named)}"
        return None

    def task(self, place: int, issue: Issue, named: tuple[str, ...]) -> Task:
        create: tuple[str, ...] = ()
        if issue.creates or len(named) > 1:
            modify = tuple(sorted({path for path in (*named, *issue.creates) if path in self._paths}))
            create = tuple(sorted({path for path in issue.creates if path not in self._paths}))
            keys = tuple(sorted({*map(self._key, modify), *map(self._key, create)}))
        else:
            modify, keys = self._of_one_file(named)
        estimate = self._efforts.of(issue, modify or create)
        return Task(
            place=place,
            issue=issue,
            modify=modify,
            create=create,
            keys=keys,
            minutes=estimate.minutes,
            effort_from=estimate.origin,
        )

    def _of_one_file(self, named: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Modify and keys of an issue in one file; the same tuples for all of its issues."""
        found = self._single.get(named[0])
        if found is None:
            found = self._single[named[0]] = (named, (self._key(named[0]),))
        return found

    def _unsafe_reason(self, path: str) -> str | None:
        if path not in self._unsafe:
            self._unsafe[path] = unsafe_reason(path)
        return self._unsafe[path]

    def _key(self, path: str) -> str:
        key = self._keys.get(path)
        if key is None:
            key = self._keys[path] = path_key(path)
        return key


def _estimated(tasks: list[Task]) -> list[Warning]:
    origin = added(task.effort_from for task in tasks)
    count = origin.kind_and_size + origin.history
    if not count:
        return []
    past = f", {origin.history} of them corrected by what earlier runs took" if origin.history else ""
    message = (
        f"{count} of {len(tasks)} issues name no usable effort; estimated by severity, kind of rule and size "
        f"of the files{past}"
    )
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
