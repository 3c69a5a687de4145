"""Recording as the rest of Polly sees it: hand over an event and never hear of trouble while working."""

import threading
from pathlib import Path

from polly.errors import PollyError
from polly.events.envelope import Envelope
from polly.sink.drain import Destination, DrainResult, drain
from polly.sink.spool import SpoolWriter


class Recorder:
    """Writes events into a spool. Trouble is counted, and told once by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = SpoolWriter(folder)
        self._guard = threading.Lock()
        self._failed = 0
        self._reason = ""

    def record(self, envelope: Envelope) -> None:
        """Appends the event to the spool. Never raises."""
        try:
            self._writer.append(envelope)
        except Exception as error:  # noqa: BLE001 - the work that is recorded must not end because of its record
            with self._guard:
                self._failed += 1
                self._reason = f"{type(error).__name__}: {error}"

    def flush_into(self, destination: Destination) -> DrainResult | None:
        """Drains the spool into a store. None when the store has trouble: the events stay spooled."""
        try:
            return drain(self._folder, destination)
        except (PollyError, OSError) as error:
            self._reason = str(error).rstrip(".")
            return None

    def close(self) -> str | None:
        """Ends the recording. A sentence for the user when something of it was not recorded or not stored."""
        self._writer.close()
        if self._failed:
            return f"Events that could not be recorded: {self._failed} ({self._reason})."
        if self._writer.dropped:
            return f"Events not recorded because the spool {self._folder} is full: {self._writer.dropped}."
        if self._reason:
            return f"The events wait in the spool {self._folder}: {self._reason}."
        return None
