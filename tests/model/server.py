"""The program of the scripted model: `python -m tests.model.server LOG SECONDS FOLDER…`.

It prints its port, plays the scripts of the folders, and ends when its standard input is closed, which
happens at the latest when the process that started it is gone, or after the seconds.
"""

import contextlib
import itertools
import json
import os
import socket
import sys
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.model import chat_api, messages_api, responses_api
from tests.model.answer import Answer, StreamEvent
from tests.model.conversation import Conversation
from tests.model.log import Answered, Failed, Log, Request
from tests.model.player import Play, Player

_APIS: dict[str, Any] = {
    "/v1/messages": messages_api,
    "/v1/responses": responses_api,
    "/v1/chat/completions": chat_api,
}
_MAX_BODY_BYTES = 64_000_000
#: How often an answer that never ends looks whether the agent is still there.
_LOOK_SECONDS = 0.1


class Meeting:
    """Where agents wait for each other: who passes shows that they work at the same time."""

    def __init__(self) -> None:
        self._here: set[str] = set()
        self._changed = threading.Condition()

    def wait(self, who: str, parties: int) -> None:
        """Return when so many have come, this one included."""
        if parties:
            with self._changed:
                self._here.add(who)
                self._changed.notify_all()
                self._changed.wait_for(lambda: len(self._here) >= parties)


class ModelServer(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, log: Log, player: Player) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.log, self.player = log, player
        self.numbers = itertools.count(1)
        self.meeting = Meeting()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Agents hang up when they are stopped; anything else is a fault of this program."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection of an agent."""

    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_HEAD(self) -> None:
        self._note()
        self._send_headers(200, length=0)

    def do_GET(self) -> None:
        self._note()
        if self._place() == "/v1/models":
            self._send_json(200, {"object": "list", "data": [], "models": []})
        else:
            self._send_json(404, {"error": {"message": "there is no such page"}})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if not 0 < length <= _MAX_BODY_BYTES:
            self._note()
            self.close_connection = True
            self._send_json(413, {"error": {"message": "a body with a length is needed"}})
            return
        body = self.rfile.read(length)
        api = _APIS.get(self._place())
        if api is None:
            self._note()
            self._send_json(404, {"error": {"message": "there is no such call"}})
            return
        try:
            conversation = api.read_request(json.loads(body), self.headers)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            reason = f"this is no request of the API: {error!r}"
            self._fail(self._note(), Play(status=400, message=reason), api.failure(400, reason))
            return
        self._play(api, conversation)

    def _play(self, api: Any, conversation: Conversation) -> None:
        play = self.server.player.play(conversation)
        number = next(self.server.numbers)
        self.server.log.append(
            Request(
                number=number,
                method="POST",
                path=self.path,
                session=conversation.session,
                thread=conversation.thread,
                script=play.script,
                step=conversation.step,
                model=conversation.model,
                stream=conversation.stream,
                side=play.side,
                tools=tuple(conversation.tools),
                results=conversation.results,
                folder=conversation.folder,
            )
        )
        threading.Event().wait(play.delay_seconds)
        self.server.meeting.wait(conversation.key, play.meet)
        if play.status != 200 or play.answer is None:
            self._fail(number, play, api.failure(play.status, play.message))
        elif conversation.stream:
            self._stream(number, play, api.stream(play.answer))
        else:
            self._answer_whole(number, play, api.whole(play.answer))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the standard library
        """Nothing on standard error; the log has it all."""

    def _place(self) -> str:
        return self.path.partition("?")[0]

    def _note(self) -> int:
        number = next(self.server.numbers)
        self.server.log.append(Request(number=number, method=self.command, path=self.path))
        return number

    def _fail(self, number: int, play: Play, body: dict[str, Any]) -> None:
        self.server.log.append(Failed(request=number, why=play.message or "scripted", status=play.status))
        after = play.retry_after_seconds
        self._send_json(play.status, body, {} if after is None else {"retry-after": str(after)})

    def _answer_whole(self, number: int, play: Play, body: dict[str, Any]) -> None:
        if play.ending != "whole":
            self._break_off(number, play)
            return
        self._answered(number, play.answer)
        self._send_json(200, body)

    def _stream(self, number: int, play: Play, events: Iterable[StreamEvent]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("request-id", f"req_{number}")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        told = list(events)
        sent = told if play.ending == "whole" else told[: max(1, len(told) // 2)]
        try:
            for event in sent:
                self._send_chunk(event.encoded())
        except ConnectionError:
            self.server.log.append(Failed(request=number, why="gone"))
            raise
        if play.ending != "whole":
            self._break_off(number, play)
            return
        self._answered(number, play.answer)
        self._send_chunk(b"")

    def _break_off(self, number: int, play: Play) -> None:
        self.server.log.append(Failed(request=number, why=play.ending))
        self.close_connection = True
        if play.ending == "hung":
            self._wait_until_gone()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _wait_until_gone(self) -> None:
        self.connection.settimeout(_LOOK_SECONDS)
        while True:
            try:
                if not self.connection.recv(4096):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def _answered(self, number: int, answer: Answer | None) -> None:
        """Before the last byte goes out: whoever has the whole answer finds it in the log."""
        if answer is not None:
            entry = Answered(request=number, id=answer.id, calls=answer.calls, usage=answer.usage)
            self.server.log.append(entry)

    def _send_json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self._send_headers(status, length=len(data), headers=headers)
        self.wfile.write(data)

    def _send_headers(self, status: int, *, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def main(log: str, seconds: str, *folders: str) -> None:
    """Serve until nobody needs it any more."""
    server = ModelServer(Log(Path(log)), Player([Path(folder) for folder in folders]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=_end_when_left, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    _left.wait(float(seconds))


_left = threading.Event()


def _end_when_left() -> None:
    # Not by sys.stdin: a thread that waits inside of it would make the interpreter's end a crash.
    while os.read(0, 4096):
        pass
    _left.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
