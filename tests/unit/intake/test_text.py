import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.text import decode, printable, repair_mojibake

SAMPLE = "🔴 Critical → ✅ “quoted” Überprüfung"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_is_read_in_every_unicode_encoding(encoding: str) -> None:
    text = '{"title": "' + "plain letters " * 5 + 'über"}'
    assert decode(text.encode(encoding), "report").text == text


def test_utf8_that_was_read_as_cp1252_is_repaired_exactly() -> None:
    damaged = "".join(
        bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
        for byte in SAMPLE.encode("utf-8")
    )
    assert damaged != SAMPLE
    decoded = decode(damaged.encode("utf-8"), "list.md")
    assert decoded.text == SAMPLE
    assert [code for code, _ in decoded.notes] == ["mojibake_repaired"]


@pytest.mark.parametrize("text", ["plain", SAMPLE, "Größe", "price: 5 £", "déjà vu", "Â", "ça va? ÂŸ"])
def test_text_that_is_not_damaged_stays_as_it_is(text: str) -> None:
    assert decode(text.encode("utf-8"), "list.md") == (text, ())


@given(st.text())
def test_repairing_gives_back_what_was_damaged_or_nothing(text: str) -> None:
    damaged = text.encode("utf-8").decode("latin-1")
    assert repair_mojibake(damaged) in (None, text)


def test_text_that_is_not_utf8_is_read_as_cp1252_with_a_note() -> None:
    decoded = decode("Größe".encode("cp1252"), "old.md")
    assert decoded.text == "Größe"
    assert [code for code, _ in decoded.notes] == ["decoded_as_cp1252"]


@pytest.mark.parametrize(
    "data", [b"\x7fELF\x02\x01\x00\x00\x00", b"PK\x03\x04\x14\xff\xfe\x9d\x81", b"\xff\xfea"]
)
def test_binary_and_damaged_data_is_refused_with_a_next_step(data: bytes) -> None:
    with pytest.raises(InputError) as refused:
        decode(data, "thing.bin")
    assert "thing.bin" in refused.value.what
    assert refused.value.next_step


@given(st.text() | st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_printable_text_has_no_control_escape_or_direction_character(text: str) -> None:
    harmless = {"\u200c", "\u200d"}
    shown = printable(text)
    assert all(
        unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        for char in shown
        if char not in harmless
    )


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"])))
def test_printable_text_keeps_ordinary_characters(text: str) -> None:
    assert printable(text) == text


def test_printable_text_shows_what_it_disarms() -> None:
    assert printable("a\x1b[31mb\u202ec\nd") == "a\\x1b[31mb\\u202ec d"
