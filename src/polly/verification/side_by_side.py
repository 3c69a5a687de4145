"""Several pieces of work at once: all done, or none left running."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def side_by_side(
    first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B], third: Coroutine[Any, Any, C], /
) -> tuple[A, B, C]: ...
@overload
async def side_by_side(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B], /) -> tuple[A, B]: ...
@overload
async def side_by_side(*works: Coroutine[Any, Any, A]) -> tuple[A, ...]: ...
async def side_by_side(*works: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """The results in order. When one fails, the others are cancelled and awaited before its error goes on.

    A task group would wrap the error in a group, and it would no longer be the error that the edge knows.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return tuple(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
