"""Real agents at the main job: `polly fix` of the demo project, with the model's log as the other record."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.real_agents.demo import AGENTS, LAST, Demo, make_demo, tool_calls
from tests.model.log import Entry, Request
from tests.model.script import Action, Step, Usage
from tests.model.scripted_model import ScriptedModel
from tests.services import guard

Polly = Callable[..., subprocess.CompletedProcess[str]]
Git = Callable[..., str]
Begin = Callable[..., "subprocess.Popen[str]"]

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="sends the signals of POSIX")


@pytest.fixture
def demo(tmp_path: Path, git: Git, polly: Polly, model: ScriptedModel) -> Demo:
    """The demo project; all four agents work at the same time or never get an answer."""
    made = make_demo(tmp_path, git, polly)
    for package in made.packages:
        made.play(model, package, made.steps(package))
    return made


@pytest.fixture
def fix(
    demo: Demo, polly: Polly, claude_program: Path, model: ScriptedModel
) -> Callable[[], subprocess.CompletedProcess[str]]:
    """`fix()` runs `polly fix` on the demo project to its end."""
    return lambda: polly(*demo.fix_arguments(claude_program, model), cwd=demo.root)


@pytest.fixture
def begin(demo: Demo) -> Iterator[Begin]:
    """`begin(*arguments)` starts Polly in the demo project and does not wait."""
    with contextlib.ExitStack() as started:

        def beginning(*arguments: str | Path) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                [sys.executable, "-m", "polly", *map(str, arguments)],
                cwd=demo.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            started.enter_context(process)
            started.callback(process.kill)  # before leaving it waits for its end
            return process

        yield beginning


def _report(polly: Polly, demo: Demo) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(polly("report", "--format", "json", cwd=demo.root).stdout)
    return told


def _is_fixed(polly: Polly, demo: Demo) -> bool:
    return {issue["verdict"] for issue in _report(polly, demo)["issues"]} == {"fixed"}


def _agents_at_work(program: Path) -> list[psutil.Process]:
    """The processes of the agents' program whose home is below that of this test's Polly."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            home = process.environ().get("HOME", "")
            if process.exe() == str(program) and home.startswith(os.environ["POLLY_HOME"]):
                found[process] = process.ppid()
    agents = {process.pid for process in found}
    # What an agent starts is for a moment another process of its program.
    return [process for process, parent in found.items() if parent not in agents]


def _have_come(number: int) -> Callable[[list[Entry]], bool]:
    return lambda entries: sum(isinstance(entry, Request) for entry in entries) >= number


def test_four_real_agents_at_once_fix_the_demo_and_nothing_is_missing_or_twice_in_their_records(
    fix: Callable[[], subprocess.CompletedProcess[str]], polly: Polly, demo: Demo, model: ScriptedModel
) -> None:
    done = fix()
    assert done.returncode == 0, done.stderr
    assert _is_fixed(polly, demo)
    changed = {each["id"]: sorted(each["owned_changed"]) for each in _report(polly, demo)["packages"]}
    assert changed == {package: sorted(files) for package, files in demo.packages.items()}
    streams = demo.streams()
    assert len(streams) == AGENTS
    for stream in streams:
        served = model.calls(stream.result["session_id"])
        assert tool_calls(stream) == [(call.id, call.name) for call in served]
    assert sum(len(tool_calls(stream)) for stream in streams) == len(model.calls())
    told = [stream.result["usage"] for stream in streams]
    assert model.usage() == Usage(
        input=sum(usage["input_tokens"] for usage in told),
        output=sum(usage["output_tokens"] for usage in told),
    )
    assert model.failures() == []


def test_what_a_shell_writes_elsewhere_is_set_aside_and_does_not_land(
    fix: Callable[[], subprocess.CompletedProcess[str]],
    polly: Polly,
    demo: Demo,
    model: ScriptedModel,
    git: Git,
) -> None:
    first, second = list(demo.packages)[:2]
    foreign = demo.packages[second][0]
    stray = Step(actions=(Action(shell=f"echo x > stray.txt; echo '# mine now' >> {foreign}"),))
    demo.play(model, first, (*demo.steps(first)[:-1], stray, LAST))
    done = fix()
    assert done.returncode == 0, done.stderr
    strays = {package["id"]: sorted(package["strays"]) for package in _report(polly, demo)["packages"]}
    assert strays[first] == sorted([foreign, "stray.txt"])
    assert not any(strays[package] for package in demo.packages if package != first)
    for decision in (("approve", *demo.packages), ("apply",)):
        decided = polly(*decision, cwd=demo.root)
        assert decided.returncode == 0, decided.stderr
    assert "stray.txt" not in git(demo.root, "status", "--porcelain", "--untracked-files=all")
    assert "mine now" not in (demo.root / foreign).read_text(encoding="utf-8")


@on_posix
def test_agents_at_work_are_taken_over_when_polly_was_killed_and_ask_for_nothing_twice(
    begin: Begin, polly: Polly, demo: Demo, model: ScriptedModel, claude_program: Path
) -> None:
    for package in demo.packages:
        demo.play(model, package, demo.steps(package, meet=AGENTS + 1))
    first = begin(*demo.fix_arguments(claude_program, model))
    model.wait_for(_have_come(AGENTS))
    first.kill()
    first.wait()
    second = begin("resume")
    model.let_meet(AGENTS + 1)  # the last whom the four have waited for
    _, errors = second.communicate(timeout=600)
    assert second.returncode == 0, errors
    assert _is_fixed(polly, demo)
    sessions = {request.session for request in model.requests() if request.session}
    assert len(sessions) == AGENTS
    assert sorted(call.id for call in model.calls()) == sorted(
        call for stream in demo.streams() for call, _ in tool_calls(stream)
    )


@on_posix
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_no_agent_goes_on_when_polly_is_asked_to_end(
    begin: Begin, demo: Demo, model: ScriptedModel, claude_program: Path, sign: signal.Signals
) -> None:
    for package in demo.packages:
        demo.play(model, package, (Step(text="I think.", hang=True),))
    run = begin(*demo.fix_arguments(claude_program, model))
    model.wait_for(lambda _: len(model.failures()) == AGENTS)
    at_work = _agents_at_work(claude_program)
    assert len(at_work) == AGENTS
    run.send_signal(sign)
    run.communicate(timeout=600)
    assert run.returncode != 0
    assert not any(guard.is_there(process) for process in at_work)
