"""The endpoints over HTTP: a thread per request, which reads the snapshot and nothing else."""

import http.server
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

import msgspec

from polly.errors import PollyError
from polly.sink.consumer.snapshot import Snapshot
from polly.sink.health import metrics
from polly.sink.health.answers import Answers, answers, report

#: How long a client may take over its request, so that one that says nothing holds no thread for ever.
_CLIENT_SECONDS = 5.0
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


class Watched(NamedTuple):
    """What is told about: where the snapshot is, and whether the thread that makes it is alive."""

    snapshot: Callable[[], Snapshot]
    is_running: Callable[[], bool]

    def verdict(self) -> tuple[Snapshot, Answers]:
        """Snapshot and verdict of this moment."""
        snapshot = self.snapshot()
        return snapshot, answers(snapshot, is_running=self.is_running(), now=time.monotonic())


class Answer(NamedTuple):
    """What a request gets."""

    status: HTTPStatus
    kind: str
    body: bytes


def answer(path: str, watched: Watched) -> Answer:
    """The answer for a path."""
    page = _PAGES.get(path.partition("?")[0])
    if page is None:
        return Answer(HTTPStatus.NOT_FOUND, _TEXT, f"there is only {' '.join(_PAGES)}\n".encode())
    return page(*watched.verdict())


def _probe(reason: str | None) -> Answer:
    if reason is None:
        return Answer(HTTPStatus.OK, _TEXT, b"ok\n")
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, f"{reason}\n".encode())


def _health(snapshot: Snapshot, verdict: Answers) -> Answer:
    told = report(snapshot, verdict)
    body = {"status": told.status, "consumer": told.consumer, "state": told.state, "reason": told.reason}
    status = HTTPStatus.OK if verdict.is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, _JSON, msgspec.json.encode(body) + b"\n")


_PAGES: Mapping[str, Callable[[Snapshot, Answers], Answer]] = {
    "/healthz": lambda _snapshot, verdict: _probe(verdict.dead),
    "/readyz": lambda _snapshot, verdict: _probe(verdict.unready),
    "/startupz": lambda _snapshot, verdict: _probe(verdict.unstarted),
    "/health": _health,
    "/status": lambda *both: Answer(HTTPStatus.OK, _JSON, msgspec.json.encode(report(*both))),
    "/metrics": lambda *both: Answer(HTTPStatus.OK, metrics.CONTENT_TYPE, metrics.exposition(*both)),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    watched: ClassVar[Watched]
    timeout = _CLIENT_SECONDS
    server_version = "polly-sink"
    sys_version = ""

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def _send(self, *, with_body: bool) -> None:
        told = answer(self.path, self.watched)
        self.send_response(told.status)
        self.send_header("Content-Type", told.kind)
        self.send_header("Content-Length", str(len(told.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(told.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Probes come every few seconds; nobody reads that."""


class _Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which looks up the name of the host: that takes long where there is no DNS."""

    daemon_threads = True
    # With the usual 5, a sixth probe of one moment is not heard, and asks again after a second.
    request_queue_size = 128
    # A sink that is started again must not wait for connections of the one before; on Windows this would
    # let two servers share a port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A prober that hung up is nothing to tell; anything else is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class HealthServer:
    """Serves from `start` to the end of the `with` block; `url` says where."""

    def __init__(self, host: str, port: int, watched: Watched) -> None:
        """Raises PollyError when the address cannot be had."""
        handler = type("Handler", (_Handler,), {"watched": watched})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise PollyError(
                f"health cannot be served at {host}:{port}: {error.strerror or error}",
                next_step="Another sink may run here. [sink] port chooses another one; 0 takes a free one.",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
