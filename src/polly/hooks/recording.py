"""From what a hook is told to lines in the spool; everything that `record` and `guard` share."""

import os
import sys
import time

from polly.hooks.quick_json import dumps, loads
from polly.sink.fitting import MAX_DATA_BYTES, fitted_by, roughly_fitted, size_of
from polly.sink.places import is_usable, other_folders, spool_folder
from polly.sink.session_file import SessionFile, new_id, uuid_text, write_alone

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from polly.hooks.facts import Payload, Told

#: More than this is not read as JSON; its head, its size and its sha256 are kept.
MAX_INPUT_BYTES = 32 * 1024 * 1024
#: Redaction takes time: larger data is shortened before as well as after it.
_MOST_TO_REDACT = 512 * 1024
_CHUNK = 1024 * 1024

#: What makes events.redaction look closer at a text. A text without any of these is not changed by it, and
#: need not pay for loading it; a test holds this against the rules.
REASONS = (
    "_live_ _test_ abia acca accountkey aiza akia asia authorization basic bearer credential eyj"
    " ghp_ gho_ ghr_ ghs_ ghu_ github_pat_ glagent- glcbt- gldt- glft- glpat- glptt- glrt- glsoat-"
    " gocspx- hooks.slack.com key npm_ pass private pwd pypi- q~ secret sharedaccesskey sig= sk-"
    " sk-ant- token whsec_ xapp- xox ya29. ://"
)


class Input:
    """What came on stdin. payload: None when it is no JSON object; why: what is the matter with it."""

    __slots__ = ("bytes", "payload", "raw", "sha256", "why")

    def __init__(self, raw: bytes, size: int, sha256: str) -> None:
        self.raw = raw
        self.bytes = size
        self.sha256 = sha256
        self.payload: Payload | None = None
        self.why = ""
        if size > len(raw):
            self.why = f"{size} bytes are more than a hook reads"
            return
        try:
            value = loads(raw)
            self.payload = value if isinstance(value, dict) else None
            self.why = "" if isinstance(value, dict) else "it is not a JSON object"
        except RecursionError:
            self.why = "it is nested too deeply"
        except ValueError as error:
            self.why = str(error) if raw.strip() else "it is empty"

    def size(self) -> "Payload":
        """What is kept of an input that is not kept whole."""
        if self.sha256:
            return {"bytes": self.bytes, "sha256": self.sha256}
        return size_of(self.raw)


def read_input() -> Input:
    """Reads stdin to its end, so that whoever writes it is not cut off. Never raises."""
    chunks: list[bytes] = []
    size = 0
    digest = None
    try:
        if os.isatty(0):
            return Input(b"", 0, "")
        while chunk := os.read(0, _CHUNK):
            size += len(chunk)
            if digest is not None:
                digest.update(chunk)
            elif size <= MAX_INPUT_BYTES:
                chunks.append(chunk)
            else:
                import hashlib

                digest = hashlib.sha256(b"".join(chunks))
                digest.update(chunk)
    except OSError:  # stdin is closed, or was never there
        pass
    raw = b"".join(chunks)
    return Input(raw[:_CHUNK] if digest else raw, size, digest.hexdigest() if digest else "")


def session_of(payload: "Payload | None", environ: "Mapping[str, str]") -> str:
    """The session: of the payload, else of the environment, else a new one."""
    said = payload.get("session_id") if payload else None
    if isinstance(said, str) and said.strip():
        return said[:200]
    return environ.get("POLLY_SESSION_ID") or environ.get("CLAUDE_CODE_SESSION_ID") or new_id()


def record(
    tell: "Callable[[Collection[str]], list[Told]]",
    session: str,
    environ: "Mapping[str, str]",
    project: str,
    *,
    cut: "Payload | None" = None,
    is_over: bool = False,
) -> bool:
    """Writes what `tell(marks of the session)` returns. False when no folder took it; never raises.

    cut: what is known about a body that was cut before. is_over: the session has ended.
    """
    folders = [spool_folder(environ, sys.platform), *other_folders(environ, project)]
    for place, folder in enumerate(folders):
        try:
            if folder is None or (place and not is_usable(folder)):
                continue
            _record_in(folder, tell, session, environ, cut, is_over=is_over)
        except (OSError, ValueError):
            continue
        return True
    return False


def _record_in(
    folder: str,
    tell: "Callable[[Collection[str]], list[Told]]",
    session: str,
    environ: "Mapping[str, str]",
    cut: "Payload | None",
    *,
    is_over: bool,
) -> None:
    try:
        with SessionFile(folder, session) as file:
            told = tell(file.marks)
            if not told:
                return
            if file.dropped:
                for each in told:
                    _notes(each.data)["dropped_before"] = file.dropped
            file.append([_line(each, session, environ, cut) for each in told])
            file.marks += [each.mark for each in told if each.mark]
            if is_over:
                file.close_file()
    except TimeoutError:
        told = tell(())
        if told:
            write_alone(folder, [_line(each, session, environ, cut) for each in told])


def _notes(data: "Payload") -> "dict[str, Any]":
    """Where an event tells more than its kind knows; its envelope keeps it in any case."""
    name = next((each for each in ("metadata", "action_details", "context") if each in data), "metadata")
    notes: dict[str, Any] = data.setdefault(name, {})
    return notes


def _line(told: "Told", session: str, environ: "Mapping[str, str]", cut: "Payload | None") -> bytes:
    """The envelope without source and number, which the file adds."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    envelope = {
        "specversion": "1.0",
        "id": new_id(),
        "type": told.type,
        "time": f"{at}.{rest // 1000:06d}Z",
        "subject": told.subject,
        "correlationid": _correlation(told.data.get("run"), session, environ),
        "sessionid": session,
        "traceparent": _traceparent(environ),
        "datacontenttype": "application/json",
    }
    named = envelope
    if _needs_redaction(dumps(envelope)):
        from polly.events.redaction import redact_json

        named = redact_json(envelope).value  # type: ignore[assignment] # a dict stays one
    return dumps(named)[:-1] + b',"data":' + _body(told.data, cut)


def _body(data: "Any", cut: "Payload | None") -> bytes:
    first = 0
    raw = dumps(data)
    if len(raw) > _MOST_TO_REDACT:
        cut = cut or size_of(raw)
        data, first = roughly_fitted(dumps, data, _MOST_TO_REDACT)
        raw = dumps(data)
    if b"\\u0000" in raw:
        data = _without_nul(data)
        raw = dumps(data)
    if _needs_redaction(raw):
        from polly.events.redaction import redact_event

        data = redact_event(data)
    return fitted_by(dumps, data, MAX_DATA_BYTES, cut=cut, first=first)


def _needs_redaction(raw: bytes) -> bool:
    """raw: the JSON of a value, in which every reason to look stands as in the value."""
    text = raw.decode("utf-8").lower()
    return any(reason in text for reason in REASONS.split())


def _without_nul(value: "Any") -> "Any":
    """Databases cannot keep the character NUL in a text."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(each) for name, each in value.items()}
    return value


def _correlation(run: "str | None", session: str, environ: "Mapping[str, str]") -> str:
    """What joins events: as the caller says, else those of the run, else those of the session."""
    said = environ.get("POLLY_CORRELATION_ID") or environ.get("CORRELATION_ID")
    if said or not run:
        return said or session
    import hashlib

    # The UUID of version 5 that polly.execution.journal.correlation_id makes with the module `uuid`.
    namespace = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
    made = hashlib.sha1(namespace + f"urn:polly:run:{run}".encode(), usedforsecurity=False).digest()[:16]
    return uuid_text(int.from_bytes(made, "big"), 5)


def _traceparent(environ: "Mapping[str, str]") -> "str | None":
    said = environ.get("TRACEPARENT", "")
    is_one = len(said) == 55 and said.isascii() and said.replace("-", "").isalnum()
    return said if is_one else None
