"""Fixtures for real servers. Who asks for none starts none; a server that is missing fails the test."""

import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from tests.services import kafka as kafka_service
from tests.services import postgres as postgres_service
from tests.services import run as test_run
from tests.services.kafka import Kafka, KafkaBroker
from tests.services.mock_cluster import LibraryMissing, MockCluster
from tests.services.postgres import PostgresCluster, PostgresServer
from tests.services.run import ServiceError, TestRun

_RUN = pytest.StashKey[TestRun]()
_Made = TypeVar("_Made")


def pytest_configure(config: pytest.Config) -> None:
    """The controller decides where servers live before its workers start; a worker is told."""
    told = getattr(config, "workerinput", {}).get("polly_services")
    config.stash[_RUN] = test_run.in_worker(told) if told else test_run.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "object") -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    node.workerinput["polly_services"] = test_run.to_worker(node.config.stash[_RUN])  # type: ignore[attr-defined]


def pytest_report_header(config: pytest.Config) -> str:
    run = config.stash[_RUN]
    return f"services: {postgres_service.description(run)}, {kafka_service.description(run)}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last worker has gone when its controller comes here."""
    if not hasattr(config, "workerinput"):
        test_run.finish(config.stash[_RUN])


@pytest.fixture(scope="session")
def _services(request: pytest.FixtureRequest) -> Iterator[TestRun]:
    """The run; what a person has set for PostgreSQL's clients counts for a server of that person only."""
    run = request.config.stash[_RUN]
    with pytest.MonkeyPatch.context() as patch:
        for name in () if run.given_postgres else [name for name in os.environ if name.startswith("PG")]:
            patch.delenv(name)
        yield run


@pytest.fixture(scope="session")
def postgres_server(_services: TestRun) -> PostgresServer:
    """One PostgreSQL for all tests of the run."""
    return _or_fail(lambda: postgres_service.shared_server(_services))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL (`postgresql+psycopg://…`) of an empty database of this test, for its superuser."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def postgres_of_its_own(_services: TestRun) -> Iterator[PostgresCluster]:
    """A running PostgreSQL that this test may stop, kill, freeze and start again."""
    cluster = _or_fail(lambda: postgres_service.own_cluster(_services))
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def kafka_server(_services: TestRun) -> str:
    """The bootstrap servers of one Kafka for all tests of the run."""
    return _or_fail(lambda: kafka_service.shared_bootstrap(_services))


@pytest.fixture
def kafka(kafka_server: str) -> Iterator[Kafka]:
    """A Kafka in which this test has names of its own."""
    with kafka_service.corner(kafka_server) as corner:
        yield corner


@pytest.fixture
def kafka_of_its_own(_services: TestRun) -> Iterator[KafkaBroker]:
    """A running Apache Kafka that this test may stop, kill, freeze and start again; it has no topics.

    The stand-in cannot be stopped and keep its data, so without Java the test is skipped, but never in CI.
    """
    broker = _or_fail(lambda: kafka_service.own_broker(_services), may_skip="CI" not in os.environ)
    yield broker
    broker.remove()


@pytest.fixture
def mock_kafka() -> Iterator[MockCluster]:
    """A cluster of one broker in this process that misbehaves on command."""
    try:
        cluster = MockCluster(brokers=1)
    except LibraryMissing as error:
        pytest.skip(str(error))
    with cluster:
        yield cluster


def _or_fail(make: Callable[[], _Made], *, may_skip: bool = False) -> _Made:
    try:
        return make()
    except ServiceError as error:
        reason = str(error)
    # Outside of the handler, so that the reason is told once.
    if may_skip:
        pytest.skip(reason)
    pytest.fail(reason, pytrace=False)
