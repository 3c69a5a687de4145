"""Dead letters of the relay on their way into the table of dead letters.

Each waits in a file of its own: the relay goes on while the database is away, and nothing is forgotten when
it ends. The topic of dead letters has them all the same; the table is where people look.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from polly.errors import PollyError
from polly.events.transfer import DeadLetter
from polly.sink.relay.spool_file import write_whole

#: The folder in the spool where they wait.
WAITING = "letters"
#: After how long a database that did not take them is asked again.
_AGAIN_SECONDS = 60.0
#: Letters that are read at once; each is at most a megabyte.
_TOGETHER = 50

#: Puts letters into the table, where one that is there already stays as it is. Raises PollyError.
Keep = Callable[[Sequence[DeadLetter]], None]


class LetterBox:
    """Takes letters at once, and brings them into the table when that can be."""

    def __init__(self, folder: Path, keep: Keep, say: Callable[[str], None]) -> None:
        self._folder = folder / WAITING
        self._keep = keep
        self._say = say
        self._next_try = 0.0
        self._is_in_trouble = False

    def put(self, letter: DeadLetter) -> None:
        """The letter is safe from now on. The same one again replaces it. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{letter.stream.partition(':')[2]}-{letter.record.position}.json"
        write_whole(self._folder / name, msgspec.json.encode(letter))

    def bring_home(self) -> None:
        """Put into the table what waits, unless that failed a moment ago. Trouble is told once."""
        if time.monotonic() < self._next_try:
            return
        waiting = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        try:
            for start in range(0, len(waiting), _TOGETHER):
                paths = waiting[start : start + _TOGETHER]
                self._keep([letter for path in paths if (letter := _read(path)) is not None])
                for path in paths:
                    path.unlink(missing_ok=True)
        except PollyError as error:
            self._next_try = time.monotonic() + _AGAIN_SECONDS
            if not self._is_in_trouble:
                self._say(
                    f"Dead letters wait in {self._folder} for the store: {error.what}. "
                    "They are in their topics already."
                )
            self._is_in_trouble = True
        else:
            self._is_in_trouble = False


def _read(path: Path) -> DeadLetter | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=DeadLetter)
    except msgspec.DecodeError:  # not written by this version; the topic has it
        return None
