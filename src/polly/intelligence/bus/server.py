"""Answers questions about code: one thread owns the clients of Kafka, a pool of processes analyses.

A question is committed after Kafka has its answer, so one that a dead server had in hand is answered by
another one. Answers can therefore come twice; clients take the first.
"""

import os
import platform
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from polly import __version__
from polly.errors import BusError, BusMisconfigured
from polly.events.event import ANALYSIS_REQUESTED_TOPIC
from polly.intelligence.analysis import FailureCode
from polly.intelligence.bus.messages import (
    Asked,
    CodeAnalysisCompleted,
    CodeAnalysisFailed,
    IntelligenceMessage,
    ServerAnswered,
    ServerPinged,
    Unreadable,
    encoded,
    read_question,
    request_of,
)
from polly.intelligence.bus.questions import Place, Questions, Received, member_config
from polly.intelligence.bus.replies import Replies, Reply
from polly.intelligence.bus.state import ServerState
from polly.intelligence.bus.worker import Analyze, Done, Failed
from polly.intelligence.bus.workers import Job, Workers
from polly.intelligence.service import analyze as analyze_here
from polly.kafka.clients import metadata
from polly.kafka.settings import MAX_RECORD_BYTES, admin_config
from polly.kafka.topics import intelligence_topics, require_topics
from polly.settings import IntelligenceSettings, KafkaSettings

#: The longest wait of one read, and so how fast a stop is noticed.
_READ_SECONDS = 0.1
#: How soon room for more questions is noticed.
_HELD_SECONDS = 0.01
#: What can wait is done this often, not after each question: it would hold up its answer.
_SETTLE_SECONDS = 0.01
_COMMIT_SECONDS = 0.5
_SHOW_SECONDS = 1.0
#: How long one question to the cluster may take, and how often it is put while it is away.
_CONNECT_SECONDS = 5.0
_AGAIN_SECONDS = 1.0
#: Questions in hand, per process and at least, and their bytes. Kafka lets in more only after a new fetch, so
#: that many must keep the processes busy for as long.
_IN_HAND_PER_WORKER = 32
_IN_HAND = 256
_IN_HAND_BYTES = 32 * 1024 * 1024
#: How long an answer that nobody may be waiting for is tried.
_SHORT_SECONDS = 5.0


class Server:
    """`run` is the owner thread; `stop` and `state` may be used by others, nothing else."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: IntelligenceSettings,
        *,
        root: Path,
        analyze: Analyze = analyze_here,
        tell: Callable[[str], None] = lambda _message: None,
        show: Callable[[ServerState], None] = lambda _state: None,
        drain_seconds: float = 20.0,
    ) -> None:
        """root: the folder in which files may be read. show: gets the state about each second.

        analyze: a function that a new process can import by its name. Raises SettingsError.
        """
        self._kafka = kafka
        self._group = settings.group
        self._count = settings.workers or os.cpu_count() or 1
        self._limit = max(_IN_HAND, self._count * _IN_HAND_PER_WORKER)
        self._root = root
        self._analyze = analyze
        self._tell = tell
        self._show = show
        self._drain_seconds = drain_seconds
        self._stopping = threading.Event()
        self._member = member_config(kafka, settings.group)
        self._admin = admin_config(kafka)
        self._in_hand = self._in_hand_bytes = 0
        self._is_held = False
        self._settled_at = self._committed_at = self._shown_at = 0.0
        name = f"{platform.node() or 'localhost'}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        now = datetime.now(UTC)
        self.state = ServerState(
            server=name,
            version=__version__,
            pid=os.getpid(),
            started_at=now,
            at=now,
            state="starting",
            workers=self._count,
        )

    def stop(self) -> None:
        """Finish what is in hand, commit, leave the group, and return from `run`."""
        self._stopping.set()

    def run(self) -> bool:
        """Answer until `stop`. False when something in hand could not be finished: another server answers it.

        Raises BusError when the cluster refuses us for good, ToolError when no process for analyses starts.
        """
        with Workers(self._count, self._analyze, self._root) as workers:
            replies = Replies(self._kafka)
            questions = Questions(self._member, self._kafka.topic_prefix + ANALYSIS_REQUESTED_TOPIC)
            try:
                if self._await_cluster(replies):
                    questions.join()
                    self._change(state="running")
                    self._tell(
                        f"Answering as {self.state.server}: {self._count} processes, group {self._group}."
                    )
                while not self._stopping.is_set():
                    self._turn(questions, replies, workers)
                return self._drain(questions, replies, workers)
            finally:
                questions.close()
                replies.close()
                self._change(state="stopped", partitions=0)
                self._show(self.state)

    def _await_cluster(self, replies: Replies) -> bool:
        """Until the cluster answers and has the topics. False: stopped before that."""
        said = ""
        while not self._stopping.is_set():
            try:
                found = metadata(replies.client, self._admin, replies.trouble, _CONNECT_SECONDS).topics
                require_topics(self._kafka, found, intelligence_topics(self._kafka))
            except BusMisconfigured:
                raise
            except BusError as error:
                if error.what != said:
                    said = error.what
                    self._tell(f"{said}. Waiting for it.")
                self._change(trouble=error.what)
                self._show(self.state)
                self._stopping.wait(_AGAIN_SECONDS)
            else:
                self._change(trouble=None)
                return True
        return False

    def _turn(self, questions: Questions, replies: Replies, workers: Workers) -> None:
        filled = max(self._in_hand / self._limit, self._in_hand_bytes / _IN_HAND_BYTES)
        self._is_held = filled >= (0.5 if self._is_held else 1.0)
        questions.hold(self._is_held)
        for received in questions.read(_HELD_SECONDS if self._is_held else _READ_SECONDS):
            self._take(received, questions, replies, workers)
        if time.monotonic() - self._settled_at >= _SETTLE_SECONDS:
            self._settle(questions, replies, workers)

    def _settle(self, questions: Questions, replies: Replies, workers: Workers) -> None:
        replies.serve()
        workers.end_overdue()
        if workers.error is not None:
            raise workers.error
        now = self._settled_at = time.monotonic()
        if now - self._committed_at >= _COMMIT_SECONDS:
            questions.commit()
            self._committed_at = now
        if now - self._shown_at >= _SHOW_SECONDS:
            self._shown_at = now
            self._change(**self._seen(questions, replies, workers))
            self._show(self.state)

    def _seen(self, questions: Questions, replies: Replies, workers: Workers) -> dict[str, Any]:
        trouble = questions.trouble.latest or replies.trouble.latest
        if trouble is not None and trouble != self.state.trouble:
            self._tell(f"Kafka: {trouble}.")
        questions.trouble.clear()
        replies.trouble.clear()
        return {
            "partitions": questions.partitions,
            "in_hand": self._in_hand,
            "held": self._is_held,
            "workers_replaced": workers.replaced,
            "trouble": trouble,
        }

    def _take(self, received: Received, questions: Questions, replies: Replies, workers: Workers) -> None:
        self._in_hand += 1
        self._in_hand_bytes += len(received.value)
        asked = read_question(received.value, received.key, received.headers)
        end = partial(self._ended, questions, received.place, len(received.value))
        if isinstance(asked, Unreadable):
            self._refuse(asked, replies, end)
            return
        left = asked.seconds_left(datetime.now(UTC))
        reply = partial(self._reply, replies, asked, time.monotonic() + max(left, _SHORT_SECONDS), end)
        data = asked.data
        if left <= 0 and isinstance(data, ServerPinged):
            end(True)  # whoever asked has had the answer "nobody"
        elif left <= 0:
            self._change(late=self.state.late + 1)
            message = (
                f"its time limit of {data.timeout_seconds:g} s had passed when this server read it; "
                "if it was just asked, the clocks of client and server differ"
            )
            reply(self._failure(asked, Failed(code="expired", message=message)))
        elif isinstance(data, ServerPinged):
            state = msgspec.structs.replace(self.state, at=datetime.now(UTC), in_hand=self._in_hand - 1)
            reply(
                ServerAnswered(
                    client=data.client, request=asked.request, server=self.state.server, state=state
                )
            )
        else:
            request = request_of(asked, data, left)
            workers.put(Job(request, time.monotonic() + left, lambda done: reply(self._answer(asked, done))))

    def _refuse(self, bad: Unreadable, replies: Replies, end: Callable[[bool], None]) -> None:
        self._change(unreadable=self.state.unreadable + 1)
        if bad.correlation is None:
            self._tell(f"A record that is no question, and names nobody to tell: {bad.reason[:200]}")
            end(True)
            return
        failure = CodeAnalysisFailed(
            client=bad.client,
            request=bad.request,
            server=self.state.server,
            error_code=FailureCode.BAD_REQUEST,
            error_message=f"the question cannot be read: {bad.reason[:500]}",
        )
        asked = Asked(
            bad.request, bad.correlation, "", datetime.now(UTC), ServerPinged(client="", timeout_seconds=0)
        )
        self._reply(replies, asked, time.monotonic() + _SHORT_SECONDS, end, failure)

    def _answer(self, asked: Asked, done: Done) -> IntelligenceMessage:
        """In a thread of the pool."""
        data = asked.data
        if done.failed is not None:
            return self._failure(asked, done.failed)
        return CodeAnalysisCompleted(
            client=data.client,
            request=asked.request,
            server=self.state.server,
            source_path=getattr(data, "source_path", ""),
            operation_type=getattr(data, "operation_type"),  # noqa: B009
            analysis=cast("Any", msgspec.Raw(done.analysis)),  # as the process wrote it
        )

    def _failure(self, asked: Asked, failed: Failed) -> CodeAnalysisFailed:
        return CodeAnalysisFailed(
            client=asked.data.client,
            request=asked.request,
            server=self.state.server,
            error_code=failed.code,
            error_message=failed.message,
            source_path=getattr(asked.data, "source_path", ""),
            next_step=failed.next_step,
        )

    def _reply(
        self,
        replies: Replies,
        asked: Asked,
        deadline: float,
        end: Callable[[bool], None],
        data: IntelligenceMessage,
    ) -> None:
        """In the owner thread or one of the pool."""
        message = encoded(data, correlation=asked.correlation, session=asked.session, request=asked.request)
        if len(message.value) > MAX_RECORD_BYTES:
            size = f"the answer has {len(message.value)} bytes, its topic takes {MAX_RECORD_BYTES}"
            data = self._failure(asked, Failed(code="answer_too_large", message=size))
            message = encoded(
                data, correlation=asked.correlation, session=asked.session, request=asked.request
            )
        replies.send(Reply(message, deadline, partial(self._count_end, end, data)))

    def _count_end(self, end: Callable[[bool], None], data: IntelligenceMessage, taken: bool) -> None:
        if not taken:
            self._change(given_up=self.state.given_up + 1)
        elif isinstance(data, CodeAnalysisFailed):
            self._change(failed=self.state.failed + 1)
        elif isinstance(data, CodeAnalysisCompleted):
            self._change(answered=self.state.answered + 1)
        end(taken)

    def _ended(self, questions: Questions, place: Place, size: int, _taken: bool) -> None:
        self._in_hand -= 1
        self._in_hand_bytes -= size
        questions.end(place)

    def _drain(self, questions: Questions, replies: Replies, workers: Workers) -> bool:
        self._change(state="stopping")
        questions.hold(True)
        deadline = time.monotonic() + self._drain_seconds
        while self._in_hand and time.monotonic() < deadline:
            # Nothing comes in any more, and the group is told that we are alive.
            for received in questions.read(_HELD_SECONDS):
                self._take(received, questions, replies, workers)
            self._settle(questions, replies, workers)
        questions.commit(is_last=True)
        if self._in_hand:
            self._tell(f"Left for the next server: {self._in_hand} questions that could not be finished now.")
        return not self._in_hand

    def _change(self, **changes: Any) -> None:
        """In the owner thread alone; others read the record whole."""
        self.state = msgspec.structs.replace(self.state, at=datetime.now(UTC), **changes)
