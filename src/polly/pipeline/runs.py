"""A run on disk: its folder, its lock, its journal, and the record folded from it."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from polly.errors import InputError, RunError
from polly.events.envelope import Envelope
from polly.execution.fold import RunFold
from polly.execution.journal import Journal, read_rows
from polly.pipeline.project import Project, read_inventory, to_json, write_whole
from polly.pipeline.routing import ROUTING_FILE, Decisions, dump_decisions
from polly.planning.load import dump_plan, load_plan
from polly.settings import state_home
from polly.work.issues import Inventory
from polly.work.plan import Plan
from polly.work.run import RunRecord
from polly.workspaces.checkout import Workspaces
from polly.workspaces.store import TreeStore

Publish = Callable[[Envelope], None]


@dataclass(frozen=True, kw_only=True)
class RunView:
    """What can be read of a run at any time, also while it goes on."""

    run: str
    folder: Path
    plan: Plan
    inventory: Inventory
    store: TreeStore
    record: RunRecord


@dataclass(kw_only=True)
class OpenRun:
    """A run that this process alone may write to."""

    run: str
    folder: Path
    plan: Plan
    inventory: Inventory
    store: TreeStore
    journal: Journal
    fold: RunFold
    agent_spec: str
    agents: int

    @property
    def record(self) -> RunRecord:
        """The run as it stands now. Raises RunError before its first event."""
        try:
            return self.fold.record
        except ValueError as error:
            raise _never_began(self.folder) from error

    @property
    def is_newest(self) -> bool:
        """True when commands that name no run mean this one."""
        return not any(each.name > self.run for each in self.folder.parent.iterdir())

    @property
    def has_begun(self) -> bool:
        """False when the process that made the run was stopped before the first event."""
        return bool(self.journal.rows())

    def workspaces(self, project: Project) -> Workspaces:
        """The private checkouts of this run. They lie outside the repository, where no search for a
        configuration file upwards from them finds the user's own.
        """
        return Workspaces(
            store=self.store,
            root=state_home() / "workspaces" / self.run,
            project_root=project.root,
            settings=project.settings.workspace,
        )

    def write_record(self) -> None:
        """Write run.json, the state for programs that look from outside."""
        write_whole(self.folder / "run.json", to_json(self.record))


class _Start(msgspec.Struct, frozen=True, kw_only=True):
    """How the run was started, for `polly resume`."""

    agent_spec: str
    agents: int


@contextmanager
def create_run(
    project: Project,
    plan: Plan,
    inventory: Inventory,
    *,
    decisions: Decisions | None = None,
    agent_spec: str,
    agents: int,
    publish: Publish,
) -> Iterator[OpenRun]:
    """A new run folder, locked for as long as the block lasts. Its journal is still empty.

    decisions: how the roles of the plan were found.
    """
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    folder = project.make_folder(project.runs_folder.name, run)
    with _locked(folder, run):
        write_whole(folder / "plan.json", dump_plan(plan))
        write_whole(folder / "inventory.json", to_json(inventory))
        write_whole(folder / ROUTING_FILE, dump_decisions(decisions or {}))
        start = _Start(agent_spec=agent_spec, agents=agents)
        write_whole(folder / "start.json", to_json(start))
        TreeStore.create(project.repository, folder / "repo.git")
        journal = Journal.create(folder / "journal.db", run, publish)
        yield from _opened(folder, plan, inventory, journal, start)


@contextmanager
def open_run(project: Project, run: str | None, publish: Publish) -> Iterator[OpenRun]:
    """An earlier run, locked. Raises RunError when there is none, or another process is at work on it."""
    folder = find_run(project, run)
    with _locked(folder, folder.name):
        with _reading(folder):
            plan, inventory = _plan_of(folder)
            start = msgspec.json.decode((folder / "start.json").read_bytes(), type=_Start)
            journal = Journal.open(folder / "journal.db", folder.name, publish)
        yield from _opened(folder, plan, inventory, journal, start)


def view_run(project: Project, run: str | None) -> RunView:
    """A run as it stands, read without disturbing who works on it. Raises RunError."""
    folder = find_run(project, run)
    with _reading(folder):
        plan, inventory = _plan_of(folder)
        rows = read_rows(folder / "journal.db", folder.name)
    if not rows:
        raise _never_began(folder)
    return RunView(
        run=folder.name,
        folder=folder,
        plan=plan,
        inventory=inventory,
        store=TreeStore(folder=folder / "repo.git"),
        record=RunFold(plan, rows).record,
    )


def find_run(project: Project, run: str | None) -> Path:
    """The folder of the run with this id (or its unmistakable beginning), or of the newest one."""
    found = sorted(each for each in project.runs_folder.glob("*") if (each / "start.json").is_file())
    if not found:
        raise RunError(
            f"There is no run in {project.root} yet",
            next_step="Start one with: polly fix SOURCE --agent AGENT",
        )
    if run is None:
        return found[-1]
    matching = [each for each in found if each.name.startswith(run)]
    if len(matching) != 1:
        problem = "more than one run" if matching else "no run"
        raise RunError(
            f"There is {problem} whose id begins with {run!r}",
            next_step="Runs here: " + ", ".join(each.name for each in found[-5:]),
        )
    return matching[0]


def is_busy(folder: Path) -> bool:
    """True while a process works on the run."""
    lock = FileLock(folder / "lock")
    try:
        with lock.acquire(blocking=False):
            return False
    except Timeout:
        return True


def _opened(
    folder: Path, plan: Plan, inventory: Inventory, journal: Journal, start: _Start
) -> Iterator[OpenRun]:
    fold = RunFold(plan, journal.rows())
    journal.listeners.append(fold.add)
    try:
        yield OpenRun(
            run=folder.name,
            folder=folder,
            plan=plan,
            inventory=inventory,
            store=TreeStore(folder=folder / "repo.git"),
            journal=journal,
            fold=fold,
            agent_spec=start.agent_spec,
            agents=start.agents,
        )
    finally:
        journal.close()


@contextmanager
def _locked(folder: Path, run: str) -> Iterator[None]:
    # The system lets go of the lock when the process dies, however it dies.
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise RunError(
            f"Another Polly process is at work on run {run}",
            next_step="Wait for it, or stop it with Ctrl-C there; `polly status` shows how far it is.",
        ) from error
    except OSError as error:
        raise _unreadable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    if not (folder / "repo.git" / "objects").is_dir():
        raise _unreadable(folder, f"{folder / 'repo.git'} is no repository of git")
    try:
        yield
    except (InputError, RunError, OSError, msgspec.MsgspecError, sqlite3.DatabaseError) as error:
        raise _unreadable(folder, error) from error


def _never_began(folder: Path) -> RunError:
    return RunError(
        f"Run {folder.name} was stopped before it began",
        next_step=f"Begin it with `polly resume --run {folder.name}`, or delete {folder}",
    )


def _unreadable(folder: Path, reason: object) -> RunError:
    return RunError(
        f"Run {folder.name} cannot be opened: {reason}",
        next_step=f"Something changed its folder, or it may not be written: {folder}\n"
        "Put it back as it was, start a new run, or name another one with --run.",
    )


def _plan_of(folder: Path) -> tuple[Plan, Inventory]:
    inventory = read_inventory(folder / "inventory.json")
    plan = load_plan((folder / "plan.json").read_bytes(), name=str(folder / "plan.json"), inventory=inventory)
    return plan, inventory
