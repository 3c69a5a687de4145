"""What a process for analyses does: requests in, how they ended out, one at a time."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from polly.intelligence.analysis import Analysis, AnalysisError, AnalysisRequest, FailureCode
from polly.intelligence.bus.source import check_size, inner_path, read_inside

Analyze = Callable[[AnalysisRequest], Analysis]


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job has no analysis."""

    code: str
    message: str
    next_step: str | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended. analysis: its bytes as JSON, or b"" when it failed."""

    analysis: bytes = b""
    failed: Failed | None = None


def failure(code: str, message: str) -> Done:
    """A job that has no analysis."""
    return Done(failed=Failed(code=code, message=message))


def serve_jobs(connection: Connection, analyze: Analyze, root: Path) -> None:
    """The work of the process, until the other side closes."""
    # A signal to the whole group or service means the server, which lets the jobs in hand finish. Not
    # ignored but caught: tools that are started from here shall not inherit it.
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), lambda *_: None)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        connection.send_bytes(b"ready")
        while True:
            request = msgspec.json.decode(connection.recv_bytes(), type=AnalysisRequest)
            connection.send_bytes(msgspec.msgpack.encode(answer(request, analyze, root)))


def answer(request: AnalysisRequest, analyze: Analyze, root: Path) -> Done:
    """Analyse one source, from its content or from a file inside of `root`."""
    try:
        return Done(analysis=msgspec.json.encode(analyze(_prepared(request, root))))
    except AnalysisError as error:
        return Done(failed=Failed(code=error.code, message=error.what, next_step=error.next_step))
    except Exception as error:  # noqa: BLE001 - one job ends here; whoever asked is told
        return failure(FailureCode.TOOL_FAILED, f"the analysis failed: {type(error).__name__}: {error}")


def _prepared(request: AnalysisRequest, root: Path) -> AnalysisRequest:
    """With its content, and with no other path in it than inside of `root`."""
    folder = request.options.get("patterns_folder")
    if folder is not None:
        options = {**request.options, "patterns_folder": str(inner_path(root, str(folder)))}
        request = msgspec.structs.replace(request, options=options)
    if request.content is None:
        request = msgspec.structs.replace(request, content=read_inside(root, request.source_path))
    check_size(request.source_path, request.content or "")
    return request


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
