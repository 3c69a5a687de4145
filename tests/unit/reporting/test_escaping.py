"""Text of findings, agents and file names cannot be anything but text in the report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from polly.reporting.escaping import code, fenced, quote, text
from polly.reporting.markdown import render
from polly.reporting.report import build

from .conftest import story

HOSTILE = [
    "# heading", "a\n===", "a\n---", "## x\n\n# y", "- list\n- list", "1. one\n2) two", "+ x", "> quote",
    "[link](http://x)", "![image](x)", "[ref]: http://x", "<script>alert(1)</script>", "<!-- ", "&lt;b&gt;",
    "http://example.com www.example.com", "<http://example.com>", "```\n# out\n```", "~~~\nx\n~~~",
    "`", "``a`",
    "a | b | c", "| --- |", "\\", "a\\", "\\|", "*b* _i_ **s** ~~d~~", "    code", "\tcode", "a\rb\r\nc",
    "\x1b[31mred\x00", "\u202eright", "\u2028x", "\ud800", " ", "\n\n", "<details>", "$x$", "a  \nb",
    "```",
]  # fmt: skip

_PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")

#: Any text, and texts made of what means something in Markdown; where there is no text, a part is left out.
untrusted = st.one_of(
    st.text(min_size=1, max_size=60),
    st.lists(st.sampled_from([*HOSTILE, "\n", " ", "a"]), min_size=1, max_size=6).map("".join),
)


def _structure(markdown: str) -> list[str]:
    """All tokens of blocks, and inside of lines those that are neither text nor its line breaks."""
    found = []
    for token in _PARSER.parse(markdown):
        found.append(f"{token.type} {token.tag} {token.level}")
        quiet = ("text", "hardbreak", "text_special")
        found += [child.type for child in token.children or () if child.type not in quiet]
    return found


_EXPECTED = _structure(render(build(*story()), *story()))


@pytest.mark.parametrize("words", HOSTILE)
def test_the_structure_of_a_report_does_not_depend_on_hostile_texts(words: str) -> None:
    assert _structure(render(build(*story(words)), *story(words))) == _EXPECTED


@given(untrusted)
def test_the_structure_of_a_report_does_not_depend_on_any_text(words: str) -> None:
    assert _structure(render(build(*story(words)), *story(words))) == _EXPECTED


@given(untrusted)
def test_a_report_can_always_be_written_and_steers_no_terminal(words: str) -> None:
    written = render(build(*story(words)), *story(words))
    written.encode("utf-8")
    assert all(letter == "\n" or letter.isprintable() or letter.isspace() for letter in written)
    assert "\r" not in written


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_text_shows_what_it_was_given(words: str) -> None:
    (_, inline, _) = _PARSER.parse(text(words))
    assert "".join(child.content for child in inline.children or ()) == words


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_code_shows_what_it_was_given(words: str) -> None:
    (_, inline, _) = _PARSER.parse(code(words))
    assert [(child.type, child.content) for child in inline.children or ()] == [("code_inline", words)]


@given(untrusted)
def test_a_fence_is_closed_only_by_its_own_end(words: str) -> None:
    assert [token.type for token in _PARSER.parse(fenced(words) + "\n\nafter")] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]


def test_nothing_is_shown_as_empty() -> None:
    assert (text(""), quote("\n"), code("")) == ("(empty)", "> (empty)", "` `")


def test_a_quote_keeps_lines_and_indentation() -> None:
    assert quote("if x:\n    # y\n\nend") == "> if x:\\\n> &nbsp;&nbsp;&nbsp;&nbsp;\\# y\\\n> end"
