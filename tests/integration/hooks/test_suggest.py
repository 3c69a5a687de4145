"""The program that suggests roles, as Claude Code starts it: an answer or nothing, and never trouble."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.agents import direct
from tests.model.script import Step
from tests.model.scripted_model import ScriptedModel

from polly.events.envelope import Envelope, unwrap
from polly.hooks.programs import suggest_argv
from polly.hooks.registration import entries
from polly.sink.spool import spool_files

Suggest = Callable[..., "subprocess.CompletedProcess[bytes]"]
Spooled = Callable[[], list[tuple[Envelope, dict[str, Any]]]]

PROMPT = "The migration needs a foreign key, and the SQL query an index in the database."


@pytest.fixture
def suggest(home: Path, tmp_path: Path) -> Suggest:
    """`suggest(payload, env=…, cwd=…)` asks as the agent program does. A payload is a value or bytes."""

    def ask(
        payload: object, env: Mapping[str, str] | None = None, cwd: Path = tmp_path
    ) -> "subprocess.CompletedProcess[bytes]":
        raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        return subprocess.run(
            suggest_argv(),
            input=raw,
            env={
                "PATH": os.environ["PATH"],
                "POLLY_HOME": str(home),
                "POLLY_SUGGEST_SECONDS": "60",
                "TMPDIR": str(tmp_path),
                **(env or {}),
            },
            cwd=cwd,
            capture_output=True,
            check=False,
        )

    return ask


def prompt(text: object = PROMPT, **more: object) -> dict[str, object]:
    return {"hook_event_name": "UserPromptSubmit", "session_id": "s-1", "prompt": text, **more}


def is_silent(done: "subprocess.CompletedProcess[bytes]") -> bool:
    return (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_role_that_is_sure_enough_becomes_context_with_how_it_works(
    suggest: Suggest, spooled: Spooled
) -> None:
    done = suggest(prompt())
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert set(answer) == {"hookSpecificOutput"}
    told = answer["hookSpecificOutput"]
    assert told["hookEventName"] == "UserPromptSubmit"
    assert "database-specialist" in told["additionalContext"]
    assert "confidence 0." in told["additionalContext"]
    assert len(told["additionalContext"]) < 1000
    decided, measured = [unwrap(envelope) for envelope, _ in spooled()]
    assert (decided.type, measured.type) == ("dev.polly.routing.decided.v1", "dev.polly.router.measured.v1")
    assert {(each.sessionid, each.correlationid) for each, _ in spooled()} == {("s-1", "s-1")}
    assert spooled()[0][1]["context"]["suggested"] is True


def test_what_wants_no_specialist_gets_no_suggestion_and_is_no_failure(
    suggest: Suggest, spooled: Spooled
) -> None:
    assert is_silent(suggest(prompt("thank you")))
    assert [data.get("routing_strategy") for _, data in spooled()] == ["general", None]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        {},
        prompt(None),
        prompt(""),
        prompt("  \n"),
        prompt("/review database query"),
        {**prompt(), "hook_event_name": "Stop"},
    ],
    ids=repr,
)
def test_anything_else_is_answered_with_nothing(suggest: Suggest, spooled: Spooled, payload: object) -> None:
    assert is_silent(suggest(payload))
    assert spooled() == []


def test_an_agent_of_a_run_has_its_role_already(suggest: Suggest, spooled: Spooled) -> None:
    assert is_silent(suggest(prompt(), env={"POLLY_RUN_ID": "R"}))
    assert spooled() == []


def test_an_enormous_prompt_is_answered_too(suggest: Suggest) -> None:
    done = suggest(prompt(PROMPT + " x" * 500_000))
    assert done.returncode == 0
    assert b"database-specialist" in done.stdout


def test_half_characters_and_secrets_in_a_prompt_are_no_trouble(suggest: Suggest, spooled: Spooled) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    raw = json.dumps(prompt(f"{PROMPT} \ud800 \x00 {secret}")).encode("ascii")
    assert b"database-specialist" in suggest(raw).stdout
    assert len(spooled()) == 2
    assert all(secret not in json.dumps(data) for _, data in spooled())


def test_roles_of_the_project_are_known_and_a_broken_one_costs_nothing(
    suggest: Suggest, tmp_path: Path
) -> None:
    folder = tmp_path / "project" / ".polly" / "roles"
    folder.mkdir(parents=True)
    role = "name: zebra-keeper\ntitle: Keeper\npurpose: Keeps.\ninstructions: Feed them. Brush them. Ride.\n"
    (folder / "zebra-keeper.yaml").write_text(f"{role}triggers: [zebra stripes, zebra]\n", encoding="utf-8")
    env = {"CLAUDE_PROJECT_DIR": str(tmp_path / "project")}
    told = suggest(prompt("use agent-zebra-keeper for the zebra stripes"), env=env).stdout
    assert b"Feed them. Brush them." in told
    assert b"Ride" not in told
    (folder / "broken.yaml").write_text("nonsense: [", encoding="utf-8")
    assert b"database-specialist" in suggest(prompt(), env=env).stdout


def test_modules_of_the_project_are_not_loaded(suggest: Suggest, tmp_path: Path) -> None:
    project = tmp_path / "hostile"
    project.mkdir()
    for name in ("yaml.py", "json.py", "msgspec.py", "polly.py", "threading.py"):
        (project / name).write_text("open('was-here', 'w'); raise SystemExit(2)\n", encoding="utf-8")
    done = suggest(prompt(cwd=str(project)), cwd=project)
    assert b"database-specialist" in done.stdout
    assert not (project / "was-here").exists()


def test_a_spool_that_cannot_be_written_costs_the_prompt_nothing(suggest: Suggest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    env = {"POLLY_HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path / "file")}
    done = suggest(prompt(cwd=str(tmp_path / "file")), env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"database-specialist" in done.stdout


def test_a_prompt_that_never_ends_is_given_up(home: Path, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "POLLY_HOME": str(home), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        suggest_argv(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as program:
        assert program.stdin is not None
        program.stdin.write(b'{"hook_event_name": "UserPromptSubmit",')
        program.stdin.flush()
        # It ends although nothing more comes and the pipe stays open.
        assert program.wait(120) == 0
        assert program.stdout is not None
        assert program.stdout.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="the real programs are driven on POSIX")
def test_claude_code_gives_the_suggestion_to_its_model(
    claude_program: Path, model: ScriptedModel, repo: Path, tmp_path: Path
) -> None:
    hooks = {event: [group] for event, group in entries("claude", suggest_roles=True).items()}
    marker = model.add("suggested", Step(text="Done."))
    start = direct.claude(
        *(claude_program, model, tmp_path / "agent", f"{PROMPT} {marker}"),
        *("--settings", json.dumps({"hooks": hooks})),
    )
    env = {**start.env, "POLLY_HOME": str(tmp_path / "home"), "POLLY_SUGGEST_SECONDS": "60"}
    ended = direct.run(direct.Start(command=start.command, env=env), repo)
    assert ended.result["subtype"] == "success"
    transcripts = "".join(
        file.read_text(encoding="utf-8") for file in (tmp_path / "agent").rglob("projects/**/*.jsonl")
    )
    assert "Polly suggests the role database-specialist" in transcripts
    lines = [
        line for path in spool_files(tmp_path / "home" / "spool") for line in path.read_bytes().splitlines()
    ]
    kinds = {msgspec.json.decode(line)["type"] for line in lines}
    assert {"dev.polly.routing.decided.v1", "dev.polly.hook.fired.v1"} <= kinds
