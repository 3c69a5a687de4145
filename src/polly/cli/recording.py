"""Where events go: the spool of this user, and from there the store, in this process.

Where a Kafka cluster is set up, the spool is left to `polly relay`: the events of this machine then take one
way only, in order, and whoever reads the topics gets them too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from polly.cli.output import warn
from polly.errors import PollyError
from polly.events.envelope import Envelope
from polly.pipeline.project import Project
from polly.pipeline.runs import Publish
from polly.settings import Settings, state_home
from polly.sink.recorder import Recorder

if TYPE_CHECKING:
    from polly.store.ports import Store


@contextmanager
def recording(project: Project) -> Iterator[Publish]:
    """What takes the events of a run. At the end they are drained into the store.

    Trouble with the store is told and costs nothing: the spool keeps what the store could not take. The
    store is left alone when there was nothing to record, so that a mistyped package is answered at once.
    """
    recorder = Recorder(state_home() / "spool")
    recorded = False

    def publish(event: Envelope) -> None:
        nonlocal recorded
        recorded = True
        recorder.record(event)

    try:
        yield publish
    finally:
        if recorded:
            _drain(project, recorder)
        trouble = recorder.close()
        if trouble:
            warn(trouble)


def drain_spool(project: Project) -> None:
    """Bring what still waits in the spool into the store."""
    recorder = Recorder(state_home() / "spool")
    _drain(project, recorder)
    trouble = recorder.close()
    if trouble:
        warn(trouble)


def _drain(project: Project, recorder: Recorder) -> None:
    if project.settings.kafka.bootstrap_servers:
        return
    try:
        with open_store(project) as store:
            recorder.flush_into(store)
    except PollyError as error:
        warn(f"{error.what}; the events wait in the spool")


@contextmanager
def open_store(project: Project) -> "Iterator[Store]":
    """The store of the project's settings."""
    with store_of(project.settings) as store:
        yield store


@contextmanager
def store_of(settings: Settings) -> "Iterator[Store]":
    """The store of the settings: SQLite in the user's data folder by default; made when there is none."""
    from polly.store.opening import open_store  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

    store = open_store(settings.store.url or state_home() / "polly.db", settings.store.password)
    try:
        yield store
    finally:
        store.close()
