"""What a probe of the bus found, told apart: broker away, no server, well."""

from collections.abc import Sequence

from polly.intelligence.bus.messages import ServerAnswered
from polly.intelligence.bus.state import Health, Way
from polly.kafka.clients import Trouble, metadata, new_admin
from polly.kafka.settings import admin_config
from polly.settings import KafkaSettings


def count_brokers(kafka: KafkaSettings, seconds: float) -> int:
    """How many brokers the cluster names, asked now. Raises BusError and SettingsError."""
    config, trouble = admin_config(kafka), Trouble()
    return len(metadata(new_admin(config, trouble), config, trouble, seconds).brokers)


def verdict(brokers: int, seconds: float, answers: Sequence[tuple[float, ServerAnswered | None]]) -> Health:
    """The health that follows from one ping per partition, each with its seconds and its answer."""
    states = {found.state.server: found.state for _, found in answers if found is not None}
    unserved = sum(found is None for _, found in answers)
    if not states:
        return Health(
            way=Way.NO_SERVER,
            reason=f"none answered a ping within {seconds:g} s: none runs, or all are busy",
            next_step="Start one: polly intelligence serve",
            brokers=brokers,
            partitions=len(answers),
            unserved=unserved,
        )
    reason = (
        f"{unserved} of {len(answers)} partitions are not served: a server may have just come or gone"
        if unserved
        else ""
    )
    return Health(
        way=Way.OK,
        reason=reason,
        brokers=brokers,
        partitions=len(answers),
        unserved=unserved,
        answer_seconds=min(taken for taken, found in answers if found is not None),
        servers=tuple(states[name] for name in sorted(states)),
    )
