"""How many minutes of agent time an issue takes: as stated, else by kind and size, corrected by the past."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from polly.work.effort import EffortSample
from polly.work.issues import Issue, Severity
from polly.work.plan import EffortFrom

#: Minutes of agent time for an issue whose source names no effort.
DEFAULT_MINUTES = {Severity.CRITICAL: 60, Severity.MAJOR: 30, Severity.MINOR: 15, Severity.NITPICK: 5}

#: An effort above this (ten weeks) is a slip of the source and would hide every other package.
MAX_EFFORT_MINUTES = 100_000

#: Rules whose fixes are mechanical take this share of the time, those that need thought so many times it.
LIGHT, HEAVY = 0.5, 1.5
_LIGHT_WORDS = re.compile(
    r"unused|unsorted|import[- ]?order|sort[- ]?imports|format|white[- ]?space|indent|quotes?\b|semicolon|"
    r"naming|docstring|line[- ]too[- ]long|line[- ]length|typo|deprecated|style",
    re.IGNORECASE,
)
_HEAVY_WORDS = re.compile(
    r"\brace\b|race[- ]condition|dead[- ]?lock|inject|overflow|\bleak|concurren|thread[- ]?safe|"
    r"deserial|cyclomatic|complexity|authenti|authori",
    re.IGNORECASE,
)

#: Larger files take longer to understand: (bytes from which, times).
SIZES = ((100_000, 1.5), (20_000, 1.25))

#: Each further file adds this share, up to so many times the whole.
PER_FURTHER_FILE, MOST_FOR_FILES = 0.25, 3.0

#: The past counts from so many issues of the like on, and corrects an estimate at most by this factor.
SAMPLES_NEEDED = 5
MOST_CORRECTION = 4.0

#: Agents that play what was recorded: how long they take says nothing about others.
_PLAYERS = frozenset({"patch", "scripted"})


class Estimate(NamedTuple):
    """Minutes, at least 1, and whether they are stated, by kind and size, or from history."""

    minutes: int
    origin: EffortFrom


STATED, BY_KIND, FROM_HISTORY = EffortFrom(stated=1), EffortFrom(kind_and_size=1), EffortFrom(history=1)


class Efforts:
    """Estimates issues. `sizes` are bytes by path where known; `samples` the past, of `agent` if named."""

    def __init__(
        self, sizes: Mapping[str, int], samples: Iterable[EffortSample] = (), agent: str | None = None
    ) -> None:
        self._sizes = sizes
        self._by_rule, self._by_severity = _medians(each for each in samples if _speaks_for(each, agent))
        self._kinds: dict[tuple[str | None, str], float] = {}

    def of(self, issue: Issue, files: Sequence[str]) -> Estimate:
        """The estimate for an issue that changes these files."""
        stated = issue.effort_minutes
        if stated is not None and 0 < stated <= MAX_EFFORT_MINUTES:
            return Estimate(stated, STATED)
        base = DEFAULT_MINUTES[issue.severity] * self._kind(issue) * self._size(files)
        taken = self._by_rule.get((issue.source.tool, issue.source.rule))
        if taken is None and issue.severity in self._by_severity:
            taken = base * self._by_severity[issue.severity] / DEFAULT_MINUTES[issue.severity]
        if taken is None:
            return Estimate(max(1, round(base)), BY_KIND)
        corrected = min(max(taken, base / MOST_CORRECTION), base * MOST_CORRECTION)
        return Estimate(max(1, round(corrected)), FROM_HISTORY)

    def _kind(self, issue: Issue) -> float:
        """By the words of the rule, else of the title; remembered, since a scanner repeats itself."""
        key = (issue.source.rule, "" if issue.source.rule else issue.title)
        factor = self._kinds.get(key)
        if factor is None:
            words = f"{issue.source.rule or ''} {issue.title}"
            factor = HEAVY if _HEAVY_WORDS.search(words) else LIGHT if _LIGHT_WORDS.search(words) else 1.0
            self._kinds[key] = factor
        return factor

    def _size(self, files: Sequence[str]) -> float:
        if len(files) == 1:
            return _by_size(self._sizes.get(files[0], 0))
        largest = max((self._sizes.get(path, 0) for path in files), default=0)
        return _by_size(largest) * min(1 + PER_FURTHER_FILE * (len(files) - 1), MOST_FOR_FILES)


def _by_size(size: int) -> float:
    return next((times for least, times in SIZES if size >= least), 1.0) if size else 1.0


def added(origins: Iterable[EffortFrom]) -> EffortFrom:
    """All of them counted together."""
    stated = by_kind = history = 0
    for each in origins:
        stated += each.stated
        by_kind += each.kind_and_size
        history += each.history
    return EffortFrom(stated=stated, kind_and_size=by_kind, history=history)


def _speaks_for(sample: EffortSample, agent: str | None) -> bool:
    return sample.agent not in _PLAYERS if agent is None else sample.agent == agent


_Rule = tuple[str | None, str | None]


def _medians(samples: Iterable[EffortSample]) -> tuple[dict[_Rule, float], dict[Severity, float]]:
    """Median minutes per tool and rule, and per severity, where there are samples enough."""
    by_rule: defaultdict[_Rule, list[float]] = defaultdict(list)
    by_severity: defaultdict[Severity, list[float]] = defaultdict(list)
    for sample in samples:
        if sample.seconds <= 0:
            continue
        by_severity[sample.severity].append(sample.seconds / 60)
        if sample.rule is not None:
            by_rule[sample.tool, sample.rule].append(sample.seconds / 60)
    return (
        {rule: median(minutes) for rule, minutes in by_rule.items() if len(minutes) >= SAMPLES_NEEDED},
        {kind: median(minutes) for kind, minutes in by_severity.items() if len(minutes) >= SAMPLES_NEEDED},
    )
