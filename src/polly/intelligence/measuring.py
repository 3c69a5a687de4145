"""Measures any number of sources side by side, within a time limit, and ends what it started.

A few small sources are measured in this process. Everything else goes to worker programs, because only a
program can be ended: when the time is over, when Ctrl-C is pressed, or when a parser hangs or crashes.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from polly.intelligence.analysis import Failure, FailureCode
from polly.intelligence.batch import Batch, measure
from polly.intelligence.patterns.rule import Rule
from polly.intelligence.quality.measured import Measured
from polly.intelligence.source import Source
from polly.intelligence.worker import JOB, RESULTS
from polly.process import Job, run, small_environment
from polly.work.run import AttemptOutcome

if TYPE_CHECKING:
    from ast_grep_py import SgNode

#: Characters of sources that are measured here: parsing them takes some hundredths of a second at worst.
HERE_CHARACTERS = 32_000
#: Depth of nesting up to which that is true; the time of a rule grows with its square.
HERE_DEPTH = 100
#: characters of one batch: what a worker holds in memory is about twenty times that
BATCH_CHARACTERS = 4_000_000
BATCH_SOURCES = 500
WORKER_PYTHON = sys.executable
#: seconds between two looks at what the workers have written
LOOK_SECONDS = 0.2

#: Called with how many sources are done.
Progress = Callable[[int], None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to find out, and with what. jobs: workers at the same time."""

    quality: bool
    patterns: bool
    rules: tuple[Rule, ...] = ()
    jobs: int = 1
    timeout_seconds: float = 600.0


Answers = dict[int, Measured | Failure]


async def measure_all(
    sources: Sequence[Source], wanted: Wanted, on_progress: Progress | None = None
) -> list[Measured | Failure]:
    """One answer per source, in their order. When the task is cancelled, no worker is left behind."""
    deadline = time.monotonic() + wanted.timeout_seconds
    with tempfile.TemporaryDirectory(prefix="polly-analysis-", ignore_cleanup_errors=True) as folder:
        if is_harmless(sources) and wanted.timeout_seconds >= 1:
            batch = _batch(sources, wanted, deadline)
            return list(await asyncio.to_thread(_measure_here, batch, Path(folder)))
        workers = _Workers(sources, wanted, deadline, Path(folder))
        return await workers.run(on_progress or (lambda _: None))


def is_harmless(sources: Sequence[Source]) -> bool:
    """True when measuring them surely takes no time worth speaking of."""
    if sum(len(source.text) for source in sources) > HERE_CHARACTERS:
        return False
    return all(_depth_is_fine(source) for source in sources)


def _depth_is_fine(source: Source) -> bool:
    if source.grammar is None:
        return True
    try:
        from ast_grep_py import SgRoot  # noqa: PLC0415 - of an extra that may be missing
    except ImportError:
        return True
    level: list[SgNode] = [SgRoot(source.text, source.grammar).root()]
    for _ in range(HERE_DEPTH):
        level = [child for node in level for child in node.named_children()]
        if not level:
            return True
    return False


def _measure_here(batch: Batch, folder: Path) -> list[Measured | Failure]:
    return list(measure(batch, folder))


def _batch(sources: Sequence[Source], wanted: Wanted, deadline: float) -> Batch:
    return Batch(
        sources=tuple(sources),
        wants_quality=wanted.quality,
        wants_patterns=wanted.patterns,
        rules=wanted.rules,
        # A tool that hangs must leave time for the others.
        tool_seconds=max(0.5, (deadline - time.monotonic()) / 2),
    )


class _Workers:
    """Hands batches to workers until every source has an answer or the time is over."""

    def __init__(self, sources: Sequence[Source], wanted: Wanted, deadline: float, folder: Path) -> None:
        self._sources = sources
        self._wanted = wanted
        self._deadline = deadline
        self._folder = folder
        self._answers: Answers = {}
        self._started = 0

    async def run(self, on_progress: Progress) -> list[Measured | Failure]:
        waiting = batches(self._sources, self._wanted.jobs)
        looking = asyncio.create_task(self._look(on_progress))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._wanted.jobs, len(waiting))):
                    group.create_task(self._work(waiting))
        finally:
            looking.cancel()
        on_progress(len(self._sources))
        return [self._answers[number] for number in range(len(self._sources))]

    async def _work(self, waiting: list[list[int]]) -> None:
        while waiting:
            numbers = waiting.pop(0)
            while numbers:
                numbers = await self._one(numbers)

    async def _one(self, numbers: list[int]) -> list[int]:
        """Run one worker; returns what it left to do, without the source that ended it."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            return self._give_up(numbers, FailureCode.TIMEOUT, self._too_long())
        self._started += 1
        folder = self._folder / f"worker{self._started}"
        folder.mkdir()
        batch = _batch([self._sources[number] for number in numbers], self._wanted, self._deadline)
        await asyncio.to_thread((folder / JOB).write_bytes, msgspec.json.encode(batch))
        report = await run(
            Job(
                command=(WORKER_PYTHON, "-I", "-m", "polly.intelligence.worker", str(folder)),
                cwd=folder,
                env=small_environment(),
                folder=folder / "process",
                log=folder / "worker.log",
                timeout_seconds=left,
                output_bytes=200_000,
                grace_seconds=0.5,
            )
        )
        done = await asyncio.to_thread(_results, folder / RESULTS)
        self._answers.update(zip(numbers, done, strict=False))
        rest = numbers[len(done) :]
        if not rest:
            return []
        if report.outcome is AttemptOutcome.TIMED_OUT:
            return self._give_up(rest, FailureCode.TIMEOUT, self._too_long())
        # A worker that did not even begin to answer was ended by none of the sources.
        has_begun = (folder / RESULTS).exists()
        first = rest[:1] if has_begun else rest
        self._give_up(first, FailureCode.TOOL_FAILED, f"the worker ended: {report.detail or report.outcome}")
        return rest[len(first) :]

    def _give_up(self, numbers: Sequence[int], code: FailureCode, message: str) -> list[int]:
        for number in numbers:
            self._answers[number] = Failure(path=self._sources[number].path, code=code, message=message)
        return []

    def _too_long(self) -> str:
        return f"not analysed within {self._wanted.timeout_seconds:g} seconds"

    async def _look(self, on_progress: Progress) -> None:
        done = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            running = await asyncio.to_thread(self._lines_written)
            # Between its report and its answers a worker is in neither number.
            done = max(done, len(self._answers) + running)
            on_progress(done)

    def _lines_written(self) -> int:
        """Answers of the workers that still run."""
        running = (file for file in self._folder.glob(f"worker*/{RESULTS}") if not _has_ended(file.parent))
        return sum(file.read_bytes().count(b"\n") for file in running)


def _has_ended(folder: Path) -> bool:
    return (folder / "process" / "report.json").exists()


def batches(sources: Sequence[Source], jobs: int) -> list[list[int]]:
    """Numbers of the sources, shared out evenly; the smallest sources come first in each batch.

    What takes too long is then what is large, and costs only itself.
    """
    order = sorted(range(len(sources)), key=lambda number: (len(sources[number].text), number))
    total = sum(len(source.text) for source in sources)
    count = max(
        min(jobs, len(sources)),
        -(-total // BATCH_CHARACTERS),
        -(-len(sources) // BATCH_SOURCES),
    )
    dealt = [order[start::count] for start in range(count)]
    return [each for each in dealt if each]


def _results(file: Path) -> list[Measured]:
    """The whole lines of the file: the last one may be cut where the worker was ended."""
    try:
        lines = file.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line, type=Measured) for line in lines]


def default_jobs() -> int:
    """As many workers as processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
