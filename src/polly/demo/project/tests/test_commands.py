"""The commands that agents call."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[1]
ACTION = ("--agent", "fixer", "--action-type", "tool_call", "--action-name", "edit")


def run(module: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-m", module, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


class CommandsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_an_action_is_appended_to_the_spool_and_printed(self) -> None:
        spool = self.folder / "spool.jsonl"
        options = ("--spool", str(spool), "--details", '{"file": "a.py"}', "--debug", "true")
        done = run("skills.log_action", *ACTION, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(spool.read_text(encoding="utf-8"), done.stdout)
        self.assertEqual(json.loads(done.stdout)["details"], {"file": "a.py"})

    def test_an_unknown_type_of_action_is_refused(self) -> None:
        done = run("skills.log_action", "--spool", str(self.folder / "spool"), "--agent", "a",
                   "--action-type", "guess", "--action-name", "b")  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("guess", done.stderr)

    def test_an_action_for_kafka_lies_in_the_outbox_under_its_correlation_id(self) -> None:
        done = run("skills.log_action_kafka", *ACTION, "--outbox", str(self.folder), "--correlation-id", "c1")
        self.assertEqual(done.returncode, 0, done.stderr)
        (file,) = self.folder.iterdir()
        record = json.loads(file.read_text(encoding="utf-8"))
        self.assertEqual((record["topic"], record["key"]), ("agent-actions", "c1"))
        self.assertEqual(record["value"]["agent_name"], "fixer")


if __name__ == "__main__":
    unittest.main()
