"""The processes of one server, and a thread for each that waits for what it says.

A process has one job at a time. One that takes too long is killed with everything that it started, one that
dies is replaced, and what became of its job is known: no other job is touched. A job during which a process
died is tried once more, because it may have been another one that filled the memory.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from polly.errors import ToolError
from polly.intelligence.analysis import AnalysisRequest, FailureCode
from polly.intelligence.bus.worker import Analyze, Done, failure, serve_jobs

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

#: How long a new process may take until it can analyse.
START_SECONDS = 60.0
_END_SECONDS = 2.0
_LAST_WORDS_SECONDS = 10.0
#: A process that stops an analysis at its limit itself can say more than one that is killed.
_GRACE_SECONDS = 0.2


class Job:
    """One request for a process. deadline: by time.monotonic(). end: called once, in any thread."""

    __slots__ = ("content", "deadline", "deaths", "end")

    def __init__(self, request: AnalysisRequest, deadline: float, end: Callable[[Done], None]) -> None:
        self.content = msgspec.json.encode(request)
        self.deadline = deadline
        self.end = end
        self.deaths = 0


class Workers:
    """`count` processes, ready when the `with` block begins and gone when it ends.

    analyze: a function that a new process can import by its name. error: what ended a thread that should
    have gone on.
    """

    def __init__(self, count: int, analyze: Analyze, root: Path) -> None:
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._idle: list[_Worker] = []
        self._workers = [_Worker(self, analyze, root) for _ in range(count)]

    def __enter__(self) -> Self:
        try:
            for each in self._workers:
                each.launch()
            for each in self._workers:
                each.await_ready()
        except BaseException:
            self._end()
            raise
        for each in self._workers:
            each.start()
        self._idle = list(self._workers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def replaced(self) -> int:
        """How often a process had to be replaced."""
        return sum(each.replaced for each in self._workers)

    def put(self, job: Job) -> None:
        """Let the next free process do it."""
        with self._lock:
            if not self._idle:
                self._waiting.append(job)
                return
            worker = self._idle.pop()
        worker.begin(job)

    def end_overdue(self) -> None:
        """Kill the processes whose jobs have no time left."""
        now = time.monotonic()
        for each in self._workers:
            each.end_overdue(now)

    def next_for(self, worker: "_Worker") -> Job | None:
        """The next job of a process that has none; None when it must wait."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(worker)
            return None

    def _end(self) -> None:
        for each in self._workers:
            each.end()


class _Worker(threading.Thread):
    """One process and its thread. replaced: how often the process was."""

    def __init__(self, pool: Workers, analyze: Analyze, root: Path) -> None:
        super().__init__(name="intelligence-worker", daemon=True)
        self.replaced = 0
        self._pool = pool
        self._analyze = analyze
        self._root = root
        self._process: SpawnProcess
        self._ours: Connection
        self._job: Job | None = None
        self._overdue: Job | None = None
        self._is_ending = False
        # While a process is replaced, nothing is handed to it.
        self._handing = threading.RLock()

    def launch(self) -> None:
        """Start the process; `await_ready` waits for it."""
        context = get_context("spawn")  # a fork would copy the threads of the Kafka client half
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=serve_jobs, args=(theirs, self._analyze, self._root), name="polly-analysis", daemon=True
        )
        self._process.start()
        theirs.close()

    def await_ready(self) -> None:
        """Raises ToolError when the process does not come up."""
        with suppress(EOFError, OSError):
            if self._ours.poll(START_SECONDS):
                self._ours.recv_bytes()
                return
        # It closes its end while it still says what is wrong: it may finish its words.
        self._process.join(_LAST_WORDS_SECONDS)
        raise ToolError("a process for analyses did not start", next_step="Its own words are above.")

    def begin(self, job: Job) -> None:
        """Hand a job to the process, which has none."""
        with self._handing:
            self._job = job
            # One that died just now is noticed by the thread, which then begins the job again.
            with suppress(OSError):
                self._ours.send_bytes(job.content)

    def end_overdue(self, now: float) -> None:
        """Kill the process when its job has no time left; the thread notices."""
        job = self._job
        # Once: what runs by the second look may be the next process.
        if job is not None and job is not self._overdue and now > job.deadline + _GRACE_SECONDS:
            self._overdue = job
            _kill_tree(self._process)

    def end(self) -> None:
        """Kill the process now, and start no other one."""
        self._is_ending = True
        if hasattr(self, "_process"):
            _kill_tree(self._process)
            self._process.join(_END_SECONDS)

    def run(self) -> None:
        try:
            while not self._is_ending:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - the thread ends here; the server raises it
            self._pool.error = error

    def _turn(self) -> None:
        """Wait for what the process says, and keep it busy."""
        try:
            done = msgspec.msgpack.decode(self._ours.recv_bytes(), type=Done)
        except (EOFError, OSError):
            self._replace()
            return
        job, self._job = self._job, None
        self._go_on(self._pool.next_for(self))
        if job is not None:
            job.end(done)

    def _go_on(self, job: Job | None) -> None:
        """Begin a job, after those whose time has passed while they waited."""
        while job is not None and time.monotonic() >= job.deadline:
            job.end(failure("expired", "its time limit had passed before its turn came"))
            job = self._pool.next_for(self)
        if job is not None:
            self.begin(job)

    def _replace(self) -> None:
        """The process has died: of its job, of a kill, or for no reason of ours."""
        with self._handing:
            if self._is_ending:
                return
            _kill_tree(self._process)
            self._process.join(_END_SECONDS)
            self._ours.close()
            self.launch()
            self.await_ready()
            self.replaced += 1
            job, self._job = self._job, None
            if job is None:
                return
            job.deaths += 1
            is_overdue = self._overdue is job
            if job.deaths == 1 and not is_overdue:
                self.begin(job)
                return
        self._go_on(self._pool.next_for(self))
        job.end(
            failure(FailureCode.TIMEOUT, "its analysis took longer than was left of its time limit")
            if is_overdue
            else failure(
                "worker_died", "the process that analysed it died twice: too little memory, or a fault"
            )
        )


def _kill_tree(process: "SpawnProcess") -> None:
    import psutil  # noqa: PLC0415 - only when something must be killed

    with suppress(psutil.Error):
        found = psutil.Process(process.pid)
        for each in [*found.children(recursive=True), found]:
            with suppress(psutil.Error):
                each.kill()
