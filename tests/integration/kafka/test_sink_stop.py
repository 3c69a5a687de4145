"""How `polly sink` ends when it cannot end in order, and what `polly sink status` says in every case."""

import http.server
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.integration.kafka.commands import Done, Polly
from tests.integration.kafka.sink_process import PATIENCE, Sink, SinkWorld, good, poison, wait
from tests.services.kafka import Kafka
from tests.services.postgres import PostgresCluster


@pytest.fixture
def world(tmp_path: Path, kafka: Kafka, postgres_of_its_own: PostgresCluster) -> Iterator[SinkWorld]:
    world = SinkWorld(tmp_path, kafka, postgres_of_its_own.url)
    yield world
    world.end()


def _stuck_in_the_database(world: SinkWorld, database: PostgresCluster) -> Sink:
    """A sink with a batch in hand whose database says nothing any more."""
    sink = world.start()
    sink.wait_until_ready()
    world.emit(good(100), poison(2))
    wait(world.is_settled, sink, "the first events stored")
    wait(lambda: world.committed() == world.positions(), sink, "the first events committed")
    database.freeze()
    world.emit(good(50), poison(2))
    wait(lambda: sink.metric("polly_sink_records_in_hand") > 0, sink, "a batch in hand")
    return sink


def _next_one_goes_on(world: SinkWorld) -> None:
    sink = world.start()
    wait(world.is_settled, sink, "the rest stored")
    assert sink.stop() == 0, sink.told()
    world.holds()


def test_a_second_signal_ends_it_at_once_and_nothing_is_committed_that_is_not_stored(
    world: SinkWorld, postgres_of_its_own: PostgresCluster
) -> None:
    world.settings = "drain_seconds = 300\nexit_seconds = 300\n"
    sink = _stuck_in_the_database(world, postgres_of_its_own)
    try:
        committed = world.committed()
        sink.process.send_signal(signal.SIGTERM)
        sink.wait_for("Stopping: ")
        sink.process.send_signal(signal.SIGTERM)
        assert sink.process.wait(timeout=PATIENCE) == 1
        assert "Ended at once. Nothing is lost" in sink.told()
        assert world.committed() == committed
    finally:
        postgres_of_its_own.thaw()
    _next_one_goes_on(world)


def test_what_cannot_be_finished_in_time_is_left_and_the_exit_code_says_so(
    world: SinkWorld, postgres_of_its_own: PostgresCluster
) -> None:
    world.settings = "drain_seconds = 0.5\nexit_seconds = 1\n"
    sink = _stuck_in_the_database(world, postgres_of_its_own)
    try:
        committed = world.committed()
        assert sink.stop() == 1
        assert "Ended after 1 s without finishing. Nothing is lost" in sink.told()
        assert world.committed() == committed
    finally:
        postgres_of_its_own.thaw()
    _next_one_goes_on(world)


def test_status_tells_every_state_from_the_others(
    world: SinkWorld, postgres_of_its_own: PostgresCluster, in_process: Polly
) -> None:
    def status(url: str, *more: str) -> Done:
        return in_process("sink", "status", "--url", url, *more, env={"COLUMNS": "200"})

    sink = world.start()
    sink.wait_until_ready()
    url = sink.url
    world.emit(good(20), poison(1))
    wait(lambda: sink.status()["lag_records"] == 0 and sink.status()["stored"] == 20, sink, "stored")

    sink.wait_until_ready()
    ready = status(url)
    assert ready.returncode == 0, ready
    assert "ready" in ready.stdout
    told = json.loads(status(url, "--format", "json").stdout)
    assert (told["ready"], told["stored"], told["dead_lettered"]) == (True, 20, 1)

    postgres_of_its_own.kill()
    world.emit(good(5))
    sink.wait_until_paused("store_unavailable")
    away = status(url)
    assert away.returncode == 1, away
    assert "no: paused (store_unavailable)" in away.stdout
    postgres_of_its_own.start()
    wait(world.is_settled, sink, "the rest stored")
    assert sink.stop() == 0, sink.told()

    stopped = status(url)
    assert stopped.returncode == 2
    assert f"No sink runs at {url}: Connection refused" in stopped.stderr
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        wrong = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert f"No sink runs at {wrong}" in status(wrong).stderr

    with _somebody_else() as other:
        strange = status(other)
    assert strange.returncode == 2
    assert f"{other} is no sink: it answers 404" in strange.stderr
    not_http = status(f"http://{world.bootstrap}")
    assert not_http.returncode == 2
    assert "is no sink" in not_http.stderr
    for done in (stopped, strange, not_http):
        assert "Traceback" not in done.stderr
        assert "Start one with `polly sink`" in done.stderr


@contextmanager
def _somebody_else() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
