"""The `polly` that an agent finds: the one that runs it, whatever else the machine has, or has not."""

import os
import shlex
import subprocess
import sys
from pathlib import Path


def path_with_polly(folder: Path) -> str:
    """PATH with a folder first in which there is only this Polly. It is made there if needed."""
    folder.mkdir(exist_ok=True)
    # -P: what lies in the agent's workspace must not be imported in place of Polly's own modules.
    command = [sys.executable, "-P", "-m", "polly"]
    if sys.platform == "win32":
        text = f"@{subprocess.list2cmdline(command)} %*\r\n"
        (folder / "polly.cmd").write_text(text, encoding="utf-8", newline="")
    else:
        program = folder / "polly"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return os.pathsep.join((str(folder.absolute()), os.environ.get("PATH", os.defpath)))
