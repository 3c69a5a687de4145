"""The store of the settings, for commands that ask it or decide about what it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from polly.errors import StoreMisconfigured
from polly.settings import Settings, state_home

if TYPE_CHECKING:
    from polly.store.ports import Store


@contextmanager
def existing_store(settings: Settings) -> "Iterator[Store]":
    """The store. Asking must not make a file: raises StoreError when there is none, or none that answers."""
    from polly.store.opening import open_store  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

    url = settings.store.url or str(state_home() / "polly.db")
    file = Path(url.removeprefix("sqlite:///")).expanduser()
    if not url.startswith("postgres") and not file.exists():
        raise StoreMisconfigured(
            f"there is no database at {file} yet.",
            next_step="`polly db upgrade` makes it; so does the first event that is stored.",
        )
    store = open_store(url, settings.store.password)
    try:
        yield store
    finally:
        store.close()
