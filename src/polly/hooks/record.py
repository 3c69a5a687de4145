"""The program that agent programs call at their hooks: one event into the spool, nothing printed, exit 0.

Started as `<python> -I -S <this file> [NAME OF THE AGENT PROGRAM]`. A program is compiled at each start, what
it imports is not: everything is in recording and facts.
"""

import os
import sys


def main() -> None:
    """Records what is told on stdin."""
    here = os.path.abspath(__file__)
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(here))))
    from polly.hooks.recorder import run

    run(sys.argv[1:2])


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001, S110 - whatever it is, it must not reach the agent's session
        pass
    # Without the end of an interpreter, in which nothing is left to do.
    os._exit(0)
