"""Starts a program with a file as its standard input: `python -I -S feed.py FILE PROGRAM ARG…`.

A prompt can be longer than an argument may be, and would be seen by everybody in the list of processes.
Standard library only.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """The exit status of the program, where it does not take this process over."""
    file, *command = sys.argv[1:]
    prompt = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    if sys.platform == "win32":
        import subprocess  # noqa: PLC0415 - only where a process cannot become another one

        return subprocess.run(command, stdin=prompt, check=False).returncode
    os.dup2(prompt, 0)
    os.close(prompt)
    try:
        os.execv(command[0], command)  # noqa: S606 # nosec B606 - an argument list, no shell
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    sys.exit(main())
