"""The store of the settings, for commands that ask it or decide about what it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from polly.cli.recording import store_of
from polly.settings import Settings, state_home

if TYPE_CHECKING:
    from polly.store.ports import Store


@contextmanager
def existing_store(settings: Settings) -> "Iterator[Store]":
    """The store. Asking must not make a file: raises StoreError when there is none, or none that answers."""
    from polly.store.opening import require_file  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

    require_file(settings.store.url or str(state_home() / "polly.db"))
    with store_of(settings) as store:
        yield store
