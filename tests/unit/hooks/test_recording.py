"""Lines in the spool: whole, redacted, bounded, and understood by the store."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly import settings
from polly.events import redaction
from polly.events.envelope import Envelope, unwrap
from polly.execution.journal import correlation_id
from polly.hooks.facts import Circumstances, Told, fired
from polly.hooks.quick_json import dumps, loads
from polly.hooks.recording import REASONS, record, session_of
from polly.sink import session_file
from polly.sink.fitting import MAX_DATA_BYTES
from polly.sink.places import other_folders, state_folder
from polly.sink.spool import spool_files

WHERE = Circumstances(program="claude", project="/project")
#: Made up, and put together so that scanners of this repository stay quiet.
SECRETS = [
    "password=" + "hunter2x",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a1B2" * 9,
    "https://user:" + "s3cretpw" + "@example.com/",
    "Authorization: " + "Bearer abcdefgh12345678",
    "-----BEGIN " + "PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0B\n" * 3 + "-----END PRIVATE KEY-----",
    "tok" + "en: 'x9Y8z7W6v5U4t3S2r1Q0'",
    "plain text without anything",
    "def pass_the_key(token): return token",
]


def spooled(
    home: Path, payload: dict[str, Any], environ: Mapping[str, str] | None = None, **more: Any
) -> Any:
    told = fired("Stop", "turn_ended", ("turn", None), payload, more.pop("where", WHERE))
    environ = {"POLLY_HOME": str(home), **(environ or {})}
    assert record(lambda _: [told], "s-1", environ, str(home), **more)
    lines = [line for path in spool_files(home / "spool") for line in path.read_bytes().splitlines()]
    return msgspec.json.decode(lines[-1], type=Envelope)


def test_a_line_is_an_envelope_like_those_of_all_other_producers(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    one, two = spooled(tmp_path, {"a": 1}), spooled(tmp_path, {"a": 2})
    assert [each.sequence for each in (one, two)] == ["000000000001", "000000000002"]
    assert one.source == two.source
    assert one.source.startswith("urn:polly:")
    assert one.id[14] == two.id[14] == "7"
    assert one.id[:13] <= two.id[:13], "the millisecond comes first"
    assert (one.sessionid, one.correlationid, one.subject) == ("s-1", "s-1", "claude")
    assert before.replace(microsecond=0) <= one.time <= datetime.now(UTC)
    assert unwrap(two).payload == {"a": 2}  # type: ignore[attr-defined]


def test_events_of_a_run_are_joined_with_those_that_polly_writes(tmp_path: Path) -> None:
    where = Circumstances(program="claude", project="/project", run="run-7")
    assert spooled(tmp_path, {}, where=where).correlationid == correlation_id("run-7")
    said = spooled(tmp_path, {}, {"POLLY_CORRELATION_ID": "mine"}, where=where)
    assert said.correlationid == "mine"


@pytest.mark.parametrize(
    ("kind", "data", "place"),
    [
        ("dev.polly.hook.fired.v1", {"metadata": {}}, "metadata"),
        ("dev.polly.routing.decided.v1", {"context": {"a": 1}}, "context"),
        ("dev.polly.router.measured.v1", {}, "metadata"),
    ],
)
def test_what_a_full_spool_did_not_take_is_told_by_the_next_event_of_any_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, data: dict[str, Any], place: str
) -> None:
    with monkeypatch.context() as full:
        full.setattr(session_file, "MAX_SPOOL_BYTES", 0)
        record(lambda _: [Told(kind, dict(data))], "s-1", {"POLLY_HOME": str(tmp_path)}, str(tmp_path))
    record(lambda _: [Told(kind, dict(data))], "s-1", {"POLLY_HOME": str(tmp_path)}, str(tmp_path))
    (line,) = [line for path in spool_files(tmp_path / "spool") for line in path.read_bytes().splitlines()]
    assert msgspec.json.decode(line)["data"][place]["dropped_before"] == 1


def test_the_reasons_to_load_the_rules_are_those_of_the_rules() -> None:
    assert frozenset(REASONS.split()) == redaction._ANCHORS


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_taken_out_by_the_rules_of_every_other_path(tmp_path: Path, secret: str) -> None:
    payload = {"prompt": f"use {secret} now", "api_key": "Zx81" * 6, "nested": [{"text": secret}]}
    stored = unwrap(spooled(tmp_path, payload))
    assert stored.payload == redaction.redact_json(payload).value  # type: ignore[attr-defined]


@given(st.text(max_size=60))
def test_a_text_without_reasons_is_one_that_the_rules_do_not_change(text: str) -> None:
    if not any(reason in dumps(text).decode().lower() for reason in REASONS.split()):
        assert redaction.redact_json({"x": text}).value == {"x": text}


def test_a_body_that_is_too_large_is_cut_and_says_so(tmp_path: Path) -> None:
    stored = spooled(tmp_path, {"tool_response": "x" * 300_000, "small": "kept"})
    assert len(bytes(stored.data)) <= MAX_DATA_BYTES
    data = msgspec.json.decode(stored.data)
    assert data["payload"]["small"] == "kept"
    assert data["_cut"]["bytes"] > 300_000
    assert len(data["_cut"]["sha256"]) == 64


@pytest.mark.parametrize("place", [16_000, 16_370, 65_500, 65_530, 262_130])
def test_a_secret_at_the_place_of_a_cut_is_not_kept_in_half(tmp_path: Path, place: int) -> None:
    secret = "ghp_" + "a1B2" * 9
    stored = spooled(tmp_path, {"text": "." * place + " " + secret + " " + "y" * 900_000})
    assert b"ghp_" not in bytes(stored.data)


@pytest.mark.parametrize("value", [{"n": "a\0b"}, {"half": "\ud800"}, {"x\0": [{"\0": "\0\0"}]}])
def test_characters_that_databases_refuse_are_replaced(tmp_path: Path, value: dict[str, Any]) -> None:
    raw = bytes(spooled(tmp_path, value).data)
    assert b"\\u0000" not in raw
    assert b"\\ud800" not in raw


def test_the_session_is_never_unknown() -> None:
    assert session_of({"session_id": "a"}, {"POLLY_SESSION_ID": "b"}) == "a"
    assert session_of({"session_id": " "}, {"POLLY_SESSION_ID": "b", "CLAUDE_CODE_SESSION_ID": "c"}) == "b"
    assert session_of(None, {"CLAUDE_CODE_SESSION_ID": "c"}) == "c"
    assert len(session_of({"session_id": 3}, {})) == 36


@pytest.mark.skipif(
    sys.platform == "win32", reason="a file where a folder should be is the POSIX way to say no"
)
def test_when_the_spool_cannot_be_written_the_other_folders_are_tried_in_turn(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    told = fired("Stop", "turn_ended", ("turn", None), {}, WHERE)
    environ = {"POLLY_HOME": str(blocked / "home"), "TMPDIR": str(tmp_path / "tmp")}
    temporary, project = (Path(each) for each in other_folders(environ, str(tmp_path / "project")))
    assert record(lambda _: [told], "s", environ, str(tmp_path / "project"))
    assert len(spool_files(temporary)) == 1
    temporary.parent.chmod(0o777)  # now anybody could read or forge what is written there
    assert record(lambda _: [told], "s", environ, str(tmp_path / "project"))
    assert len(spool_files(temporary)) == 1
    assert len(spool_files(project)) == 1
    assert (project.parent / ".gitignore").read_text() == "*\n"
    assert not record(lambda _: [told], "s", {**environ, "TMPDIR": str(blocked)}, str(blocked))


@pytest.mark.parametrize(
    "environ",
    [
        {"POLLY_HOME": "/some/where"},
        {"POLLY_HOME": "~/polly"},
        {"XDG_DATA_HOME": "/data"},
        {"XDG_DATA_HOME": ""},
        {},
    ],
)
def test_the_spool_of_hooks_is_the_spool_of_polly(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POLLY_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Path(state_folder(environ, sys.platform)) == settings.state_home()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_the_quick_reader_and_writer_agree_with_msgspec(value: Any) -> None:
    finite = loads(dumps(value)) if _is_finite(value) else None
    if finite is not None:
        assert finite == value
        assert msgspec.json.decode(dumps(value)) == value


def _is_finite(value: Any) -> bool:
    try:
        dumps(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("bad", [b"", b"  ", b"{", b'{"a":1} x', b"\xff\xfe", b"nope", b'{"a":' * 100_000])
def test_the_quick_reader_refuses_what_is_no_json(bad: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        loads(bad)


def test_numbers_that_other_readers_could_not_take_are_kept_as_text() -> None:
    read = loads(b'{"big": 123456789012345678901234567890, "huge": 1e999, "nan": NaN, "f": 1.5}')
    assert read == {"big": "123456789012345678901234567890", "huge": "1e999", "nan": "NaN", "f": 1.5}
