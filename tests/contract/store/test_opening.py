"""Which store a URL opens, and where its password comes from."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from polly.errors import SettingsError, StoreMisconfigured
from polly.settings import SecretFrom
from polly.store.opening import open_store
from polly.store.sqlite import SqliteStore


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}"])
def test_a_path_is_a_store_of_sqlite(tmp_path: Path, form: str) -> None:
    with closing(open_store(form.format(tmp_path / "a b.db"))) as store:
        assert isinstance(store, SqliteStore)
        assert store.place == str(tmp_path / "a b.db")


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///", "oracle+x://h/d"])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(StoreMisconfigured, match="a file is needed"):
        open_store(url)


def test_the_password_is_read_where_the_settings_say(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(postgres_url)
    bare = url.set(password=None, drivername="postgresql").render_as_string()
    monkeypatch.setenv("THE_WORD", str(url.password))
    (tmp_path / "word").write_text(f"{url.password}\n", encoding="utf-8")
    for secret in (SecretFrom(env="THE_WORD"), SecretFrom(file=str(tmp_path / "word")), str(url.password)):
        with closing(open_store(bare, secret)) as store:
            assert store.position("s") == 0
            assert str(url.password) not in store.place
    with pytest.raises(StoreMisconfigured):
        open_store(bare, "another word")


@pytest.mark.parametrize("secret", [SecretFrom(env="NOT_SET_ANYWHERE"), SecretFrom(file="/not/there")])
def test_a_secret_that_is_missing_says_where_it_was_looked_for(secret: SecretFrom) -> None:
    with pytest.raises(SettingsError, match=r"NOT_SET_ANYWHERE|/not/there"):
        open_store("postgresql://me@127.0.0.1:1/x", secret)


#: Python as it is for somebody who did not install the extra.
WITHOUT_PSYCOPG = """
import sys
sys.modules["psycopg"] = None
from polly.errors import StoreMisconfigured
from polly.store.opening import open_store
try:
    open_store("postgresql://me@127.0.0.1:1/x")
except StoreMisconfigured as error:
    print(error.next_step)
open_store(sys.argv[1]).close()
print("opened")
"""


def test_without_the_extra_sqlite_works_and_postgresql_says_what_to_install(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PSYCOPG, str(tmp_path / "polly.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout == "pip install 'polly-fix[postgres]'\nopened\n"
