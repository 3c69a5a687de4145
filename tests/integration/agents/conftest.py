import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polly.execution.agents.base import Agent, Assignment, prepare_files
from polly.process import Job, Report, run, small_environment
from polly.work.issues import Issue, Location, Severity, Source
from polly.work.plan import Files, WorkPackage

GREETING = "hello\n" + "world\n" * 8 + "bye\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A repository with one commit: a greeting whose first and last lines can be patched apart."""
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "greeting.txt").write_text(GREETING)
    for command in (
        ("init", "-q"),
        ("config", "user.name", "Tester"),
        ("config", "user.email", "tester@example.org"),
        ("config", "core.autocrlf", "false"),
        ("add", "-A"),
        ("commit", "-q", "-m", "start"),
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


@pytest.fixture
def assign(tmp_path: Path, workspace: Path) -> Callable[..., Assignment]:
    """Makes assignments for WP1 with the issues named."""

    def make(*issues: str, **given: Any) -> Assignment:
        found = tuple(
            Issue(
                id=issue,
                severity=Severity.MAJOR,
                title=f"About {issue}",
                locations=(Location(path="greeting.txt", start_line=1),),
                problem="It is wrong.",
                suggestion="Make it right.",
                source=Source(format="markdown", tool="review", rule="R1"),
                fingerprint=f"print-{issue}",
            )
            for issue in issues
        )
        package = WorkPackage(
            id="WP1",
            title="Greetings",
            role="code-quality-specialist",
            priority=Severity.MAJOR,
            wave=1,
            issues=issues,
            files=Files(modify=("greeting.txt",), create=("tests/test_*.py",)),
            estimated_minutes=5,
        )
        fields: dict[str, Any] = {
            "run": "run-1",
            "package": package,
            "attempt": 1,
            "role": package.role,
            "workspace": workspace,
            "folder": tmp_path / "attempt",
            "issues": found,
        }
        return Assignment(**{**fields, **given})

    return make


@pytest.fixture
def work() -> Callable[[Agent, Assignment], tuple[Report, str]]:
    """Lets an agent do its assignment as a real process; returns the report and the log."""

    def work(agent: Agent, assignment: Assignment) -> tuple[Report, str]:
        variables = prepare_files(assignment)
        launch = agent.launch(assignment)
        log = assignment.folder / "log.txt"
        job = Job(
            command=launch.command,
            cwd=assignment.workspace,
            env={**small_environment(), **variables, **launch.env},
            folder=assignment.folder,
            log=log,
            timeout_seconds=120.0,
            grace_seconds=0.3,
        )
        report = asyncio.run(run(job))
        return report, log.read_text()

    return work
