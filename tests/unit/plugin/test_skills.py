"""The skill folders keep to the convention, and every command in them can be typed."""

import functools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import polly
from polly.cli.intelligence import SUBCOMMANDS as INTELLIGENCE
from polly.cli.log import SUBCOMMANDS as LOG
from polly.cli.main import build_app, exit_code_of

SKILLS = Path(polly.__file__).parent / "plugin" / "skills"
LOG_NAMES = (
    "log-agent-action",
    "log-detection-failure",
    "log-execution",
    "log-performance-metrics",
    "log-routing-decision",
    "log-transformation",
)
NAMES = (*LOG_NAMES, "request-intelligence")
#: What the convention knows; other hosts refuse any other key.
_KEYS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}


def parts(name: str) -> tuple[dict[str, Any], str]:
    """Front matter and body of a skill."""
    text = (SKILLS / name / "SKILL.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    matter, _, body = text[4:].partition("\n---\n")
    loaded = yaml.safe_load(matter)
    assert isinstance(loaded, dict)
    return loaded, body


def lines(body: str) -> list[list[str]]:
    """The words of every command line in code blocks."""
    blocks = re.findall(r"^```console\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [shlex.split(line.removeprefix("$ ")) for line in joined.splitlines()]


def test_all_skills_are_there_and_nothing_else() -> None:
    assert sorted(each.name for each in SKILLS.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_front_matter_keeps_to_the_convention(name: str) -> None:
    matter, _ = parts(name)
    assert set(matter) <= _KEYS
    assert matter["name"] == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) <= 64
    assert 1 <= len(matter["description"]) <= 1024
    assert " Use it " in matter["description"], "says when to use it"
    assert len(matter["compatibility"]) <= 500


@pytest.mark.parametrize("name", NAMES)
def test_a_skill_is_short(name: str) -> None:
    _, body = parts(name)
    assert len(body.split()) < 300


@pytest.mark.parametrize("name", NAMES)
def test_it_may_use_the_command_that_it_calls_and_no_other(name: str) -> None:
    matter, body = parts(name)
    called = {tuple(words[:3]) for words in lines(body)}
    assert len(called) == 1
    assert matter["allowed-tools"] == f"Bash({' '.join(called.pop())}:*)"


@pytest.mark.parametrize("name", LOG_NAMES)
def test_every_command_line_records_something(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLLY_HOME", str(tmp_path))
    commands = lines(parts(name)[1])
    assert commands
    app = get_command(build_app(["log"]))
    for words in commands:
        assert words[:2] == ["polly", "log"]
        call = functools.partial(app.main, args=words[1:], prog_name="polly", standalone_mode=False)
        assert (exit_code_of(call), capsys.readouterr().err) == (0, ""), words
    written = [file.read_bytes().splitlines() for file in (tmp_path / "spool").glob("*.jsonl")]
    assert sum(map(len, written)) == len(commands)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_that_a_skill_names_exists(name: str) -> None:
    _, body = parts(name)
    ((_, group, command),) = {tuple(words[:3]) for words in lines(body)}
    app: Any = get_command(build_app([group]))
    options = app.commands[group].commands[command].params
    known = {option for each in options for option in (*each.opts, *each.secondary_opts)}
    assert set(re.findall(r"`(--[a-z-]+)", body)) <= known


def test_every_command_of_log_has_a_skill() -> None:
    assert {words[2] for name in LOG_NAMES for words in lines(parts(name)[1])} == set(LOG)
    assert "request" in INTELLIGENCE
