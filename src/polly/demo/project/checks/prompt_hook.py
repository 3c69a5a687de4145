"""C4: hooks/user_prompt_submit.sh."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from outcome import ROOT, expect


def _session_id(payload: dict[str, str], **variables: str) -> str:
    """The session id that the hook records for this payload."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "spool.jsonl"
        environment = {name: value for name, value in os.environ.items() if name != "AGENT_SESSION_ID"}
        environment |= {"PYTHON": sys.executable, "OBSERVABILITY_SPOOL": str(spool), **variables}
        done = subprocess.run(
            ["bash", "hooks/user_prompt_submit.sh"],
            cwd=ROOT,
            env=environment,
            input=json.dumps(payload).encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        expect(
            done.returncode == 0 and spool.is_file(),
            f"the hook recorded nothing: exit status {done.returncode}, {done.stderr.decode()[-300:]}",
        )
        return str(json.loads(spool.read_text("utf-8"))["session_id"])


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def c4() -> None:
    """the session id comes from the payload, else the environment, else it is a new UUID"""
    expect(shutil.which("bash") is not None, "bash, which the hook is written for, is not on PATH")
    nameless = [_session_id({"prompt": "hello"}) for _ in range(2)]
    expect(all(map(_is_uuid, nameless)), f"without a session id, the hook records {nameless[0]!r}")
    expect(nameless[0] != nameless[1], "two prompts without a session id share one")
    given = _session_id(
        {"prompt": "hello", "session_id": "from-payload"}, AGENT_SESSION_ID="from-environment"
    )
    expect(given == "from-payload", f"the payload's session id is recorded as {given!r}")
    given = _session_id({"prompt": "hello"}, AGENT_SESSION_ID="from-environment")
    expect(given == "from-environment", f"the environment's session id is recorded as {given!r}")
