"""From the settings to what librdkafka wants: our own values, then the user's, none that breaks a promise."""

import platform
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from polly.errors import SettingsError
from polly.settings import ClientValue, KafkaSettings, SecretFrom, SinkSettings

Role = Literal[
    "relay", "sink", "dead-letters", "replay", "admin", "intelligence-client", "intelligence-server"
]

#: Headers that a dead letter has besides its original: reason, trace and coordinates.
DEAD_LETTER_HEADER_BYTES = 64 * 1024
#: The largest record of a topic, and of its dead letters. Kafka's own limit, in round figures.
MAX_RECORD_BYTES = 1024 * 1024
MAX_DEAD_LETTER_BYTES = MAX_RECORD_BYTES + DEAD_LETTER_HEADER_BYTES

_PRODUCER = {
    "enable.idempotence": "true",
    "acks": "all",
    "compression.type": "lz4",
    "linger.ms": "5",
    "message.max.bytes": str(MAX_DEAD_LETTER_BYTES + 4096),
    # Several records together never exceed what a topic takes; a larger single one still goes.
    "batch.size": str(256 * 1024),
    "queue.buffering.max.messages": "20000",
    "queue.buffering.max.kbytes": str(8 * 1024),
}

_CONSUMER = {
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "auto.offset.reset": "error",
    "enable.partition.eof": "false",
}


class Promise(NamedTuple):
    """An option that must stay as it is: the values that are allowed, and what would break."""

    allowed: frozenset[str]
    why: str


_ALL = Promise(frozenset({"all", "-1"}), "an event counts as sent when every replica has it")
_OFFSETS = Promise(frozenset({"false"}), "an offset moves only once its events are stored")
_ENDLESS = Promise(frozenset(), "events wait for the cluster as long as it takes, in their order")
_OURS = Promise(frozenset(), "it is what Polly itself sets")

#: librdkafka's name -> what may stand there. Aliases are listed, because librdkafka takes the last one.
PROMISES: Mapping[str, Promise] = {
    "bootstrap.servers": Promise(frozenset(), "it is the setting kafka.bootstrap_servers"),
    "metadata.broker.list": Promise(frozenset(), "it is the setting kafka.bootstrap_servers"),
    "group.id": Promise(frozenset(), "it is the setting sink.group"),
    "enable.idempotence": Promise(frozenset({"true"}), "without it an event can be doubled or overtaken"),
    "enable.gapless.guarantee": _OURS,
    "acks": _ALL,
    "request.required.acks": _ALL,
    "message.timeout.ms": _ENDLESS,
    "delivery.timeout.ms": _ENDLESS,
    "transactional.id": Promise(frozenset(), "transactions of Kafka do not reach the store"),
    "partitioner": Promise(
        frozenset(
            {
                "consistent",
                "consistent_random",
                "murmur2",
                "murmur2_random",
                "fnv1a",
                "fnv1a_random",
            }
        ),
        "events with the same key stay in order only in the same partition",
    ),
    "delivery.report.only.error": Promise(frozenset({"false"}), "each event must be acknowledged"),
    "enable.auto.commit": _OFFSETS,
    "enable.auto.offset.store": _OFFSETS,
    "auto.offset.reset": Promise(
        frozenset({"error"}), "a lost position must be told, not skipped; sink.start says where to begin"
    ),
    "partition.assignment.strategy": Promise(
        frozenset({"cooperative-sticky"}), "partitions move one by one, so that the others go on"
    ),
    "log.queue": _OURS,
    "log_cb": _OURS,
}


class ClientConfig(NamedTuple):
    """Settings of one client. Secrets are only named here; `clients` reads them when it makes the client."""

    role: Role
    plain: Mapping[str, str]
    secrets: Mapping[str, SecretFrom]

    def __repr__(self) -> str:
        return f"ClientConfig({self.role}, {sorted({*self.plain, *self.secrets})})"


def admin_config(kafka: KafkaSettings) -> ClientConfig:
    """For asking about topics and making them. Raises SettingsError."""
    return _config(kafka, "admin", {}, {}, "")


def producer_config(
    kafka: KafkaSettings,
    *,
    role: Role = "relay",
    timeout_ms: int = 0,
    gapless: bool = False,
    linger_ms: int = 5,
) -> ClientConfig:
    """For writing: idempotent, acknowledged by all replicas, with a bounded queue. Raises SettingsError.

    timeout_ms: after so long without an acknowledgement a record counts as failed; 0 waits for ever.
    gapless: a record that fails for good ends the client, so that none after it can overtake it.
    linger_ms: how long a record waits for others to travel with.
    """
    own = _PRODUCER | {
        "message.timeout.ms": str(timeout_ms),
        "enable.gapless.guarantee": _text(gapless),
        "linger.ms": str(linger_ms),
    }
    return _config(kafka, role, own, kafka.producer, "producer")


def consumer_config(kafka: KafkaSettings, sink: SinkSettings) -> ClientConfig:
    """For the sink: nothing is committed but by its own word. Raises SettingsError."""
    own = _CONSUMER | {
        "group.id": sink.group,
        "queued.max.messages.kbytes": str(max(1, int(sink.queue_mb * 1024))),
        # An answer may go over the queue's limit by its whole size, and by default that is a megabyte for
        # each partition. A record larger than this still comes, alone.
        "fetch.max.bytes": "1048576",
        "max.partition.fetch.bytes": "131072",
        # After the queue was full it is looked at again this soon; the default of a second starves the sink.
        "fetch.queue.backoff.ms": "20",
    }
    given = {**kafka.options, **kafka.consumer}
    if _text(given.get("group.protocol", "classic")).lower() != "consumer":
        own |= {"partition.assignment.strategy": "cooperative-sticky"}
    return _config(kafka, "sink", own, kafka.consumer, "consumer")


def reader_config(kafka: KafkaSettings, *, role: Role, group: str, own: Mapping[str, str]) -> ClientConfig:
    """For reading messages that are not stored; kafka.consumer is the sink's alone. Raises SettingsError."""
    settings = {**_CONSUMER, "group.id": group, **own}
    if _text(kafka.options.get("group.protocol", "classic")).lower() != "consumer":
        settings |= {"partition.assignment.strategy": "cooperative-sticky"}
    return _config(kafka, role, settings, {}, "options")


def require_servers(kafka: KafkaSettings) -> str:
    """The addresses of the cluster. Raises SettingsError when no Kafka is set up."""
    servers = (kafka.bootstrap_servers or "").strip()
    if not servers:
        raise SettingsError(
            "no Kafka cluster is set up: kafka.bootstrap_servers is empty",
            next_step='Write [kafka] bootstrap_servers = "host:port" into polly.toml, '
            "or set POLLY_KAFKA__BOOTSTRAP_SERVERS.",
        )
    return servers


def _config(
    kafka: KafkaSettings,
    role: Role,
    own: Mapping[str, str],
    options: Mapping[str, ClientValue],
    section: str,
) -> ClientConfig:
    servers = require_servers(kafka)
    _keep_promises(kafka.options, "kafka.options")
    _keep_promises(options, f"kafka.{section}")
    base = {
        "bootstrap.servers": servers,
        "client.id": client_id(role),
        "statistics.interval.ms": "0",
    }
    given = {**kafka.options, **options}
    plain = {name: _text(value) for name, value in given.items() if not isinstance(value, SecretFrom)}
    secrets = {name: value for name, value in given.items() if isinstance(value, SecretFrom)}
    return ClientConfig(role, {**base, **own, **plain}, secrets)


def client_id(role: Role) -> str:
    """How the cluster's logs and quotas name this client: polly-<role>-<host>."""
    return f"polly-{role}-{re.sub(r'[^A-Za-z0-9.-]', '-', platform.node()) or 'localhost'}"


def _keep_promises(options: Mapping[str, ClientValue], place: str) -> None:
    for name, value in options.items():
        promise = PROMISES.get(name) or (_OURS if name.endswith("_cb") else None)
        if promise is None or (not isinstance(value, SecretFrom) and _text(value) in promise.allowed):
            continue
        instead = (
            f"it must stay {' or '.join(sorted(promise.allowed))}" if promise.allowed else "leave it out"
        )
        raise SettingsError(
            f"{place}: {name} cannot be set{'' if not promise.allowed else ' so'}: {promise.why}",
            next_step=f"Take it out of the settings; {instead}.",
        )


def _text(value: object) -> str:
    """The value as librdkafka reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
