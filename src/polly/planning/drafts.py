"""Packages in the making."""

from collections.abc import Iterable

import msgspec

from polly.planning.scope import Task
from polly.planning.waves import part_minutes
from polly.work.issues import Severity


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A package before it has its neighbours. `id` is empty until it has one."""

    id: str = ""
    wave: int
    tasks: tuple[Task, ...]
    modify: tuple[str, ...]
    create: tuple[str, ...]
    keys: frozenset[str]  # what it must not share with another package of its wave
    minutes: int

    @property
    def priority(self) -> Severity:
        """The worst severity of its issues."""
        return self.tasks[0].issue.severity

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of its findings."""
        return (*self.modify, *self.create)

    @property
    def order(self) -> tuple[object, ...]:
        """Worst first, then longest, then by path."""
        return (self.priority.rank, -self.minutes, min(self.paths), self.tasks[0].place)


def draft_of(wave: int, tasks: Iterable[Task], draft_id: str = "") -> Draft:
    """The draft of these tasks."""
    ordered = tuple(sorted(tasks, key=lambda task: task.place))
    return Draft(
        id=draft_id,
        wave=wave,
        tasks=ordered,
        modify=tuple(sorted({path for task in ordered for path in task.modify})),
        create=tuple(sorted({path for task in ordered for path in task.create})),
        keys=frozenset(key for task in ordered for key in task.keys),
        minutes=part_minutes(ordered),
    )


def in_wave(draft: Draft, wave: int) -> Draft:
    """The same draft in this wave."""
    return draft if draft.wave == wave else msgspec.structs.replace(draft, wave=wave)


def with_consecutive_waves(drafts: Iterable[Draft]) -> list[Draft]:
    """The drafts with their waves counted from 1, none empty."""
    drafts = list(drafts)
    numbers = {wave: number for number, wave in enumerate(sorted({draft.wave for draft in drafts}), 1)}
    return [in_wave(draft, numbers[draft.wave]) for draft in drafts]
