"""A small project with one package per file, and an agent whose starts and ends are witnessed outside."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AGENT = """
import os, pathlib, sys, time
witness = pathlib.Path(sys.argv[1])
package, attempt = os.environ["POLLY_PACKAGE_ID"], os.environ["POLLY_ATTEMPT"]
def tell(word):
    with open(witness / "log", "a") as log:
        log.write(f"{word} {package} {attempt} {os.getpid()}\\n")
running = witness / f"running-{package}"
try:
    running.mkdir()  # two agents at once on one package: the second one finds the folder
except FileExistsError:
    tell("overlap")
tell("start")
for _ in range(int(sys.argv[2])):
    time.sleep(0.05)
while (witness / "hold").exists() and not (witness / "gates-only").exists():
    time.sleep(0.05)
for path in pathlib.Path(os.environ["POLLY_OWNED_FILES"]).read_text().splitlines():
    file = pathlib.Path(path)
    file.write_text(file.read_text() + f"fixed_by = {package!r}\\n")
running.rmdir()
tell("end")
"""


class Project:
    """A repository with `packages` files, each with one issue, and the program that works on them."""

    def __init__(self, folder: Path, packages: int, steps: int) -> None:
        self.root = folder / "repo"
        self.witness = folder / "witness"
        self.witness.mkdir(parents=True)
        self.root.mkdir()
        self.packages = packages
        text = ["# Findings", ""]
        for number in range(1, packages + 1):
            (self.root / f"m{number}.py").write_text(f"value = {number}\n")
            text += [
                f"### C{number}. Value {number}",
                "",
                f"**File**: `m{number}.py:1`",
                "",
                "**Problem**: x",
                "",
            ]
        (folder / "issues.md").write_text("\n".join(text))
        (folder / "agent.py").write_text(AGENT)
        for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "files"]):
            subprocess.run(["git", *command], cwd=self.root, check=True)
        self._agent = [sys.executable, str(folder / "agent.py"), str(self.witness), str(steps)]
        self._home = folder / "home"
        self.started = contextlib.ExitStack()

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """A Polly process, in a session of its own as a terminal would give it; it ends with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "polly", *args],
            cwd=self.root,
            env=os.environ | {"POLLY_HOME": str(self._home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.started.enter_context(process)
        self.started.callback(process.kill)  # before leaving it waits for its end
        return process

    def fix(self) -> subprocess.Popen[bytes]:
        limits = ("--max-packages", str(self.packages), "--agents", "4")
        return self.start("fix", "../issues.md", "--agent", "command", *limits, "--", *self._agent)

    def hold(self) -> None:
        """Agents stay at work until `let_go`."""
        (self.witness / "hold").touch()

    def hold_gates_only(self) -> None:
        """Gates stay at work until `let_go`, agents do not."""
        (self.witness / "gates-only").touch()
        self.hold()

    def add_gate(self, phase: str, program: str) -> None:
        """A gate of this phase that runs the program, committed with the project."""
        (self.witness.parent / "gate.py").write_text(program)
        command = json.dumps([sys.executable, str(self.witness.parent / "gate.py"), str(self.witness)])
        (self.root / "polly.toml").write_text(f"[gates]\n{phase} = [{{ command = {command} }}]\n")
        for git in (["add", "polly.toml"], ["commit", "--quiet", "-m", "gate"]):
            subprocess.run(["git", *git], cwd=self.root, check=True)

    def let_go(self) -> None:
        (self.witness / "hold").unlink()

    def wait_until_agents_work(self, process: subprocess.Popen[bytes]) -> None:
        """Until as many agents have started as there are packages."""
        while len(self.witnessed("start")) < self.packages:
            assert process.poll() is None, "Polly ended too early"
            time.sleep(0.005)  # a look at another process, which has no other way to say how far it is

    def finish(self) -> tuple[int, str]:
        """Resume until the end; exit code and what was told."""
        process = self.start("resume")
        _out, err = process.communicate(timeout=300)
        return process.returncode, err.decode()

    def report(self) -> dict[str, Any]:
        process = self.start("report", "--format", "json")
        out, _err = process.communicate(timeout=300)
        report: dict[str, Any] = json.loads(out)
        return report

    def witnessed(self, word: str) -> list[str]:
        """The packages for which an agent told this word, in order."""
        log = self.witness / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.split()[1] for line in lines if line.startswith(word + " ")]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    with contextlib.ExitStack() as ending:

        def make(packages: int, steps: int) -> Project:
            made = Project(tmp_path, packages, steps)
            ending.push(made.started)
            return made

        yield make
