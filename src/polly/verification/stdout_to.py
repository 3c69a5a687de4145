"""Run a program with its standard output in a file: `python -I -S stdout_to.py FILE shell|program COMMAND…`.

The log of a job holds both streams, redacted and cut; a scanner's findings must arrive whole and alone.
Standard library only, and nothing of Polly, so that it starts fast.
"""

import subprocess
import sys


def main(file: str, how: str, *command: str) -> int:
    """The program's exit status; 127 when it cannot be started."""
    with open(file, "wb") as output:  # noqa: PTH123 - pathlib costs more than the rest of this program
        try:
            if how == "shell":
                # The command is the user's own configuration, and nothing is put into it.
                done = subprocess.run(command[0], shell=True, stdout=output, check=False)  # noqa: S602  # nosec B602
            else:
                done = subprocess.run(command, stdout=output, check=False)
        except OSError as error:
            sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
            return 127
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
