"""`polly observe` as a user meets it: answers, no data, no database, hostile names."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Polly, is_refused

from polly.events.agents import ActionRecorded, ExecutionCompleted, ExecutionStarted
from polly.events.envelope import wrap
from polly.events.event import EventData
from polly.sink.spool import SpoolWriter

EVIL = "a\x1b[31m|<script>\n# not a heading"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POLLY_HOME", str(folder))
    return folder


def spool(home: Path, *events: EventData, ago: timedelta = timedelta(minutes=5)) -> None:
    writer = SpoolWriter(home / "spool")
    for event in events:
        at = datetime.now(UTC) - ago
        writer.append(wrap(event, source="", correlation_id="c", session="s", at=at))
    writer.close()


def execution(number: int, status: str = "success", **values: Any) -> tuple[EventData, EventData]:
    agent = values.pop("agent_name", "reviewer")
    return (
        ExecutionStarted(execution=f"x{number}", agent_name=agent),
        ExecutionCompleted(
            execution=f"x{number}", agent_name=agent, status=status, duration_ms=1000.0, **values
        ),
    )


QUESTIONS = (("health",), ("errors",), ("report",), ("agent", "reviewer"))


def test_no_database_is_wrong_use_and_makes_none(polly: Polly, home: Path) -> None:
    for question in QUESTIONS:
        assert is_refused(polly("observe", *question), "there is no database", "polly.db")
    assert not home.exists()


def test_a_database_that_cannot_be_reached_is_wrong_use(polly: Polly, tmp_path: Path) -> None:
    file = tmp_path / "polly.toml"
    file.write_text('[store]\nurl = "postgresql://nobody@127.0.0.1:1/polly"\n', encoding="utf-8")
    assert is_refused(polly("observe", "health", "--config", file), "127.0.0.1")


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_no_data_in_the_window_is_an_answer_of_its_own(
    polly: Polly, home: Path, question: tuple[str, ...]
) -> None:
    spool(home, *execution(1), ago=timedelta(days=20))
    done = polly("observe", *question, "--since", "1h")
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert "Nothing was recorded" in done.stderr
    assert polly("observe", *question, "--since", "30d").returncode == 0


def test_no_data_has_a_status_of_its_own_in_json(polly: Polly, home: Path) -> None:
    spool(home, *execution(1), ago=timedelta(days=20))
    done = polly("observe", "health", "--since", "1h", "--format", "json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["status"] == "no_data"


@pytest.mark.parametrize(
    ("question", "output_format"),
    [
        (("health",), "table"),
        (("health",), "markdown"),
        (("health",), "json"),
        (("errors",), "json"),
        (("report",), "table"),
        (("agent", "reviewer"), "json"),
    ],
)
def test_good_health_is_answered_in_every_format(
    polly: Polly, home: Path, question: tuple[str, ...], output_format: str
) -> None:
    spool(home, *execution(1), *execution(2, "in_progress"))
    done = polly("observe", *question, "--format", output_format)
    assert (done.returncode, done.stderr) == (0, "")
    if output_format == "json":
        figures = json.loads(done.stdout)["figures"]
        executions = figures.get("figures", figures)["executions"]
        assert (executions["total"], executions["success_rate"]) == (2, 1.0)
    else:
        assert "UTC" in done.stdout


@pytest.mark.parametrize(("failures", "status"), [(3, "warning"), (4, "critical")])
def test_bad_health_is_told_with_its_reasons_and_what_to_do(
    polly: Polly, home: Path, failures: int, status: str
) -> None:
    events = [
        event
        for number in range(12)
        for event in execution(number, "error" if number < failures else "success", error_type="OSError")
    ]
    spool(home, *events)
    done = polly("observe", "health")
    assert done.returncode == 1
    assert f"Health: {status}" in done.stdout
    assert "success rate" in done.stdout
    assert "polly observe errors" in done.stdout
    answer = json.loads(polly("observe", "health", "--format", "json").stdout)
    assert (answer["status"], answer["reasons"][0]["measure"]) == (status, "success rate")


def test_a_record_that_cannot_be_stored_is_bad_health(polly: Polly, home: Path) -> None:
    spool(home, *execution(1))
    with next((home / "spool").glob("*.jsonl")).open("ab") as file:
        file.write(b"no event\n")
    done = polly("observe", "health")
    assert done.returncode == 1
    assert "dead letters" in done.stdout


def test_what_the_relay_leaves_in_the_spool_is_bad_health_even_without_data(
    polly: Polly, home: Path, tmp_path: Path
) -> None:
    spool(home, *execution(1))
    assert polly("observe", "health").returncode == 0
    spool(home, *execution(2), ago=timedelta(minutes=15))
    file = tmp_path / "polly.toml"
    file.write_text('[kafka]\nbootstrap_servers = "127.0.0.1:1"\n', encoding="utf-8")
    done = polly("observe", "health", "--config", file, "--since", "1m")
    assert done.returncode == 1, done.stderr
    assert "2 events wait in the spool" in done.stdout
    assert "Nothing was recorded" in done.stderr


@pytest.mark.parametrize("output_format", ["table", "markdown"])
def test_hostile_names_and_messages_are_shown_and_do_nothing(
    polly: Polly, home: Path, output_format: str
) -> None:
    message = "boom\x1b]0;owned\x07 <img src=x> | `rm` " + "long " * 100
    spool(home, *execution(1, "failed", agent_name=EVIL, error_type=EVIL, error_message=message))
    for question in (("errors",), ("report",), ("agent", EVIL)):
        done = polly("observe", *question, "--format", output_format)
        assert done.returncode in (0, 1), done.stderr
        assert "\x1b" not in done.stdout
        assert "\x07" not in done.stdout
        assert not any(line.startswith("# not") for line in done.stdout.splitlines())
        if output_format == "markdown":
            assert "<script>" not in done.stdout.replace("\\<", "")
    errors = polly("observe", "errors", "--format", output_format).stdout
    assert "long " * 60 not in errors
    whole = json.loads(polly("observe", "errors", "--format", "json").stdout)
    assert whole["figures"]["examples"][0]["error_message"] == message
    assert whole["figures"]["examples"][0]["agent"] == EVIL


def test_an_agent_that_nobody_knows_is_answered_with_names_like_it(polly: Polly, home: Path) -> None:
    spool(home, *execution(1, agent_name="code-reviewer"))
    done = polly("observe", "agent", "code-reviewr")
    assert done.returncode == 4
    assert "polly observe agent code-reviewer" in done.stderr


def test_an_agent_without_others_has_nothing_to_compare_with(polly: Polly, home: Path) -> None:
    spool(home, *execution(1))
    assert "nothing to compare with" in polly("observe", "agent", "reviewer").stdout
    spool(home, *execution(2, agent_name="other"))
    done = polly("observe", "agent", "reviewer")
    assert "nothing to compare with" not in done.stdout


def test_actions_alone_are_data(polly: Polly, home: Path) -> None:
    spool(home, ActionRecorded(agent_name="a", action_type="decision", action_name="choose"))
    for question in (("health",), ("errors",), ("report",), ("agent", "a")):
        done = polly("observe", *question)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("since", ["24x", "2999-01-01", "0h", ""])
def test_a_wrong_since_is_refused(polly: Polly, home: Path, since: str) -> None:
    del home
    assert is_refused(polly("observe", "health", "--since", since), "--since")


@pytest.mark.parametrize("since", ["30D", "2020-01-31", "2020-01-31T12:00+01:00"])
def test_ages_and_dates_are_understood(polly: Polly, home: Path, since: str) -> None:
    spool(home, *execution(1))
    done = polly("observe", "report", "--since", since)
    assert done.returncode == 0, done.stderr
    if since.endswith("+01:00"):
        assert "2020-01-31 11:00 to" in done.stdout.replace("\\", "")


def test_postgresql_answers_the_same(polly: Polly, home: Path, postgres_url: str) -> None:
    spool(home, *execution(1), *execution(2, "failed", error_type="OSError"))
    before = json.loads(polly("observe", "errors", "--format", "json", "--since", "2020-01-01").stdout)
    spool(home, *execution(1), *execution(2, "failed", error_type="OSError"))
    url = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    done = polly(
        "observe",
        "errors",
        "--format",
        "json",
        "--since",
        "2020-01-01",
        env={"POLLY_STORE__URL": url},
    )
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout)
    assert after["figures"]["executions"] == before["figures"]["executions"]
    assert after["figures"]["by_agent"] == before["figures"]["by_agent"]
