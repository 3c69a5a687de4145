"""Why a package is as it is: its issues, files and wave. Told from the plan, also from one edited by hand."""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from polly.errors import InputError
from polly.planning.paths import path_key
from polly.planning.scope import Task
from polly.planning.waves import components
from polly.work.issues import Inventory, Issue
from polly.work.plan import Coupling, EffortFrom, Ownership, Plan, Why, WorkPackage

#: Names listed in one sentence.
_NAMED = 5


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Issues of the package that hang together by their files, and by which."""

    issues: tuple[str, ...]
    reason: str


class OwnedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the package, and why it is its own."""

    path: str
    why: Why
    reason: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly plan --explain` answers about one package."""

    package: str
    title: str
    wave: int
    groups: tuple[Group, ...]
    together: str
    files: tuple[OwnedFile, ...]
    wave_reasons: tuple[str, ...]
    couplings: tuple[Coupling, ...]
    estimated_minutes: int
    effort_from: EffortFrom


def explain(plan: Plan, inventory: Inventory, package_id: str) -> Explanation:
    """The reasons for one package of the plan. Raises InputError when the plan has no such package."""
    package = _package(plan, package_id)
    by_id = {issue.id: issue for issue in inventory.issues}
    issues = [by_id[issue] for issue in package.issues if issue in by_id]
    groups = tuple(_groups(issues, package))
    return Explanation(
        package=package.id,
        title=package.title,
        wave=package.wave,
        groups=groups,
        together=_together(plan, package, groups),
        files=tuple(_files(plan, package, issues)),
        wave_reasons=tuple(_wave_reasons(plan, package)),
        couplings=tuple(each for each in plan.couplings if package.id in (each.package, each.on)),
        estimated_minutes=package.estimated_minutes,
        effort_from=package.effort_from,
    )


def _package(plan: Plan, package_id: str) -> WorkPackage:
    for package in plan.packages:
        if package.id.casefold() == package_id.casefold():
            return package
    known = ", ".join(package.id for package in plan.packages[:_NAMED])
    more = f" … ({len(plan.packages)} in all)" if len(plan.packages) > _NAMED else ""
    raise InputError(
        f"The plan has no package {package_id!r}.",
        next_step=f"Packages of this plan: {known}{more}." if known else "The plan has no package at all.",
    )


def _groups(issues: Sequence[Issue], package: WorkPackage) -> Iterator[Group]:
    owned = {path_key(path) for path in (*package.files.modify, *package.files.create)}
    tasks = []
    for place, issue in enumerate(issues):
        keys = {path_key(path) for path in (*issue.paths, *issue.creates)} & owned
        # An issue that a person moved here may have no file here: it then stands alone.
        keys = keys or {f"\0{issue.id}"}
        paths = tuple(path for path in issue.paths if path_key(path) in owned)
        tasks.append(
            Task(place=place, issue=issue, modify=paths, create=(), keys=tuple(sorted(keys)), minutes=0)
        )
    for part in components(tasks):
        yield Group(issues=tuple(task.issue.id for task in part), reason=_bond(part))


def _bond(part: Sequence[Task]) -> str:
    if len(part) == 1:
        files = part[0].modify or part[0].issue.creates
        return f"stands alone, in {_some(files)}" if files else "names no file of this package"
    times = Counter(path for task in part for path in (*task.modify, *task.issue.creates))
    shared = sorted(
        (path for path, count in times.items() if count > 1), key=lambda path: (-times[path], path)
    )
    if shared:
        return f"share {_some(shared)}"
    return "name files that are one file on some machines"


def _together(plan: Plan, package: WorkPackage, groups: Sequence[Group]) -> str:
    if len(groups) < 2:
        return "One file must have one owner, so issues that share a file are fixed by one agent."
    limit = plan.max_packages
    in_wave = len(plan.in_wave(package.wave))
    if limit is not None and in_wave >= limit:
        return (
            f"{len(groups)} independent groups were packed together: a wave has at most {_packages(limit)}, "
            "filled longest first, like next to like (role, then folder)."
        )
    return f"{len(groups)} independent groups are together since the plan was edited or carried on."


def _files(plan: Plan, package: WorkPackage, issues: Sequence[Issue]) -> Iterator[OwnedFile]:
    named: dict[str, list[str]] = {}
    for issue in issues:
        for path in dict.fromkeys((*issue.paths, *issue.creates)):
            named.setdefault(path, []).append(issue.id)
    for row in plan.ownership:
        if row.package == package.id:
            yield OwnedFile(path=row.path, why=row.why, reason=_file_reason(row, named.get(row.path, [])))


def _file_reason(row: Ownership, issues: Sequence[str]) -> str:
    if row.reason:
        return row.reason
    if not issues:
        return "no issue of this package names it; it was given to it by hand"
    verb = "is to be created by" if row.why is Why.CREATE else "is named by"
    return f"{verb} {_some(issues)}"


def _wave_reasons(plan: Plan, package: WorkPackage) -> Iterator[str]:
    own = {path_key(path) for path in (*package.files.modify, *package.files.create)}
    for needed_id in package.depends_on:
        needed = plan.package(needed_id)
        shared = [path for path in (*needed.files.modify, *needed.files.create) if path_key(path) in own]
        if shared:
            yield f"{needed_id} changes {_some(shared)} in wave {needed.wave}, and this package after it"
        for each in plan.couplings:
            if (each.package, each.on) == (package.id, needed_id):
                yield f"{needed_id} has to come first: {each.reason} (risk {each.risk:g})"
    for warning in plan.warnings:
        if warning.code == "hub_waits" and (
            warning.ref in package.issues or path_key(warning.ref or "") in own
        ):
            yield warning.message
    if package.wave == 1:
        yield "it needs nothing that another wave has to write first, so it starts at once"
    elif not package.depends_on:
        yield "no package of an earlier wave is needed; it was placed here by hand or to keep an earlier plan"


def _packages(number: int) -> str:
    return "1 package" if number == 1 else f"{number} packages"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
