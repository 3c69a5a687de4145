"""Fixtures for the real agent programs: the path of each, installed by the first test that asks."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.agents import mini, npm, on_demand
from tests.agents.installing import CannotInstallError
from tests.agents.on_demand import NotAskedForError

_ENVIRONMENT = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """npm and uv find their settings in the home of the person, which tests do not see any more."""
    config.stash[_ENVIRONMENT] = {"UV_SYSTEM_CERTS": "true", **os.environ}


@pytest.fixture(scope="session")
def claude_program(request: pytest.FixtureRequest) -> Path:
    """The pinned Claude Code."""
    return _or_skip(npm.claude, request.config, "Claude Code")


@pytest.fixture(scope="session")
def codex_program(request: pytest.FixtureRequest) -> Path:
    """The pinned Codex."""
    return _or_skip(npm.codex, request.config, "Codex")


@pytest.fixture(scope="session")
def mini_program(request: pytest.FixtureRequest) -> Path:
    """The pinned mini-swe-agent; of its models only the deterministic one."""
    return _or_skip(mini.mini, request.config, "mini-swe-agent")


@pytest.fixture(scope="session")
def opencode_program(request: pytest.FixtureRequest) -> Path:
    """The pinned opencode, when it was asked for."""
    return _or_skip(on_demand.opencode, request.config, "opencode")


@pytest.fixture(scope="session")
def aider_program(request: pytest.FixtureRequest) -> Path:
    """The pinned aider, when it was asked for."""
    return _or_skip(on_demand.aider, request.config, "aider")


def _or_skip(find: Callable[[Mapping[str, str]], Path], config: pytest.Config, name: str) -> Path:
    environment = config.stash[_ENVIRONMENT]
    try:
        return find(environment)
    except NotAskedForError as error:
        pytest.skip(str(error))
    except CannotInstallError as error:
        reason = f"{name} cannot be installed: {error}"
    # Outside of the handler, so that the reason is told once.
    if "CI" in environment:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
