import string
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from polly.events.redaction import STREAM_BUFFER_BYTES, StreamRedactor

LETTERS = (string.ascii_letters + string.digits) * 4
TOKEN = "ghp_" + LETTERS[:36]
KEY = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *[LETTERS[:64]] * 20, "-----END RSA PRIVATE KEY-----"])


def through(chunks: list[bytes]) -> bytes:
    redactor = StreamRedactor()
    shown = b"".join(redactor.feed(chunk) for chunk in chunks)
    return shown + redactor.close()


def cut_at(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[left:right] for left, right in pairwise(edges)]


@given(st.lists(st.integers(min_value=0), max_size=12))
def test_where_the_chunks_are_cut_changes_nothing(places: list[int]) -> None:
    raw = f"one\npassword=hunter2\r\n{KEY}\nA={TOKEN} tail\nlast äöü {TOKEN}".encode() + b"\xff\xfe"
    shown = through(cut_at(raw, places))
    assert shown == through([raw])
    assert TOKEN.encode() not in shown
    assert b"hunter2" not in shown
    assert LETTERS[:64].encode() not in shown
    assert shown.startswith(b"one\npassword=[redacted:")
    assert shown.endswith(b"\xff\xfe")


@given(st.binary(max_size=300), st.lists(st.integers(min_value=0), max_size=5))
def test_bytes_without_secrets_go_through_unchanged(raw: bytes, places: list[int]) -> None:
    assert through(cut_at(raw, places)) == raw


def test_a_finished_line_is_shown_at_once() -> None:
    assert StreamRedactor().feed(b"done\nnot yet") == b"done\n"


def test_a_line_without_end_is_let_through_in_bounded_memory() -> None:
    redactor = StreamRedactor()
    raw = ("x" * 1000 + " " + TOKEN + " ").encode() * 200
    shown = b""
    for start in range(0, len(raw), 997):
        shown += redactor.feed(raw[start : start + 997])
        assert len(redactor._held) <= STREAM_BUFFER_BYTES + 1000
    shown += redactor.close()
    assert TOKEN.encode() not in shown
    assert shown.count(b"[redacted:github-token:") == 200
    assert redactor.counts == {"github-token": 200}


def test_a_key_that_never_ends_is_not_held_for_ever() -> None:
    redactor = StreamRedactor()
    redactor.feed(b"-----BEGIN RSA PRIVATE KEY-----\n")
    for _ in range(3 * STREAM_BUFFER_BYTES // 65):
        redactor.feed(LETTERS[:64].encode() + b"\n")
        assert len(redactor._held) <= STREAM_BUFFER_BYTES + 100
