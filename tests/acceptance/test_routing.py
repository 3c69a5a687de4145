"""`polly route`, `polly routing` and `polly detections` as a user meets them, and roles in runs."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import FIXER, Git, Polly, commit_all, fixed_sample, is_refused, newest_run

SURE = "the migration needs a foreign key and an index in the database"
VAGUE = "thank you"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POLLY_HOME", str(folder))
    return folder


def spooled(home: Path) -> list[dict[str, Any]]:
    files = sorted((home / "spool").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def stored(home: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(home / "polly.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("dev.polly.").removesuffix(".v1") for event in events]


def test_a_request_finds_its_role_outside_of_a_repository(polly: Polly, home: Path) -> None:
    done = polly("route", SURE, "--path", "db/0004.sql", "--format", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["found"], answer["recorded"]) == (True, True)
    assert answer["decision"]["chosen"]["role"] == "database-specialist"
    events = spooled(home)
    assert kinds(events) == ["routing.decided", "router.measured", "transformation.recorded"]
    assert len({event["correlationid"] for event in events}) == 1
    table = polly("route", SURE, "--no-record")
    assert all(word in table.stdout for word in ("trigger", "context", "capability", "history", "Matched:"))
    assert len(spooled(home)) == len(events)


def test_a_request_without_a_role_is_exit_code_1_and_a_detection_failure(polly: Polly, home: Path) -> None:
    done = polly("route", VAGUE)
    assert done.returncode == 1
    assert "the general role code-quality-specialist is taken; recorded" in done.stderr
    assert kinds(spooled(home)) == ["routing.decided", "router.measured", "detection.failed"]
    assert "not recorded" in polly("route", VAGUE, "--no-record").stderr


@pytest.mark.parametrize("text", ["", "\x1b[31mred\x07", "日本語のテスト", "x " * 50_000])
def test_any_text_on_standard_input_gets_an_answer(polly: Polly, home: Path, text: str) -> None:
    done = polly("route", "-", "--format", "json", stdin=text)
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(done.stdout)["recorded"]
    assert "\x1b" not in polly("route", "-", "--no-record", stdin=text).stdout
    assert home.exists()


def test_wrong_use_is_told(polly: Polly, home: Path) -> None:
    assert is_refused(polly("route", "fix it", "--rule", "S608"), "TOOL:RULE")
    assert is_refused(polly("route", "-", stdin="x" * 1_000_001), "1,000,000 bytes")
    assert polly("route").returncode == 2
    assert not home.exists()


def test_a_role_file_that_cannot_be_used_is_named(polly: Polly, sample: Path, home: Path) -> None:
    folder = sample / ".polly" / "roles"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("name: other\n", encoding="utf-8")
    assert is_refused(polly("route", SURE, cwd=sample), "mine.yaml")
    assert not home.exists()


def test_issues_of_the_kept_plan_are_routed_by_their_ids(polly: Polly, sample: Path, home: Path) -> None:
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    answer = json.loads(polly("route", "C1", "m2", "--format", "json", cwd=sample).stdout)
    assert answer["request"]["paths"] == ["src/a.py", "src/b.py"]
    assert "returns the wrong number" in answer["request"]["text"]
    assert is_refused(polly("route", "C1", "M22", cwd=sample), "no issue M22", "Did you mean M2?")
    assert home.exists()


def test_no_database_no_data_and_data_are_three_answers(polly: Polly, home: Path) -> None:
    for question in (("routing", "report"), ("detections", "list"), ("detections", "stats")):
        assert is_refused(polly(*question), "there is no database")
    assert not home.exists()
    assert polly("db", "upgrade").returncode == 0
    for question in (("routing", "report"), ("detections", "list"), ("detections", "stats")):
        done = polly(*question)
        assert (done.returncode, done.stdout) == (4, ""), question
    assert json.loads(polly("routing", "report", "--format", "json").stdout)["status"] == "no_data"
    polly("route", SURE)
    assert polly("detections", "list").returncode == 4
    report = polly("routing", "report")
    assert report.returncode == 0
    assert "database-specialist" in report.stdout


def test_a_failure_is_reviewed_and_measures_the_router(polly: Polly, home: Path) -> None:
    polly("route", VAGUE)
    polly("route", "thank you so much")
    (second, first) = json.loads(polly("detections", "list", "--format", "json").stdout)["found"]["failures"]
    assert first["request"] == VAGUE
    refused = polly("detections", "review", first["id"], "--by", "ann", "--expected", "databse-specialist")
    assert is_refused(refused, "no role 'databse-specialist'", "'database-specialist'")
    done = polly(
        *("detections", "review", first["id"], "--by", "ann", "--expected", "agent-debug-database"),
        *("--notes", "rows\x1b[31m", "--format", "json"),
    )
    reviewed = json.loads(done.stdout)["failure"]
    assert (reviewed["reviewed"], reviewed["expected"]) == (True, "database-specialist")
    assert stored(home, "SELECT reviewed_by FROM agent_detection_failures WHERE reviewed") == [("ann",)]
    left = json.loads(polly("detections", "list", "--format", "json").stdout)["found"]["failures"]
    assert [each["id"] for each in left] == [second["id"]]
    assert (
        len(json.loads(polly("detections", "list", "--all", "--format", "json").stdout)["found"]["failures"])
        == 2
    )
    similar = json.loads(polly("detections", "similar", first["id"], "--format", "json").stdout)["similar"]
    assert [each["failure"]["id"] for each in similar] == [second["id"]]
    assert 0.3 < similar[0]["similarity"] < 1
    figures = json.loads(polly("routing", "report", "--format", "json").stdout)["figures"]
    assert figures["reviews"] == {"known": 1, "right": 0, "accuracy": 0.0}
    shown = polly("detections", "show", first["id"])
    assert "\x1b" not in shown.stdout
    assert "by ann" in shown.stdout


def test_a_failure_that_is_not_there_or_not_the_only_one_is_told(polly: Polly, home: Path) -> None:
    polly("route", VAGUE)
    polly("route", "thanks")
    assert is_refused(polly("detections", "show", "ffff"), "no detection failure 'ffff'")
    common = json.loads(polly("detections", "list", "--format", "json").stdout)["found"]["failures"][0]["id"][
        :4
    ]
    assert is_refused(polly("detections", "show", common), "beginning of several")
    assert is_refused(polly("detections", "review", common, "--by", " "), "--by is empty")
    assert home.exists()


def test_a_run_records_each_role_once_and_the_next_plan_learns_from_it(
    polly: Polly, sample: Path, home: Path
) -> None:
    fixed_sample(polly, sample, "--agents", "3")
    routed = stored(home, "SELECT json_extract(context, '$.package'), selected_agent, run, correlation_id "
                    "FROM agent_routing_decisions ORDER BY 1")  # fmt: skip
    planned = stored(home, "SELECT package, role FROM work_packages ORDER BY 1")
    assert [(package, role) for package, role, _, _ in routed] == planned
    assert {run for _, _, run, _ in routed} == {newest_run(sample).name}
    measured = stored(home, "SELECT correlation_id FROM router_performance_metrics")
    assert {(correlation,) for _, _, _, correlation in routed} == set(measured)
    assert polly("resume", cwd=sample).returncode == 0
    assert polly("drain").returncode == 0
    assert stored(home, "SELECT count(*) FROM agent_routing_decisions") == [(len(planned),)]
    answer = json.loads(polly("route", "C1", "--no-record", "--format", "json", cwd=sample).stdout)
    history = {
        each["role"]: each["components"]["history"]
        for each in (answer["decision"]["chosen"], *answer["decision"]["alternatives"])
    }
    worked = {role for _, role in planned}
    assert all(history[role] > 0.5 for role in worked & history.keys())
    figures = json.loads(polly("routing", "report", "--format", "json").stdout)["figures"]
    assert sum(each["tried"] for each in figures["outcomes"]) == 3
    assert {each["share"] for each in figures["outcomes"]} == {1.0}


def test_a_role_that_does_not_exist_stops_a_run_before_it_starts(
    polly: Polly, sample: Path, git: Git, home: Path
) -> None:
    commit_all(git, sample, "as it is")
    assert polly("plan", "REVIEW.md", "--agents", "1", cwd=sample).returncode == 0
    file = sample / ".polly" / "plan.json"
    plan = json.loads(file.read_bytes())
    plan["packages"][0]["role"] = "securty-audit"
    file.write_text(json.dumps(plan), encoding="utf-8")
    assert is_refused(polly("run", *FIXER, cwd=sample), "'securty-audit'", "'security-audit'")
    plan["packages"][0]["role"] = "security-audit"
    file.write_text(json.dumps(plan), encoding="utf-8")
    assert polly("run", *FIXER, cwd=sample).returncode == 0
    rows = stored(home, "SELECT selected_agent, routing_strategy, reasoning FROM agent_routing_decisions")
    ((role, strategy, reasoning),) = rows
    assert (role, strategy) == ("security-audit", "explicit")
    assert reasoning.startswith("named in the plan")
    taken = stored(home, "SELECT source_agent, target_agent FROM agent_transformation_events")
    assert taken == [("polly", "security-audit")]
