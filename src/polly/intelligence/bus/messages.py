"""What travels on the topics of intelligence, and how it is told apart without reading all of it.

Each record is a CloudEvents envelope. Its key is the correlation id; two headers say whose it is, so that a
client throws away the answers for others unread.
"""

import functools
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec

from polly.events.envelope import Envelope, wrap
from polly.events.event import (
    ANALYSIS_COMPLETED_TOPIC,
    ANALYSIS_FAILED_TOPIC,
    ANALYSIS_REQUESTED_TOPIC,
    EventData,
)
from polly.intelligence.analysis import Analysis, AnalysisRequest, OperationType
from polly.intelligence.bus.state import ServerState

#: Header of questions and answers: the client that asked.
CLIENT_HEADER = "polly-client"
#: Header of questions and answers: the id of the question.
REQUEST_HEADER = "polly-request"
_CONTENT_TYPE = ("content-type", b"application/cloudevents+json")

#: The longest time limit of a question.
MOST_SECONDS = 86_400.0
TimeLimit = Annotated[float, msgspec.Meta(ge=0, le=MOST_SECONDS)]

Headers = Sequence[tuple[str, bytes | None]]

#: What a decoder raises at bytes that nobody expected; deep nesting ends in the last one.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class IntelligenceMessage(EventData, frozen=True, kw_only=True):
    """A question or an answer. client: who asked."""

    client: str

    @property
    def subject(self) -> str:
        """The source, else the client."""
        return getattr(self, "source_path", "") or self.client or "polly"


class CodeAnalysisRequested(IntelligenceMessage, frozen=True, kw_only=True):
    """A client asks about one source. The id of the envelope is the id of the question."""

    type: ClassVar[str] = "dev.polly.intelligence.code-analysis-requested.v1"
    topic: ClassVar[str] = ANALYSIS_REQUESTED_TOPIC
    source_path: str
    operation_type: OperationType
    timeout_seconds: TimeLimit
    content: str | None = None
    language: str | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    project_id: str = ""
    user_id: str = "system"


class ServerPinged(IntelligenceMessage, frozen=True, kw_only=True):
    """A client asks whether a server answers."""

    type: ClassVar[str] = "dev.polly.intelligence.server-pinged.v1"
    topic: ClassVar[str] = ANALYSIS_REQUESTED_TOPIC
    timeout_seconds: TimeLimit


class CodeAnalysisCompleted(IntelligenceMessage, frozen=True, kw_only=True):
    """The answer to a question: an Analysis."""

    type: ClassVar[str] = "dev.polly.intelligence.code-analysis-completed.v1"
    topic: ClassVar[str] = ANALYSIS_COMPLETED_TOPIC
    request: str
    server: str
    source_path: str
    operation_type: OperationType
    analysis: Analysis


class CodeAnalysisFailed(IntelligenceMessage, frozen=True, kw_only=True):
    """Why there is no answer. error_code: for programs; error_message: for people."""

    type: ClassVar[str] = "dev.polly.intelligence.code-analysis-failed.v1"
    topic: ClassVar[str] = ANALYSIS_FAILED_TOPIC
    request: str
    server: str
    error_code: str
    error_message: str
    source_path: str = ""
    next_step: str | None = None


class ServerAnswered(IntelligenceMessage, frozen=True, kw_only=True):
    """A server says how it is."""

    type: ClassVar[str] = "dev.polly.intelligence.server-answered.v1"
    topic: ClassVar[str] = ANALYSIS_COMPLETED_TOPIC
    request: str
    server: str
    state: ServerState


Question = CodeAnalysisRequested | ServerPinged
Answer = CodeAnalysisCompleted | CodeAnalysisFailed | ServerAnswered

_QUESTIONS: Mapping[str, type[Question]] = {each.type: each for each in (CodeAnalysisRequested, ServerPinged)}
_ANSWERS: Mapping[str, type[Answer]] = {
    each.type: each for each in (CodeAnalysisCompleted, CodeAnalysisFailed, ServerAnswered)
}


class Outgoing(NamedTuple):
    """One record to be written. topic: without the prefix of the settings."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, str | bytes | None], ...]


class Asked(NamedTuple):
    """A question as a server reads it."""

    request: str
    correlation: str
    session: str
    at: datetime
    data: Question

    def seconds_left(self, now: datetime) -> float:
        """Until the client gives up, if its clock and ours agree."""
        limit = self.data.timeout_seconds
        return min(limit, limit - (now - self.at).total_seconds())


class Unreadable(NamedTuple):
    """A record that is no question. correlation: None when nothing says whom to answer."""

    reason: str
    request: str
    correlation: str | None
    client: str


class _Loose(msgspec.Struct):
    """What an answer needs, of an envelope that is otherwise wrong."""

    id: str = ""
    correlationid: str | None = None


def encoded(
    data: IntelligenceMessage, *, correlation: str, session: str, request: str, is_question: bool = False
) -> Outgoing:
    """The record of a message. Raises UnicodeEncodeError for text that is no Unicode."""
    envelope = wrap(
        data,
        source=_source(getattr(data, "server", "") or data.client),
        correlation_id=correlation,
        session=session,
        event_id=request if is_question else None,
    )
    headers = (
        _CONTENT_TYPE,
        (CLIENT_HEADER, data.client.encode("utf-8", "replace")),
        (REQUEST_HEADER, request.encode("utf-8", "replace")),
    )
    return Outgoing(data.topic, correlation.encode(), msgspec.json.encode(envelope), headers)


@functools.lru_cache(maxsize=64)
def _source(name: str) -> str:
    return f"urn:polly:{platform.node() or 'localhost'}:{name}"


def question_of(request: AnalysisRequest, *, client: str, timeout_seconds: float) -> CodeAnalysisRequested:
    """The request as it travels."""
    return CodeAnalysisRequested(
        client=client,
        source_path=request.source_path,
        operation_type=request.operation,
        timeout_seconds=min(timeout_seconds, MOST_SECONDS),
        content=request.content,
        language=request.language,
        options=dict(request.options),
        project_id=request.project_id,
        user_id=request.user_id,
    )


def request_of(asked: Asked, data: CodeAnalysisRequested, seconds_left: float) -> AnalysisRequest:
    """The request as it was before it travelled; what is left of its time is its limit, if it has none."""
    return AnalysisRequest(
        operation=data.operation_type,
        source_path=data.source_path,
        content=data.content,
        language=data.language,
        options={"timeout_seconds": seconds_left} | data.options,
        correlation_id=asked.correlation,
        project_id=data.project_id,
        user_id=data.user_id,
        requested_at=asked.at,
    )


def read_question(value: bytes, key: bytes | None, headers: Headers) -> Asked | Unreadable:
    """The question that a record holds, or why it holds none and whom that can be told."""
    try:
        envelope = msgspec.json.decode(value, type=Envelope)
        kind = _QUESTIONS.get(envelope.type)
        if kind is None:
            return _unreadable(f"{envelope.type!r} is no question", value, key, headers)
        if envelope.time.tzinfo is None:
            return _unreadable("its time has no time zone", value, key, headers)
        data = msgspec.json.decode(envelope.data, type=kind)
    except UNREADABLE as error:
        return _unreadable(str(error) or type(error).__name__, value, key, headers)
    return Asked(envelope.id, envelope.correlationid, envelope.sessionid, envelope.time, data)


def read_answer(value: bytes) -> Answer | None:
    """The answer that a record holds; None when it holds none that we know."""
    try:
        envelope = msgspec.json.decode(value, type=Envelope)
        kind = _ANSWERS.get(envelope.type)
        return None if kind is None else msgspec.json.decode(envelope.data, type=kind)
    except UNREADABLE:
        return None


def header(headers: Headers, name: str) -> str | None:
    """The last header of this name as text."""
    return _text(next((value for each, value in reversed(list(headers)) if each == name), None))


def _unreadable(reason: str, value: bytes, key: bytes | None, headers: Headers) -> Unreadable:
    try:
        loose = msgspec.json.decode(value, type=_Loose)
    except UNREADABLE:
        loose = _Loose()
    return Unreadable(
        reason=reason,
        request=header(headers, REQUEST_HEADER) or loose.id,
        correlation=loose.correlationid or _text(key),
        client=header(headers, CLIENT_HEADER) or "",
    )


def _text(value: bytes | str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    try:
        return value.decode() or None
    except UnicodeDecodeError:
        return None
