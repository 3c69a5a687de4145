"""The garbage collector, where it would only look and find nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def spare_what_is_there() -> None:
    """Everything that exists now is never looked at again: for a program that has loaded what it needs.

    Else each full collection goes through all modules, classes and functions.
    """
    gc.collect()
    gc.freeze()


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
