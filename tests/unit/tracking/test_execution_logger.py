"""AgentExecutionLogger: what it records, with and without await, and that it never raises."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.tracking.conftest import read

from polly import AgentExecutionLogger, OperationStatus, log_agent_execution
from polly.events.agents import ExecutionCompleted, ExecutionProgressed, ExecutionStarted

Recorded = Callable[[], list[Any]]


def test_start_progress_and_complete_are_one_execution(recorded: Recorded) -> None:
    logger = AgentExecutionLogger("reviewer", user_prompt="look", terminal_id="t1", metadata={"a": 1})
    execution = logger.start()
    logger.progress("reading", 40, {"file": "a.py", "stage": "other"})
    logger.complete("success", quality_score=0.9)
    started, progressed, completed = recorded()
    assert isinstance(started, ExecutionStarted)
    assert isinstance(progressed, ExecutionProgressed)
    assert isinstance(completed, ExecutionCompleted)
    assert {started.execution, progressed.execution, completed.execution} == {execution}
    assert (started.user_prompt, started.terminal_id, started.metadata) == ("look", "t1", {"a": 1})
    assert (progressed.stage, progressed.percent) == ("reading", 40.0)
    assert (completed.status, completed.quality_score) == ("success", 0.9)
    assert completed.duration_ms >= 0


def test_every_call_may_be_awaited(recorded: Recorded) -> None:
    async def work() -> str:
        logger = await log_agent_execution("reviewer")
        await logger.progress("half", 50)
        await logger.complete(OperationStatus.CANCELLED)
        return await logger.start()

    assert asyncio.run(work()) == recorded()[0].execution
    assert [type(each).__name__ for each in recorded()] == [
        "ExecutionStarted",
        "ExecutionProgressed",
        "ExecutionCompleted",
    ]
    assert recorded()[2].status == "cancelled"


@pytest.mark.parametrize("percent", [-0.1, 100.1, float("nan"), float("inf"), "50", True, 10**400, object()])
def test_a_wrong_percent_is_dropped_and_the_note_kept(recorded: Recorded, percent: Any) -> None:
    log_agent_execution("a").progress("stage", percent, {"kept": "yes"})
    note = recorded()[1]
    assert (note.stage, note.percent, note.metadata) == ("stage", None, {"kept": "yes"})


@pytest.mark.parametrize("percent", [0, 0.0, 100])
def test_zero_and_hundred_are_percents(recorded: Recorded, percent: float) -> None:
    log_agent_execution("a").progress("stage", percent)
    assert recorded()[1].percent == percent


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        (OperationStatus.FAILED, "failed"),
        ("error", "failed"),
        (" Success ", "success"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_status_may_be_an_enum_or_a_text(recorded: Recorded, said: Any, stored: str) -> None:
    log_agent_execution("a").complete(said)
    assert recorded()[1].status == stored


@pytest.mark.parametrize("said", ["done", "in_progress", "", None, 7])
def test_an_unknown_status_is_never_a_success(recorded: Recorded, said: Any) -> None:
    log_agent_execution("a").complete(said)
    completed = recorded()[1]
    assert (completed.status, completed.metadata) == ("failed", {"unknown_status": str(said)})


def test_only_the_first_start_and_the_first_end_count(recorded: Recorded) -> None:
    logger = log_agent_execution("a")
    assert logger.start() == logger.start()
    logger.complete("failed")
    logger.complete("success")
    assert [getattr(each, "status", None) for each in recorded()] == [None, "failed"]


def test_an_end_without_a_start_has_a_duration(recorded: Recorded) -> None:
    AgentExecutionLogger("a").complete()
    assert recorded()[0].duration_ms >= 0


def test_a_block_ends_as_it_ends(recorded: Recorded) -> None:
    with AgentExecutionLogger("good"):
        pass
    with pytest.raises(ZeroDivisionError), AgentExecutionLogger("bad"):
        _ = 1 / 0
    with pytest.raises(SystemExit), AgentExecutionLogger("exits"):
        sys.exit(0)
    with pytest.raises(SystemExit), AgentExecutionLogger("exits badly"):
        sys.exit("no")
    with AgentExecutionLogger("by hand") as logger:
        logger.complete("cancelled")
    ends = {each.agent_name: each for each in recorded() if isinstance(each, ExecutionCompleted)}
    assert {name: each.status for name, each in ends.items()} == {
        "good": "success",
        "bad": "failed",
        "exits": "success",
        "exits badly": "failed",
        "by hand": "cancelled",
    }
    assert (ends["bad"].error_type, ends["bad"].error_message) == ("ZeroDivisionError", "division by zero")


def test_a_cancelled_task_is_cancelled_and_not_failed(recorded: Recorded) -> None:
    async def work() -> None:
        begun = asyncio.Event()

        async def agent() -> None:
            async with AgentExecutionLogger("a"):
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(agent())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert recorded()[1].status == "cancelled"


def test_it_records_after_the_loop_is_closed(recorded: Recorded) -> None:
    async def begin() -> AgentExecutionLogger:
        return await log_agent_execution("a")

    asyncio.run(begin()).complete()
    assert len(recorded()) == 2


def test_threads_and_tasks_lose_and_double_nothing(home: Path) -> None:
    logger = AgentExecutionLogger("a")
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        logger.start()
        for each in range(10):
            logger.progress(f"{number}.{each}", each)
        logger.complete()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    found = read(home / "spool")
    assert len(found) == 82
    assert len({each.id for each in found}) == 82
    assert [int(each.sequence) for each in found] == list(range(1, 83))


def test_ids_may_be_any_text(envelopes: Recorded) -> None:
    logger = AgentExecutionLogger("a", correlation_id="no uuid / ü", session_id="s p a c e")
    logger.start()
    (found,) = envelopes()
    assert (found.correlationid, found.sessionid) == ("no uuid / ü", "s p a c e")
    assert (logger.correlation_id, logger.session_id) == ("no uuid / ü", "s p a c e")


def test_ids_come_from_the_environment_and_are_never_unknown(
    envelopes: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_agent_execution("new")
    monkeypatch.setenv("CORRELATION_ID", "of the caller")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "of the program")
    log_agent_execution("known")
    by_agent = {each.subject: each for each in envelopes()}
    known, new = by_agent["known"], by_agent["new"]
    assert (known.correlationid, known.sessionid) == ("of the caller", "of the program")
    assert len(new.correlationid) == len(new.sessionid) == 36


def test_inside_of_a_run_it_joins_the_run(
    recorded: Recorded, envelopes: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from polly.execution.journal import correlation_id

    monkeypatch.setenv("POLLY_RUN_ID", "20260101-abc")
    log_agent_execution("a")
    assert recorded()[0].run == "20260101-abc"
    assert envelopes()[0].correlationid == correlation_id("20260101-abc")


def test_secrets_do_not_reach_the_disk(home: Path) -> None:
    secret = "hunter2-and-more-9"
    logger = log_agent_execution("a", user_prompt=f"password = {secret}", metadata={"api_key": secret})
    logger.complete("failed", error_message=f"postgresql://me:{secret}@db/x refused")
    assert secret.encode() not in b"".join(file.read_bytes() for file in (home / "spool").iterdir())


def test_large_data_is_cut_with_its_size_kept(recorded: Recorded, home: Path) -> None:
    log_agent_execution("a", user_prompt="word " * 400_000)
    assert recorded()[0].user_prompt
    (file,) = (home / "spool").glob("*.jsonl")
    assert file.stat().st_size < 66 * 1024
    assert b"_cut" in file.read_bytes()


def test_without_any_folder_it_says_so_once_and_never_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    for name in ("POLLY_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(blocked))
    (tmp_path / ".polly").write_text("no folder either", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING, "polly.tracking"), AgentExecutionLogger("a") as logger:
        logger.progress("stage", 1)
    assert len(caplog.records) == 1
    assert str(blocked) in logger.trouble


def test_the_next_folder_takes_what_the_first_cannot(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("in the way", encoding="utf-8")
    logger = log_agent_execution("a")
    assert logger.trouble == ""
    (spool,) = (tmp_path / "temporary").glob("polly-*/spool")
    assert len(read(spool)) == 1


def test_a_folder_that_is_taken_away_is_made_again(home: Path, recorded: Recorded) -> None:
    import shutil

    logger = log_agent_execution("a")
    shutil.rmtree(home)
    logger.complete()
    assert [type(each).__name__ for each in recorded()] == ["ExecutionCompleted"]


_WILD: Any = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.binary(),
    st.builds(object),
    st.lists(st.text()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(wild=st.tuples(*[_WILD] * 8))
def test_nothing_that_is_handed_over_makes_it_raise(home: Path, wild: tuple[Any, ...]) -> None:
    logger = AgentExecutionLogger(
        wild[0], user_prompt=wild[1], correlation_id=wild[2], session_id=wild[3], metadata=wild[4]
    )
    logger.start()
    logger.progress(wild[5], wild[6], wild[7])
    logger.complete(
        wild[5], quality_score=wild[6], error_message=wild[7], error_type=wild[0], metadata=wild[1]
    )
    assert logger.trouble == ""
    events = [
        each
        for each in read(home / "spool")
        if each.data and logger.execution_id in bytes(each.data).decode()
    ]
    assert len(events) == 3


_FORKS = """
import os, sys
from polly import AgentExecutionLogger
logger = AgentExecutionLogger("parent", session_id="forked")
logger.start()
for number in range(4):
    child = os.fork()
    if child == 0:
        logger.progress(f"child {number}")
        sys.exit(0)
    os.waitpid(child, 0)
logger.complete()
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
def test_forked_processes_share_the_numbers_of_the_session(home: Path) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", _FORKS], check=True, stdin=subprocess.DEVNULL)
    found = read(home / "spool")
    assert [int(each.sequence) for each in found] == list(range(1, 7))
    assert len({each.id for each in found}) == 6


def test_importing_polly_loads_nothing_and_the_logger_nothing_heavy() -> None:
    code = """
import sys, polly
assert not [name for name in sys.modules if name.startswith("polly.")], "import polly"
from polly import AgentExecutionLogger
heavy = {"pydantic", "sqlalchemy", "typer", "rich", "confluent_kafka", "asyncio", "filelock", "yaml"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdin=subprocess.DEVNULL)


def test_the_stub_of_the_package_names_what_it_offers() -> None:
    import polly

    stub = (Path(polly.__file__).with_suffix(".pyi")).read_text(encoding="utf-8")
    for name in polly.__all__:
        assert name in stub
        assert getattr(polly, name)
    with pytest.raises(AttributeError):
        _ = polly.nothing_of_this_name  # type: ignore[attr-defined]
