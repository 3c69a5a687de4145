"""The client reads stored actions back and lets go of the database."""

import sqlite3
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

from observability.client import Action, ActivityClient

MIGRATION = Path(__file__).parents[1] / "sql" / "migrations" / "001_project_context.sql"


class ActivityClientTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.database = Path(folder) / "observability.db"
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(MIGRATION.read_text(encoding="utf-8"))
            connection.execute(
                "INSERT INTO agent_actions VALUES"
                " ('e1', 'c1', 'fixer', 'tool_call', 'edit', '2025-10-25T08:00:00+00:00')"
            )
            connection.commit()

    def test_reads_the_actions_of_one_request(self) -> None:
        with ActivityClient(self.database) as client:
            self.assertEqual(client.actions("c1"), [Action("fixer", "tool_call", "edit")])
            self.assertEqual(client.actions("c2"), [])

    def test_refuses_questions_while_closed(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "closed"):
            ActivityClient(self.database).actions("c1")

    def test_close_lets_go_of_the_connection(self) -> None:
        client = ActivityClient(self.database)
        client.open()
        self.addCleanup(client.close)

        client.close()

        self.assertIsNone(client._conn)


if __name__ == "__main__":
    unittest.main()
