"""How a server is, and how the way to it is: records that are shown to people and programs."""

import enum
from datetime import datetime

import msgspec


class ServerState(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of itself. Counts are since it started.

    in_hand: questions taken whose answer Kafka has not acknowledged. unreadable: records that are no
    question; answered with a failure where they say to whom. late: questions whose time had passed.
    given_up: answers that Kafka did not take in their time. held: it takes no more questions for now.
    """

    server: str
    version: str
    pid: int
    started_at: datetime
    at: datetime
    state: str
    workers: int
    partitions: int = 0
    in_hand: int = 0
    held: bool = False
    answered: int = 0
    failed: int = 0
    late: int = 0
    unreadable: int = 0
    given_up: int = 0
    workers_replaced: int = 0
    trouble: str | None = None


class Way(enum.StrEnum):
    """Can a question be answered over Kafka now?"""

    OK = "ok"
    NO_SERVER = "no server answers"
    BUS_AWAY = "bus away"
    NOT_CONFIGURED = "not configured"
    NOT_STARTED = "not started"
    DISABLED = "disabled"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe found. servers: those that answered it.

    reason: why it is not well, or not wholly; else "". brokers: how many the cluster names.
    partitions, unserved: of the topic of questions, and those of them for which no server answered in time.
    answer_seconds: until the first server answered.
    """

    way: Way
    reason: str = ""
    next_step: str | None = None
    brokers: int = 0
    partitions: int = 0
    unserved: int = 0
    answer_seconds: float | None = None
    servers: tuple[ServerState, ...] = ()

    @property
    def is_ok(self) -> bool:
        """True when a server answers."""
        return self.way is Way.OK


class ClientCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a client has seen. foreign: answers for others; late: doubles, or for questions that ended."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    timed_out: int = 0
    fallbacks: int = 0
    foreign: int = 0
    late: int = 0
    unreadable: int = 0
