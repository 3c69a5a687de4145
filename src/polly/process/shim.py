"""Supervises one program: `python -I -S shim.py FOLDER`, with the job on standard input.

It starts in the time of a bare interpreter: what the program does not need in order to start is
imported while the program already runs.
"""
# ruff: noqa: PTH100, PTH120
# pathlib would add more to the start of every program than all else here together

import os
import sys


def main() -> int:
    """The exit status of the shim: 0 when report.json was written."""
    here = os.path.dirname(os.path.abspath(__file__))
    # The real package imports asyncio and more; empty ones of the same name lead to its light modules.
    for name, folder in (("polly", os.path.dirname(here)), ("polly.process", here)):
        package = type(sys)(name)
        package.__path__ = [folder]
        sys.modules[name] = package
    from polly.process.supervision import main as supervise  # noqa: PLC0415 - after the packages stand

    return supervise(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
