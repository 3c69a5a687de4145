"""Which kind of store a URL names."""

import os
from pathlib import Path

from polly.errors import SettingsError, StoreMisconfigured
from polly.settings import SecretFrom
from polly.store.ports import Store

_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def open_store(url: str | Path, password: SecretFrom | str | None = None) -> Store:
    """The store at a path, at `sqlite:///PATH` or at `postgresql://USER@HOST/DATABASE`, with its schema.

    password: of the PostgreSQL user; without it, the URL's or libpq's own ways. Raises StoreError, and
    SettingsError when the secret is not where the settings say.
    """
    scheme = str(url).partition("://")[0] if "://" in str(url) else ""
    if scheme not in _POSTGRESQL:
        from polly.store.sqlite import SqliteStore  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

        return SqliteStore.open(url)
    secret = _read(password) if isinstance(password, SecretFrom) else password
    try:
        from polly.store.postgres import PostgresStore  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreMisconfigured(
            f"PostgreSQL needs a library that is not installed: {error}",
            next_step="pip install 'polly-fix[postgres]'",
        ) from error
    return PostgresStore.open(str(url), secret)


def _read(secret: SecretFrom) -> str:
    if secret.env is not None:
        value = os.environ.get(secret.env)
        if not value:
            raise SettingsError(
                f"store.password: the variable {secret.env} is not set",
                next_step=f"Set {secret.env} for this process, or name another place in polly.toml.",
            )
        return value
    try:
        return Path(secret.file or "").expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"store.password: the file {secret.file} cannot be read: {error}",
            next_step="Correct its path or its rights, or name another place in polly.toml.",
        ) from error
