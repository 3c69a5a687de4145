"""Questions and answers over a real Kafka, with servers as processes."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from tests.integration.kafka.intelligence import (
    LOOK_SECONDS,
    PATIENCE,
    SHORT_SESSION,
    ServerProcess,
    question,
    read,
    reading,
    settings_of,
    wait,
    with_topics,
    write,
)
from tests.services.kafka import Kafka
from tests.services.mock_cluster import MockCluster

from polly.errors import BusError, InputError, SettingsError
from polly.events.event import ANALYSIS_COMPLETED_TOPIC, ANALYSIS_FAILED_TOPIC, ANALYSIS_REQUESTED_TOPIC
from polly.intelligence.analysis import Analysis, AnalysisError, AnalysisRequest, FailureCode
from polly.intelligence.bus import link
from polly.intelligence.bus.client import IntelligenceClient
from polly.intelligence.bus.errors import (
    ClientNotStarted,
    ClientStopped,
    IntelligenceDisabled,
    RequestTimedOut,
    ServerFailed,
)
from polly.intelligence.bus.messages import (
    Asked,
    CodeAnalysisCompleted,
    CodeAnalysisFailed,
    CodeAnalysisRequested,
    encoded,
    question_of,
    read_answer,
    read_question,
)
from polly.intelligence.bus.state import Way
from polly.kafka.watermarks import watermarks
from polly.settings import IntelligenceSettings, KafkaSettings

NO_FALLBACK = IntelligenceSettings(fallback=False)
NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")


@pytest.fixture
def settings(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    """For a cluster that is there, however slow the machine is."""
    for name in ("CONNECT_SECONDS", "ACKNOWLEDGE_SECONDS"):
        monkeypatch.setattr(link, name, PATIENCE)
    return with_topics(kafka)


def run(work: Coroutine[Any, Any, None]) -> None:
    async def within() -> None:
        async with asyncio.timeout(2 * PATIENCE):
            await work

    asyncio.run(within())


async def until(is_so: Any) -> None:
    """Until it is so, in an event loop."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - other threads and processes set no event
            await asyncio.sleep(LOOK_SECONDS)


def here(request: AnalysisRequest) -> Analysis:
    """The analysis of this process."""
    return Analysis(
        operation=request.operation,
        source_path=request.source_path,
        language=None,
        insights=(threading.current_thread().name,),
    )


class ByHand:
    """A server that answers when the test says so, and what the test says."""

    def __init__(self, settings: KafkaSettings, consumer: Consumer) -> None:
        self.settings = settings
        self.consumer = consumer

    async def take(self, count: int = 1) -> list[Asked]:
        """The next questions."""
        records = await asyncio.to_thread(read, self.consumer, count)
        assert len(records) == count
        found = [read_question(each.value(), each.key(), each.headers()) for each in records]
        assert all(isinstance(each, Asked) for each in found)
        return found  # type: ignore[return-value]

    def answer(
        self, asked: Asked, text: str, *, client: str | None = None, request: str | None = None
    ) -> None:
        data = asked.data
        assert isinstance(data, CodeAnalysisRequested)
        analysis = Analysis(
            operation=data.operation_type, source_path=data.source_path, language=None, insights=(text,)
        )
        message = encoded(
            CodeAnalysisCompleted(
                client=data.client if client is None else client,
                request=request or asked.request,
                server="by hand",
                source_path=data.source_path,
                operation_type=data.operation_type,
                analysis=analysis,
            ),
            correlation=asked.correlation,
            session="s",
            request=request or asked.request,
        )
        write(self.settings, message.topic, message.value, key=message.key, headers=list(message.headers))


@contextlib.contextmanager
def by_hand(settings: KafkaSettings) -> Iterator[ByHand]:
    with reading(settings, ANALYSIS_REQUESTED_TOPIC) as consumer:
        yield ByHand(settings, consumer)


@contextlib.asynccontextmanager
async def asking(
    client: IntelligenceClient, request: AnalysisRequest
) -> AsyncIterator[asyncio.Task[Analysis]]:
    """A question that is pending at least until the block ends."""
    task = asyncio.create_task(client.request(request, timeout=PATIENCE))
    yield task
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def serving(settings: KafkaSettings, folder: Path) -> AsyncIterator[ServerProcess]:
    """A server that begins while something else goes on."""
    server = await asyncio.to_thread(ServerProcess(settings, folder).__enter__)
    yield server
    server.kill()


# Servers


def test_a_question_is_answered_by_a_server_that_was_there_first(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            answer = await client.request(question("hello", correlation_id="mine"), timeout=PATIENCE)
            assert (answer.answered_by, answer.insights[0]) == ("bus", "hello")

    with ServerProcess(settings, tmp_path) as server, reading(settings, ANALYSIS_COMPLETED_TOPIC) as answers:
        run(ask())
        (record,) = read(answers, 1)
        assert record.key() == b"mine"
        assert msgspec.json.decode(record.value())["correlationid"] == "mine"
        assert server.stop() == 0, server.told()
    assert committed(settings) == 1


def test_a_question_waits_for_the_first_server(settings: KafkaSettings, tmp_path: Path) -> None:
    async def ask() -> None:
        async with (
            IntelligenceClient(settings, NO_FALLBACK) as client,
            asking(client, question("early")) as task,
        ):
            await until(lambda: asked(settings) == 1)
            async with serving(settings, tmp_path):
                assert (await task).insights[0] == "early"

    run(ask())


def test_three_hundred_questions_at_once_get_each_its_own_answer(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            numbers = [str(number) for number in range(300)]
            # All with the same correlation id: it is the caller's, and tells nothing apart.
            answers = await asyncio.gather(
                *(client.request(question(each, correlation_id="one"), timeout=PATIENCE) for each in numbers)
            )
            assert [each.insights[0] for each in answers] == numbers
            assert (client.counts.answered, client.pending) == (300, 0)

    with ServerProcess(settings, tmp_path, workers=2):
        run(ask())


def questions_side_by_side(client: IntelligenceClient, count: int) -> "list[asyncio.Task[Analysis]]":
    """So many questions that wait side by side, numbered."""
    return [
        asyncio.create_task(client.request(question(str(number)), timeout=PATIENCE))
        for number in range(count)
    ]


def test_what_a_killed_server_had_in_hand_is_answered_by_another(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            tasks = questions_side_by_side(client, 40)
            await until(lambda: list(tmp_path.glob("at-*")))
            first.kill()
            gate.touch()
            async with serving(settings, tmp_path):
                answers = await asyncio.gather(*tasks)
            assert [each.insights[0] for each in answers] == [str(number) for number in range(40)]

    gated: dict[str, Any] = {"analysis": "gated", "env": {"GATE": str(gate)}}
    with ServerProcess(settings, tmp_path, session=SHORT_SESSION, **gated) as first:
        run(ask())


def test_a_server_that_is_told_to_stop_answers_what_it_has_in_hand(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            tasks = questions_side_by_side(client, 10)
            await until(lambda: server.state()["in_hand"] == 10)
            ended = asyncio.create_task(asyncio.to_thread(server.stop))
            await until(lambda: server.state()["state"] == "stopping")
            gate.touch()
            assert len(await asyncio.gather(*tasks)) == 10
            assert await ended == 0

    with ServerProcess(settings, tmp_path, analysis="gated", env={"GATE": str(gate)}) as server:
        run(ask())
    assert committed(settings) == 10


def test_a_server_takes_no_more_than_it_can_hold_and_goes_on_later(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            tasks = [
                asyncio.create_task(client.request(question(str(number)), timeout=PATIENCE))
                for number in range(700)
            ]
            await until(lambda: server.state()["held"])
            assert server.state()["in_hand"] < 400
            gate.touch()
            assert len(await asyncio.gather(*tasks)) == 700
            assert (await client.health()).way is Way.OK

    with ServerProcess(settings, tmp_path, analysis="gated", env={"GATE": str(gate)}) as server:
        run(ask())


def test_a_source_that_kills_hangs_or_overfills_its_process_costs_no_other(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    (tmp_path / "inside.py").write_text("inside = 1", encoding="utf-8")
    (tmp_path / "large.py").write_bytes(b"x" * 600_000)

    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            hanging = await _begun(client, (tmp_path / "hanging").exists)
            ends = await asyncio.gather(
                *(
                    client.request(question(path=name), timeout=PATIENCE)
                    for name in ("good", "die", "bad", "huge", "good")
                ),
                return_exceptions=True,
            )
            assert [_kind(each) for each in ends] == [
                "bus",
                "worker_died",
                "unparsable",
                "answer_too_large",
                "bus",
            ]
            assert isinstance(ends[2], AnalysisError)
            assert ends[2].next_step == "Mend it."
            (end,) = await asyncio.gather(hanging, return_exceptions=True)
            assert isinstance(end, TimeoutError) or _kind(end) == "timeout"
            inner = await client.request(question(path="inside.py", content=None), timeout=PATIENCE)
            assert inner.insights[0] == "inside = 1"
            for name, code in (
                ("/etc/passwd", FailureCode.FILE_NOT_FOUND),
                ("../outside.py", FailureCode.FILE_NOT_FOUND),
                ("large.py", FailureCode.TOO_LARGE),
            ):
                with pytest.raises(AnalysisError) as refused:
                    await client.request(question(path=name, content=None), timeout=PATIENCE)
                assert refused.value.code is code
            with pytest.raises(AnalysisError) as refused:
                await client.request(question("x" * 600_000), timeout=PATIENCE)
            assert refused.value.code is FailureCode.TOO_LARGE

    with ServerProcess(settings, tmp_path, env={"HANGING": str(tmp_path / "hanging")}) as server:
        run(ask())
        wait(lambda: server.state()["workers_replaced"] >= 3, server.told)
        assert server.stop() == 0, server.told()


async def _begun(client: IntelligenceClient, has_begun: Callable[[], bool]) -> "asyncio.Task[Analysis]":
    """A question with a time limit within which its analysis begins and does not end."""
    for seconds in (3.0, 12.0, 48.0):
        task = asyncio.create_task(client.request(question(path="hang"), timeout=seconds))
        await until(lambda task=task: has_begun() or task.done())
        if has_begun():
            return task
        await asyncio.gather(task, return_exceptions=True)
    pytest.fail("no server began with it")


def _kind(end: object) -> str:
    if isinstance(end, Analysis):
        return end.answered_by
    assert isinstance(end, AnalysisError | ServerFailed), repr(end)
    return end.code


def test_what_is_no_question_is_answered_where_it_says_whom_and_costs_no_other(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    old = question_of(question("late"), client="c", timeout_seconds=0.001)
    late = encoded(old, correlation="late", session="s", request="r-late", is_question=True)
    deep = b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}"
    with reading(settings, ANALYSIS_FAILED_TOPIC) as failures, ServerProcess(settings, tmp_path) as server:
        write(settings, ANALYSIS_REQUESTED_TOPIC, b"\xff no JSON")
        write(settings, ANALYSIS_REQUESTED_TOPIC, None)
        write(
            settings, ANALYSIS_REQUESTED_TOPIC, b"{}", key=b"by its key", headers=[("polly-request", b"r1")]
        )
        write(settings, ANALYSIS_REQUESTED_TOPIC, b'{"correlationid":"inside"}', key=b"\xff")
        write(settings, ANALYSIS_REQUESTED_TOPIC, deep, key=b"deep")
        write(settings, ANALYSIS_REQUESTED_TOPIC, late.value, key=late.key)
        records = read(failures, 4)
        answers = {each.key(): read_answer(each.value()) for each in records}
        assert set(answers) == {b"by its key", b"inside", b"deep", b"late"}
        codes = {
            key: each.error_code for key, each in answers.items() if isinstance(each, CodeAnalysisFailed)
        }
        assert codes.pop(b"late") == "expired"
        assert set(codes.values()) == {"bad_request"}
        wait(lambda: server.state()["unreadable"] == 5, server.told)

        async def ask() -> None:
            async with IntelligenceClient(settings, NO_FALLBACK) as client:
                assert (await client.request(question(), timeout=PATIENCE)).answered_by == "bus"

        run(ask())
        assert server.stop() == 0, server.told()
    assert committed(settings) == 7


def committed(settings: KafkaSettings) -> int:
    """How many questions the group of the servers has behind it."""
    from confluent_kafka import ConsumerGroupTopicPartitions

    admin = AdminClient({"bootstrap.servers": str(settings.bootstrap_servers), "log_level": 0})
    group = f"{settings.topic_prefix}servers"
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(timeout=60)
    return sum(max(0, each.offset) for each in found.topic_partitions)


def asked(settings: KafkaSettings) -> int:
    """How many questions there are in the topic."""
    return sum(each.high for each in watermarks(settings, [settings.topic_prefix + ANALYSIS_REQUESTED_TOPIC]))


# The client, with a server by hand


def test_poison_foreign_and_double_answers_are_survived_and_counted(settings: KafkaSettings) -> None:
    async def ask(server: ByHand) -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client, asking(client, question()) as task:
            (first,) = await server.take()
            write(settings, ANALYSIS_COMPLETED_TOPIC, b"\xff")
            write(settings, ANALYSIS_FAILED_TOPIC, None, headers=[("polly-client", client.id.encode())])
            write(
                settings, ANALYSIS_COMPLETED_TOPIC, b'{"half', headers=[("polly-client", client.id.encode())]
            )
            server.answer(first, "not mine", client="somebody else")
            server.answer(first, "unknown", request="never asked")
            server.answer(first, "mine")
            server.answer(first, "mine again")
            assert (await task).insights == ("mine",)

            def counted() -> tuple[int, int, int]:
                return client.counts.late, client.counts.unreadable, client.counts.foreign

            await until(lambda: counted() == (2, 3, 1))  # they come by several partitions, in any order

    with by_hand(settings) as server:
        run(ask(server))


def test_two_clients_do_not_get_each_others_answers(settings: KafkaSettings) -> None:
    async def ask(server: ByHand) -> None:
        async with (
            IntelligenceClient(settings, NO_FALLBACK) as one,
            IntelligenceClient(settings, NO_FALLBACK) as two,
        ):
            same = {"correlation_id": "shared"}
            async with (
                asking(one, question("1", **same)) as first,
                asking(two, question("2", **same)) as second,
            ):
                for each in await server.take(2):
                    assert isinstance(each.data, CodeAnalysisRequested)
                    assert each.correlation == "shared"
                    server.answer(each, f"for {each.data.content}")
                assert ((await first).insights, (await second).insights) == (("for 1",), ("for 2",))
                await until(lambda: (one.counts.foreign, two.counts.foreign) == (1, 1))

    with by_hand(settings) as server:
        run(ask(server))


def test_a_cancelled_question_leaves_the_others(settings: KafkaSettings) -> None:
    async def ask(server: ByHand) -> None:
        async with (
            IntelligenceClient(settings, NO_FALLBACK) as client,
            asking(client, question("gone")) as gone,
            asking(client, question("kept")) as kept,
        ):
            both = await server.take(2)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert client.pending == 1
            for each in both:
                server.answer(each, "answered")
            assert (await kept).insights == ("answered",)
            await until(lambda: client.counts.late == 1)

    with by_hand(settings) as server:
        run(ask(server))


def test_stopping_tells_every_question_that_is_pending(settings: KafkaSettings) -> None:
    async def ask(server: ByHand) -> None:
        client = IntelligenceClient(settings, NO_FALLBACK)
        await client.start()
        await client.start()
        async with asking(client, question(correlation_id="a")) as one, asking(client, question()) as two:
            await server.take(2)
            await client.stop()
            with pytest.raises(ClientStopped, match=r"stopped while the request was pending .*a"):
                await one
            with pytest.raises(ClientStopped):
                await two
        await client.stop()
        with pytest.raises(ClientNotStarted, match="start"):
            await client.request(question())
        assert client_threads() == []
        async with client, asking(client, question()) as again:
            server.answer((await server.take())[0], "after a new start")
            assert (await again).insights == ("after a new start",)

    with by_hand(settings) as server:
        run(ask(server))


def client_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "intelligence-client"]


def test_without_an_answer_the_time_limit_counts_and_no_time_sends_nothing(settings: KafkaSettings) -> None:
    async def ask() -> None:
        async with IntelligenceClient(settings, NO_FALLBACK) as client:
            with pytest.raises(RequestTimedOut, match="the time limit is 0 s"):
                await client.request(question(), timeout=0)
            assert asked(settings) == 0
            with pytest.raises(
                TimeoutError, match=r"no answer about a\.py within 0\.3 s .*no server answered"
            ):
                await client.request(question(), timeout=0.3)
            assert (client.counts.timed_out, client.counts.asked, client.pending) == (2, 1, 0)
            for wrong in (-1, float("nan")):
                with pytest.raises(InputError, match="makes no sense"):
                    await client.request(question(), timeout=wrong)
            with pytest.raises(AnalysisError, match="too large to ask about"):
                await client.request(question("x" * 1_100_000))
            with pytest.raises(InputError, match="cannot be sent"):
                await client.request(question("\ud800"))

    run(ask())


def test_health_tells_no_server_from_no_broker(settings: KafkaSettings, tmp_path: Path) -> None:
    async def look() -> None:
        client = IntelligenceClient(settings, NO_FALLBACK)
        assert (await client.health()).way is Way.NOT_STARTED
        async with client:
            for seconds in (0.5, 5.0, 50.0):  # long enough for the cluster
                nobody = await client.health(timeout=seconds)
                if nobody.way is not Way.BUS_AWAY:
                    break
            assert (nobody.way, nobody.brokers, nobody.unserved) == (Way.NO_SERVER, 1, 3)
            async with serving(settings, tmp_path) as server:
                well = await client.health(timeout=PATIENCE)
                assert (well.way, well.unserved, well.reason) == (Way.OK, 0, "")
                assert [each.pid for each in well.servers] == [server.process.pid]
        away = await IntelligenceClient(NOBODY, NO_FALLBACK).health()
        assert away.way is Way.BUS_AWAY
        assert "127.0.0.1:1 cannot be reached" in away.reason
        assert (await IntelligenceClient(KafkaSettings()).health()).way is Way.NOT_CONFIGURED
        off = IntelligenceSettings(enabled=False)
        assert (await IntelligenceClient(settings, off).health()).way is Way.DISABLED

    run(look())


# Without a bus


def test_without_a_cluster_the_analysis_is_made_here_and_says_why() -> None:
    async def ask() -> None:
        async with IntelligenceClient(KafkaSettings(), analyze=here) as client:
            answer = await client.request(question())
            assert answer.answered_by == "in process: no Kafka cluster is set up"
            # Not in the thread of the event loop.
            assert answer.insights[0].startswith("intelligence-fallback")
        with pytest.raises(SettingsError, match=r"kafka.bootstrap_servers is empty"):
            await IntelligenceClient(KafkaSettings(), NO_FALLBACK).start()

    run(ask())


def test_a_cluster_that_is_away_at_the_start_is_named_or_refused_and_nothing_is_left() -> None:
    async def ask() -> None:
        async with IntelligenceClient(NOBODY, analyze=here) as client:
            answer = await client.request(question())
            assert answer.answered_by.startswith("in process: Kafka at 127.0.0.1:1 cannot be reached")
        refusing = IntelligenceClient(NOBODY, NO_FALLBACK, analyze=here)
        with pytest.raises(BusError, match="cannot be reached"):
            await refusing.start()
        with pytest.raises(ClientNotStarted):
            await refusing.request(question())
        starting = asyncio.create_task(refusing.start())
        await until(client_threads)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert client_threads() == []

    run(ask())


def test_missing_topics_are_named(kafka: Kafka) -> None:
    async def ask() -> None:
        with pytest.raises(BusError, match=r"has no topic .*intelligence\.code-analysis-requested\.v1"):
            await IntelligenceClient(settings_of(kafka), NO_FALLBACK).start()

    run(ask())


def test_settings_that_kafka_does_not_know_are_refused_even_with_a_fallback(kafka: Kafka) -> None:
    async def ask() -> None:
        with pytest.raises(SettingsError, match=r"no.such.option"):
            await IntelligenceClient(settings_of(kafka, **{"no.such.option": "1"})).start()
        assert client_threads() == []

    run(ask())


def test_a_client_that_is_switched_off_says_so(settings: KafkaSettings) -> None:
    async def ask() -> None:
        async with IntelligenceClient(settings, IntelligenceSettings(enabled=False)) as client:
            with pytest.raises(IntelligenceDisabled, match="switched off"):
                await client.request(question())
        assert asked(settings) == 0

    run(ask())


def test_a_cluster_that_goes_away_later_is_replaced_and_used_again_when_it_is_back(
    mock_kafka: MockCluster,
) -> None:
    prefix = f"m{os.getpid()}-"
    for name in (ANALYSIS_REQUESTED_TOPIC, ANALYSIS_COMPLETED_TOPIC, ANALYSIS_FAILED_TOPIC):
        mock_kafka.create_topic(prefix + name, partitions=2)
    settings = KafkaSettings(
        bootstrap_servers=mock_kafka.bootstrap,
        topic_prefix=prefix,
        options={"reconnect.backoff.max.ms": 200, "fetch.wait.max.ms": 50},
    )

    async def ask(server: ByHand) -> None:
        async with IntelligenceClient(settings, analyze=here) as client:
            async with asking(client, question()) as task:
                await server.take()
                mock_kafka.set_down()
                answer = await task
            assert answer.answered_by.startswith("in process: Kafka at 127.0.0.1")
            during = await client.request(question())
            assert during.answered_by.startswith("in process: Kafka at 127.0.0.1")
            mock_kafka.set_up()
            await until(lambda: client.away is None)
            async with asking(client, question("back")) as task:
                server.answer((await server.take())[0], "over the bus again")
                assert (await task).insights == ("over the bus again",)
            assert client.counts.fallbacks == 2

    with by_hand(settings) as server:
        run(ask(server))
