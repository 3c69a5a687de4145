"""Start, limit and stop a process tree.

Every foreign program runs under a small supervisor, the shim, which outlives Polly when it has to, and
which does not end before the last process of the program's tree is gone.
"""

from polly.process.environment import small_environment
from polly.process.folder import JobState, state
from polly.process.jobs import Job, Report, ask_to_stop, attach, run, standing_by
from polly.process.log_tail import tail
from polly.process.sweeping import sweep

__all__ = [
    "Job",
    "JobState",
    "Report",
    "ask_to_stop",
    "attach",
    "run",
    "small_environment",
    "standing_by",
    "state",
    "sweep",
    "tail",
]
