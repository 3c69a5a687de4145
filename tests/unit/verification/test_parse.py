import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.verification.parse import Parsing, parse_json, parse_python, parse_toml, parse_yaml
from polly.verification.parse_shell import SHELLS, parse_shell
from polly.verification.parse_sql import parse_sql

ANY_BYTES = st.binary() | st.text().map(str.encode)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"x = 1\n",
        b"\xef\xbb\xbfx = 1\n",
        b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
        b"pattern = '\\d'\n",  # an invalid escape is a warning, and none of ours
        b"assert (1, 'always true')\n",
    ],
)
def test_python_that_runs_passes(text: bytes) -> None:
    assert parse_python(text).parsing is Parsing.OK


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"x = 1\ndef f(:\n", 2),
        (b"print 'old'\n", 1),
        (b"# -*- coding: nonsense -*-\n", None),
        (b"x = '\xe9'\n", None),
    ],
)
def test_python_that_does_not_parse_is_broken_at_its_line(text: bytes, line: int | None) -> None:
    parsed = parse_python(text)
    assert parsed.parsing is Parsing.BROKEN
    assert line in (None, parsed.line)
    assert "Python 3." in parsed.message


@pytest.mark.parametrize("text", [b"x = 1\0", b"(" * 100_000, b"-" * 200_000 + b"1", b"x" + b".a" * 20_000])
def test_python_too_wild_for_the_parser_is_no_crash(text: bytes) -> None:
    assert parse_python(text).parsing in Parsing


@pytest.mark.parametrize("text", [b"{}", b"[1, 2.5e3]", b'"x"', b"\xef\xbb\xbf{}", b"9" * 5_000])
def test_json_passes(text: bytes) -> None:
    assert parse_json(text).parsing is Parsing.OK


@pytest.mark.parametrize(
    "text", [b"", b"{,}", b'{"a": 1,}', b"// c\n{}", b"NaN", b'{"a": Infinity}', b"{'a': 1}"]
)
def test_json_is_strict(text: bytes) -> None:
    assert parse_json(text).parsing is Parsing.BROKEN


def test_json_that_is_nested_without_end_is_not_judged() -> None:
    assert parse_json(b"[" * 200_000).parsing is Parsing.NOT_JUDGED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a: 1\n---\nb: 2\n",
        b"x: !Ref Name\ny: !!python/object:os.system {}\n",
        b"run: ${{ github.ref }}\n",
    ],
)
def test_yaml_passes_with_any_tag_and_any_number_of_documents(text: bytes) -> None:
    assert parse_yaml(text).parsing is Parsing.OK


def test_yaml_that_does_not_parse_is_broken_at_its_line() -> None:
    parsed = parse_yaml(b"a: 1\nb: [1, 2\nc: 3\n")
    assert (parsed.parsing, parsed.line) == (Parsing.BROKEN, 3)


def test_yaml_in_the_second_document_is_looked_at_too() -> None:
    assert parse_yaml(b"a: 1\n---\nb: }\n").parsing is Parsing.BROKEN


def test_a_yaml_template_is_not_judged() -> None:
    assert parse_yaml(b"{{- if .Values.on }}\na: {{ .Values.a }}\n{{- end }}\n").parsing is Parsing.NOT_JUDGED


@pytest.mark.parametrize(("text", "parsing"), [(b"a = 1\n", Parsing.OK), (b"a = \n", Parsing.BROKEN)])
def test_toml_is_judged(text: bytes, parsing: Parsing) -> None:
    assert parse_toml(text).parsing is parsing


@pytest.mark.parametrize("text", [b"a: \xff\n", b"a: \0\n"])
def test_yaml_of_odd_bytes_is_broken(text: bytes) -> None:
    parsed = parse_yaml(text)
    assert parsed.parsing is Parsing.BROKEN
    assert parsed.message


def test_toml_that_is_not_utf_8_is_broken() -> None:
    assert parse_toml(b"a = '\xff'").parsing is Parsing.BROKEN


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-- a comment only\n",
        b"CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);",
        b"PRAGMA foreign_keys=ON; SELECT 1;",
        b"CREATE FUNCTION f() RETURNS int AS $$ BEGIN RETURN 1; END; $$ LANGUAGE plpgsql;",
        b"SELECT TOP 5 * FROM [dbo].[t]",
        b"SELECT `a` FROM `b`",
        b"CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END;",
        b"VACUUM;",
    ],
)
def test_sql_of_the_usual_dialects_passes(text: bytes) -> None:
    assert parse_sql(text).parsing is Parsing.OK


@pytest.mark.parametrize(
    "text",
    [b"CREATE TABLE t (a INTEGER,\nb TEXT", b"SELECT 1;\nSELEC * FORM x;", b"SELECT 'a", b"SELECT \xff"],
)
def test_sql_that_no_dialect_takes_is_broken(text: bytes) -> None:
    assert parse_sql(text).parsing is Parsing.BROKEN


@pytest.mark.parametrize(
    "text", [b"\\set x 1\nSELECT 1;", b"SELECT 1\nGO\nSELECT 2\n", b"SELECT * FROM {{ ref('x') }} WHERE ("]
)
def test_sql_for_a_client_program_or_a_template_is_not_judged(text: bytes) -> None:
    assert parse_sql(text).parsing is Parsing.NOT_JUDGED


def test_judging_sql_says_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        parse_sql(b"ALTER TABLE x DO SOMETHING ODD")
    assert not caplog.records
    assert not logging.getLogger("sqlglot").disabled


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sh of its own")
@pytest.mark.parametrize(
    ("text", "parsing", "line"),
    [
        (b"if true; then\n  echo yes\nfi\n", Parsing.OK, None),
        (b"echo one\nif then\nfi\n", Parsing.BROKEN, 2),
        (b"", Parsing.OK, None),
    ],
)
def test_a_shell_script_is_judged_by_the_shell(text: bytes, parsing: Parsing, line: int | None) -> None:
    parsed = parse_shell(text, "sh")
    assert (parsed.parsing, parsed.line) == (parsing, line)
    assert "script" not in parsed.message


def test_a_shell_that_is_not_there_judges_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parse_shell(b"if then", "bash").parsing is Parsing.NOT_JUDGED


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("variable", ["BASH_ENV", "ENV"])
def test_judging_a_script_runs_nothing(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "first").write_text(f"touch {mark}\n", encoding="utf-8")
    monkeypatch.setenv(variable, str(tmp_path / "first"))
    for shell in SHELLS:
        parse_shell(f"touch {mark}\n".encode(), shell)
    assert not mark.exists()


@given(ANY_BYTES)
def test_any_bytes_are_judged_without_a_crash(text: bytes) -> None:
    for parse in (parse_python, parse_json, parse_yaml, parse_toml):
        assert parse(text).parsing in Parsing


@given(st.text(alphabet="SELECT FROM()'\",;*.-1ab\n") | st.text())
def test_any_text_is_judged_as_sql_without_a_crash(text: str) -> None:
    assert parse_sql(text.encode("utf-8", "replace")).parsing in Parsing
