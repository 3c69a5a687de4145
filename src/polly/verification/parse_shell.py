"""Does a text parse as a shell script? The shell itself is asked, with `-n`: it reads and runs nothing."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from polly.verification.parse import OK, Parsed, broken, not_judged

#: For one script; reading even a very long one takes well under a second.
_TIMEOUT_SECONDS = 30.0

#: shell -> options before `-n`. zsh reads a start-up file even then, unless told otherwise.
SHELLS: dict[str, tuple[str, ...]] = {"sh": (), "bash": (), "dash": (), "ksh": (), "zsh": ("-f",)}

_MESSAGE = re.compile(r"script(?::|\[)(?: line)? ?(\d+)[\]:]+ ?(.+)")


def parse_shell(text: bytes, shell: str) -> Parsed:
    """Judged by the `shell` named, or not at all when this machine does not have it."""
    program = shutil.which(shell)
    if program is None:
        return not_judged(f"{shell} is not on this machine")
    try:
        if _ask(program, shell, b"").returncode != 0:
            # A stub, such as the bash of Windows without a Linux installed behind it.
            return not_judged(f"{shell} does not work on this machine")
        answer = _ask(program, shell, text)
    except subprocess.TimeoutExpired:
        return not_judged(f"{shell} did not answer in {_TIMEOUT_SECONDS:.0f} s")
    if answer.returncode == 0:
        return OK
    said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    return _read_complaint(said[0] if said else "", shell)


def _ask(program: str, shell: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    # A bare environment: BASH_ENV and ENV name files that a shell would run first, even with -n.
    bare = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    # A file, not stdin: bash counts lines only in files.
    with tempfile.TemporaryDirectory(prefix="polly-syntax-") as folder:
        script = Path(folder) / "script"
        script.write_bytes(text)
        return subprocess.run(
            (program, *SHELLS[shell], "-n", script),
            stdin=subprocess.DEVNULL,
            env={**bare, "LC_ALL": "C"},
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )


def _read_complaint(complaint: str, shell: str) -> Parsed:
    found = _MESSAGE.search(complaint)
    if found is None:
        return broken(f"{shell} -n refuses it")
    return broken(f"{found[2]} ({shell})", int(found[1]))
