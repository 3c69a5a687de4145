"""Part of an inventory: what is not wanted is counted as excluded, so that the figures still add up."""

import difflib
import re
from collections.abc import Iterable, Sequence

import msgspec

from polly.errors import InputError
from polly.intake.globs import matches
from polly.intake.merge import merge_exclusions
from polly.work.issues import (
    Exclusion,
    Inventory,
    Issue,
    Severity,
    Warning,
    count,
)

_RANGE = re.compile(r"(?P<first>.*?)(?P<low>\d{1,9})(?:-|\.\.)(?P<last>.*?)(?P<high>\d{1,9})")
_ENDS_IN_NUMBER = re.compile(r"(?P<letters>.*?)(?P<number>\d{1,9})")
_IDS_SHOWN = 12


def select(
    inventory: Inventory,
    *,
    only: Sequence[str] = (),
    severities: Sequence[Severity] = (),
    paths: Sequence[str] = (),
) -> Inventory:
    """The issues that meet every criterion given; of one criterion, any value is enough.

    only: ids and ranges (`C1`, `P7-P15`, `ruff-1..ruff-9`), also separated by commas.
    paths: patterns and folders (`src/**/*.py`, `*.sql`, `docs`).
    Raises InputError for an id that does not exist.
    """
    wanted = _named(inventory, only) if only else None
    kept: list[Issue] = []
    dropped: list[Issue] = []
    for issue in inventory.issues:
        chosen = (
            (wanted is None or issue.id in wanted)
            and (not severities or issue.severity in severities)
            and (not paths or _touches(issue, paths))
        )
        (kept if chosen else dropped).append(issue)
    if not dropped:
        return inventory
    left_out = Exclusion(reason="not_selected", count=len(dropped), refs=tuple(issue.id for issue in dropped))
    excluded = merge_exclusions([*inventory.excluded, left_out])
    return msgspec.structs.replace(
        inventory,
        issues=tuple(kept),
        excluded=excluded,
        warnings=(*inventory.warnings, *_idle(inventory.issues, paths)),
        counts=count(tuple(kept), excluded),
    )


def _touches(issue: Issue, patterns: Sequence[str]) -> bool:
    return any(matches(path, pattern) for path in (*issue.paths, *issue.creates) for pattern in patterns)


def _idle(issues: Sequence[Issue], patterns: Iterable[str]) -> list[Warning]:
    return [
        Warning(
            code="nothing_selected", message=f"No issue is about a file named by {pattern!r}.", ref=pattern
        )
        for pattern in patterns
        if not any(_touches(issue, [pattern]) for issue in issues)
    ]


def _named(inventory: Inventory, only: Sequence[str]) -> set[str]:
    ids = {issue.id.casefold(): issue.id for issue in inventory.issues}
    wanted: set[str] = set()
    for text in (part.strip() for each in only for part in each.split(",")):
        if text:
            wanted.update(_ids_named(text, ids))
    return wanted


def _ids_named(text: str, ids: dict[str, str]) -> set[str]:
    if text.casefold() in ids:
        return {ids[text.casefold()]}
    found = _in_range(text.casefold(), ids)
    if found:
        return found
    close = [ids[name] for name in difflib.get_close_matches(text.casefold(), ids, n=3, cutoff=0.5)]
    step = f"Did you mean {', '.join(close)}?" if close else f"The ids are {_some(list(ids.values()))}."
    raise InputError(f"There is no issue {text!r}.", next_step=step)


def _in_range(text: str, ids: dict[str, str]) -> set[str]:
    span = _RANGE.fullmatch(text)
    if span is None or span["last"] not in ("", span["first"]):
        return set()
    wanted = range(int(span["low"]), int(span["high"]) + 1)
    numbered = ((_ENDS_IN_NUMBER.fullmatch(folded), name) for folded, name in ids.items())
    return {
        name
        for end, name in numbered
        if end and end["letters"] == span["first"] and int(end["number"]) in wanted
    }


def _some(names: Sequence[str]) -> str:
    if not names:
        return "none: the inventory is empty"
    more = f" and {len(names) - _IDS_SHOWN} more" if len(names) > _IDS_SHOWN else ""
    return ", ".join(names[:_IDS_SHOWN]) + more
