"""The program that agent programs ask before a tool writes: it denies others' files, and all if it fails.

Started as `<python> -I -S <this file> [NAME OF THE AGENT PROGRAM]`. Exit status 2 is a denial whose reason is
on stderr; with 0 the answer, if any, is on stdout. Any other end of the process is made one by what
polly.hooks.registration.fail_closed puts around it.
"""

import os
import sys

#: Agent programs take a guard that takes too long for a yes; this is sooner.
_SECONDS = 8


def main() -> None:
    """Answers what is asked on stdin."""
    _end_in_time()
    here = os.path.abspath(__file__)
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(here))))
    from polly.hooks.guarding import run

    run(sys.argv[1:2])


def _end_in_time() -> None:
    try:
        import _signal  # type: ignore[import-not-found, unused-ignore] # `signal` would double the start
    except ImportError:
        return
    if hasattr(_signal, "alarm"):
        _signal.signal(_signal.SIGALRM, lambda *_: _deny("it took too long"))
        _signal.alarm(_SECONDS)


def _deny(why: str) -> None:
    text = f"Polly's guard could not judge this call, so it is denied: {why}\n"
    try:
        os.write(2, text.encode("utf-8", "replace"))
    finally:
        os._exit(2)


if __name__ == "__main__":
    try:
        main()
    except BaseException as failure:  # noqa: BLE001 - whatever it is, it must not let the call through
        _deny(f"{type(failure).__name__}: {failure}")
    os._exit(0)
