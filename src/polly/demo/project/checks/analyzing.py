"""N4, N9: analyze.py."""

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

from outcome import expect, python


def _report(*statuses: str) -> dict[str, Any]:
    """What analyze.py prints about executions that ended like this."""
    with tempfile.TemporaryDirectory() as folder:
        for number, status in enumerate(statuses):
            Path(folder, f"{number}.jsonl").write_text(json.dumps({"status": status}) + "\n", "utf-8")
        done = python("analyze.py", folder)
    expect(done.returncode == 0, f"analyze.py fails: {done.stderr[-300:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def n4() -> None:
    """the report's own status is a word of OperationStatus"""
    from observability.status import OperationStatus

    for statuses, status in (
        (("success", "failed"), OperationStatus.FAILED),
        (("success", "cancelled"), OperationStatus.SUCCESS),
    ):
        reported = _report(*statuses)["status"]
        expect(reported == status, f"a report that should be {status.value!r} says {reported!r}")


def n9() -> None:
    """generated_at is the time of day in UTC"""
    before = dt.datetime.now(dt.UTC)
    generated_at = dt.datetime.fromisoformat(_report("success")["generated_at"])
    after = dt.datetime.now(dt.UTC)
    expect(
        generated_at.tzinfo is not None,
        f"a report made at {before:%Y-%m-%d %H:%M:%S} UTC says {generated_at}",
    )
    expect(
        before <= generated_at <= after,
        f"a report made at {before:%Y-%m-%d %H:%M:%S} UTC says {generated_at}",
    )
    expect(generated_at.utcoffset() == dt.timedelta(), f"{generated_at} is not in UTC")
