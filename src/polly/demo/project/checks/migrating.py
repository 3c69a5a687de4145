"""M7, M8: sql/migrations."""

import datetime as dt
import sqlite3
from contextlib import closing

from outcome import ROOT, NotFixed, expect

UP = ROOT / "sql/migrations/001_project_context.sql"
DOWN = ROOT / "sql/migrations/001_project_context_down.sql"


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT type, name FROM sqlite_master ORDER BY type, name").fetchall()


def m7() -> None:
    """up, down, up works, and down takes back what up made and nothing else"""
    expect(DOWN.is_file(), f"there is no way down: {DOWN.name} does not exist")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE somebody_elses (id INTEGER)")
        before = _schema(connection)
        connection.executescript(UP.read_text("utf-8"))
        up = _schema(connection)
        connection.execute("INSERT INTO projects VALUES ('polly', '/src/polly')")
        try:
            connection.executescript(DOWN.read_text("utf-8"))
            expect(_schema(connection) == before, f"after up and down there is {_schema(connection)}")
            connection.executescript(DOWN.read_text("utf-8"))
            connection.executescript(UP.read_text("utf-8"))
        except sqlite3.Error as error:
            raise NotFixed(f"up, down, down, up fails: {error}") from error
        expect(_schema(connection) == up, "up after down makes another schema than the first time")


def m8() -> None:
    """the view can be read, and counts actions by their type"""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    kinds = ("tool_call", "tool_call", "tool_call", "success", "error", "decision")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(UP.read_text("utf-8"))
        for correlation_id in ("busy", "idle"):
            connection.execute(
                "INSERT INTO agent_executions VALUES (?, ?, 'fixer', NULL, 'in_progress', ?, NULL)",
                (correlation_id, correlation_id, now),
            )
        for number, kind in enumerate(kinds):
            connection.execute(
                "INSERT INTO agent_actions VALUES (?, 'busy', 'fixer', ?, 'edit', ?)",
                (str(number), kind, now),
            )
        try:
            rows = connection.execute(
                "SELECT total_actions, actions_in_progress, actions_completed, actions_failed"
                " FROM agent_activity_realtime ORDER BY execution_id"
            ).fetchall()
        except sqlite3.Error as error:
            raise NotFixed(f"the view cannot be read: {error}") from error
    expect(
        rows == [(6, 1, 1, 1), (0, 0, 0, 0)], f"total, in progress, completed, failed are counted as {rows}"
    )
