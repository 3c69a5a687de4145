"""`polly request-file`: the legal way of an agent at work to a file that is not its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Done, Git, Polly, commit_all

Report = Callable[[], dict[str, dict[str, Any]]]

_PATIENCE_SECONDS = 300.0

#: Mends its file, asks for what tools/ask.txt names, and writes what it was given.
_AGENT = """
import os, pathlib, subprocess, time
note = pathlib.Path(os.environ["NOTES"])
package, attempt = os.environ["POLLY_PACKAGE_ID"], os.environ["POLLY_ATTEMPT"]
for name in pathlib.Path(os.environ["POLLY_OWNED_FILES"]).read_text(encoding="utf-8").splitlines():
    file = pathlib.Path(name)
    if file.exists():
        file.write_text(file.read_text(encoding="utf-8").replace("return 1", "return 2"), encoding="utf-8")
(note / f"{package}-{attempt}.prompt").write_text(
    pathlib.Path(os.environ["POLLY_PROMPT_FILE"]).read_text(encoding="utf-8"), encoding="utf-8")
(note / f"{package}-{attempt}.begun").touch()
while not (note / "go").exists():
    time.sleep(0.02)
for line in pathlib.Path("tools/ask.txt").read_text(encoding="utf-8").splitlines():
    done = subprocess.run(["polly", "request-file", line, "--reason", f"{package} needs it"],
                          stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
    with (note / f"{package}-{attempt}.told").open("a", encoding="utf-8") as told:
        told.write(f"{done.returncode} {done.stdout}{done.stderr}\\n")
    if done.returncode == 0:
        with open(line, "a", encoding="utf-8") as file:
            file.write(f"{package} was here\\n")
(note / f"{package}-{attempt}.asked").touch()
while not (note / "end").exists():
    time.sleep(0.02)
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where the agents of a test note what they were told, and where the test lets them go on."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "end").touch()
    (folder / "go").touch()
    return folder


@pytest.fixture
def asking(sample: Path, git: Git, notes: Path) -> Callable[..., tuple[str, ...]]:
    """`asking(*paths)`: arguments of `polly` with which every agent asks for these files."""

    def prepare(*paths: str, extra: str = "") -> tuple[str, ...]:
        (sample / "tools" / "ask.txt").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        (sample / "tools" / "agent.py").write_text(_AGENT, encoding="utf-8")
        settings = (sample / "polly.toml").read_text(encoding="utf-8")
        passed = f'{extra}\n[agents.command]\nenv = ["NOTES"]\n'
        (sample / "polly.toml").write_text(f"{settings}\n{passed}", encoding="utf-8")
        commit_all(git, sample, "agents that ask")
        agent = ("--agent", "command", "--", sys.executable, "tools/agent.py")
        return ("fix", "REVIEW.md", "--agents", "3", *agent)

    return prepare


@pytest.fixture
def report(polly: Polly, sample: Path) -> Report:
    def read() -> dict[str, dict[str, Any]]:
        told = json.loads(polly("report", "--format", "json", cwd=sample).stdout)
        return {package["id"]: package for package in told["packages"]}

    return read


def _fix(polly: Polly, sample: Path, arguments: tuple[str, ...], notes: Path) -> Done:
    return polly(*arguments, cwd=sample, env={"NOTES": str(notes)})


def _told(notes: Path, name: str) -> str:
    return (notes / f"{name}.told").read_text(encoding="utf-8")


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} never came"
        time.sleep(0.02)


def test_of_three_agents_that_ask_for_one_file_at_once_one_gets_it_and_it_lands_with_its_package(
    polly: Polly, sample: Path, asking: Callable[..., tuple[str, ...]], notes: Path, report: Report, git: Git
) -> None:
    done = _fix(polly, sample, asking("other.txt"), notes)
    assert done.returncode == 0, done.stderr
    packages = report()
    assert len(packages) == 3
    answers = {name: package["requests"][0]["answer"] for name, package in packages.items()}
    assert sorted(answers.values()) == ["granted", "owned", "owned"]
    (winner,) = [name for name, answer in answers.items() if answer == "granted"]
    assert [name for name, package in packages.items() if "other.txt" in package["owned_changed"]] == [winner]
    assert all(package["strays"] == [] for package in packages.values())
    for name in packages.keys() - {winner}:
        assert packages[name]["requests"][0]["owner"] == winner
        assert _told(notes, f"{name}-1").startswith(f"1 Refused: other.txt belongs to {winner}")
    page = polly("report", cwd=sample).stdout
    assert f"granted while it worked: {winner} needs it" in page
    assert polly("commit", *packages, cwd=sample).returncode == 0
    assert git(sample, "show", "HEAD:other.txt") == f"nobody's finding\n{winner} was here"


def test_what_is_refused_does_not_land_and_is_said_in_the_report(
    polly: Polly, sample: Path, asking: Callable[..., tuple[str, ...]], notes: Path, report: Report
) -> None:
    asked = ("polly.toml", "tools/check.py", ".git/config", "../x.txt", "src", "src/A.py")
    done = _fix(polly, sample, asking(*asked), notes)
    assert done.returncode == 0, done.stderr
    for package in report().values():
        assert [each["answer"] for each in package["requests"]] == [
            *("protected", "protected", "refused", "refused", "refused", "refused")
        ]
        assert all(path.startswith("src/") for path in package["owned_changed"])


def test_the_owner_is_told_of_the_wish_in_its_next_attempt(
    polly: Polly, sample: Path, asking: Callable[..., tuple[str, ...]], notes: Path
) -> None:
    command = f"['{sys.executable}', '-c', 'import sys; sys.exit(1)']"
    arguments = asking("src/a.py", extra=f"[[checks]]\nissues = ['C1']\ncommand = {command}\n")
    assert _fix(polly, sample, arguments, notes).returncode == 1
    prompts = {file.stem: file.read_text(encoding="utf-8") for file in notes.glob("*.prompt")}
    (again,) = [text for name, text in prompts.items() if name.endswith("-2")]
    assert "## Asked by others" in again
    assert "about `src/a.py`" in again
    assert "needs it" in again


@pytest.mark.skipif(os.name == "nt", reason="the agents are taken over on POSIX only so far")
@pytest.mark.parametrize("killed", ["begun", "asked"], ids=["before they ask", "after they were answered"])
def test_a_killed_polly_forgets_no_request_and_gives_no_file_twice(
    polly: Polly,
    sample: Path,
    asking: Callable[..., tuple[str, ...]],
    notes: Path,
    report: Report,
    killed: str,
) -> None:
    arguments = asking("other.txt")
    (notes / "end").unlink()
    if killed == "begun":
        (notes / "go").unlink()
    first = subprocess.Popen(
        [sys.executable, "-m", "polly", *arguments],
        cwd=sample,
        env={**os.environ, "NOTES": str(notes)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for package in ("WP1", "WP2", "WP3"):
        _wait_for(notes / f"{package}-1.{killed}")
    first.send_signal(signal.SIGKILL)
    first.wait()
    (notes / "go").touch()
    (notes / "end").touch()
    done = polly("resume", cwd=sample, env={"NOTES": str(notes)})
    assert done.returncode == 0, done.stderr
    packages = report()
    changed = [name for name, package in packages.items() if "other.txt" in package["owned_changed"]]
    assert len(changed) == 1
    assert all(len(package["requests"]) == 1 and package["attempts"] == 1 for package in packages.values())
    assert packages[changed[0]]["requests"][0]["answer"] == "granted"


def test_outside_of_a_run_it_is_wrong_use(polly: Polly, sample: Path) -> None:
    done = polly("request-file", "other.txt", "--reason", "why not", cwd=sample)
    assert done.returncode == 2
    assert "for an agent at work in a run" in done.stderr


def test_when_the_attempt_is_over_the_agent_is_told_so(polly: Polly, sample: Path, tmp_path: Path) -> None:
    gone = {"POLLY_REQUESTS": str(tmp_path / "gone"), "POLLY_WORKSPACE": str(sample)}
    done = polly("request-file", "other.txt", "--reason", "why not", cwd=sample, env=gone)
    assert done.returncode == 2
    assert "This attempt is over" in done.stderr


def test_what_an_agent_logs_belongs_to_its_run_and_its_session(
    polly: Polly, sample: Path, git: Git, tmp_path: Path
) -> None:
    script = """
import subprocess
said = ["polly", "log", "action", "--agent", "helper", "--action-type", "decision", "--action-name", "looked"]
subprocess.run([*said, "--debug-mode"], check=True, stdin=subprocess.DEVNULL)
"""
    (sample / "tools" / "agent.py").write_text(script, encoding="utf-8")
    commit_all(git, sample, "an agent that logs")
    home = {"POLLY_HOME": str(tmp_path / "state")}
    agent = ("--agent", "command", "--", sys.executable, "tools/agent.py")
    polly("fix", "REVIEW.md", "--only", "C1", *agent, cwd=sample, env=home)

    def events(kind: str) -> list[dict[str, Any]]:
        asked = ("events", "list", "--format", "json", "--type", f"dev.polly.{kind}.v1")
        told = json.loads(polly(*asked, cwd=sample, env=home).stdout)
        return [each["event"] for each in told["events"]]

    logged, executions = events("action.recorded"), events("execution.started")
    assert logged
    assert {each["sessionid"] for each in logged} == {each["sessionid"] for each in executions}
    assert {each["correlationid"] for each in logged} == {each["correlationid"] for each in executions}
    assert {each["data"]["run"] for each in logged} == {each["data"]["run"] for each in executions}


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_a_path_is_seen_from_where_the_agent_stands(
    polly: Polly, sample: Path, git: Git, tmp_path: Path
) -> None:
    script = """
import os, subprocess
for folder, path in (("src", "../other.txt"), ("/", "etc/passwd"), ("tools", os.path.abspath("src/new.py"))):
    subprocess.run(["polly", "request-file", path, "--reason", "r"], cwd=folder, stdin=subprocess.DEVNULL)
"""
    (sample / "tools" / "agent.py").write_text(script, encoding="utf-8")
    commit_all(git, sample, "an agent that walks about")
    agent = ("--agent", "command", "--", sys.executable, "tools/agent.py")
    polly("fix", "REVIEW.md", "--only", "C1", *agent, cwd=sample)
    told = json.loads(polly("report", "--format", "json", cwd=sample).stdout)["packages"][0]["requests"]
    assert [(each["path"], each["answer"]) for each in told] == [
        ("other.txt", "granted"),
        ("/etc/passwd", "refused"),
        ("src/new.py", "granted"),
    ]
