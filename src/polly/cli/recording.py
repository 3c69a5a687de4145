"""Where events go: the spool of this user, and from there the store, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from polly.cli.output import warn
from polly.errors import PollyError
from polly.pipeline.project import Project
from polly.pipeline.runs import Publish
from polly.settings import state_home
from polly.sink.recorder import Recorder
from polly.store.sqlite import SqliteStore


@contextmanager
def recording(project: Project) -> Iterator[Publish]:
    """What takes the events of a run. At the end they are drained into the store.

    Trouble with the store is told and costs nothing: the spool keeps what the store could not take.
    """
    recorder = Recorder(state_home() / "spool")
    try:
        yield recorder.record
    finally:
        try:
            with open_store(project) as store:
                recorder.flush_into(store)
        except PollyError as error:
            warn(f"{error.what}; the events wait in the spool")
        trouble = recorder.close()
        if trouble:
            warn(trouble)


@contextmanager
def open_store(project: Project) -> Iterator[SqliteStore]:
    """The store of the settings: SQLite in the user's data folder by default."""
    url = project.settings.store.url or str(state_home() / "polly.db")
    store = SqliteStore.open(url)
    try:
        yield store
    finally:
        store.close()
