"""An agent that could not work is refused before a run starts; one that can is made again from its text."""

import os
from pathlib import Path
from typing import Any

import pytest

from polly.errors import InputError, PollyError, SettingsError
from polly.execution.agents.registry import AGENTS, reopen, resolve


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "C1.patch").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "script.yaml").write_text("default: [{sleep: 1}]\n")
    (tmp_path / "fix.sh").write_text("#!/bin/sh\n")
    (tmp_path / "fix.sh").chmod(0o755)
    (tmp_path / "plain.sh").write_text("#!/bin/sh\n")


@pytest.mark.skipif(os.name == "nt", reason="names programs of POSIX")
@pytest.mark.parametrize(
    ("spec", "argv", "options"),
    [
        ("command", ("sh", "-c", "exit 3", 'quote " and \\'), {}),
        ("command", ("./fix.sh",), {}),
        ("patch:patches", (), {"delay_seconds": {"C1": 0.5}}),
        ("scripted:script.yaml", (), {}),
    ],
)
def test_an_agent_is_made_again_from_its_spec_even_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, argv: tuple[str, ...], options: dict[str, Any]
) -> None:
    agent = resolve(spec, argv, options)
    monkeypatch.chdir(tmp_path / "empty")
    assert agent.name in AGENTS
    assert reopen(agent.spec, {agent.name: options}) == agent


@pytest.mark.parametrize(
    ("spec", "argv", "what", "next_step"),
    [
        ("comand", ("x",), "there is no agent 'comand'", "Did you mean 'command'?"),
        ("zzz", (), "there is no agent 'zzz'", "mini, opencode, patch, scripted."),
        ("command", (), "the agent `command` needs a program after `--`", "command -- python fix.py"),
        ("command:fix.sh", (), "`--agent command:fix.sh` is not understood", "command -- python fix.py"),
        ("command", ("no-such-program",), "'no-such-program' was not found on PATH", "Install it"),
        ("command", ("./no-such.sh",), "no-such.sh does not exist", "Correct the path"),
        ("command", ("./plain.sh",), "plain.sh is not executable", "chmod +x ./plain.sh"),
        ("patch", (), "the agent `patch` needs a folder", "--agent patch:DIR"),
        ("patch:nowhere", (), "nowhere does not exist", "<issue id>.patch"),
        ("patch:fix.sh", (), "fix.sh is a file", "<issue id>.patch"),
        ("patch:empty", (), "empty holds no .patch file", "WP1.patch"),
        ("patch:patches", ("x",), "the agent `patch` takes no program, but 'x'", "command -- PROGRAM"),
        ("scripted", (), "the agent `scripted` needs a script", "--agent scripted:FILE"),
        ("scripted:nowhere.yaml", (), "nowhere.yaml cannot be read: No such file", "--agent scripted:FILE"),
        ("scripted:empty", (), "empty cannot be read: Is a directory", "--agent scripted:FILE"),
    ],
)
def test_what_cannot_work_is_refused_with_the_next_step(
    spec: str, argv: tuple[str, ...], what: str, next_step: str
) -> None:
    with pytest.raises(InputError) as refused:
        resolve(spec, argv)
    assert what in refused.value.what
    assert next_step in (refused.value.next_step or "")


@pytest.mark.parametrize(
    ("spec", "options", "what"),
    [
        ("patch:patches", {"delay_second": 1}, "[agents.patch]: unknown option 'delay_second'"),
        ("patch:patches", {"delay_seconds": "1"}, "delay_seconds cannot be '1'"),
        ("patch:patches", {"delay_seconds": -1}, "delay_seconds cannot be -1"),
        ("patch:patches", {"delay_seconds": True}, "delay_seconds cannot be True"),
        ("patch:patches", {"delay_seconds": {"C1": "x"}}, "delay_seconds cannot be"),
        ("scripted:script.yaml", {"speed": 2}, "[agents.scripted]: unknown option 'speed'"),
        ('command:["git"]', {"env": "KEY"}, "env must be a list of texts"),
        ('command:["git"]', {"env": ["NOT_SET_ANYWHERE"]}, "env names NOT_SET_ANYWHERE, which is not set"),
        ('command:["git"]', {"env": ["GIT_DIR"]}, "env must not name GIT_DIR"),
        ('command:["git"]', {"env": ["POLLY_RUN_ID"]}, "env must not name POLLY_RUN_ID"),
    ],
)
def test_options_are_checked(spec: str, options: dict[str, Any], what: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve(spec, (), options)
    assert what in refused.value.what
    assert refused.value.next_step


def test_every_refusal_is_for_a_person() -> None:
    for spec in (
        "",
        ":",
        "patch:\0",
        "scripted:\0",
        "scripted:~nobody-of-this-name/x",
        "command:{",
        "command:[1]",
        "command:[]",
    ):
        with pytest.raises(PollyError):
            resolve(spec)
