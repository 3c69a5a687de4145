"""One command of the settings, run in a frozen checkout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polly import process
from polly.events.redaction import redact
from polly.settings import Command
from polly.work.run import AttemptOutcome, GateStatus

#: Kept of what a command printed: enough for the end of a test report, and for an agent to read.
OUTPUT_BYTES = 8_000

_STATUS = {
    AttemptOutcome.FINISHED: GateStatus.PASSED,
    AttemptOutcome.CRASHED: GateStatus.FAILED,
    AttemptOutcome.DISK_LIMIT: GateStatus.FAILED,
    AttemptOutcome.TIMED_OUT: GateStatus.TIMED_OUT,
    AttemptOutcome.NOT_STARTED: GateStatus.ERROR,
    AttemptOutcome.CANCELLED: GateStatus.ERROR,
    AttemptOutcome.LOST: GateStatus.ERROR,
}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended. `output` is the redacted end of what it printed, with the reason when it
    did not end by itself; `exit_code` is None when it was not started or a signal ended it. `redactions`:
    how many secrets of each kind were kept out of what it printed.
    """

    status: GateStatus
    seconds: float
    output: str
    exit_code: int | None = None
    redactions: Mapping[str, int] = field(default_factory=dict)


async def run_command(
    command: Command, *, checkout: Path, folder: Path, env: Mapping[str, str], timeout_seconds: float
) -> Ran:
    """Run it in `checkout` and wait. A command that cannot be started is a status, not an exception."""
    job = process.Job(
        command=command,
        cwd=checkout,
        env=env,
        folder=folder,
        log=folder / "log.txt",
        timeout_seconds=timeout_seconds,
    )
    report = await process.run(job)
    said = process.tail(job.log, OUTPUT_BYTES).strip()
    return Ran(
        status=_STATUS[report.outcome],
        seconds=report.seconds,
        output=redact("\n".join(part for part in (said, report.detail) if part)).text,
        exit_code=report.exit_code,
        redactions=report.redactions,
    )


def shown(command: Command) -> str:
    """The command as a person would type it."""
    return redact(command if isinstance(command, str) else " ".join(command)).text
