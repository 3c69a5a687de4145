"""Asks for an analysis over Kafka, or answers itself while the bus is away.

Everything here happens in the event loop; the clients of Kafka live in the thread of `Link`, and what they
hear crosses with `call_soon_threadsafe`.
"""

import asyncio
import math
import os
import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import msgspec

from polly.errors import BusError, InputError, PollyError, SettingsError
from polly.events.envelope import session_id, uuid7
from polly.intelligence.analysis import Analysis, AnalysisError, AnalysisRequest, FailureCode
from polly.intelligence.bus.errors import (
    BusAway,
    ClientNotStarted,
    ClientStopped,
    IntelligenceDisabled,
    RequestTimedOut,
    ServerFailed,
)
from polly.intelligence.bus.link import Answers, Away, Link, Ready, Told, Undelivered
from polly.intelligence.bus.messages import (
    Answer,
    CodeAnalysisCompleted,
    CodeAnalysisFailed,
    IntelligenceMessage,
    Outgoing,
    ServerAnswered,
    ServerPinged,
    encoded,
    question_of,
)
from polly.intelligence.bus.probe import count_brokers, verdict
from polly.intelligence.bus.state import ClientCounts, Health, Way
from polly.intelligence.service import analyze as analyze_here
from polly.kafka.settings import MAX_RECORD_BYTES, require_servers
from polly.settings import IntelligenceSettings, KafkaSettings

#: How long a full queue is given before a question is put into it again.
_FULL_SECONDS = 0.02

Analyze = Callable[[AnalysisRequest], Analysis]


class _Pending:
    """A question that waits. future: its Answer. is_acknowledged stays unknown: Kafka tells refusals only."""

    __slots__ = ("correlation", "future")

    def __init__(self, correlation: str, future: "asyncio.Future[Answer]") -> None:
        self.correlation = correlation
        self.future = future

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def expire(self) -> None:
        self.fail(TimeoutError())


class IntelligenceClient:
    """`async with IntelligenceClient(kafka, settings) as client: await client.request(…)`.

    For one event loop at a time. With `settings.fallback`, what the bus cannot carry is analysed in a
    thread of this process, and `Analysis.answered_by` says so and why.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: IntelligenceSettings | None = None,
        *,
        analyze: Analyze = analyze_here,
    ) -> None:
        self._kafka = kafka
        self._settings = settings or IntelligenceSettings()
        self._analyze = analyze
        self._id = uuid.uuid4().hex
        self._session = session_id()
        self._pending: dict[str, _Pending] = {}
        self._link: Link | None = None
        self._away: PollyError | None = None
        self._partitions = 0
        self._first: asyncio.Future[None] | None = None
        self._changing = asyncio.Lock()
        self._is_started = False
        self._threads: ThreadPoolExecutor | None = None
        self._counted = dict.fromkeys(ClientCounts.__struct_fields__, 0)

    @property
    def id(self) -> str:
        """The name under which this client waits for answers."""
        return self._id

    @property
    def pending(self) -> int:
        """Questions that wait for an answer from the bus."""
        return len(self._pending)

    @property
    def counts(self) -> ClientCounts:
        """What it has seen so far."""
        return ClientCounts(**self._counted)

    @property
    def away(self) -> PollyError | None:
        """Why questions cannot go over the bus now; None when they can."""
        return self._away

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect, and return when every answer to a later question will be read. Again: does nothing.

        Raises BusError when the cluster cannot be used and there is no fallback, SettingsError when its
        settings cannot be. With a fallback it goes on connecting in the background.
        """
        async with self._changing:
            if self._is_started or not self._settings.enabled:
                return
            try:
                await self._connect()
            except BaseException:
                await self._end_link()
                raise
            self._is_started = True

    async def _connect(self) -> None:
        self._away = None
        if not (self._kafka.bootstrap_servers or "").strip():
            if not self._settings.fallback:
                require_servers(self._kafka)
            self._away = SettingsError("no Kafka cluster is set up")
            return
        loop = asyncio.get_running_loop()
        self._first = loop.create_future()

        def tell(told: Told) -> None:
            loop.call_soon_threadsafe(self._hear, link, told)

        link = self._link = Link(self._kafka, self._id, tell)
        link.start()
        await self._first
        error = self.away
        if error is not None and (isinstance(error, SettingsError) or not self._settings.fallback):
            raise error

    async def stop(self) -> None:
        """End it; questions that are pending get a ClientStopped. Again: does nothing."""
        async with self._changing:
            self._is_started = False
            for each in tuple(self._pending.values()):
                each.fail(ClientStopped(each.correlation))
            await self._end_link()
            threads, self._threads = self._threads, None
            if threads is not None:
                threads.shutdown(wait=False, cancel_futures=True)

    async def _end_link(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        link.stop()
        ended = asyncio.ensure_future(asyncio.to_thread(link.join))
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            await ended
            raise

    async def request(self, request: AnalysisRequest, *, timeout: float | None = None) -> Analysis:  # noqa: ASYNC109 - it travels with the question
        """The analysis. timeout: seconds; by default that of the settings; 0 sends nothing and is over.

        Raises AnalysisError when the source cannot be analysed, RequestTimedOut (a TimeoutError),
        ClientNotStarted, ClientStopped, IntelligenceDisabled, InputError for a request that cannot travel,
        and without a fallback BusAway and ServerFailed.
        """
        self._require_open()
        seconds = self._settings.timeout_seconds if timeout is None else timeout
        if math.isnan(seconds) or seconds < 0:
            raise InputError(
                f"a time limit of {seconds:g} s makes no sense", next_step="Give 0 or more seconds."
            )
        if seconds == 0:
            self._count("timed_out")
            raise RequestTimedOut(f"no time to ask about {request.source_path}: the time limit is 0 s")
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            return await self._answered(request, seconds, deadline)
        except RequestTimedOut:
            raise
        except TimeoutError as error:
            self._count("timed_out")
            raise self._timed_out(request, seconds) from error

    async def health(self, *, timeout: float = 5.0) -> Health:  # noqa: ASYNC109 - each step has its share of it
        """Ask the cluster for its brokers, and every partition of questions for a server, now."""
        if not self._settings.enabled:
            return Health(way=Way.DISABLED, reason="intelligence.enabled is false")
        if not (self._kafka.bootstrap_servers or "").strip():
            return Health(
                way=Way.NOT_CONFIGURED,
                reason="kafka.bootstrap_servers is empty",
                next_step='Write [kafka] bootstrap_servers = "host:port" into polly.toml.',
            )
        try:
            brokers = await asyncio.to_thread(count_brokers, self._kafka, timeout)
        except PollyError as error:
            return Health(way=Way.BUS_AWAY, reason=error.what, next_step=error.next_step)
        if not self._is_started:
            return Health(way=Way.NOT_STARTED, reason="the client is not started", brokers=brokers)
        if self._away is not None:
            reason, step = self._away.what, self._away.next_step
            return Health(way=Way.BUS_AWAY, reason=reason, next_step=step, brokers=brokers)
        return await self._ping(brokers, timeout)

    def _require_open(self) -> None:
        if not self._settings.enabled:
            raise IntelligenceDisabled
        if not self._is_started:
            raise ClientNotStarted

    async def _answered(self, request: AnalysisRequest, seconds: float, deadline: float) -> Analysis:
        message = self._encoded(request, seconds)
        try:
            return await self._ask(request, *message, deadline)
        except BusAway as error:
            if not self._settings.fallback:
                raise
            options = {"timeout_seconds": deadline - asyncio.get_running_loop().time(), **request.options}
            asked = msgspec.structs.replace(request, options=options)
            async with asyncio.timeout_at(deadline):
                return await self._analyzed_here(asked, error.what)

    def _encoded(self, request: AnalysisRequest, seconds: float) -> tuple[str, Outgoing]:
        number = uuid7()
        data = question_of(request, client=self._id, timeout_seconds=seconds)
        return number, self._record(data, request.correlation_id, number)

    def _record(self, data: IntelligenceMessage, correlation: str, number: str) -> Outgoing:
        try:
            message = encoded(
                data, correlation=correlation, session=self._session, request=number, is_question=True
            )
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise InputError(f"the request cannot be sent: {error}") from error
        if len(message.value) > MAX_RECORD_BYTES:
            raise AnalysisError(
                FailureCode.TOO_LARGE,
                f"{data.subject} is too large to ask about: {len(message.value)} bytes as a record, "
                f"of at most {MAX_RECORD_BYTES}",
                next_step="Analyse it in this process: `polly analyze`.",
            )
        return message

    async def _ask(
        self, request: AnalysisRequest, number: str, message: Outgoing, deadline: float
    ) -> Analysis:
        answer = await self._exchange(request.correlation_id, number, message, deadline)
        match answer:
            case CodeAnalysisCompleted():
                self._count("answered")
                return msgspec.structs.replace(answer.analysis, answered_by="bus")
            case CodeAnalysisFailed():
                self._count("failed")
                raise _failure(answer)
            case _:
                raise ServerFailed("unexpected_answer", "a server answered something else than was asked")

    async def _exchange(
        self,
        correlation: str,
        number: str,
        message: Outgoing,
        deadline: float,
        partition: int | None = None,
    ) -> Answer:
        """Send a question and wait for its answer; TimeoutError at the deadline, by the loop's clock."""
        if self._away is not None or self._link is None:
            raise BusAway(self._away.what if self._away else "there is no connection to Kafka")
        # It leaves before what waiting for it needs: whatever is heard of it comes through the loop, and so
        # not before this coroutine waits.
        is_sent = self._sent(message, number, partition)
        loop = asyncio.get_running_loop()
        pending = self._pending[number] = _Pending(correlation, loop.create_future())
        self._count("asked")
        alarm = loop.call_at(deadline, pending.expire)
        try:
            while not is_sent:
                await asyncio.sleep(_FULL_SECONDS)
                is_sent = pending.future.done() or self._sent(message, number, partition)
            return await pending.future
        finally:
            alarm.cancel()
            del self._pending[number]
            # Nobody asks any more how a question ended that was given up at the same moment.
            if pending.future.done() and not pending.future.cancelled():
                pending.future.exception()

    def _sent(self, message: Outgoing, number: str, partition: int | None) -> bool:
        if self._link is None:
            raise ClientNotStarted
        try:
            return self._link.send(message, number, partition)
        except BusError as error:
            raise BusAway(error.what, next_step=error.next_step) from error

    async def _analyzed_here(self, request: AnalysisRequest, reason: str) -> Analysis:
        if self._threads is None:
            most = min(8, os.cpu_count() or 1)
            self._threads = ThreadPoolExecutor(most, thread_name_prefix="intelligence-fallback")
        self._count("fallbacks")
        loop = asyncio.get_running_loop()
        analysis = await loop.run_in_executor(self._threads, self._analyze, request)
        return msgspec.structs.replace(analysis, answered_by=f"in process: {reason}")

    async def _ping(self, brokers: int, seconds: float) -> Health:
        async def ping(partition: int) -> tuple[float, ServerAnswered | None]:
            number = uuid7()
            message = self._record(ServerPinged(client=self._id, timeout_seconds=seconds), number, number)
            begun = loop.time()
            try:
                answer = await self._exchange(number, number, message, begun + seconds, partition)
            except (TimeoutError, BusAway):
                return seconds, None
            return loop.time() - begun, answer if isinstance(answer, ServerAnswered) else None

        loop = asyncio.get_running_loop()
        partitions = list(range(self._partitions))
        random.shuffle(partitions)
        answers = await asyncio.gather(*map(ping, partitions))
        return verdict(brokers, seconds, answers)

    def _hear(self, link: Link, told: Told) -> None:
        if link is not self._link:
            return
        match told:
            case Answers(answers, foreign):  # first: somebody waits for it
                for number, answer in answers:
                    self._settle(number, answer)
                if foreign:
                    self._count("foreign", foreign)
            case Ready(partitions):
                self._away, self._partitions = None, partitions
                self._has_begun()
            case Away(error):
                self._away = error
                self._give_up(error)
                self._has_begun()
            case Undelivered(number, reason):
                if number in self._pending:
                    self._pending[number].fail(BusAway(f"Kafka did not take the question: {reason}"))

    def _has_begun(self) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _give_up(self, error: PollyError) -> None:
        """What is pending goes another way; without one it may still be answered when the bus comes back."""
        if self._settings.fallback:
            for each in tuple(self._pending.values()):
                each.fail(BusAway(error.what, next_step=error.next_step))

    def _settle(self, number: str, answer: Answer | None) -> None:
        pending = self._pending.get(number)
        if answer is None:
            self._count("unreadable")
        elif pending is None or pending.future.done():
            self._count("late")
        else:
            pending.future.set_result(answer)

    def _timed_out(self, request: AnalysisRequest, seconds: float) -> RequestTimedOut:
        why = (
            f"the bus is away: {self._away.what}" if self._away is not None else "no server answered in time"
        )
        return RequestTimedOut(
            f"no answer about {request.source_path} within {seconds:g} s "
            f"(correlation {request.correlation_id}): {why}",
            next_step="`polly intelligence status` shows whether a server answers; "
            "`polly intelligence serve` starts one.",
        )

    def _count(self, what: str, number: int = 1) -> None:
        self._counted[what] += number


def _failure(answer: CodeAnalysisFailed) -> PollyError:
    try:
        code = FailureCode(answer.error_code)
    except ValueError:  # of the bus, not of the source
        return ServerFailed(answer.error_code, answer.error_message)
    return AnalysisError(code, answer.error_message, next_step=answer.next_step)
