"""The topics that events travel on: as they should be, as they are, and what the difference is."""

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from polly.errors import BusError, BusMisconfigured
from polly.events.event import INTELLIGENCE_TOPICS, TOPICS
from polly.kafka.clients import Trouble, metadata, new_admin
from polly.kafka.faults import ClientError, told
from polly.kafka.settings import (
    MAX_DEAD_LETTER_BYTES,
    MAX_RECORD_BYTES,
    admin_config,
)
from polly.settings import KafkaSettings

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.admin._metadata import ClusterMetadata

#: The topic of a topic's dead letters is called so.
DEAD_LETTER_SUFFIX = ".dlq"
_SECONDS = 10.0
#: How often is looked whether a new topic is known.
_LOOK_SECONDS = 0.1
_DAY_MS = 24 * 3600 * 1000
#: How long a question about code is kept, and its answer: whoever asked has gone long before.
_INTELLIGENCE_DAYS = 1 / 24
#: Kafka counts its own overhead of a record in.
_RECORD_OVERHEAD_BYTES = 4096


class Topic(NamedTuple):
    """A topic as it should be, or as it is. settings: by Kafka's names."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


class Outcome(NamedTuple):
    """What became of one topic. differences: of one that is there, from what it should be."""

    topic: Topic
    state: str
    differences: tuple[str, ...] = ()


def wanted_topics(kafka: KafkaSettings) -> tuple[Topic, ...]:
    """Every topic of events to be stored and its dead letters, as the settings want them."""
    return tuple(
        topic
        for name in TOPICS
        for topic in (
            _wanted(kafka, name, kafka.retention_days, MAX_RECORD_BYTES),
            _wanted(
                kafka, name + DEAD_LETTER_SUFFIX, kafka.dead_letter_retention_days, MAX_DEAD_LETTER_BYTES
            ),
        )
    )


def intelligence_topics(kafka: KafkaSettings) -> tuple[Topic, ...]:
    """The topics of questions about code and their answers; they have no dead letters."""
    return tuple(_wanted(kafka, name, _INTELLIGENCE_DAYS, MAX_RECORD_BYTES) for name in INTELLIGENCE_TOPICS)


def _wanted(kafka: KafkaSettings, name: str, days: float, most_bytes: int) -> Topic:
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(int(days * _DAY_MS)),
        "max.message.bytes": str(most_bytes + _RECORD_OVERHEAD_BYTES),
        "message.timestamp.type": "CreateTime",
    }
    if kafka.replication > 1:
        # With all copies required, one broker that restarts would stop everybody.
        settings["min.insync.replicas"] = str(kafka.replication - 1)
    return Topic(kafka.topic_prefix + name, kafka.partitions, kafka.replication, settings)


def differences(wanted: Topic, found: Topic) -> tuple[str, ...]:
    """What is not as it should be, for a person."""
    pairs = [
        ("partitions", wanted.partitions, found.partitions),
        ("replication", wanted.replication, found.replication),
        *((name, value, found.settings.get(name)) for name, value in wanted.settings.items()),
    ]
    return tuple(
        f"{name} is {there}, not {wish}"
        for name, wish, there in pairs
        if there is not None and str(wish) != str(there)
    )


def require_topics(
    kafka: KafkaSettings, found: Collection[str], wanted: Sequence[Topic] | None = None
) -> None:
    """Raises BusMisconfigured when a topic is missing; `wanted` are by default those of `wanted_topics`."""
    needed = wanted_topics(kafka) if wanted is None else wanted
    missing = [topic.name for topic in needed if topic.name not in found]
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise BusMisconfigured(
            f"Kafka at {kafka.bootstrap_servers} has no topic {shown} that this user may see",
            next_step="Make them: polly topics create",
        )


def look_at_topics(kafka: KafkaSettings) -> tuple[Outcome, ...]:
    """Each wanted topic: `there`, `different` or `missing`. Raises BusError, SettingsError."""
    return _Admin(kafka).look()


def create_topics(kafka: KafkaSettings, *, dry_run: bool) -> tuple[Outcome, ...]:
    """Make the topics that are missing; those that are there stay as they are, and are compared.

    dry_run: the cluster checks what would be made, and makes nothing. Raises BusError, SettingsError.
    """
    admin = _Admin(kafka)
    outcomes = admin.look()
    missing = [outcome.topic for outcome in outcomes if outcome.state == "missing"]
    if not missing:
        return outcomes
    were_there = admin.create(missing, dry_run=dry_run)
    if not dry_run or were_there:
        admin.wait_for(were_there if dry_run else {topic.name for topic in missing})
    now = {each.topic.name: each for each in admin.look()} if were_there else {}
    made = "would be made" if dry_run else "made"
    return tuple(
        now.get(each.topic.name, each)
        if each.topic.name in were_there
        else each._replace(state=made)
        if each.state == "missing"
        else each
        for each in outcomes
    )


class _Admin:
    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._config = admin_config(kafka)
        self._trouble = Trouble()
        self._client: AdminClient = new_admin(self._config, self._trouble)
        self._brokers = 0

    def look(self) -> tuple[Outcome, ...]:
        cluster = metadata(self._client, self._config, self._trouble, _SECONDS)
        self._brokers = len(cluster.brokers)
        wanted = wanted_topics(self._kafka) + intelligence_topics(self._kafka)
        there = [topic.name for topic in wanted if topic.name in cluster.topics]
        settings = self._settings(there)
        outcomes = []
        for topic in wanted:
            if topic.name not in settings:
                outcomes.append(Outcome(topic, "missing"))
                continue
            found = _found(cluster, topic.name, settings[topic.name])
            different = differences(topic, found)
            outcomes.append(Outcome(found, "different" if different else "there", different))
        return tuple(outcomes)

    def create(self, topics: Sequence[Topic], *, dry_run: bool) -> set[str]:
        """Make them. Those that somebody else had made in between, which not every broker knew of yet."""
        from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415 - an extra, known to be there by now

        asked = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=topic.replication,
                config=dict(topic.settings),
            )
            for topic in topics
        ]
        answers = self._client.create_topics(asked, operation_timeout=_SECONDS, validate_only=dry_run)
        were_there = set()
        for name, answer in answers.items():
            error = _error(answer)
            if error is not None and error.name() != "TOPIC_ALREADY_EXISTS":
                raise self._refused(name, error)
            if error is not None:
                were_there.add(name)
        return were_there

    def wait_for(self, names: Collection[str]) -> None:
        """Until the brokers know these topics, so that the next command finds them; at most a while."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            cluster = metadata(self._client, self._config, self._trouble, _SECONDS)
            if all(name in cluster.topics for name in names):
                return
            time.sleep(_LOOK_SECONDS)

    def _settings(self, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """The settings of each topic; none where this user may not see them."""
        from confluent_kafka.admin._config import ConfigResource  # noqa: PLC0415 - the public name is not typed

        if not names:
            return {}
        asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        answers = self._client.describe_configs(asked, request_timeout=_SECONDS)
        found: dict[str, Mapping[str, str]] = {}
        for resource, answer in answers.items():
            is_known = _error(answer) is None
            entries: Mapping[str, Any] = answer.result() if is_known else {}
            found[resource.name] = {
                name: entry.value for name, entry in entries.items() if entry.value is not None
            }
        return found

    def _refused(self, name: str, error: ClientError) -> BusError:
        servers = self._kafka.bootstrap_servers
        if error.name() == "INVALID_REPLICATION_FACTOR":
            return BusMisconfigured(
                f"topic {name}: kafka.replication is {self._kafka.replication}, "
                f"but the cluster at {servers} has {self._brokers} broker{'s' * (self._brokers != 1)}",
                next_step="Set kafka.replication to at most the number of brokers.",
            )
        if error.name().endswith("AUTHORIZATION_FAILED"):
            return BusMisconfigured(
                f"topic {name}: this user has no right to make topics on the cluster at {servers}",
                next_step="Give it the right CREATE, or let somebody make the topics who has it: "
                "`polly topics create --dry-run` lists them.",
            )
        return BusError(f"topic {name} could not be made: {told(error)}")


def _found(cluster: "ClusterMetadata", name: str, settings: Mapping[str, str]) -> Topic:
    partitions = cluster.topics[name].partitions
    replication = min((len(each.replicas) for each in partitions.values()), default=0)
    return Topic(name, len(partitions), replication, settings)


def _error(answer: "Future[Any]") -> ClientError | None:
    """Why the cluster did not do it, or None when it did."""
    from confluent_kafka import KafkaException  # noqa: PLC0415

    error = answer.exception(timeout=2 * _SECONDS)
    if error is None:
        return None
    if not isinstance(error, KafkaException):
        raise error
    found: ClientError = error.args[0]
    return found
