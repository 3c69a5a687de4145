"""What each code of PostgreSQL means to an ingest."""

import pytest

from polly.store.ingest.sqlstates import Trouble, row_of_copy, trouble_of, trouble_of_connecting

TABLE = {
    Trouble.RECORD: "22000 22001 22003 22007 22021 22P02 22P05 23502 23503 23505 23514 21000 54000 54001",
    Trouble.PASSING: "08000 08006 08P01 25006 40001 40P01 53100 53200 53300 55P03 57014 57P01 57P03 58030",
    Trouble.SETTINGS: "28000 28P01 3D000 3F000 42501 42601 42703 42804 42P01 0P000 F0000",
    Trouble.UNKNOWN: "P0001 XX000 XX001 0A000 25P02 54011 99999 HV000 2BP01 55000",
}


@pytest.mark.parametrize(
    ("code", "trouble"), [(code, trouble) for trouble, codes in TABLE.items() for code in codes.split()]
)
def test_a_code_says_whose_trouble_it_is(code: str, trouble: Trouble) -> None:
    assert trouble_of(code) is trouble


def test_without_a_code_the_connection_is_gone() -> None:
    assert trouble_of(None) is Trouble.PASSING


@pytest.mark.parametrize(
    ("message", "trouble"),
    [
        ('FATAL:  password authentication failed for user "me"', Trouble.SETTINGS),
        ("fe_sendauth: no password supplied", Trouble.SETTINGS),
        ('FATAL:  database "x" does not exist', Trouble.SETTINGS),
        ('FATAL:  role "x" does not exist', Trouble.SETTINGS),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', Trouble.SETTINGS),
        ("server does not support SSL, but SSL was required", Trouble.SETTINGS),
        ("SSL error: certificate verify failed", Trouble.SETTINGS),
        ("connection refused", Trouble.PASSING),
        ("FATAL:  the database system is starting up", Trouble.PASSING),
        ("FATAL:  sorry, too many clients already", Trouble.PASSING),
        ("connection timeout expired", Trouble.PASSING),
        ("could not translate host name to address", Trouble.PASSING),
    ],
)
def test_a_connection_that_was_refused_has_only_words(message: str, trouble: Trouble) -> None:
    assert trouble_of_connecting(message) is trouble


@pytest.mark.parametrize(
    ("context", "row"),
    [
        ("COPY polly_stage_events, line 314, column payload", 313),
        ("COPY agent_actions, line 1", 0),
        ("COPY agent_actions, Zeile 12, Spalte action_name", 11),
        ("PL/pgSQL function trouble() line 2 at RAISE\nCOPY agent_actions, line 7", 6),
        ("SQL statement", None),
        ("", None),
        (None, None),
    ],
)
def test_a_failed_copy_names_its_row_in_any_language(context: str | None, row: int | None) -> None:
    assert row_of_copy(context) == row
