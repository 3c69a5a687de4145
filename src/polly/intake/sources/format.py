"""What a format of findings has to offer."""

from collections.abc import Callable
from typing import NamedTuple

from polly.errors import InputError
from polly.intake.document import Document
from polly.intake.finding import Context, Reading


class NoFindingError(InputError):
    """A source that can be read, and in which nothing is a finding."""


class Format(NamedTuple):
    """One format. A new one is one file (or folder) with such a record, and its line in the registry.

    recognises looks at the content alone; read raises InputError for what it cannot use.
    silent_when_clean: tools that find nothing write nothing, not even a report that says so.
    """

    name: str
    description: str
    recognises: Callable[[Document], bool]
    read: Callable[[Document, Context], Reading]
    silent_when_clean: bool = False
