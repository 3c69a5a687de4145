"""A program that stands in for an agent's: it prints what it was told to print, and changes what it was told.

`stand_in.py PLAN ARG…`, where PLAN is JSON: {"note": file for what it was given, "say": [lines], "edit":
{path: text}, "wait_for": file, "then": [lines], "exit": status}. It shows how Polly starts programs and reads
their streams; how a program thinks is tested with the real ones.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if "note" in plan:
        given = {"argv": sys.argv[2:], "env": dict(os.environ), "stdin": sys.stdin.read()}
        Path(plan["note"]).write_text(json.dumps(given), encoding="utf-8")
    _say(plan.get("say", []))
    for path, text in plan.get("edit", {}).items():
        Path(path).write_text(text, encoding="utf-8")
    while "wait_for" in plan and not Path(plan["wait_for"]).exists():
        time.sleep(0.02)
    _say(plan.get("then", []))
    return int(plan.get("exit", 0))


def _say(lines: list[object]) -> None:
    for line in lines:
        print(line if isinstance(line, str) else json.dumps(line), flush=True)  # noqa: T201 - its stream


if __name__ == "__main__":
    sys.exit(main())
