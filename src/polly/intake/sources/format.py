"""What a format of findings has to offer."""

from collections.abc import Callable
from typing import NamedTuple

from polly.intake.document import Document
from polly.intake.finding import Context, Reading


class Format(NamedTuple):
    """One format. A new one is one file (or folder) with such a record, and its line in the registry.

    recognises looks at the content alone; read raises InputError for what it cannot use.
    """

    name: str
    description: str
    recognises: Callable[[Document], bool]
    read: Callable[[Document, Context], Reading]
