"""The claims of a plan document that another tool wrote."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from polly.checking import crossing
from polly.checking.claims import Claim, Outcome, outcome_of
from polly.checking.history import History
from polly.intake.paths import resolve
from polly.intake.sources.tasks.plan_document import Package, PlanDocument
from polly.intake.sources.tasks.recount import recounted


def claims(
    plan: PlanDocument, *, paths: frozenset[str], history: History, root: Path
) -> tuple[dict[str, int], tuple[Claim, ...]]:
    """What the plan is about, in figures, and its claims."""
    written = [path for package in plan.packages for path in (*package.writes, *package.reads)]
    resolved = resolve(written, root=root, known=paths).paths
    found = (*_recounted(plan), *_files(plan, resolved, paths), *_crossings(plan, resolved, paths, history))
    subject = {
        f"{plan.list_name}": len(plan.packages),
        "issues": len({issue for package in plan.packages for issue in package.issues}),
        "dependencies": sum(len(package.after) for package in plan.packages),
        "files": len({path for package in plan.packages for path in package.writes}),
    }
    return subject, found


def _recounted(plan: PlanDocument) -> Iterator[Claim]:
    for each in recounted(plan):
        yield Claim(
            kind=each.kind,
            place=plan.ref(each.place),
            says=each.says,
            outcome=outcome_of(each.agrees),
            evidence=each.found,
            places=tuple(plan.ref(place) for place in each.places),
        )


def _files(plan: PlanDocument, resolved: Mapping[str, str | None], paths: frozenset[str]) -> Iterator[Claim]:
    """Files to change exist; whether files to make have been made, the plan cannot claim."""
    made = {path for package in plan.packages for path in package.create}
    for package in plan.packages:
        for path in package.writes:
            yield _file(plan, package, path, resolved.get(path), paths, is_new=path in made)


def _file(
    plan: PlanDocument,
    package: Package,
    path: str,
    known: str | None,
    paths: frozenset[str],
    *,
    is_new: bool,
) -> Claim:
    exists = known is not None and known in paths
    if is_new:
        outcome, evidence = Outcome.UNKNOWN, "it exists at HEAD" if exists else "it does not exist at HEAD"
    elif known is None:
        outcome, evidence = Outcome.UNKNOWN, "it is a path of another machine, or outside the repository"
    else:
        outcome = Outcome.HOLDS if exists else Outcome.FAILS
        evidence = "it exists at HEAD" if exists else "no such file at HEAD"
    verb = "makes" if is_new else "changes the file"
    return Claim(
        kind="file",
        place=plan.ref(package.place),
        says=f"{package.id} {verb} {path}",
        outcome=outcome,
        evidence=evidence,
    )


def _crossings(
    plan: PlanDocument, resolved: Mapping[str, str | None], paths: frozenset[str], history: History
) -> Iterator[Claim]:
    """Commits of the branch that name a package of the plan change that package's files only."""
    named = {package.id: package for package in plan.packages if crossing.is_numbered(package.id)}
    if not any(path in paths for path in resolved.values() if path):
        return  # a plan for another repository; what names WP1 here means another package
    owned = {
        name: tuple(path for each in package.writes if (path := resolved.get(each)))
        for name, package in named.items()
    }
    places = {name: plan.ref(package.place) for name, package in named.items()}
    yield from crossing.claims(history.naming(named), owned, places)
