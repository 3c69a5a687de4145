"""N1, N5, N14: skills/log_action.py and skills/log_action_kafka.py."""

import datetime as dt
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from outcome import expect, python

ACTION = ("--agent", "checker", "--action-type", "tool_call", "--action-name", "look")


def _log(folder: str, *options: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "skills.log_action", "--spool", str(Path(folder, "spool")), *ACTION, *options)


def _spooled(*options: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        done = _log(folder, *options)
    expect(done.returncode == 0, f"log_action {' '.join(options)} is refused: {done.stderr.strip()[-200:]}")
    event: dict[str, Any] = json.loads(done.stdout)
    return event


def _queued(*options: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        done = python("-m", "skills.log_action_kafka", "--outbox", folder, *ACTION, *options)
        expect(done.returncode == 0, f"log_action_kafka fails: {done.stderr[-200:]}")
        (file,) = Path(folder).iterdir()
        value: dict[str, Any] = json.loads(file.read_text("utf-8"))["value"]
    return value


def n1() -> None:
    """--debug false keeps the details out, --debug true keeps them, anything else is refused"""
    details = ("--details", '"secret"')
    for word in ("false", "False", "no", "0"):
        kept = _spooled("--debug", word, *details)["details"]
        expect(kept is None, f"with --debug {word}, the details are recorded all the same: {kept!r}")
    for word in ("true", "True", "yes", "1"):
        expect(
            _spooled("--debug", word, *details)["details"] == "secret", f"--debug {word} drops the details"
        )
    with tempfile.TemporaryDirectory() as folder:
        expect(_log(folder, "--debug", "perhaps").returncode == 2, "--debug perhaps is not refused")


def n5() -> None:
    """both commands record a word of OperationStatus"""
    from observability.status import OperationStatus

    for what, status, expected in (
        ("log_action", _spooled()["status"], OperationStatus.SUCCESS),
        ("log_action_kafka", _queued()["status"], OperationStatus.SUCCESS),
        ("log_action_kafka --error", _queued("--error", "disk full")["status"], OperationStatus.FAILED),
    ):
        expect(status == expected, f"{what} records {status!r} where {expected.value!r} is meant")
    for member in OperationStatus:
        status = _spooled("--status", member.value)["status"]
        expect(status == member, f"log_action --status {member.value} records {status!r}")


def n14() -> None:
    """the queued record carries an aware time in UTC"""
    before = dt.datetime.now(dt.UTC)
    recorded_at = dt.datetime.fromisoformat(_queued()["recorded_at"])
    after = dt.datetime.now(dt.UTC)
    expect(recorded_at.utcoffset() == dt.timedelta(), f"recorded_at says {recorded_at}, without UTC")
    expect(
        before <= recorded_at <= after,
        f"an action of {before:%Y-%m-%d %H:%M:%S} UTC is recorded as of {recorded_at}",
    )
