"""The garbage collector, where it would only look and find nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """No collection meanwhile: for work that makes very many small objects and no cycles of them.

    Looking for cycles again and again then takes as long as the work. In all threads of the process.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
