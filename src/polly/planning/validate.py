"""What makes a plan unusable. Each problem names every place that takes part in it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from polly.planning.globs import globs_overlap
from polly.planning.paths import path_key, unsafe_reason
from polly.work.issues import Inventory
from polly.work.plan import Files, Plan, Why, WorkPackage, glob_matches

#: Ids name folders, patch files and branches, so they must be plain words.
_PACKAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")


class _Claim(NamedTuple):
    """One entry of a package's files, with its place in the document."""

    package: WorkPackage
    path: str
    is_new: bool
    place: str

    @property
    def is_glob(self) -> bool:
        return self.is_new and "*" in self.path

    def __str__(self) -> str:
        return f"{self.package.id} ({self.place})"


def problems(plan: Plan, *, inventory: Inventory | None, paths: frozenset[str] | None) -> Iterator[str]:
    """All problems of the plan, in the order of the document. None means that it can be run."""
    claims = [claim for place, package in enumerate(plan.packages) for claim in _claims(place, package)]
    if not _COMMIT.fullmatch(plan.base_commit):
        yield f"base_commit: {plan.base_commit!r} is not a commit id"
    if plan.forecast.agents < 1:
        yield f"forecast.agents: {plan.forecast.agents}, and it takes at least 1"
    yield from _package_problems(plan)
    yield from _issue_problems(plan, inventory)
    for claim in claims:
        why = unsafe_reason(claim.path)
        if why is not None:
            yield f"{claim.path!r} of {claim} {why}"
    yield from _overlaps(claims)
    if paths is not None:
        yield from _not_in_base(claims, paths)
    yield from _dependency_problems(plan)
    yield from _matrix_problems(plan, claims)
    yield from _coupling_problems(plan)


def _claims(place: int, package: WorkPackage) -> Iterator[_Claim]:
    for kind, owned in (("modify", package.files.modify), ("create", package.files.create)):
        for number, path in enumerate(owned):
            yield _Claim(package, path, kind == "create", f"packages[{place}].files.{kind}[{number}]")


def _package_problems(plan: Plan) -> Iterator[str]:
    seen: dict[str, int] = {}
    for place, package in enumerate(plan.packages):
        here = f"packages[{place}]"
        if not _PACKAGE_ID.fullmatch(package.id):
            yield f"{here}.id: {package.id!r} must be letters, digits, '-' and '_', at most 64"
        first = seen.setdefault(package.id.casefold(), place)
        if first != place:
            yield f"{here}.id: {package.id!r} is also the id of packages[{first}]"
        if package.wave < 1:
            yield f"{here}.wave: {package.id} is in wave {package.wave}, and waves count from 1"
        if package.estimated_minutes < 0:
            yield f"{here}.estimated_minutes: {package.id} takes {package.estimated_minutes} minutes"
        if not package.issues:
            yield f"{here}.issues: {package.id} has no issue to fix"
        if package.files == Files():
            yield f"{here}.files: {package.id} owns no file"


def _issue_problems(plan: Plan, inventory: Inventory | None) -> Iterator[str]:
    places = _places_of_issues(plan)
    for issue, named in places.items():
        if len(named) > 1:
            yield f"issue {issue} is in {' and in '.join(named)}"
    if inventory is None:
        return
    known = {issue.id for issue in inventory.issues}
    for issue, named in places.items():
        if issue not in known:
            yield f"issue {issue} in {named[0]} is not in the inventory"
    for found in inventory.issues:
        if found.status.is_open and found.id not in places:
            yield f"issue {found.id} is open, and neither in a package nor in unplanned"


def _places_of_issues(plan: Plan) -> dict[str, list[str]]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for number, package in enumerate(plan.packages):
        for place, issue in enumerate(package.issues):
            places[issue].append(f"{package.id} (packages[{number}].issues[{place}])")
    for place, left_out in enumerate(plan.unplanned):
        places[left_out.issue].append(f"unplanned[{place}]")
    return places


def _overlaps(claims: list[_Claim]) -> Iterator[str]:
    """Two claims of one wave that could mean the same file on some machine."""
    waves: defaultdict[int, list[_Claim]] = defaultdict(list)
    for claim in claims:
        waves[claim.package.wave].append(claim)
    for wave in sorted(waves):
        plain: dict[str, _Claim] = {}
        globs: list[_Claim] = []
        for claim in waves[wave]:
            if claim.is_glob:
                globs.append(claim)
                continue
            first = plain.setdefault(path_key(claim.path), claim)
            if first is not claim:
                yield from _shared(first, claim)
        yield from _folder_overlaps(plain)
        yield from _glob_overlaps(globs, plain)


def _shared(first: _Claim, second: _Claim) -> Iterator[str]:
    same_package = first.package is second.package
    if same_package and first.path != second.path:
        return  # case twins in one package are its own business
    twins = "" if first.path == second.path else f" (the same file as {second.path!r} on some machines)"
    if same_package:
        yield f"{first.path!r} is named twice in {first} and {second}"
    else:
        yield f"wave {first.package.wave}: {first.path!r}{twins} is owned by {first} and by {second}"


def _folder_overlaps(plain: dict[str, _Claim]) -> Iterator[str]:
    for key, claim in plain.items():
        for place, letter in enumerate(key):
            above = plain.get(key[:place]) if letter == "/" else None
            if above is not None and above.package is not claim.package:
                yield f"{claim.path!r} of {claim} lies below the file {above.path!r} of {above}"


def _glob_overlaps(globs: list[_Claim], plain: dict[str, _Claim]) -> Iterator[str]:
    for number, glob in enumerate(globs):
        pattern = path_key(glob.path)
        for key, claim in plain.items():
            if claim.package is not glob.package and glob_matches(pattern, key):
                yield f"{glob.path!r} of {glob} matches {claim.path!r} of {claim}"
        for other in globs[:number]:
            if other.package is not glob.package and globs_overlap(pattern, path_key(other.path)):
                yield f"{glob.path!r} of {glob} and {other.path!r} of {other} can match one path"


def _not_in_base(claims: list[_Claim], paths: frozenset[str]) -> Iterator[str]:
    creations = [claim for claim in claims if claim.is_new]
    for claim in claims:
        if claim.is_new:
            if claim.path in paths:
                yield f"{claim.path!r} of {claim} exists at the base commit; list it under modify"
        elif claim.path not in paths and not any(
            made.package.wave < claim.package.wave and Files(create=(made.path,)).owns(claim.path)
            for made in creations
        ):
            yield f"{claim.path!r} of {claim} is not in the base commit"


def _dependency_problems(plan: Plan) -> Iterator[str]:
    waves = {package.id: package.wave for package in plan.packages}
    for number, package in enumerate(plan.packages):
        for place, needed in enumerate(package.depends_on):
            here = f"packages[{number}].depends_on[{place}]"
            if needed not in waves:
                yield f"{here}: {package.id} depends on {needed!r}, which is no package of this plan"
            elif waves[needed] >= package.wave:
                yield (
                    f"{here}: {package.id} (wave {package.wave}) depends on {needed} (wave {waves[needed]}), "
                    "which does not end before it starts"
                )


def _matrix_problems(plan: Plan, claims: list[_Claim]) -> Iterator[str]:
    """The rows of the matrix and the files of the packages must say the same."""
    owned = {(claim.path, claim.package.wave, claim.package.id): claim for claim in claims}
    rows = Counter((row.path, row.wave, row.package) for row in plan.ownership)
    for place, row in enumerate(plan.ownership):
        here = f"ownership[{place}]"
        claim = owned.get((row.path, row.wave, row.package))
        if claim is None:
            yield f"{here} gives {row.path!r} in wave {row.wave} to {row.package}, whose files do not name it"
        elif claim.is_new != (row.why is Why.CREATE):
            yield f"{here} says {row.why.value!r} for {row.path!r}, and {claim} says otherwise"
    for (path, wave, package), count in rows.items():
        if count > 1:
            yield f"ownership has {count} rows for {path!r} in wave {wave} and {package}"
    for key, claim in owned.items():
        if key not in rows:
            yield f"{claim} names {claim.path!r}, and ownership has no such row in wave {claim.package.wave}"


def _coupling_problems(plan: Plan) -> Iterator[str]:
    known = {package.id for package in plan.packages}
    for place, each in enumerate(plan.couplings):
        for field, package in (("package", each.package), ("on", each.on)):
            if package not in known:
                yield f"couplings[{place}].{field}: {package!r} is no package of this plan"
        if not 0 <= each.risk <= 1:
            yield f"couplings[{place}].risk: {each.risk:g}, and a risk lies between 0 and 1"
