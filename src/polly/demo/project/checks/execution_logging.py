"""C1, N3, N10: observability/execution_logger.py."""

import json
import tempfile
from pathlib import Path
from typing import Any

from outcome import NotFixed, expect, python

# Run apart, so that the folder of the fault is refused instead of made on this machine.
IMPORT_WITHOUT_FOLDERS = """
import sys
made = []
def refuse(event, arguments):
    if event == "os.mkdir":
        made.append(str(arguments[0]))
        raise PermissionError("read-only file system")
sys.addaudithook(refuse)
try:
    import observability.execution_logger
except PermissionError:
    pass
sys.stdout.write("".join(made[:1]))
"""

LOG_WITHOUT_A_FOLDER = """
from observability.execution_logger import ExecutionLogger
ExecutionLogger("checker").start("where do logs go?")
"""


def c1() -> None:
    """importing makes no folder, and logs go to the temp folder that the machine names"""
    imported = python("-c", IMPORT_WITHOUT_FOLDERS)
    expect(imported.returncode == 0, f"the module cannot be imported: {imported.stderr[-300:]}")
    expect(not imported.stdout, f"importing the module makes the folder {imported.stdout}")
    with tempfile.TemporaryDirectory() as folder:
        logged = python("-c", LOG_WITHOUT_A_FOLDER, TMPDIR=folder, TEMP=folder, TMP=folder)
        expect(logged.returncode == 0, f"logging fails: {logged.stderr[-300:]}")
        expect(
            len(list(Path(folder).rglob("*.jsonl"))) == 1,
            f"with {folder} as the machine's temp folder, the log went somewhere else",
        )


def _logger(folder: str) -> Any:
    from observability.execution_logger import ExecutionLogger

    return ExecutionLogger("checker", folder=Path(folder))


def _entries(folder: str) -> list[dict[str, Any]]:
    lines = [line for file in Path(folder).glob("*.jsonl") for line in file.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def n3() -> None:
    """every way to end is recorded with a word of OperationStatus"""
    from observability.status import OperationStatus

    endings = {
        OperationStatus.FAILED: lambda logger: logger.fail(ValueError("no")),
        OperationStatus.SUCCESS: lambda logger: logger.complete(),
        OperationStatus.CANCELLED: lambda logger: logger.cancel("enough"),
    }
    for status, end in endings.items():
        with tempfile.TemporaryDirectory() as folder:
            end(_logger(folder))
            recorded = _entries(folder)[-1]["status"]
            expect(
                recorded == status, f"an execution that ended as {status.value} is recorded as {recorded!r}"
            )


def n10() -> None:
    """a percentage outside 0 to 100 is refused, one inside is recorded"""
    with tempfile.TemporaryDirectory() as folder:
        logger = _logger(folder)
        for percent in (150, -1, 100.5, float("nan")):
            try:
                logger.progress("working", percent)
            except ValueError:
                continue
            raise NotFixed(f"a progress of {percent} percent was recorded")
        for percent in (None, 0, 33.3, 100):
            logger.progress("working", percent)
        recorded = [entry.get("percent") for entry in _entries(folder)]
        expect(recorded == [None, 0, 33.3, 100], f"None, 0, 33.3 and 100 percent were recorded as {recorded}")
