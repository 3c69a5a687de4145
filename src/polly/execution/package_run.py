"""One package from its first attempt to its final state.

Every step is an event before the next one begins, so that a new process goes on where this one stopped:
a started agent is adopted, an ended one is captured, a captured tree is judged, a judged one is done.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from polly import process
from polly.errors import PollyError
from polly.events.catalog import PackageEnded, StageEnded
from polly.events.event import EventData
from polly.events.redaction import added
from polly.execution.agents.base import (
    Assignment,
    prepare_files,
    read_result,
    requests_folder,
    result_file,
    write_owned_files,
)
from polly.execution.attempt_events import AttemptEvents
from polly.execution.context import RunContext
from polly.execution.journal import correlation_id
from polly.execution.requests.desk import Desk
from polly.execution.requests.rules import Tree
from polly.execution.watch import Watch, Whose, ending, known_actions
from polly.work.plan import WorkPackage
from polly.work.run import AttemptOutcome, AttemptRecord, PackageRecord, PackageState
from polly.workspaces.capture import CaptureError, CaptureRequest, capture
from polly.workspaces.checkout import Workspace

_BAD = (PackageState.FAILED, PackageState.RED, PackageState.DROPPED)


class PackageRun:
    """Runs attempts of one package until one is accepted or none is left."""

    def __init__(self, context: RunContext, package: WorkPackage, base: str) -> None:
        self._context = context
        self._package = package
        self._agent = context.agent_of(package)
        self._base = base

    async def run(self) -> None:
        """Go on from whatever the journal says is done already."""
        blocked = next(
            (d for d in self._package.depends_on if self._context.fold.package(d).state in _BAD), None
        )
        if blocked and not self._record.state.is_final:
            self._append(self._ended(None, PackageState.FAILED, f"not started: it depends on {blocked}"))
        while not self._record.state.is_final:
            attempts = self._record.attempts
            if attempts and not self._is_settled(attempts[-1]):
                await self._go_on(attempts[-1])
            else:
                await self._begin(len(attempts) + 1)

    @property
    def _record(self) -> PackageRecord:
        return self._context.fold.package(self._package.id)

    def _is_settled(self, attempt: AttemptRecord) -> bool:
        key = (self._package.id, attempt.number)
        ended_outside = attempt.outcome is not None and not attempt.is_its_fault
        return key in self._context.fold.judged or ended_outside

    async def _begin(self, number: int) -> None:
        async with self._context.places:
            self._context.refuse_in_vain()
            workspace = await self._prepare(number)
            if workspace is None:
                return
            watch = self._watch(number)
            desk = self._desk(number)
            async with self._context.executor.standing_by(self._job(number, workspace)) as start:
                report = await self._run_agent(number, workspace, start, watch, desk)
            self._append(*await self._attempt_ended(number, report, watch, desk))
            await self._capture(number)
        await self._judge(number)

    async def _go_on(self, attempt: AttemptRecord) -> None:
        number = attempt.number
        if attempt.outcome is None:
            watch = self._watch(number, [row.data for row in self._context.journal.rows()])
            desk = self._desk(number)
            async with self._context.agents, self._followed(number, watch, desk):
                report = await self._context.executor.adopt(self._folder(number))
            self._append(*await self._attempt_ended(number, report, watch, desk))
        if (self._package.id, number) not in self._context.fold.captured:
            await self._capture(number)
        await self._judge(number)

    # Workspace and agent

    async def _prepare(self, number: int) -> Workspace | None:
        begun = time.monotonic()
        try:
            async with self._context.checkouts:
                workspace = await self._context.workspaces.prepare(
                    self._start_commit(), self._label(number), head=self._base
                )
        except PollyError as error:
            self._could_not_prepare(number, str(error))
            return None
        self._append(self._stage("prepare", begun))
        return workspace

    def _start_commit(self) -> str:
        # An attempt that finished but was not accepted is gone on with; one that broke off is not.
        for attempt in reversed(self._record.attempts):
            captured = self._context.fold.captured.get((self._package.id, attempt.number))
            if attempt.outcome is AttemptOutcome.FINISHED and captured is not None:
                return captured.commit
            if attempt.is_its_fault:
                break
        return self._base

    def _could_not_prepare(self, number: int, why: str) -> None:
        # A workspace that cannot be made now cannot be made for another attempt either.
        self._append(
            *self._started(number, ""),
            *self._events(number).not_started(why),
            self._events(number).judged(feedback=None, again=False),
            self._ended(number, PackageState.FAILED, why),
        )

    async def _run_agent(
        self,
        number: int,
        workspace: Workspace,
        start: Callable[[], Awaitable[process.Report]],
        watch: Watch,
        desk: Desk,
    ) -> process.Report:
        async with self._context.agents:
            self._context.refuse_in_vain()
            if not self._append(*self._started(number, str(workspace.path))):
                raise RuntimeError(f"attempt {number} of {self._package.id} was started twice")
            async with self._followed(number, watch, desk):
                return await start()

    def _watch(self, number: int, recorded: Iterable[EventData] = ()) -> Watch:
        execution = self._events(number).execution
        whose = Whose(
            run=self._context.run,
            execution=execution,
            agent=self._agent.name,
            package=self._package.id,
            attempt=number,
            project_path=self._context.project_path,
            workspace=str(self._context.workspaces.location(self._label(number)).path),
        )
        listener = self._agent.listener(self._folder(number))
        return Watch(listener, whose, known_actions(recorded, execution))

    def _desk(self, number: int) -> Desk:
        context, package = self._context, self._package
        folder = self._folder(number)
        return Desk(
            run=context.run,
            package=package.id,
            attempt=number,
            folder=requests_folder(folder),
            workspace=context.workspaces.location(self._label(number)).path,
            entries=lambda: Tree(context.workspaces.store.entries(self._base)),
            wave=lambda: context.wave_files(package.wave),
            asked=lambda: self._record.requests,
            protected=context.protected,
            append=self._append,
            own=lambda files: write_owned_files(folder, files),
        )

    @contextlib.asynccontextmanager
    async def _followed(self, number: int, watch: Watch, desk: Desk) -> AsyncIterator[None]:
        """Record what the agent tells, and answer what it asks for, while the block waits for it."""
        executor, folder = self._context.executor, self._folder(number)
        watching = watch.follow(self._append, lambda: executor.stop(folder))
        tasks = [asyncio.create_task(watching), asyncio.create_task(desk.follow())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()

    def _job(self, number: int, workspace: Workspace) -> process.Job:
        context = self._context
        judged = context.fold.judged.get((self._package.id, number - 1))
        assignment = Assignment(
            run=context.run,
            package=replace(self._package, files=context.files_of(self._package)),
            attempt=number,
            role=self._package.role,
            role_instructions=self._context.role_instructions.get(self._package.role, ""),
            workspace=workspace.path,
            folder=self._folder(number),
            issues=tuple(context.issues[issue] for issue in self._package.issues),
            contracts=context.plan.contracts,
            feedback=judged.feedback if judged else None,
            couplings=context.plan.couplings,
            notes=context.notes_for(self._package),
            evidence=context.evidence,
            templates=context.templates,
            session=self._events(number).execution,
            correlation=correlation_id(context.run),
            project_path=context.project_path,
        )
        variables = prepare_files(assignment)
        launch = self._agent.launch(assignment)
        temporary = context.workspaces.folder(self._label(number), "tmp")
        return process.Job(
            command=launch.command,
            cwd=workspace.path,
            env=process.small_environment(
                (), **{**launch.env, **variables, "TMPDIR": str(temporary), "TMP": str(temporary)}
            ),
            folder=assignment.folder,
            log=assignment.folder / "log.txt",
            timeout_seconds=context.limits.timeout_seconds,
            output_bytes=context.limits.output_bytes,
            disk_bytes=context.limits.disk_bytes,
            watch_parent=False,
        )

    # What it left

    async def _capture(self, number: int) -> None:
        begun = time.monotonic()
        workspace = self._context.workspaces.location(self._label(number))
        request = CaptureRequest(
            workspace=workspace.path,
            base=self._base,
            index=workspace.index,
            files=self._context.files_of(self._package),
            provided=workspace.provided,
            quarantine=self._records / "quarantine",
            message=f"{self._package.id}, attempt {number}",
            ref=f"refs/polly/{self._package.id}/{number}",
        )
        try:
            taken = await asyncio.to_thread(capture, self._context.workspaces.store, request)
        except CaptureError as error:
            await asyncio.to_thread(self._keep_records, number, b"", b"")
            if not self._is_settled(self._record.attempts[number - 1]):
                self._settle(number, PackageState.FAILED, str(error))
            return
        await asyncio.to_thread(self._keep_records, number, taken.changes_patch, taken.quarantine_patch)
        self._append(
            self._events(number).captured(taken),
            self._stage("capture", begun),
        )
        await asyncio.to_thread(self._context.workspaces.remove, self._label(number))

    def _keep_records(self, number: int, changes: bytes, quarantine: bytes) -> None:
        """Copy what a reader wants to see of the attempt into the run directory; the last attempt wins."""
        self._records.mkdir(parents=True, exist_ok=True)
        folder = self._folder(number)
        for file in (folder / "prompt.md", folder / "log.txt", result_file(folder)):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(file, self._records / file.name)
        (self._records / "changes.patch").write_bytes(changes)
        if quarantine:
            (self._records / f"quarantine-{number}.patch").write_bytes(quarantine)

    # Judgement

    async def _judge(self, number: int) -> None:
        attempt = self._record.attempts[number - 1]
        captured = self._context.fold.captured.get((self._package.id, number))
        if self._is_settled(attempt) or captured is None:
            return
        if attempt.outcome is not AttemptOutcome.FINISHED:
            self._settle(number, PackageState.FAILED, _how_it_ended(attempt))
            return
        judgement = await self._context.judge.judge(
            self._package,
            base=self._base,
            commit=captured.commit,
            changed=captured.owned_changed,
            claims=attempt.claims,
            label=f"{self._label(number)}-judge",
        )
        red = [gate.name for gate in judgement.gates if gate.status.is_red]
        if red:
            state, detail = PackageState.RED, f"red: {', '.join(red)}"
        else:
            state, detail = (PackageState.READY if captured.owned_changed else PackageState.UNCHANGED), ""
        self._settle(number, state, detail, self._events(number).findings(judgement), judgement.feedback)

    def _settle(
        self,
        number: int,
        state: PackageState,
        detail: str,
        findings: Sequence[EventData] = (),
        feedback: str | None = None,
    ) -> None:
        """Record the judgement in one go with what follows: another attempt, or the end of the package."""
        attempts = self._record.attempts
        if state is PackageState.FAILED:
            feedback = f"The last attempt did not finish: {detail}."
        used = sum(attempt.is_its_fault for attempt in attempts)
        again = (
            feedback is not None
            and used < self._context.limits.attempts
            and attempts[number - 1].outcome is not AttemptOutcome.NOT_STARTED
        )
        ends = () if again else (self._ended(number, state, detail),)
        self._append(*findings, self._events(number).judged(feedback=feedback, again=again), *ends)

    # Events

    def _append(self, *events: EventData) -> bool:
        return self._context.journal.append(*events)

    def _events(self, number: int) -> AttemptEvents:
        return AttemptEvents(self._context.run, self._package.id, number, self._agent.name)

    def _started(self, number: int, workspace: str) -> tuple[EventData, ...]:
        return self._events(number).started(
            role=self._package.role,
            base=self._base,
            workspace=workspace,
            project_path=self._context.project_path,
        )

    async def _attempt_ended(
        self, number: int, report: process.Report | None, watch: Watch, desk: Desk
    ) -> tuple[EventData, ...]:
        await desk.look()  # what was asked for in the last moment counts as well
        actions = await asyncio.to_thread(watch.rest)
        said = watch.said()
        ended = ending(report, said)
        if ended.key_refused:
            self._context.key_refused[self._agent.name] = ended.detail
        said_and_done = self._events(number).ended(
            ended,
            said,
            read_result(self._folder(number)),
            redactions=added(dict(report.redactions) if report else {}, watch.redactions),
            requests_left_out=desk.left_out,
        )
        return (*actions, *said_and_done)

    def _ended(self, number: int | None, state: PackageState, detail: str) -> PackageEnded:
        return PackageEnded(
            run=self._context.run, package=self._package.id, attempt=number, state=state, detail=detail
        )

    def _stage(self, stage: str, begun: float) -> StageEnded:
        seconds = time.monotonic() - begun
        return StageEnded(run=self._context.run, stage=stage, seconds=seconds, package=self._package.id)

    # Places

    def _label(self, number: int) -> str:
        return f"{self._package.id}-{number}"

    def _folder(self, number: int) -> Path:
        return self._context.workspaces.folder(self._label(number), "attempt")

    @property
    def _records(self) -> Path:
        return self._context.folder / "packages" / self._package.id


def _how_it_ended(attempt: AttemptRecord) -> str:
    how = (attempt.outcome or AttemptOutcome.LOST).value.replace("_", " ")
    return f"the agent {how}: {attempt.detail or f'exit status {attempt.exit_code}'}"
