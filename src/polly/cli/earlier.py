"""What earlier runs and plans of the project tell the next plan: for `plan` and `fix`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from polly.cli.output import warn
from polly.cli.recording import open_store
from polly.errors import PollyError
from polly.pipeline import stages
from polly.pipeline.project import Project
from polly.settings import state_home
from polly.work.effort import EffortSample
from polly.work.routing import Outcome

if TYPE_CHECKING:
    from polly.store.ports import Store

_Found = TypeVar("_Found")


def past_efforts(project: Project) -> tuple[EffortSample, ...]:
    """What issues of this project took in earlier runs; nothing where no run was recorded yet."""
    return _asked(
        project,
        lambda store: store.effort_samples(str(project.root)),
        "the estimates do without what earlier runs took",
    )


def past_outcomes(project: Project) -> tuple[Outcome, ...]:
    """What roles of this project achieved in earlier runs; nothing where no run was recorded yet."""
    return _asked(
        project,
        lambda store: store.outcomes(str(project.root)),
        "roles are chosen without what earlier runs achieved",
    )


def _asked(
    project: Project, question: "Callable[[Store], tuple[_Found, ...]]", without: str
) -> tuple[_Found, ...]:
    if project.settings.store.url is None and not (state_home() / "polly.db").exists():
        return ()
    try:
        with open_store(project) as store:
            return question(store)
    except PollyError as error:
        warn(f"{error.what}; {without}")
        return ()


def plan_before(project: Project) -> stages.Planned | None:
    """The plan that is there, if one is and it can be used."""
    if not project.plan_file.is_file() or not project.inventory_file.is_file():
        return None
    try:
        return stages.kept_plan(project)
    except PollyError as error:
        warn(f"The plan before cannot be carried on, so this one is new. {error.what}")
        return None
