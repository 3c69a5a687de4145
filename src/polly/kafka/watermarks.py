"""How many records the partitions of topics hold."""

from collections.abc import Collection
from typing import Any, NamedTuple

from polly.kafka.clients import Trouble, metadata, new_admin, unreachable
from polly.kafka.settings import admin_config
from polly.settings import KafkaSettings

#: How long the cluster may take for one answer.
_SECONDS = 15.0
#: How long it may take to say that it is there.
_SECONDS_TO_CONNECT = 5.0


class Watermarks(NamedTuple):
    """Records `low` to `high` - 1 of a partition exist."""

    topic: str
    partition: int
    low: int
    high: int


def watermarks(kafka: KafkaSettings, topics: Collection[str]) -> tuple[Watermarks, ...]:
    """The partitions of these topics; a topic that does not exist is left out.

    Raises BusError and SettingsError.
    """
    config, trouble = admin_config(kafka), Trouble()
    admin = new_admin(config, trouble)
    found = metadata(admin, config, trouble, _SECONDS_TO_CONNECT).topics
    from confluent_kafka import KafkaException, TopicPartition  # noqa: PLC0415 - an extra, there since new_admin
    from confluent_kafka import admin as library  # noqa: PLC0415

    places = [
        (name, partition)
        for name in sorted(topics)
        if name in found and found[name].error is None
        for partition in sorted(found[name].partitions)
    ]
    ends: list[dict[tuple[str, int], int]] = []
    which: Any = library  # its types leave OffsetSpec out
    for spec in (which.OffsetSpec.earliest(), which.OffsetSpec.latest()):
        asked = {TopicPartition(*place): spec for place in places}
        answers = admin.list_offsets(asked, request_timeout=_SECONDS) if asked else {}
        try:
            ends.append({(at.topic, at.partition): answer.result().offset for at, answer in answers.items()})
        except KafkaException as error:
            raise unreachable(config, trouble, error.args[0]) from error
    low, high = ends
    return tuple(Watermarks(*place, low[place], high[place]) for place in places)
