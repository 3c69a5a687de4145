"""`polly sessions` and `polly session`: answers, no data, no database, unknown ids, hostile text."""

import json
from pathlib import Path

import pytest
from tests.acceptance.conftest import Polly, is_refused
from tests.acceptance.test_sessions import a_session

EVIL = "a\x1b[31m|<script>\n# not a heading\u202e"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POLLY_HOME", str(folder))
    return folder


def test_without_a_database_it_says_so_and_makes_none(polly: Polly, home: Path) -> None:
    assert is_refused(polly("sessions"), "there is no database", "polly.db")
    assert is_refused(polly("session", "x"), "there is no database")
    assert not home.exists()


@pytest.mark.parametrize("command", [("sessions",), ("session", "sess-1")])
def test_text_of_agents_can_neither_steer_a_terminal_nor_become_markup(
    polly: Polly, home: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    a_session(tmp_path / EVIL.replace("\n", "").replace("/", ""), target=EVIL)
    for output_format in ("table", "markdown", "json"):
        done = polly(*command, "--format", output_format)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr
        if output_format == "markdown":
            assert "<script>" not in done.stdout
            assert "\n# not a heading" not in done.stdout


def test_json_has_everything(polly: Polly, home: Path, tmp_path: Path) -> None:
    a_session(tmp_path, target=EVIL)
    listed = json.loads(polly("sessions", "--format", "json").stdout)
    assert (listed["total"], listed["sessions"][0]["end"]) == (1, "recorded")
    shown = json.loads(polly("session", "sess-1", "--format", "json").stdout)["session"]
    assert shown["files_written"] == [EVIL]
    assert [step["name"] for step in shown["steps"]] == ["session_started", "Write", "session_ended"]


def test_no_session_in_that_time_is_an_answer_of_its_own(polly: Polly, home: Path, tmp_path: Path) -> None:
    a_session(tmp_path)
    done = polly("sessions", "--agent", "nobody")
    assert (done.returncode, done.stdout) == (4, "")
    assert "No session of nobody" in done.stderr
    empty = polly("sessions", "--project", "none", "--format", "json")
    assert (empty.returncode, json.loads(empty.stdout)["sessions"]) == (4, [])


def test_no_session_at_all_is_an_answer_of_its_own(polly: Polly, home: Path) -> None:
    assert polly("db", "upgrade").returncode == 0
    done = polly("session", "x")
    assert (done.returncode, done.stdout) == (4, "")
    assert "No session is recorded yet" in done.stderr


def test_an_unknown_id_is_refused_with_those_near_it(polly: Polly, home: Path, tmp_path: Path) -> None:
    a_session(tmp_path)
    a_session(tmp_path, session="sess-2")
    assert is_refused(polly("session", "sess-9"), "there is no session 'sess-9'", "sess-1", "sess-2")
    assert is_refused(polly("session", "sess-"), "beginning of several", "sess-1", "sess-2")
    assert is_refused(polly("session", " "), "empty")


@pytest.mark.parametrize(
    "words", [("--since", "yesterday"), ("--since", "2999-01-01"), ("--limit", "0"), ("--format", "xml")]
)
def test_wrong_options_are_wrong_use(polly: Polly, home: Path, words: tuple[str, ...]) -> None:
    assert is_refused(polly("sessions", *words), words[0])
