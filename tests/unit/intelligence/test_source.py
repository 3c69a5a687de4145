"""What a source is called and how its bytes are read."""

import pytest

from polly.intelligence.analysis import AnalysisError, FailureCode
from polly.intelligence.languages import Language, kind_named, kind_of
from polly.intelligence.measuring import batches, is_harmless
from polly.intelligence.source import MOST_BYTES, Source, source_of


@pytest.mark.parametrize(
    ("path", "beginning", "language"),
    [
        ("a.py", "", Language.PYTHON),
        ("A.PY", "", Language.PYTHON),
        ("a.test.tsx", "", Language.TYPESCRIPT),
        ("a.mjs", "", Language.JAVASCRIPT),
        ("run", "#!/usr/bin/env bash", Language.SHELL),
        ("run", "#! /bin/sh -e", Language.SHELL),
        ("run", "#!/usr/bin/env -S python3.12 -I", Language.PYTHON),
        ("run", "#!/usr/bin/perl", None),
        ("run", "#!/bin/zsh", None),
        ("README.md", "", None),
        ("Makefile", "all:", None),
        ("", "", None),
    ],
)
def test_the_ending_or_the_first_line_says_the_language(
    path: str, beginning: str, language: Language | None
) -> None:
    kind = kind_of(path, beginning)
    assert (kind.language if kind else None) == language


@pytest.mark.parametrize("name", ["python", "Python", "py", ".py", "golang", "bash", "tsx", "sql"])
def test_languages_have_the_names_that_people_use(name: str) -> None:
    assert kind_named(name) is not None


def test_an_unknown_language_is_not_guessed() -> None:
    assert kind_named("cobol") is None


@pytest.mark.parametrize(
    "raw",
    [b"x = 1\n", b"\xef\xbb\xbfx = 1\n", "x = 1\n".encode("utf-16"), "\ufeffx = 1\n".encode("utf-16-be")],
)
def test_text_is_read_in_its_encoding(raw: bytes) -> None:
    assert source_of("a.py", raw).text.lstrip("\ufeff") == "x = 1\n"


def test_a_line_that_is_not_utf_8_is_told_and_lines_keep_their_numbers() -> None:
    source = source_of("a.py", b"a = 1\nb = '\xe9'\nc = 3\n")
    assert source.foreign_line == 2
    assert source.text.count("\n") == 3


@pytest.mark.parametrize(
    ("raw", "code"), [(b"\x7fELF\0\0", FailureCode.BINARY), (b" " * (MOST_BYTES + 1), FailureCode.TOO_LARGE)]
)
def test_what_is_no_source_is_refused(raw: bytes, code: FailureCode) -> None:
    with pytest.raises(AnalysisError) as refused:
        source_of("a.py", raw)
    assert refused.value.code is code


@pytest.mark.parametrize("path", ["tests/a.py", "src/test_a.py", "a_test.go", "a.spec.ts", "src/ATests.java"])
def test_tests_are_known_by_their_names(path: str) -> None:
    assert source_of(path, "x").is_test


@pytest.mark.parametrize("path", ["src/a.py", "attestation.py", "contest/a.py", "latest.go"])
def test_other_sources_are_no_tests(path: str) -> None:
    assert not source_of(path, "x").is_test


def python(text: str) -> Source:
    return source_of("a.py", text)


def test_long_and_deep_sources_are_not_harmless() -> None:
    assert is_harmless([python("x = 1\n")])
    assert not is_harmless([python("x = 1\n" * 10_000)])
    assert not is_harmless([python("x = " + "[" * 300 + "]" * 300)])
    assert not is_harmless([python("x = " + "1 + " * 2_000 + "1")])


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_every_source_is_in_one_batch_the_smallest_first(jobs: int) -> None:
    sources = [python("x" * size) for size in (5, 900, 3, 70, 2_000_000, 1)] * 30
    dealt = batches(sources, jobs)
    assert sorted(number for batch in dealt for number in batch) == list(range(len(sources)))
    assert len(dealt) >= jobs
    for batch in dealt:
        sizes = [len(sources[number].text) for number in batch]
        assert sizes == sorted(sizes)
