"""`polly log`: answers, refusals, what reaches the store. The acceptance test starts it as a program."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Done, Polly, is_refused

ACTION = ("log", "action", "--agent", "reviewer", "--action-type", "tool_call", "--action-name", "Read")
ROLE = ("log", "transformation", "--from-agent", "polly", "--to-agent", "debug", "--duration-ms", "4")
METRIC = ("log", "metric", "--query", "fix it", "--duration-ms", "1200", "--candidates", "20")
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
FAILURE = ("log", "failure", "--prompt", "do it", "--reason", "none", "--candidates-evaluated", "0")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POLLY_HOME", str(folder))
    monkeypatch.delenv("DEBUG", raising=False)
    return folder


def answer(done: Done) -> dict[str, Any]:
    """What a call that recorded something says."""
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('{\n  "success": true'), done.stdout
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def refusal(done: Done) -> dict[str, Any]:
    """What a call says of which a value was refused."""
    assert (done.returncode, done.stdout) == (1, "")
    said: dict[str, Any] = json.loads(done.stderr)
    assert said["success"] is False
    assert said["next_step"]
    return said


def row(polly: Polly, home: Path, table: str) -> dict[str, Any]:
    """The only row of a table, after a drain."""
    assert polly("drain").returncode == 0
    with sqlite3.connect(home / "polly.db") as connection:
        connection.row_factory = sqlite3.Row
        (found,) = connection.execute(f"SELECT * FROM {table}")
    connection.close()
    return dict(found)


def test_an_action_is_skipped_unless_it_is_debugged(polly: Polly, home: Path) -> None:
    said = answer(polly(*ACTION))
    assert (said["skipped"], said["reason"]) == (True, "debug_mode_disabled")
    assert not home.exists()


@pytest.mark.parametrize("debug", ["true", "1", "YES", "on"])
def test_an_action_is_recorded_when_debug_is_set(
    polly: Polly, home: Path, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    monkeypatch.setenv("DEBUG", debug)
    said = answer(polly(*ACTION))
    assert said["topic"] == "agent-actions"
    assert row(polly, home, "agent_actions")["event_id"] == said["action_id"]


def test_an_action_of_which_the_success_is_told_is_always_recorded(polly: Polly, home: Path) -> None:
    said = answer(polly(*ACTION, "--no-success", "--duration-ms", "0", "--details", '{"a": 1}'))
    found = row(polly, home, "agent_actions")
    assert said["duration_ms"] == 0
    assert json.loads(found["action_details"]) == {"a": 1, "success": False}
    assert (found["duration_ms"], found["debug_mode"]) == (0.0, 0)


@pytest.mark.parametrize(
    ("words", "success"),
    [
        (("--success",), 1),
        (("--no-success",), 0),
        (("--success", "true"), 1),
        (("--success", "false"), 0),
        (("--success", "False"), 0),
        (("--success=false",), 0),
        (("--success", "false", "--reason", "true"), 0),
    ],
)
def test_success_may_be_written_in_every_way(
    polly: Polly, home: Path, words: tuple[str, ...], success: int
) -> None:
    answer(polly(*ROLE, *words))
    found = row(polly, home, "agent_transformation_events")
    assert found["success"] == success
    assert found["event_type"] == ("transformation_complete" if success else "transformation_failed")


def test_a_word_that_is_neither_yes_nor_no_is_wrong_use(polly: Polly, home: Path) -> None:
    assert is_refused(polly(*ROLE, "--success", "maybe"), "maybe")


def test_a_transformation_may_be_told_by_its_type(polly: Polly, home: Path) -> None:
    words = ("--agent", "polly", "--transformation-type", "role_assumption", "--input-data", "plain words")
    answer(polly("log", "transformation", *words, "--output-data", '{"ok": true}'))
    found = row(polly, home, "agent_transformation_events")
    assert (found["source_agent"], found["target_agent"]) == ("polly", "polly")
    assert found["transformation_reason"] == "role_assumption"
    snapshot = json.loads(found["context_snapshot"])
    assert (snapshot["input_data"], snapshot["output_data"]) == ("plain words", {"ok": True})


def test_two_ways_at_once_are_wrong_use(polly: Polly, home: Path) -> None:
    assert is_refused(polly(*ROLE, "--success", "--agent", "polly"), "two ways")
    assert is_refused(polly(*METRIC, "--cache-hit", "--metric-name", "m"), "two different forms")


@pytest.mark.parametrize("words", [("--cache-hit", "true"), ("--cache-hit",), ("--no-cache-hit",)])
def test_a_slow_routing_is_a_metric_too(polly: Polly, home: Path, words: tuple[str, ...]) -> None:
    answer(polly(*METRIC, *words, "--confidence-components", '{"trigger": 0.9}'))
    found = row(polly, home, "router_performance_metrics")
    assert (found["routing_duration_ms"], found["candidates_evaluated"]) == (1200.0, 20)
    assert found["cache_hit"] == (words[0] == "--cache-hit")


def test_a_named_time_is_a_stage_of_the_router(polly: Polly, home: Path) -> None:
    words = ("--agent", "router", "--metric-name", "matching", "--metric-value", "2", "--metric-unit", "s")
    answer(polly("log", "metric", *words))
    found = row(polly, home, "router_performance_metrics")
    assert (found["routing_duration_ms"], json.loads(found["stage_microseconds"])) == (
        2000.0,
        {"matching": 2e6},
    )


def test_a_named_number_is_no_time_of_the_router(polly: Polly, home: Path) -> None:
    words = ("--agent", "tester", "--metric-name", "tests_run", "--metric-value", "7", "--tags", '{"s": 1}')
    answer(polly("log", "metric", *words, "--metric-type", "counter"))
    found = row(polly, home, "agent_actions")
    details = json.loads(found["action_details"])
    assert (found["action_type"], found["action_name"]) == ("decision", "tests_run")
    assert (details["metric_value"], details["metric_type"], details["tags"]) == (7.0, "counter", {"s": 1})


def test_a_routing_and_a_detection_failure_reach_their_tables(polly: Polly, home: Path) -> None:
    chosen = answer(
        polly(*ROUTING, "--alternatives", '["a"]', "--context", '{"k": null}', "--session-id", "s 1")
    )
    missed = answer(polly(*FAILURE, "--status", "Low_Confidence", "--confidence", "0.2"))
    found = row(polly, home, "agent_routing_decisions")
    assert found["event_id"] == chosen["routing_decision_id"]
    assert (found["session_id"], found["correlation_id"]) == ("s 1", chosen["correlation_id"])
    failed = row(polly, home, "agent_detection_failures")
    assert (failed["event_id"], failed["detection_status"]) == (missed["failure_id"], "low_confidence")
    assert (failed["candidates_evaluated"], failed["detection_confidence"]) == (0, 0.2)


def test_an_execution_is_told_in_three_steps(polly: Polly, home: Path, tmp_path: Path) -> None:
    words = ("--agent", "tester", "--description", "run them", "--terminal-id", "t")
    execution = answer(polly("log", "execution", "start", *words))["execution_id"]
    same = ("--execution-id", execution)
    assert (
        answer(polly("log", "execution", "progress", *same, "--stage", "begun", "--percent", "0"))["percent"]
        == 0
    )
    answer(polly("log", "execution", "complete", *same, "--status", "error", "--error-message", "red"))
    found = row(polly, home, "agent_execution_logs")
    assert (found["agent_name"], found["status"], found["error_message"]) == ("tester", "failed", "red")
    assert (found["progress_stage"], found["progress_percent"]) == ("begun", 0.0)
    assert found["duration_ms"] > 0
    assert found["project_name"] == tmp_path.name


def test_an_end_is_a_success_when_nothing_else_is_said(polly: Polly, home: Path) -> None:
    words = ("--execution-id", "of somebody else", "--duration-ms", "12")
    assert answer(polly("log", "execution", "complete", *words))["status"] == "success"


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (
            ("log", "execution", "progress", "--execution-id", "x", "--stage", "s", "--percent", "100.5"),
            "--percent",
        ),
        (
            ("log", "execution", "progress", "--execution-id", "x", "--stage", "s", "--percent", "-1"),
            "--percent",
        ),
        (
            ("log", "execution", "complete", "--execution-id", "x", "--duration-ms", "1", "--status", "done"),
            "--status",
        ),
        (
            ("log", "execution", "complete", "--execution-id", "x", "--duration-ms", "1", "--status", ""),
            "--status",
        ),
        ((*ACTION, "--details", '{"a": }', "--debug-mode"), "--details"),
        ((*ACTION, "--details", "[1]"), "--details"),
        ((*ACTION, "--details", '{"a": NaN}'), "--details"),
        ((*ACTION, "--details", "[" * 100_000), "--details"),
        (
            ("log", "action", "--agent", "a", "--action-type", "thought", "--action-name", "x"),
            "--action-type",
        ),
        (("log", "action", "--agent", " ", "--action-type", "error", "--action-name", "x"), "--agent"),
        ((*ROUTING[:4], "--confidence", "1.1", *ROUTING[6:]), "--confidence"),
        ((*ROUTING, "--alternatives", "{}"), "--alternatives"),
        ((*METRIC, "--cache-hit", "--confidence-components", '{"a": "b"}'), "--confidence-components"),
        ((*FAILURE, "--status", "bored"), "--status"),
        ((*FAILURE, "--confidence", "nan"), "--confidence"),
    ],
)
def test_a_value_that_cannot_be_recorded_is_refused_with_its_option(
    polly: Polly, home: Path, line: tuple[str, ...], option: str
) -> None:
    assert refusal(polly(*line))["option"] == option
    assert not (home / "spool").exists()


def test_json_is_refused_with_the_place_of_the_fault(polly: Polly, home: Path) -> None:
    said = refusal(polly(*ACTION, "--details", '{"a": 1,\n "b": x}'))
    assert "line 2, column 7" in said["error"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("log", "execution", "begin", "--agent", "a"), "start, progress, complete"),
        (("log", "execution", "start"), "--agent"),
        (("log", "execution", "start", "--agent", "a", "--percent", "3"), "progress"),
        (("log", "execution", "progress", "--stage", "s"), "--execution-id"),
        (("log", "execution", "complete", "--execution-id", "nobody's"), "--duration-ms"),
        (ROLE, "--success"),
        (METRIC, "--cache-hit"),
        (("log", "action", "--agent", "a"), "--action-type"),
        ((*ACTION, "--duration-ms", "long"), "--duration-ms"),
        ((*ACTION, "--colour", "red"), "--colour"),
    ],
)
def test_wrong_options_are_wrong_use(polly: Polly, home: Path, line: tuple[str, ...], said: str) -> None:
    assert is_refused(polly(*line), said)


def test_the_correlation_id_is_the_options_then_the_environments_then_new(
    polly: Polly, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = [answer(polly(*ROUTING))["correlation_id"] for _ in range(2)]
    assert new[0] != new[1]
    monkeypatch.setenv("POLLY_CORRELATION_ID", "of polly")
    assert answer(polly(*ROUTING))["correlation_id"] == "of polly"
    monkeypatch.setenv("CORRELATION_ID", "of the caller")
    assert answer(polly(*ROUTING))["correlation_id"] == "of the caller"
    assert answer(polly(*ROUTING, "--correlation-id", "mine: any text"))["correlation_id"] == "mine: any text"


def test_secrets_reach_neither_the_disk_nor_the_answer(polly: Polly, home: Path) -> None:
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    done = polly(*ROUTING, "--user-request", f"use token {secret}", "--reasoning", secret)
    assert secret not in done.stdout
    done = polly("log", "metric", "--query", f"with {secret}", *METRIC[4:], "--cache-hit")
    assert secret not in done.stdout
    assert secret.encode() not in b"".join(file.read_bytes() for file in (home / "spool").iterdir())


def test_quiet_prints_nothing_and_records(polly: Polly, home: Path) -> None:
    done = polly(*ROUTING, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert row(polly, home, "agent_routing_decisions")["selected_agent"] == "debug"


def test_trouble_with_the_recording_is_told_and_costs_the_agent_nothing(
    polly: Polly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    for name in ("POLLY_HOME", "TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(blocked))
    (tmp_path / ".polly").write_text("no folder either", encoding="utf-8")
    done = polly("log", "execution", "start", "--agent", "a", "--project-path", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    said = json.loads(done.stderr)
    assert said["success"] is False
    assert "could not be recorded" in said["error"]
    assert said["execution_id"], "later steps need it"
    quiet = polly("log", "execution", "start", "--agent", "a", "--project-path", str(tmp_path), "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_hostile_text_is_data(polly: Polly, home: Path) -> None:
    name = "'; DROP TABLE x; --\x1b[31m $(touch owned) `id`\u202e"
    done = polly("log", "routing", "--agent", name, *ROUTING[4:])
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert row(polly, home, "agent_routing_decisions")["selected_agent"] == name
    assert not Path("owned").exists()
