"""One wave at work: every package side by side, the longest first, up to the limit of agents."""

import asyncio

from polly.errors import PollyError
from polly.execution.context import RunContext
from polly.execution.package_run import PackageRun
from polly.execution.ports import PauseError


async def run_wave(context: RunContext, wave: int, base: str) -> None:
    """Bring every package of the wave to a final state, all from the commit `base`.

    Raises PauseError when going on would be in vain; packages whose agent is at work are finished first.
    """
    packages = sorted(context.plan.in_wave(wave), key=lambda each: -each.estimated_minutes)
    tasks = [asyncio.create_task(PackageRun(context, package, base).run()) for package in packages]
    try:
        await asyncio.gather(*tasks)
    except PauseError:
        await _settle(tasks)
        raise
    except BaseException:
        for task in tasks:
            task.cancel()
        await _settle(tasks)
        raise


async def _settle(tasks: list[asyncio.Task[None]]) -> None:
    # A bug of ours in one package is not hidden behind an expected failure of another.
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception) and not isinstance(result, PollyError):
            raise result
