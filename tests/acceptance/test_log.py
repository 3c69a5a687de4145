"""`polly log` as agents and their skills call it: as a program."""

import json
from pathlib import Path

import pytest
from tests.acceptance.conftest import Polly, is_refused

ROUTING = (
    "log",
    "routing",
    "--agent",
    "debug",
    "--confidence",
    "0.5",
    "--strategy",
    "s",
    "--latency-ms",
    "3",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POLLY_HOME", str(folder))
    return folder


def test_what_is_recorded_is_answered_on_stdout_and_waits_in_the_spool(polly: Polly, home: Path) -> None:
    done = polly(*ROUTING, env={"POLLY_SESSION_ID": "of the agent"})
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert done.stdout.startswith('{\n  "success": true')
    (file,) = (home / "spool").glob("*.jsonl")
    event = json.loads(file.read_bytes())
    assert (event["id"], event["sessionid"]) == (said["routing_decision_id"], "of the agent")
    assert not (home / "polly.db").exists()


def test_a_refused_value_is_exit_code_1_and_a_wrong_option_2(polly: Polly, home: Path) -> None:
    done = polly(*ROUTING, "--context", "{")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr)["option"] == "--context"
    assert is_refused(polly(*ROUTING, "--unknown"), "--unknown")
    assert not home.exists()


def test_it_loads_neither_settings_nor_store(polly: Polly, tmp_path: Path) -> None:
    (tmp_path / "polly.toml").write_text("this is no TOML", encoding="utf-8")
    assert polly(*ROUTING, "--quiet").returncode == 0
