"""Servers of intelligence as processes, and analyses that a test can steer.

Run as a program it is a server whose analysis is one of the functions below.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, Producer, TopicPartition
from tests.services.kafka import Kafka

from polly.events.event import INTELLIGENCE_TOPICS
from polly.intelligence.analysis import Analysis, AnalysisError, AnalysisRequest, FailureCode, OperationType
from polly.intelligence.bus.server import Server
from polly.settings import IntelligenceSettings, KafkaSettings

#: How long anything may take; nothing is measured by it.
PATIENCE = 120.0
LOOK_SECONDS = 0.02
#: Milliseconds after which a server that was killed loses its partitions; no broker of the tests wants more.
#: For one that lives on, the first would be too short on a busy machine.
SHORT_SESSION, SESSION = 1000, 10_000
ROOT = Path(__file__).parents[3]


def quick(request: AnalysisRequest) -> Analysis:
    """An analysis that takes no time; what it says can be told from what others say."""
    match request.source_path:
        case "die":
            os._exit(3)
        case "hang":
            Path(os.environ["HANGING"]).touch()
            time.sleep(3600)
        case "bad":
            raise AnalysisError(FailureCode.UNPARSABLE, "bad cannot be parsed", next_step="Mend it.")
        case "huge":
            return _said(request, "x" * 2_000_000)
    return _said(request, request.content or "")


def gated(request: AnalysisRequest) -> Analysis:
    """Waits for the file that the variable GATE names; each waiting one leaves a mark beside it."""
    gate = Path(os.environ["GATE"])
    (gate.parent / f"at-{os.getpid()}-{time.monotonic_ns()}").touch()
    until = time.monotonic() + PATIENCE
    while not gate.exists() and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return _said(request, request.content or "")


def _said(request: AnalysisRequest, text: str) -> Analysis:
    return Analysis(
        operation=request.operation,
        source_path=request.source_path,
        language=request.language,
        insights=(text, str(os.getpid())),
    )


def question(content: str | None = "x = 1", *, path: str = "a.py", **more: Any) -> AnalysisRequest:
    return AnalysisRequest(
        operation=OperationType.QUALITY_ASSESSMENT, source_path=path, content=content, **more
    )


def settings_of(kafka: Kafka, **options: Any) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=kafka.bootstrap, topic_prefix=kafka.topic_prefix, partitions=3, options=options
    )


def with_topics(kafka: Kafka) -> KafkaSettings:
    """Settings for clients of this corner, with its topics made."""
    for name in INTELLIGENCE_TOPICS:
        kafka.create_topic(name, partitions=3)
    return settings_of(kafka)


class ServerProcess:
    """A server of its own process; `with` starts it, waits until it has partitions, and ends it."""

    def __init__(
        self,
        kafka: KafkaSettings,
        folder: Path,
        *,
        analysis: str = "quick",
        workers: int = 1,
        partitions: int = 3,
        session: int = SESSION,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.health = folder / f"health-{time.monotonic_ns()}.json"
        self.log = self.health.with_suffix(".log")
        self._partitions = partitions
        self._command = [
            sys.executable,
            "-m",
            "tests.integration.kafka.intelligence",
            str(kafka.bootstrap_servers),
            kafka.topic_prefix,
            analysis,
            str(workers),
            str(self.health),
            str(folder),
            str(session),
        ]
        self._env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"} | dict(env or {})
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.start()
        wait(lambda: self.state().get("partitions", -1) >= self._partitions, self.told)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def state(self) -> dict[str, Any]:
        """What it last said of itself."""
        import msgspec

        with contextlib.suppress(OSError, msgspec.DecodeError):
            found: dict[str, Any] = msgspec.json.decode(self.health.read_bytes())
            return found
        return {}

    def told(self) -> str:
        return f"{self.log.read_text()}\n{self.state()}"

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)


def wait(is_so: Any, told: Any = lambda: "") -> None:
    """Until it is so; another process has no other way to say how far it is."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(f"it did not come true: {told()}")
        time.sleep(LOOK_SECONDS)


@contextlib.contextmanager
def reading(kafka: KafkaSettings, topic: str) -> Iterator[Consumer]:
    """A consumer of the whole topic, from its beginning."""
    name = kafka.topic_prefix + topic
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "a test", "log_level": 0})
    parts = consumer.list_topics(name, timeout=60).topics[name].partitions
    consumer.assign([TopicPartition(name, number, 0) for number in parts])
    yield consumer
    consumer.close()


def read(consumer: Consumer, count: int) -> list[Any]:
    """So many records."""
    found: list[Any] = []
    until = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < until:
        found += [each for each in consumer.consume(count - len(found), 0.2) if each.error() is None]
    return found


def write(kafka: KafkaSettings, topic: str, value: bytes | None, **more: Any) -> None:
    """One record, acknowledged."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    producer.produce(kafka.topic_prefix + topic, value, **more)
    assert producer.flush(60) == 0


def _tell(said: str) -> None:
    os.write(2, f"{said}\n".encode())


def main(
    bootstrap: str, prefix: str, analysis: str, workers: str, health: str, root: str, session: str
) -> int:
    from polly.cli.intelligence import health_file

    timeouts: dict[str, Any] = {"session.timeout.ms": session, "heartbeat.interval.ms": "300"}
    kafka = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix, options=timeouts)
    server = Server(
        kafka,
        IntelligenceSettings(group=f"{prefix}servers", workers=int(workers)),
        root=Path(root),
        analyze={"quick": quick, "gated": gated}[analysis],
        tell=_tell,
        show=health_file(Path(health)),
    )
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    return 0 if server.run() else 1


if __name__ == "__main__":
    # So that the processes for analyses find the functions by a name that is not this program's.
    from tests.integration.kafka.intelligence import main as entry

    sys.exit(entry(*sys.argv[1:]))
