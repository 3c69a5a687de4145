"""Gates: commands that must succeed on a frozen tree."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence

import msgspec

from polly.verification.commands import run_command
from polly.work.plan import GateCommand
from polly.work.run import GateResult, GateScope, GateStatus
from polly.workspaces.checkout import Workspaces


async def run_gates(
    gates: Sequence[GateCommand],
    *,
    scope: GateScope,
    commit: str,
    label: str,
    workspaces: Workspaces,
    red_before: frozenset[str] = frozenset(),
    limit: asyncio.Semaphore,
    serial: asyncio.Lock,
) -> tuple[GateResult, ...]:
    """The results in order, all from one checkout of `commit` that is made for them and removed.

    A serial gate holds `serial` while it runs, any other one `limit`. Labels in `red_before` blame nobody.
    Raises ToolError or SettingsError when the checkout cannot be set up: that is no fault of the tree.
    """
    if not gates:
        return ()
    tree = await asyncio.to_thread(workspaces.store.tree_of, commit)
    results = []
    async with workspaces.frozen(commit, label) as checkout:
        for number, gate in enumerate(gates, start=1):
            async with _turn(gate, limit, serial):
                folder = workspaces.folder(label, f"gate-{number}")
                ran = await run_command(
                    gate.command,
                    checkout=checkout,
                    folder=folder,
                    env=workspaces.environment(),
                    timeout_seconds=gate.timeout_seconds,
                )
            results.append(
                GateResult(
                    name=gate.label,
                    scope=scope,
                    tree=tree,
                    status=ran.status,
                    seconds=ran.seconds,
                    output="" if ran.status is GateStatus.PASSED else ran.output,
                    redactions=dict(ran.redactions),
                )
            )
    return excuse(results, red_before)


def excuse(results: Sequence[GateResult], red_before: Collection[str]) -> tuple[GateResult, ...]:
    """The results with each red gate that is red without the change too marked as `red_before`."""
    return tuple(
        msgspec.structs.replace(result, status=GateStatus.RED_BEFORE)
        if result.status.is_red and result.name in red_before
        else result
        for result in results
    )


@contextlib.asynccontextmanager
async def _turn(gate: GateCommand, limit: asyncio.Semaphore, serial: asyncio.Lock) -> AsyncIterator[None]:
    async with serial if gate.serial else limit:
        yield
