"""The demo project as a job for real agents: what Polly plans for it, and a script for each package."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents import as_command, direct
from tests.agents.direct import Ended
from tests.model.script import Action, Step
from tests.model.scripted_model import ScriptedModel, write

from polly.demo.sample import Sample, create_sample

Git = Callable[..., str]

AGENTS = 4
LAST = Step(text="It is done.")


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The sample, with the files of each package of its plan for four agents.

    fixed: a copy of the sample in which every finding is mended.
    """

    sample: Sample
    packages: dict[str, list[str]]
    fixed: Path

    @property
    def root(self) -> Path:
        return self.sample.root

    def steps(self, package: str, *, meet: int = AGENTS) -> tuple[Step, ...]:
        """Look at the files, write them as they should be, and say so.

        The first answer comes when as many agents as `meet` have asked for theirs: they work at once.
        """
        files = self.packages[package]
        written = [file for file in files if (self.fixed / file).exists()]
        texts = [(self.fixed / file).read_text(encoding="utf-8") for file in written]
        return (
            Step(
                actions=tuple(Action(read=file) for file in files if (self.root / file).exists()), meet=meet
            ),
            Step(actions=tuple(map(write, written, texts))),
            LAST,
        )

    def play(self, model: ScriptedModel, package: str, steps: tuple[Step, ...]) -> None:
        """The agent of this package plays these steps: its prompt begins with the package's name."""
        model.add(package, *steps, when=f"^# {package}:")

    def fix_arguments(self, program: Path, model: ScriptedModel) -> tuple[str | Path, ...]:
        """`polly` with these arguments has all of it fixed by Claude Code."""
        agent = ("--agent", "command", "--", sys.executable, as_command.__file__, program, model.url)
        return ("fix", self.sample.review, self.sample.findings, "--agents", str(AGENTS), *agent)

    def streams(self) -> list[Ended]:
        """What each agent printed."""
        logs = sorted((self.root / ".polly").glob("runs/*/packages/*/log.txt"))
        texts = [log.read_text(encoding="utf-8") for log in logs]
        return [Ended(code=0, lines=direct.json_lines(text), stderr="") for text in texts]


def tool_calls(stream: Ended) -> list[tuple[str, str]]:
    """Id and name of every tool call that Claude Code told of, in order."""
    blocks = (block for line in stream.of_type("assistant") for block in line["message"]["content"])
    return [(block["id"], block["name"]) for block in blocks if block["type"] == "tool_use"]


def make_demo(folder: Path, git: Git, polly: Callable[..., Any]) -> Demo:
    """A new sample in the folder, planned for four agents."""
    sample = create_sample(folder / "demo")
    sources = (sample.review, sample.findings)
    planned = polly("plan", *sources, "--agents", str(AGENTS), "--format", "json", cwd=sample.root)
    assert planned.returncode == 0, planned.stderr
    demo = Demo(
        sample=sample,
        packages={
            package["id"]: [*package["files"]["modify"], *package["files"]["create"]]
            for package in json.loads(planned.stdout)["packages"]
        },
        fixed=folder / "fixed",
    )
    assert len(demo.packages) == AGENTS
    git(folder, "clone", "--quiet", str(sample.root), str(demo.fixed))
    for patch in sorted(sample.patches.iterdir()):
        git(demo.fixed, "apply", str(patch))
    return demo
