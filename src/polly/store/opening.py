"""Which kind of store a URL names."""

from pathlib import Path
from typing import TYPE_CHECKING

from polly.errors import StoreMisconfigured
from polly.settings import SecretFrom, read_secret
from polly.store.ports import Store

if TYPE_CHECKING:
    from polly.store.postgres import PostgresStore

#: How errors call the secret.
STORE_PASSWORD = "store.password"  # noqa: S105  # nosec B105 - its name in the settings
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
    secret = read_secret(password, STORE_PASSWORD) if isinstance(password, SecretFrom) else password
    return postgres_store().open(str(url), secret)


def require_file(url: str) -> None:
    """Raises StoreMisconfigured when `url` names a SQLite file that is missing: asking must not make one."""
    path = Path(url.removeprefix("sqlite:///")).expanduser()
    if ("://" not in url or url.startswith("sqlite:///")) and not path.exists():
        raise StoreMisconfigured(
            f"there is no database at {path} yet.",
            next_step="`polly db upgrade` makes it; so does the first event that is stored.",
        )


def postgres_store() -> "type[PostgresStore]":
    """The backend for PostgreSQL. Raises StoreMisconfigured when its library is not installed."""
    try:
        from polly.store.postgres import PostgresStore  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreMisconfigured(
            f"PostgreSQL needs a library that is not installed: {error}",
            next_step="pip install 'polly-fix[postgres]'",
        ) from error
    return PostgresStore
