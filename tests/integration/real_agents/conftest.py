from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agents import direct
from tests.agents.direct import Ended
from tests.model.scripted_model import ScriptedModel

Run = Callable[..., Ended]


@pytest.fixture
def project(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository with calc.py, whose add() subtracts, and other.py."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "calc.py").write_text("def add(a, b):\n    return a - b\n", encoding="utf-8")
    (root / "other.py").write_text("NAME = 'other'\n", encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=first")
    return root


@pytest.fixture
def claude(claude_program: Path, model: ScriptedModel, project: Path, tmp_path: Path) -> Run:
    """`claude(prompt, *options)` runs Claude Code in the project to its end."""

    def run(prompt: str, *options: str) -> Ended:
        return direct.run(direct.claude(claude_program, model, tmp_path / "home", prompt, *options), project)

    return run


@pytest.fixture
def codex(codex_program: Path, model: ScriptedModel, project: Path, tmp_path: Path) -> Run:
    """`codex(prompt, *options)` runs Codex in the project to its end."""

    def run(prompt: str, *options: str, settings: str | None = None) -> Ended:
        start = direct.codex(codex_program, model, tmp_path / "home", prompt, *options, settings=settings)
        return direct.run(start, project)

    return run
