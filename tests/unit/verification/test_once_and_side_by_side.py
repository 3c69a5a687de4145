import asyncio

import pytest

from polly.errors import ToolError
from polly.verification.once import OncePerKey
from polly.verification.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_works() -> None:
    async def main() -> tuple[str, int]:
        later = asyncio.Event()

        async def first() -> str:
            await later.wait()
            return "first"

        async def second() -> int:
            later.set()
            return 2

        return await side_by_side(first(), second())

    assert asyncio.run(main()) == ("first", 2)


def test_when_one_fails_the_others_are_ended_before_its_own_error_is_raised() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ToolError("broken")

    with pytest.raises(ToolError, match="broken"):
        asyncio.run(side_by_side(endless(), failing()))
    assert ended == ["endless"]


class Work:
    """Counts how often it is done; waits until it may end."""

    def __init__(self) -> None:
        self.done = 0
        self.may_end = asyncio.Event()
        self.error: ToolError | None = None

    async def do(self) -> int:
        await self.may_end.wait()
        self.done += 1
        if self.error:
            raise self.error
        return self.done


def test_callers_at_the_same_time_share_one_work() -> None:
    async def main() -> tuple[list[int], int]:
        work, once = Work(), OncePerKey[int]()
        callers = [asyncio.create_task(once.get("a", work.do)) for _ in range(3)]
        work.may_end.set()
        return await asyncio.gather(*callers), await once.get("b", work.do)

    assert asyncio.run(main()) == ([1, 1, 1], 2)


def test_a_cancelled_caller_does_not_take_the_result_from_the_others() -> None:
    async def main() -> int:
        work, once = Work(), OncePerKey[int]()
        first = asyncio.create_task(once.get("a", work.do))
        second = asyncio.create_task(once.get("a", work.do))
        await asyncio.sleep(0)
        first.cancel()
        work.may_end.set()
        return await second

    assert asyncio.run(main()) == 1


def test_what_failed_is_tried_again_by_the_next_caller() -> None:
    async def main() -> int:
        work, once = Work(), OncePerKey[int]()
        work.may_end.set()
        work.error = ToolError("broken")
        with pytest.raises(ToolError):
            await once.get("a", work.do)
        work.error = None
        return await once.get("a", work.do)

    assert asyncio.run(main()) == 2
