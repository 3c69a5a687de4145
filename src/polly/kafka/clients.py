"""Makes the clients of confluent-kafka; nothing is imported of it, and no secret read, before one is made."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from polly.errors import BusError, BusMisconfigured, SettingsError
from polly.kafka.faults import ClientError, Fault, fault, told
from polly.kafka.settings import ClientConfig
from polly.settings import read_secret

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.admin._metadata import ClusterMetadata

#: Where librdkafka's own log goes. It is quiet until the program that uses it gives it a handler.
LOGGER = "polly.kafka"
#: How long one question waits; when all brokers refuse to talk by then, no second one is asked.
_TRY_SECONDS = 2.0


class Trouble:
    """What a client last said was wrong between it and the cluster; callbacks of the client fill it."""

    def __init__(self) -> None:
        self.latest: str | None = None
        self.fault = Fault.PASSING
        self.all_are_down = False

    def note(self, error: ClientError) -> None:
        """The client's error callback."""
        # "All brokers are down" follows the reason of the last one and would hide it.
        if error.name() == "_ALL_BROKERS_DOWN":
            self.all_are_down = True
            if self.latest is not None:
                return
        self.latest, self.fault = told(error), fault(error)

    def clear(self) -> None:
        """The cluster has answered."""
        self.latest, self.fault, self.all_are_down = None, Fault.PASSING, False


def new_producer(config: ClientConfig, trouble: Trouble) -> "Producer":
    """A producer. Raises BusError without the library, SettingsError for settings that it does not take."""
    made: Producer = _made(lambda options: _library().Producer(options, logger=_logger()), config, trouble)
    return made


def new_consumer(config: ClientConfig, trouble: Trouble) -> "Consumer":
    """A consumer; see new_producer."""
    made: Consumer = _made(lambda options: _library().Consumer(options, logger=_logger()), config, trouble)
    return made


def new_admin(config: ClientConfig, trouble: Trouble) -> "AdminClient":
    """A client for topics; see new_producer."""
    _library()
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - see the head of this module

    made: AdminClient = _made(lambda options: AdminClient(options, logger=_logger()), config, trouble)
    return made


def metadata(
    client: "Producer | AdminClient", config: ClientConfig, trouble: Trouble, seconds: float
) -> "ClusterMetadata":
    """Brokers and topics, asked now. Raises BusError that says why the cluster cannot be reached."""
    from confluent_kafka import KafkaException  # noqa: PLC0415

    trouble.clear()
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = client.list_topics(timeout=min(seconds, _TRY_SECONDS))
        except KafkaException as error:
            client.poll(0)  # the reason waits in the client's queue of events
            is_hopeless = trouble.all_are_down or trouble.fault is Fault.MISCONFIGURED
            if is_hopeless or time.monotonic() >= deadline:
                raise unreachable(config, trouble, error.args[0]) from error
        else:
            trouble.clear()
            return found


def unreachable(config: ClientConfig, trouble: Trouble, error: ClientError) -> BusError:
    """Why the cluster did not answer, as an error for a person."""
    servers = config.plain["bootstrap.servers"]
    if trouble.fault is Fault.MISCONFIGURED:
        return BusMisconfigured(
            f"Kafka at {servers} does not let us in: {trouble.latest}",
            next_step="Correct security.protocol, sasl.* and ssl.* under [kafka.options].",
        )
    return BusError(
        f"Kafka at {servers} cannot be reached: {trouble.latest or told(error)}",
        next_step="Is kafka.bootstrap_servers right, and is the cluster up? "
        "A cluster that wants TLS or a user needs [kafka.options].",
    )


def _made(make: Callable[[dict[str, Any]], Any], config: ClientConfig, trouble: Trouble) -> Any:
    secrets = {name: read_secret(value, f"kafka: {name}") for name, value in config.secrets.items()}
    kafka_exception = _library().KafkaException
    try:
        return make({**config.plain, **secrets, "error_cb": trouble.note})
    except (kafka_exception, ValueError, TypeError) as error:
        said = error.args[0] if error.args else error
        text = said.str() if hasattr(said, "str") else str(said)
        for secret in secrets.values():
            text = text.replace(secret, "[secret]")
        # Without its cause: a traceback would show what was just taken out.
        raise SettingsError(
            f"[kafka] cannot be used: {text}",
            next_step="docs/how-to/use-kafka.md says where librdkafka's settings are listed.",
        ) from None


def _library() -> Any:
    try:
        import confluent_kafka  # noqa: PLC0415 - an extra; who uses no Kafka needs none
    except ImportError as error:
        raise BusError(
            "Kafka is set up, but the package confluent-kafka is not installed",
            next_step="Install it: pip install 'polly-fix[kafka]'",
        ) from error
    return confluent_kafka


def _logger() -> logging.Logger:
    logger = logging.getLogger(LOGGER)
    if not logger.handlers:
        # Without any, Python would print warnings to stderr.
        logger.addHandler(logging.NullHandler())
    return logger
