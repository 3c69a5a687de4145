"""[agents.<name>] of programs of others: what cannot work is refused before a run, with what to do."""

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from polly.errors import InputError, PollyError, SettingsError
from polly.execution.agents.probing import probe
from polly.execution.agents.registry import PROGRAMS, reopen, resolve

NAMES = [known.name for known in PROGRAMS]
MODELS = {"opencode": "anthropic/sonnet", "aider": "openai/x", "mini": "openai/x"}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, alone on PATH, with a program for every agent that says its version; a key is set."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for known in PROGRAMS:
        file = folder / known.program
        file.write_text(f"#!{sys.executable}\nprint('{known.program} version 1.2.3-beta')\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))
    for known in PROGRAMS:
        for key in known.keys:
            monkeypatch.delenv(key, raising=False)
    for known in PROGRAMS:
        monkeypatch.setenv(known.keys[0], "test-key")
    return folder


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_found_on_path_and_made_again_from_its_spec(programs: Path, name: str) -> None:
    agent = resolve(f"{name}:{MODELS.get(name, 'some-model')}")
    assert agent.name == name
    assert reopen(agent.spec, {}) == agent


@pytest.mark.parametrize("name", NAMES)
def test_a_program_that_is_missing_is_refused_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="on PATH") as refused:
        resolve(f"{name}:openai/x")
    assert "install" in (refused.value.next_step or "").lower()


@pytest.mark.parametrize("name", NAMES)
def test_an_agent_without_a_key_is_refused_before_it_starts(
    programs: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for known in PROGRAMS:
        for key in known.keys:
            monkeypatch.delenv(key, raising=False)
    with pytest.raises(InputError, match="has no key for its model") as refused:
        resolve(f"{name}:{MODELS.get(name, 'm')}")
    assert f"[agents.{name}] env" in (refused.value.next_step or "")


@pytest.mark.parametrize("name", ["opencode", "aider", "mini"])
def test_an_agent_that_needs_a_model_says_so(programs: Path, name: str) -> None:
    with pytest.raises(PollyError, match="needs a model"):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("claude", {"modle": "x"}, "unknown option 'modle'"),
        ("claude", {"model": 3}, "model must be a text"),
        ("claude", {"model": " "}, "model must be a text"),
        ("claude", {"max_turns": 0}, "max_turns must be a whole number from 1"),
        ("claude", {"max_turns": True}, "max_turns must be a whole number from 1"),
        ("claude", {"max_retries": -1}, "max_retries must be a whole number from 0"),
        ("claude", {"args": "--debug"}, "args must be a list of texts"),
        ("claude", {"args": ["--setting-sources=project"]}, "args must not hold --setting-sources"),
        ("claude", {"args": ["--dangerously-skip-permissions"]}, "args must not hold --dangerously-skip"),
        ("claude", {"args": ["--settings", "{}"]}, "args must not hold --settings"),
        ("claude", {"allowed_tools": "Bash"}, "allowed_tools must be a list of texts"),
        ("claude", {"env": ["POLLY_HOME"]}, "env must not name POLLY_HOME"),
        ("claude", {"env": ["CLAUDE_CONFIG_DIR"]}, "env must not name CLAUDE_CONFIG_DIR"),
        ("claude", {"env": ["NO_SUCH_VARIABLE"]}, "env names NO_SUCH_VARIABLE, which is not set"),
        ("claude", {"base_url": "localhost:80"}, "base_url must be an http or https address"),
        ("claude", {"base_url": "http://me:secret@host"}, "base_url must be an http or https address"),
        ("claude", {"program": "no-such-program"}, "the program 'no-such-program' does not exist"),
        ("codex", {"sandbox": "off"}, "sandbox cannot be 'off'"),
        ("codex", {"args": ["-c", "features.hooks=false"]}, "args must not hold -c"),
        ("opencode", {"model": "sonnet"}, "names no provider"),
        ("opencode", {"model": "a/b", "prices": {"input": "3"}}, "prices cannot be"),
        ("aider", {"model": "m", "edit_format": "best"}, "edit_format cannot be 'best'"),
        ("mini", {"config": "no-such.yaml"}, "config is no file"),
        ("mini", {"model": "m", "max_cost": 0}, "max_cost cannot be 0"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_with_its_place(
    programs: Path, name: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(PollyError) as refused:
        resolve(name, (), options)
    assert said in refused.value.what
    assert f"[agents.{name}]" in refused.value.what
    assert refused.value.next_step


def test_an_unknown_option_names_the_nearest(programs: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve("claude", (), {"modle": "x"})
    assert refused.value.next_step == "Did you mean 'model'?"


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "aider"])
def test_a_program_is_asked_for_its_version(programs: Path, name: str) -> None:
    known = next(known for known in PROGRAMS if known.name == name)
    found = probe(known, {})
    assert (found.installed, found.version, found.missing) == (True, "1.2.3-beta", "")
    assert found.path == str(programs / known.program)


def test_a_program_that_does_not_say_its_version_is_installed_all_the_same(programs: Path) -> None:
    (programs / "claude").write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    found = probe(PROGRAMS[0], {})
    assert (found.installed, found.version) == (True, None)


def test_what_is_missing_is_told_with_what_helps(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert "no key for its model" in probe(PROGRAMS[0], {}).missing
    (programs / "claude").unlink()
    found = probe(PROGRAMS[0], {})
    assert (found.installed, found.missing) == (False, "not installed")
    assert "npm install" in found.next_step
