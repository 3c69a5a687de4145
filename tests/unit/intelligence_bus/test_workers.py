"""Processes for analyses, started for real."""

import multiprocessing
import os
import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polly.errors import ToolError
from polly.intelligence.analysis import Analysis, AnalysisRequest, OperationType
from polly.intelligence.bus.worker import Done
from polly.intelligence.bus.workers import Job, Workers

PATIENCE = 60.0


def analyze(request: AnalysisRequest) -> Analysis:
    match request.source_path:
        case "die":
            os._exit(1)
        case "hang":
            time.sleep(PATIENCE)
        case "once":
            mark = Path(str(request.options["mark"]))
            if not mark.exists():
                mark.touch()
                os._exit(1)
        case "fault":
            raise RuntimeError("a fault of ours")
    return Analysis(
        operation=request.operation,
        source_path=request.source_path,
        language=None,
        insights=(str(os.getpid()),),
    )


def job(
    ends: "queue.Queue[Done]", name: str = "a.py", *, seconds: float = PATIENCE, **options: object
) -> Job:
    request = AnalysisRequest(
        operation=OperationType.CODE_ANALYSIS, source_path=name, content="x", options=options
    )
    return Job(request, time.monotonic() + seconds, ends.put)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process finds the functions of this file by their names."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))


@pytest.fixture
def ends() -> "queue.Queue[Done]":
    return queue.Queue()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Workers]:
    with Workers(1, analyze, tmp_path) as workers:
        yield workers
        assert workers.error is None


def ended(ends: "queue.Queue[Done]", workers: Workers) -> Done:
    """The next end, with the owner's looks in between."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        workers.end_overdue()
        try:
            return ends.get(timeout=0.05)
        except queue.Empty:
            continue
    pytest.fail("no job ended")


def code(done: Done) -> str:
    return done.failed.code if done.failed else "done"


def test_more_jobs_than_processes_all_end(one: Workers, ends: "queue.Queue[Done]") -> None:
    for _ in range(20):
        one.put(job(ends))
    assert {code(ended(ends, one)) for _ in range(20)} == {"done"}
    assert one.replaced == 0


def test_a_job_whose_process_dies_once_is_done_and_one_that_always_kills_it_fails(
    one: Workers, ends: "queue.Queue[Done]", tmp_path: Path
) -> None:
    one.put(job(ends, "once", mark=str(tmp_path / "mark")))
    assert code(ended(ends, one)) == "done"
    one.put(job(ends, "die"))
    one.put(job(ends))
    assert [code(ended(ends, one)) for _ in range(2)] in (["worker_died", "done"], ["done", "worker_died"])
    assert one.replaced == 3


def test_a_job_without_time_left_is_killed_and_those_behind_it_that_have_none_are_not_begun(
    one: Workers, ends: "queue.Queue[Done]"
) -> None:
    one.put(job(ends, "hang", seconds=0.5))
    one.put(job(ends, seconds=0.0))
    one.put(job(ends))
    assert sorted(code(ended(ends, one)) for _ in range(3)) == ["done", "expired", "timeout"]
    assert one.replaced == 1


def test_a_process_that_dies_while_it_has_nothing_to_do_is_replaced(
    one: Workers, ends: "queue.Queue[Done]"
) -> None:
    one.put(job(ends))
    (first,) = _insights(ended(ends, one))
    os.kill(int(first), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    one.put(job(ends))
    (second,) = _insights(ended(ends, one))
    assert second != first


def _insights(done: Done) -> tuple[str, ...]:
    import msgspec

    return msgspec.json.decode(done.analysis, type=Analysis).insights


def test_a_fault_of_an_analysis_is_told_and_costs_no_process(one: Workers, ends: "queue.Queue[Done]") -> None:
    one.put(job(ends, "fault"))
    failed = ended(ends, one).failed
    assert failed is not None
    assert (failed.code, "RuntimeError: a fault of ours" in failed.message) == ("tool_failed", True)
    assert one.replaced == 0


def test_no_process_is_left_behind(tmp_path: Path, ends: "queue.Queue[Done]") -> None:
    before = multiprocessing.active_children()
    with Workers(2, analyze, tmp_path) as workers:
        workers.put(job(ends, "hang"))
        started = [each for each in multiprocessing.active_children() if each not in before]
        assert len(started) == 2
    for each in started:
        each.join(PATIENCE)
        assert not each.is_alive()


def test_a_process_that_cannot_start_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ToolError, match="did not start"), Workers(1, Unloadable(), tmp_path):
        pass
    assert "cannot be loaded" in capfd.readouterr().err


class Unloadable:
    def __call__(self, request: AnalysisRequest) -> Analysis:
        raise NotImplementedError

    def __reduce__(self) -> tuple[object, ...]:
        return _load, ()


def _load() -> None:
    raise RuntimeError("cannot be loaded")
