"""Earlier runs of the repository, as far as a comparison of rounds needs them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from polly.errors import RepositoryError, RunError
from polly.intake.rounds import ROUNDS_IN_VAIN, Past, Round
from polly.pipeline.project import Project
from polly.pipeline.runs import RunView, find_run, view_run
from polly.work.issues import Warning
from polly.work.rounds import Recurring
from polly.work.run import Decision, PackageRecord, Verdict

#: The word for the newest run, whose id nobody wants to type.
NEWEST = "newest"
#: Runs that are looked back at; each costs the reading of its plan, inventory and journal.
_MOST_RUNS = 20
#: Issues that a warning names; `polly issues --since` names all.
_SHOWN = 5


class History(NamedTuple):
    """The rounds of a repository, oldest first, and the run to compare with.

    renamed: path of today → paths at the base commits of these runs, where git calls it a rename.
    """

    rounds: tuple[Round, ...]
    since: str
    renamed: Mapping[str, Collection[str]]
    warnings: tuple[Warning, ...]


def history(project: Project, since: str, commit: str) -> History:
    """The runs around `since` (an id, its beginning, or "newest") up to now. Raises RunError."""
    view = view_run(project, None if since == NEWEST else since)
    folders = find_run(project, None).parent.glob("*/start.json")
    names = sorted(each.parent.name for each in folders)[-_MOST_RUNS:]
    views = []
    warnings = []
    for name in sorted({*names, view.run}):
        try:
            views.append(view if name == view.run else view_run(project, name))
        except RunError as error:
            message = f"Run {name} is left out of the comparison: {error}"
            warnings.append(Warning(code="run_unreadable", message=message, ref=name))
    bases = dict.fromkeys(each.record.base_commit for each in views)
    return History(
        tuple(map(_round, views)), view.run, _renamed(project, tuple(bases), commit), tuple(warnings)
    )


def history_in_vain(project: Project, commit: str) -> History | None:
    """The rounds up to now; None while there are too few for an issue to have been tried in vain often."""
    if len(list(project.runs_folder.glob("*/start.json"))) < ROUNDS_IN_VAIN:
        return None
    return history(project, NEWEST, commit)


def unconverging(recurring: Sequence[Recurring]) -> Iterator[Warning]:
    """A warning when agents have worked on the same issues again and again in vain."""
    if recurring:
        named = ", ".join(each.issue for each in recurring[:_SHOWN])
        more = f" and {len(recurring) - _SHOWN} more" if len(recurring) > _SHOWN else ""
        message = (
            f"{named}{more}: agents worked on this in {ROUNDS_IN_VAIN} runs or more in vain. "
            "Look at it yourself, or say in the issue what a fix must do"
        )
        yield Warning(code="not_converging", message=message, ref=recurring[0].issue)


def _round(view: RunView) -> Round:
    packages = {issue: package.id for package in view.plan.packages for issue in package.issues}
    issues = {}
    for issue in view.inventory.issues:
        package = view.record.package(packages[issue.id]) if issue.id in packages else None
        issues[issue.fingerprint] = Past(
            issue,
            tried=package is not None and any(each.ended_at for each in package.attempts),
            fixed=package is not None and _is_fixed(package, issue.id),
            landed=package is not None and package.decision in (Decision.APPLIED, Decision.COMMITTED),
        )
    return Round(view.run, issues)


def _is_fixed(package: PackageRecord, issue: str) -> bool:
    return any(each.issue == issue and each.verdict is Verdict.FIXED for each in package.outcomes)


def _renamed(project: Project, bases: tuple[str, ...], commit: str) -> dict[str, set[str]]:
    renamed: dict[str, set[str]] = {}
    for base in bases:
        try:
            pairs = project.repository.renames(base, commit)
        except RepositoryError:  # the run's base commit is gone; nothing can be said about renames
            continue
        for now, before in pairs.items():
            renamed.setdefault(now, set()).add(before)
    return renamed
