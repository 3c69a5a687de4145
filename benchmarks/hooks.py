"""What a hook costs against a bare interpreter, and whether 1,000 tool calls of 8 sessions all arrive.

What hooks cost a session of the real program: hooks_in_sessions.py beside this.

Usage: python benchmarks/hooks.py [STARTS]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from polly.hooks.programs import guard_argv, record_argv
from polly.sink import session_file
from polly.sink.drain import drain
from polly.store import schema
from polly.store.sqlite import SqliteStore

SESSIONS, CALLS = 8, 125
_CODE = "def area(width, height):\n    return width * height\n" * 40
_WITH_REASONS = "def login(user, password):\n    return open_session(user, token=password)\n" * 30
_WITH_SECRET = _WITH_REASONS + "API_KEY = '" + "Zx81q" * 6 + "'\n"


def main() -> None:
    """Prints both parts."""
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        _starts(Path(folder), starts)
    with tempfile.TemporaryDirectory() as folder:
        _sessions(Path(folder))


def _starts(folder: Path, rounds: int) -> None:
    (folder / "owned.txt").write_text("src/area.py\n", encoding="utf-8")
    plain = {**os.environ, "POLLY_HOME": str(folder)}
    guarded = {**plain, "POLLY_OWNED_FILES": str(folder / "owned.txt"), "POLLY_WORKSPACE": str(folder)}
    bare = (sys.executable, "-I", "-S", "-c", "pass")
    written = {"file_path": str(folder / "src" / "area.py"), "content": _CODE}
    cases = {
        "bare interpreter": (bare, plain, {}),
        "record, nothing to redact": (record_argv(), plain, _call("PostToolUse", tool_response=_CODE)),
        "record, words of secrets": (record_argv(), plain, _call("PostToolUse", tool_response=_WITH_REASONS)),
        "record, a secret": (record_argv(), plain, _call("PostToolUse", tool_response=_WITH_SECRET)),
        "guard, a write": (guard_argv(), guarded, _call("PreToolUse", tool_name="Write", tool_input=written)),
        "guard, a command": (guard_argv(), guarded, _call("PreToolUse", tool_input={"command": "ls | wc"})),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds):
        for name, (argv, env, payload) in cases.items():
            taken[name].append(_once(argv, env, {**payload, "tool_use_id": f"{name} {number}"}))
    base = statistics.median(taken["bare interpreter"])
    print(f"start, {rounds} times each in turn   median ms    best ms   times the bare interpreter")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{name:28} {median * 1000:16.1f} {min(seconds) * 1000:10.1f} {median / base:10.2f}")


def _call(event: str, **more: object) -> dict[str, object]:
    common = {"session_id": "benchmark", "cwd": "/project", "hook_event_name": event, "tool_name": "Bash"}
    return {**common, "tool_input": {"command": "true"}, **more}


def _once(argv: Sequence[str], env: Mapping[str, str], payload: Mapping[str, object]) -> float:
    raw = json.dumps(payload).encode()
    begun = time.perf_counter()
    subprocess.run(argv, input=raw, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def _sessions(folder: Path) -> None:
    """Eight sessions at once, each hook a start of the real program, while a drain closes their files."""
    session_file.QUIET_SECONDS = 0.0
    env = {**os.environ, "POLLY_HOME": str(folder)}
    threads = [threading.Thread(target=_session, args=(f"session-{each}", env)) for each in range(SESSIONS)]
    begun = time.perf_counter()
    with SqliteStore.open(folder / "polly.db") as store:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            drain(folder / "spool", store)
        drain(folder / "spool", store)
        with store.engine.connect() as connection:
            table = schema.agent_actions
            rows = connection.execute(sa.select(table.c.action, table.c.action_type)).all()
            files = connection.scalar(sa.select(sa.func.count(schema.events.c.source.distinct())))
    counted = Counter((row.action, row.action_type) for row in rows)
    expected = 2 * SESSIONS * CALLS
    lost, doubled = expected - len(counted), sum(counted.values()) - len(counted)
    seconds = time.perf_counter() - begun
    print(f"{SESSIONS} sessions, {SESSIONS * CALLS} tool calls, {expected} hooks in {seconds:.1f} s,")
    print(f"{files} files taken away meanwhile: {lost} lost, {doubled} doubled")


def _session(session: str, env: Mapping[str, str]) -> None:
    for number in range(CALLS):
        for event in ("PreToolUse", "PostToolUse"):
            _once(
                record_argv(),
                env,
                {**_call(event), "session_id": session, "tool_use_id": f"{session} {number}"},
            )


if __name__ == "__main__":
    main()
