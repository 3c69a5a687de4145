"""Work that several callers need and that is done once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from polly.errors import PollyError

T = TypeVar("T")


class OncePerKey(Generic[T]):
    """Results by key. Callers that come while the work goes on share it; what failed is tried again."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result for this key. Raises what the work raised."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work())
        try:
            # Shielded: a caller that is cancelled must not take the result from the others.
            return await asyncio.shield(task)
        except PollyError:
            if self._tasks.get(key) is task:
                del self._tasks[key]
            raise
