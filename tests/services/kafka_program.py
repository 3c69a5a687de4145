"""Apache Kafka as a program: jars that Maven fetches once into .cache/kafka, and the Java that runs them."""

import base64
import hashlib
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import filelock
from tests.services.run import ServiceError
from tests.services.server import run_to_end

_POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
#: What the broker of Kafka 4 asks for.
_JAVA_VERSION = 17
_INSTALL = """\
Install Java 17 or newer and Maven (Debian and Ubuntu: apt install default-jre-headless maven; macOS: brew
install maven), or start a Kafka of yours and name it: POLLY_TEST_KAFKA=host:port"""


@dataclass(frozen=True)
class KafkaProgram:
    """What is needed to start a broker.

    formatted: a log folder as the storage tool makes it, to be copied for each broker.
    """

    java: str
    classpath: str
    formatted: Path

    def command(self, main_class: str, *arguments: str) -> list[str]:
        """The command that runs one of Kafka's programs, small and quick to start."""
        options = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        # The simple logger writes everything to standard error, which becomes the log of the server.
        options += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.awt.headless=true"]
        return [self.java, *options, "-cp", self.classpath, main_class, *arguments]


def version() -> str:
    """The version that pom.xml names."""
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([^<]+)<", _POM.read_text("utf-8"))
    return found[1] if found else "of an unknown version"


def missing() -> str | None:
    """What Apache Kafka lacks on this machine, or None when it can be started."""
    java = _java()
    if java is None:
        return "Java is not installed"
    told = run_to_end([java, "-version"])
    number = re.search(r'version "(\d+)', told.stdout)
    if told.returncode != 0 or number is None:
        return "Java is not installed"
    if int(number[1]) < _JAVA_VERSION:
        return f"Java {number[1]} is older than {_JAVA_VERSION}"
    if _maven() is None and not _are_there(_place()):
        return "Maven is not installed"
    return None


def program() -> KafkaProgram:
    """Apache Kafka, fetched and formatted if this is the first time. ServiceError says what to install."""
    lack = missing()
    if lack is not None:
        raise ServiceError(f"Apache Kafka is needed, and {lack}.\n{_INSTALL}")
    place = _place()
    if not _are_there(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(place.with_suffix(".lock")):
            if not _are_there(place):  # nobody else has fetched them while we waited
                _prepare(place)
    return _in_place(place)


def _place() -> Path:
    """Where the jars of this pom.xml belong; another pom.xml never finds these."""
    return _CACHE / hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]


def _in_place(place: Path) -> KafkaProgram:
    classpath = (place / "classpath").read_text(encoding="utf-8").strip()
    return KafkaProgram(java=_java() or "java", classpath=classpath, formatted=place / "formatted")


def _are_there(place: Path) -> bool:
    """Is everything fetched, and still where it was? A folder that was moved or cleaned is fetched anew."""
    if not (place / "ready").exists():
        return False
    return all(Path(jar).exists() for jar in _in_place(place).classpath.split(os.pathsep))


def _prepare(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    _fetch(place)
    _format(place)
    (place / "ready").touch()


def _fetch(place: Path) -> None:
    """Beside the project rather than in ~/.m2, so that `make clean` removes all of it."""
    command = [_maven() or "mvn", "--batch-mode", "--no-transfer-progress", "--quiet", "--file", str(_POM)]
    command += [f"-Dmaven.repo.local={place / 'repository'}", f"-Dmdep.outputFile={place / 'classpath'}"]
    done = run_to_end([*command, "dependency:build-classpath"])
    if done.returncode != 0:
        raise ServiceError(f"Maven cannot fetch Apache Kafka:\n{done.stdout[-3000:]}\n{_INSTALL}")


def _format(place: Path) -> None:
    """Once for all brokers: the result depends on neither port nor folder, and Java takes a second for it."""
    settings = place / "format.properties"
    lines = ("process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@127.0.0.1:1")
    more = (
        "controller.listener.names=CONTROLLER",
        "listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1",
    )
    folder = f"log.dirs={(place / 'formatted').as_posix()}"
    settings.write_text("\n".join((*lines, *more, folder)), encoding="utf-8")
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    arguments = ("format", "--cluster-id", cluster, "--config", str(settings))
    done = run_to_end(_in_place(place).command("kafka.tools.StorageTool", *arguments))
    if done.returncode != 0:
        raise ServiceError(f"Apache Kafka's storage tool failed:\n{done.stdout[-3000:]}")


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return (home and shutil.which("java", path=Path(home) / "bin")) or shutil.which("java")


def _maven() -> str | None:
    return shutil.which("mvn")
