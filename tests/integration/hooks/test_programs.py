"""The two programs as agent programs start them, with everything that can go wrong around them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polly.events.envelope import Envelope
from polly.hooks.programs import fail_closed, guard_argv

Program = Callable[..., "subprocess.CompletedProcess[bytes]"]
Spooled = Callable[[], list[tuple[Envelope, dict[str, Any]]]]

STOP = {"session_id": "s-1", "hook_event_name": "Stop", "cwd": "/nowhere"}


def assert_silent(done: "subprocess.CompletedProcess[bytes]") -> None:
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


# --- the recorder -----------------------------------------------------------------------------------------


def test_the_recorder_records_one_event_and_says_nothing(record: Program, spooled: Spooled) -> None:
    assert_silent(record(STOP))
    ((envelope, data),) = spooled()
    assert (envelope.sessionid, envelope.type) == ("s-1", "dev.polly.hook.fired.v1")
    assert data["action"] == "turn_ended"


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"", "empty"), (b"{ nope", "char 2"), (b"[1, 2]", "not a JSON object"), (b"\xff" * 9, "char 0")],
)
def test_what_is_no_payload_is_recorded_as_such(
    record: Program, spooled: Spooled, raw: bytes, why: str
) -> None:
    assert_silent(record(raw, env={"CLAUDE_CODE_SESSION_ID": "s-of-the-environment"}))
    ((envelope, data),) = spooled()
    assert envelope.sessionid == "s-of-the-environment"
    assert data["action"] == "unreadable"
    assert why in data["metadata"]["error"]
    assert data["payload"]["_cut"]["bytes"] == len(raw)


def test_a_huge_input_is_read_to_its_end_and_its_size_kept(record: Program, spooled: Spooled) -> None:
    raw = b'{"session_id":"big","x":"' + b"y" * (33 * 1024 * 1024) + b'"}'
    assert_silent(record(raw))
    ((_, data),) = spooled()
    assert data["payload"]["_cut"]["bytes"] == len(raw)
    assert len(data["payload"]["_cut"]["sha256"]) == 64


def test_a_large_answer_of_a_tool_is_cut(record: Program, spooled: Spooled, home: Path) -> None:
    answer = "line with a key\n" * 400_000
    payload = {**STOP, "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "t"}
    assert_silent(record({**payload, "tool_response": {"stdout": answer}}))
    ((_, data),) = spooled()
    assert data["action"] == "t"
    assert data["_cut"]["bytes"] > len(answer)
    (path,) = (home / "spool").glob("*.jsonl")
    assert path.stat().st_size < 70_000


@pytest.mark.skipif(os.name == "nt", reason="a closed standard input is a matter of POSIX")
def test_without_stdin_the_recorder_ends_well(home: Path, tmp_path: Path) -> None:
    program = Path(guard_argv()[-1]).with_name("record.py")
    script = f'exec "{sys.executable}" -I -S "{program}" <&-'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"POLLY_HOME": str(home), "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert_silent(done)
    assert len(list((home / "spool").glob("*.jsonl"))) == 1


def test_without_a_home_the_recorder_ends_well(record: Program, tmp_path: Path) -> None:
    done = record(STOP, env={"POLLY_HOME": "~nobody-of-this-name/polly", "HOME": "", "TMPDIR": str(tmp_path)})
    assert_silent(done)
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1


def test_nothing_that_can_be_written_is_no_reason_to_disturb(record: Program, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    project = {**STOP, "cwd": str(blocked)}
    assert_silent(record(project, env={"POLLY_HOME": str(blocked), "TMPDIR": str(blocked)}))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_no_reason_to_disturb(record: Program, home: Path, tmp_path: Path) -> None:
    (home / "spool").mkdir(parents=True)
    (home / "spool" / "s-1.session").symlink_to("/dev/full")
    assert_silent(record(STOP))
    assert len(list((tmp_path / f"polly-{os.getuid()}" / "spool").glob("*.jsonl"))) == 1


def test_a_broken_installation_is_no_reason_to_disturb(record: Program, tmp_path: Path) -> None:
    copied = tmp_path / "lib" / "polly" / "hooks"
    copied.mkdir(parents=True)
    program = Path(shutil.copy(Path(guard_argv()[-1]).with_name("record.py"), copied))
    assert_silent(record(STOP, argv=(sys.executable, "-I", "-S", str(program))))


def test_the_hooks_import_nothing_but_the_standard_library(home: Path, tmp_path: Path) -> None:
    payload = {**STOP, "prompt": "password=" + "hunter2x"}
    for argv in (guard_argv(), (*guard_argv()[:-1], guard_argv()[-1].replace("guard.py", "record.py"))):
        done = subprocess.run(
            [argv[0], "-X", "importtime", *argv[1:]],
            input=json.dumps(payload).encode(),
            env={"POLLY_HOME": str(home), "TMPDIR": str(tmp_path)},
            capture_output=True,
            check=False,
        )
        names = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
        ours = {name for name in names if name.partition(".")[0] == "polly"}
        others = {name.partition(".")[0] for name in names} - {"imported package", "polly"}
        assert not others - {*sys.stdlib_module_names, "zipimport"}
        allowed = ("polly.hooks", "polly.sink.session_file", "polly.sink.places", "polly.sink.fitting")
        plain = {"polly", "polly.sink", "polly.events", "polly.events.redaction"}
        assert {name for name in ours if not name.startswith(allowed)} <= plain


def test_the_plugin_leaves_the_recording_to_the_settings(
    record: Program, spooled: Spooled, tmp_path: Path
) -> None:
    settings = tmp_path / "claude" / "settings.json"
    settings.parent.mkdir()
    env = {"CLAUDE_PLUGIN_ROOT": "/plugin", "CLAUDE_CONFIG_DIR": str(settings.parent)}
    assert_silent(record(STOP, env=env))
    assert len(spooled()) == 1
    settings.write_text(
        json.dumps({"hooks": {"Stop": [{"hooks": [{"args": ["/x/polly/hooks/record.py"]}]}]}})
    )
    assert_silent(record(STOP, env=env))
    assert len(spooled()) == 1
    assert_silent(record(STOP, env={"CLAUDE_CONFIG_DIR": str(settings.parent)}))
    assert len(spooled()) == 2


# --- the guard --------------------------------------------------------------------------------------------


@pytest.fixture
def run_of_an_agent(repo: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of an agent that owns README.md."""
    file = tmp_path / "owned.txt"
    file.write_text("README.md\n")
    return {"POLLY_OWNED_FILES": str(file), "POLLY_WORKSPACE": str(repo), "POLLY_RUN_ID": "run-1"}


def write_of(path: str) -> dict[str, Any]:
    return {
        "session_id": "s-1",
        "hook_event_name": "PreToolUse",
        "tool_name": "Write",
        "tool_input": {"file_path": path},
        "tool_use_id": "toolu_1",
    }


def test_outside_of_a_run_the_guard_lets_everything_through(guard: Program, spooled: Spooled) -> None:
    assert_silent(guard(write_of("/etc/hosts")))
    assert_silent(guard(b"no JSON at all"))
    assert spooled() == []


def test_a_denial_says_why_and_is_an_event(
    guard: Program, spooled: Spooled, run_of_an_agent: dict[str, str], repo: Path
) -> None:
    assert_silent(guard(write_of("README.md"), env=run_of_an_agent, cwd=repo))
    done = guard(write_of("other.py"), env=run_of_an_agent, cwd=repo)
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)["hookSpecificOutput"]
    assert (answer["hookEventName"], answer["permissionDecision"]) == ("PreToolUse", "deny")
    assert "If other.py must change, name it in the note" in answer["permissionDecisionReason"]
    ((envelope, data),) = spooled()
    assert envelope.subject == "run-1"
    assert (data["action"], data["action_type"]) == ("toolu_1", "error")
    assert data["action_details"]["denied_by"] == "polly guard"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"{}", json.dumps({**write_of("x"), "tool_input": None}).encode(), b'{"a":' * 200_000],
)
def test_a_question_that_cannot_be_understood_is_denied(
    guard: Program, run_of_an_agent: dict[str, str], raw: bytes
) -> None:
    done = guard(raw, env=run_of_an_agent)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"denied" in done.stderr


def test_a_list_of_files_that_is_gone_denies_everything_and_is_an_event(
    guard: Program, spooled: Spooled, run_of_an_agent: dict[str, str], repo: Path
) -> None:
    Path(run_of_an_agent["POLLY_OWNED_FILES"]).unlink()
    done = guard(write_of("README.md"), env=run_of_an_agent, cwd=repo)
    assert done.returncode == 2
    assert [data["action_details"]["denied_by"] for _, data in spooled()] == ["polly guard"]


def test_a_record_that_fails_does_not_weaken_the_denial(
    guard: Program, run_of_an_agent: dict[str, str], repo: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    env = {**run_of_an_agent, "POLLY_HOME": str(blocked), "TMPDIR": str(blocked)}
    assert b'"deny"' in guard(write_of("other.py"), env=env, cwd=repo).stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows relies on onFailure: block")
@pytest.mark.parametrize("broken", ["program", "interpreter", "killed"])
def test_every_crash_is_a_denial(
    guard: Program, run_of_an_agent: dict[str, str], tmp_path: Path, broken: str
) -> None:
    argv = {
        "program": (sys.executable, "-I", "-S", str(tmp_path / "gone.py")),
        "interpreter": (str(tmp_path / "no-python"), "-I", "-S", guard_argv()[-1]),
        "killed": ("/bin/sh", "-c", "kill -9 $$"),
    }[broken]
    assert guard(write_of("README.md"), env=run_of_an_agent, argv=fail_closed(argv)).returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="the alarm is one of POSIX")
def test_a_guard_that_hangs_denies_before_the_agent_loses_patience(
    run_of_an_agent: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "guard.py"
    text = Path(guard_argv()[-1]).read_text(encoding="utf-8").replace("_SECONDS = 8", "_SECONDS = 1")
    program.write_text(text.replace("    here = ", "    os.read(0, 1)\n    here = "), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(program)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as hanging:
        assert hanging.wait(60) == 2
        assert hanging.stderr is not None
        assert b"too long" in hanging.stderr.read()


def test_strays_of_a_shell_command_are_told_once_to_the_agent_and_recorded(
    guard: Program, spooled: Spooled, run_of_an_agent: dict[str, str], repo: Path
) -> None:
    after = {**write_of("x"), "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {}}
    assert_silent(guard(after, env=run_of_an_agent, cwd=repo))
    (repo / "README.md").write_text("mine\n")
    (repo / "stray.txt").write_text("not mine\n")
    done = guard(after, env=run_of_an_agent, cwd=repo)
    assert done.returncode == 0
    assert "stray.txt" in json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]
    assert_silent(guard(after, env=run_of_an_agent, cwd=repo))
    ((_, data),) = spooled()
    assert (data["action"], data["resource_id"]) == ("stray_written", "stray.txt")
