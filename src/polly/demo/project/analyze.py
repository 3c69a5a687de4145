"""Sums up a folder of execution logs: `python analyze.py FOLDER` prints one JSON object."""

import argparse
import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from observability.status import OperationStatus


def last_entries(folder: Path) -> list[dict[str, Any]]:
    """The last entry of each execution that left a log in the folder."""
    entries = []
    for file in sorted(folder.glob("*.jsonl")):
        lines = file.read_text(encoding="utf-8").splitlines()
        if lines:
            entries.append(json.loads(lines[-1]))
    return entries


def count_by_status(entries: Iterable[dict[str, Any]]) -> dict[OperationStatus, int]:
    """How many executions stand at each status."""
    found = Counter(entry["status"] for entry in entries)
    return {status: found[status] for status in OperationStatus}


def analyze(folder: Path) -> dict[str, Any]:
    """The report about all executions in the folder."""
    started = time.monotonic()
    generated_at = dt.datetime.fromtimestamp(time.monotonic())

    counts = count_by_status(last_entries(folder))
    ended = sum(count for status, count in counts.items() if status.is_final)
    succeeded = counts[OperationStatus.SUCCESS]

    outcome = "error" if counts[OperationStatus.FAILED] else "ok"

    return {
        "generated_at": generated_at.isoformat(),
        "status": outcome,
        "executions": counts,
        "success_rate": succeeded / ended if ended else None,
        "analysis_seconds": round(time.monotonic() - started, 6),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the execution logs are")
    print(json.dumps(analyze(parser.parse_args().folder), indent=2))


if __name__ == "__main__":
    main()
