"""What is recorded can be stored and summed up."""

import json
import sqlite3
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

from analyze import analyze
from observability.consumer import MAX_EVENT_BYTES, ActionStore, Consumer, Record
from observability.execution_logger import ExecutionLogger
from observability.status import OperationStatus

MIGRATION = Path(__file__).parents[1] / "sql" / "migrations" / "001_project_context.sql"


def action(number: int) -> bytes:
    """A record's value that the store takes."""
    event = {
        "event_id": f"e{number}",
        "correlation_id": "c1",
        "agent_name": "fixer",
        "action_type": "tool_call",
        "action_name": "edit",
        "recorded_at": "2025-10-25T08:00:00+00:00",
    }
    return json.dumps(event).encode()


class ListTopic:
    """A topic in memory."""

    def __init__(self, *values: bytes) -> None:
        self.records = [Record(offset, value) for offset, value in enumerate(values)]

    def read(self, offset: int, limit: int) -> list[Record]:
        return self.records[offset : offset + limit]


class ExecutionLoggerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_an_execution_is_one_file_with_one_line_per_step(self) -> None:
        logger = ExecutionLogger("fixer", folder=self.folder)
        execution_id = logger.start("mend the consumer")
        logger.progress("editing", percent=50)
        logger.complete(quality_score=0.9)

        lines = (self.folder / f"{execution_id}.jsonl").read_text(encoding="utf-8").splitlines()
        self.assertEqual([json.loads(line)["step"] for line in lines], ["started", "progressed", "ended"])
        self.assertEqual(json.loads(lines[-1])["status"], OperationStatus.SUCCESS)

    def test_a_folder_is_summed_up(self) -> None:
        done, stopped = (ExecutionLogger(name, folder=self.folder) for name in ("done", "stopped"))
        done.start("a")
        done.complete()
        stopped.start("b")
        stopped.cancel("not needed any more")

        report = analyze(self.folder)
        self.assertEqual(report["executions"]["success"], 1)
        self.assertEqual(report["executions"]["cancelled"], 1)
        self.assertEqual(report["success_rate"], 0.5)


class ConsumerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.connection = self.enterContext(closing(sqlite3.connect(":memory:")))
        self.connection.executescript(MIGRATION.read_text(encoding="utf-8"))

    def stored(self) -> list[str]:
        return [
            row[0] for row in self.connection.execute("SELECT event_id FROM agent_actions ORDER BY event_id")
        ]

    def test_every_record_is_stored_once_across_batches(self) -> None:
        consumer = Consumer(ListTopic(*map(action, range(5))), ActionStore(self.connection), batch_size=2)
        for _ in range(4):
            consumer.run_once()
        self.assertEqual(self.stored(), ["e0", "e1", "e2", "e3", "e4"])
        self.assertEqual(consumer.health()["offset"], 5)

    def test_a_record_that_is_too_large_is_given_up_and_kept(self) -> None:
        consumer = Consumer(ListTopic(b"x" * (MAX_EVENT_BYTES + 1), action(1)), ActionStore(self.connection))
        consumer.run_once()
        self.assertEqual(self.stored(), ["e1"])
        self.assertEqual([letter.record.offset for letter in consumer.dead_letters], [0])


if __name__ == "__main__":
    unittest.main()
