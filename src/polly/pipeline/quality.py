"""Quality of what an attempt changed, before and after: measured beside the gates, never a proof."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from polly.git import Snapshot
from polly.intelligence.comparing import compare
from polly.intelligence.service import quality_of_files
from polly.verification.judge import Judgement, PackageJudge
from polly.work.plan import WorkPackage
from polly.work.run import Claim, QualityChange
from polly.workspaces.store import TreeStore

#: For each of the two measurements; a package that takes longer has no figure.
_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class MeasuringJudge:
    """A judge whose judgements tell the quality of the changed files as well."""

    judge_of: PackageJudge
    store: TreeStore

    async def judge(
        self,
        package: WorkPackage,
        *,
        base: str,
        commit: str,
        changed: Sequence[str],
        claims: Mapping[str, Claim],
        label: str,
    ) -> Judgement:
        """As the judge says, and `quality`."""
        measuring = asyncio.create_task(quality_change(self.store, base, commit, changed))
        try:
            judgement = await self.judge_of.judge(
                package, base=base, commit=commit, changed=changed, claims=claims, label=label
            )
            return replace(judgement, quality=await measuring)
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)


async def quality_change(
    store: TreeStore, base: str, commit: str, changed: Sequence[str]
) -> QualityChange | None:
    """How the changed files compare with those of the base; None when none was changed."""
    if not changed:
        return None
    before, after = await asyncio.to_thread(_contents, store, base, commit, changed)
    first = await quality_of_files(before, timeout_seconds=_SECONDS)
    return compare(first, await quality_of_files(after, timeout_seconds=_SECONDS))


def _contents(
    store: TreeStore, base: str, commit: str, changed: Sequence[str]
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    with store.snapshot(base) as before, store.snapshot(commit) as after:
        return _of(before, changed), _of(after, changed)


def _of(snapshot: Snapshot, paths: Sequence[str]) -> dict[str, bytes]:
    found = {path: snapshot.read(path) for path in sorted(set(paths))}
    return {path: content for path, content in found.items() if content is not None}
