"""Under Polly's supervision no process of a real agent is left, however it ends."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.agents import direct
from tests.agents.direct import Start
from tests.model.script import Action, Step
from tests.model.scripted_model import ScriptedModel

from polly.process import Job, Report, run
from polly.work.run import AttemptOutcome

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends the signals of POSIX")


@dataclass(frozen=True)
class Tool:
    """A command that works on in a session of its own, for longer than any test."""

    sign: Path
    name: str

    @property
    def step(self) -> Step:
        """The step in which the model asks for it."""
        program = f"import time; open({self.sign.name!r}, {'x'!r}); time.sleep(900)"
        return Step(actions=(Action(shell=f'python3 -c "{program}" {self.name}'),))

    def runs(self) -> bool:
        """Has it begun to work?"""
        return self.sign.exists()

    def processes(self) -> list[psutil.Process]:
        """It, and the shells around it: Codex gives it a name space in which its number is another."""
        return [process for process in psutil.process_iter() if self.name in _command_line(process)]


@pytest.fixture
def tool(project: Path) -> Tool:
    return Tool(project / "begun", f"tool-{uuid.uuid4().hex}")


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return [word for part in process.cmdline() for word in part.split()]
    except psutil.Error:
        return []


@pytest.fixture(params=["claude", "codex"])
def start(request: pytest.FixtureRequest, model: ScriptedModel, tmp_path: Path) -> Callable[[str], Start]:
    """`start(prompt)`: how to start each of the real programs."""
    program: Path = request.getfixturevalue(f"{request.param}_program")
    make = getattr(direct, request.param)

    def starting(prompt: str) -> Start:
        started: Start = make(program, model, tmp_path / "home", prompt)
        return started

    return starting


@pytest.fixture
def job(project: Path, tmp_path: Path, tool: Tool) -> Iterator[Callable[..., Job]]:
    """Makes Polly's job of a start; every process of it must be gone when the test is over."""

    def make(started: Start, timeout_seconds: float = 600.0) -> Job:
        return Job(
            command=started.command,
            cwd=project,
            env=started.env,
            folder=tmp_path / "job",
            log=tmp_path / "job" / "log.txt",
            timeout_seconds=timeout_seconds,
        )

    yield make
    assert tool.processes() == []
    assert _at_home(tmp_path / "home") == []


def _at_home(home: Path) -> list[psutil.Process]:
    """The processes that have this home: those of the agent, also when they left its tree."""
    found = []
    for process in psutil.process_iter():
        try:
            there = process.environ().get("HOME") == str(home)
            if there and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _agent(tool: Tool) -> psutil.Process:
    """The agent's own process: the eldest below the supervisor, seen from its tool."""
    parents = tool.processes()[0].parents()
    supervisors = ["shim.py" in " ".join(_command_line(parent)) for parent in parents]
    return parents[supervisors.index(True) - 1]


async def _until_the_tool_runs(
    job: Job, tool: Tool, then: Callable[["asyncio.Task[Report]"], object]
) -> Report:
    running = asyncio.create_task(run(job))
    async with asyncio.timeout(300):
        while not tool.runs():
            assert not running.done(), running.result()
            await asyncio.sleep(0.02)  # the tool is another process
    then(running)
    return await running


def test_cancelling_ends_the_agent_and_the_tool_in_its_own_session(
    start: Callable[[str], Start], job: Callable[..., Job], model: ScriptedModel, tool: Tool
) -> None:
    marker = model.add("long", tool.step)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_until_the_tool_runs(job(start(f"Wait. {marker}")), tool, lambda task: task.cancel()))


def test_when_the_agent_is_killed_the_tool_in_its_own_session_is_ended_too(
    start: Callable[[str], Start], job: Callable[..., Job], model: ScriptedModel, tool: Tool
) -> None:
    marker = model.add("long", tool.step)
    report = asyncio.run(
        _until_the_tool_runs(job(start(f"Wait. {marker}")), tool, lambda _: _agent(tool).kill())
    )
    assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, None)


def test_when_the_supervisor_is_killed_nothing_of_the_agent_goes_on(
    start: Callable[[str], Start], job: Callable[..., Job], model: ScriptedModel, tool: Tool
) -> None:
    marker = model.add("long", tool.step)

    def kill_supervisor(_: "asyncio.Task[Report]") -> None:
        os.kill(_agent(tool).ppid(), signal.SIGKILL)

    report = asyncio.run(_until_the_tool_runs(job(start(f"Wait. {marker}")), tool, kill_supervisor))
    assert report.outcome is AttemptOutcome.LOST


def test_an_answer_that_never_ends_is_ended_by_the_time_limit(
    start: Callable[[str], Start], job: Callable[..., Job], model: ScriptedModel
) -> None:
    marker = model.add("endless", Step(text="I am thinking.", hang=True))
    for seconds in (5.0, 20.0, 80.0):  # long enough for the agent to ask
        report = asyncio.run(run(job(start(f"Think. {marker}"), timeout_seconds=seconds)))
        assert report.outcome is AttemptOutcome.TIMED_OUT
        if model.failures():
            break
    assert [failure.why for failure in model.failures()] == ["hung"]
