"""What the store knows about routing: decisions, how sure they were, what is known to be right, failures.

Times are aware UTC, durations milliseconds, shares 0 to 1. None means that nothing was there to measure.
"""

import enum
from datetime import datetime

import msgspec

from polly.work.observed import Durations, RoutingStrategy, Window


class RoleDecisions(msgspec.Struct, frozen=True, kw_only=True):
    """How often a role was chosen, and how sure that was on average."""

    role: str
    decisions: int
    mean_confidence: float | None


class RoleOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Issues of the packages of one role: `tried` were found fixed, partly or not fixed; `fixed` were proved.

    A fix counts only when its package got through its gates. packages: all of the role, also without any.
    """

    role: str
    packages: int
    tried: int
    fixed: int
    share: float | None


class LabelKind(enum.StrEnum):
    """How the right role came to be known."""

    REVIEW = "review"  # a person, or who recorded the failure, named the role that was expected
    CORRECTION = "correction"  # a person wrote another role into the plan


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One decision of which the right role is known.

    taken: the role that was given. best: the role that was found best, also where that was not enough, and
    its confidence; None where nothing was found.
    """

    kind: LabelKind
    expected: str
    taken: str | None
    best: str | None
    confidence: float | None


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """Of `known` decisions with a known right role, so many were right."""

    known: int = 0
    right: int = 0
    accuracy: float | None = None


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions with a confidence from `low` on and below `high` (1 belongs to the last bin)."""

    low: float
    high: float
    known: int
    right: int
    mean_confidence: float
    share: float


class CalibrationTable(msgspec.Struct, frozen=True, kw_only=True):
    """How often the best role was right against how sure the router was.

    ece: the expected calibration error, the mean distance of both over all decisions.
    """

    known: int = 0
    bins: tuple[Bin, ...] = ()
    ece: float | None = None


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long one stage of the router took."""

    stage: str
    durations: Durations


class DetectionCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for which no role was found, or not for certain."""

    total: int = 0
    reviewed: int = 0
    by_status: dict[str, int] = {}


class RoutingReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly routing report` tells.

    measured: routings that say how long they took; cache_hits: those among them that a cache answered.
    roles_total: how many roles were chosen, also those that `by_role` leaves out.
    """

    window: Window
    decisions: int
    by_strategy: tuple[RoutingStrategy, ...]
    roles_total: int
    by_role: tuple[RoleDecisions, ...]
    measured: int
    cache_hits: int
    durations: Durations
    stages: tuple[StageTimes, ...]
    detections: DetectionCounts
    reviews: Labelled
    corrections: Labelled
    calibration: CalibrationTable
    outcomes: tuple[RoleOutcomes, ...]

    @property
    def is_empty(self) -> bool:
        """True when the router did nothing in the window."""
        return not (self.decisions or self.measured or self.detections.total)


class DetectionFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A request for which no role was found, or not for certain, and what a person said about it."""

    id: str
    at: datetime
    correlation_id: str
    project_name: str | None
    run: str | None
    request: str
    status: str
    reason: str | None
    detected: str | None
    confidence: float | None
    method: str | None
    expected: str | None
    candidates: int | None
    matches: tuple[object, ...]
    metadata: dict[str, object]
    reviewed: bool
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    notes: str | None = None
    pattern_update: str | None = None
    pattern_details: str | None = None


class FailureList(msgspec.Struct, frozen=True, kw_only=True):
    """The newest of `matching` failures; `recorded` counts all that there are."""

    failures: tuple[DetectionFailure, ...]
    matching: int
    recorded: int


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """A word and how often it occurs."""

    name: str
    count: int


class DetectionStats(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly detections stats` tells. detected: roles that were found; expected: those named since."""

    window: Window
    failures: int
    reviewed: int
    improved: int
    different_requests: int
    mean_confidence: float | None
    by_status: tuple[Tally, ...]
    detected: tuple[Tally, ...]
    expected: tuple[Tally, ...]

    @property
    def is_empty(self) -> bool:
        """True when nothing failed in the window."""
        return not self.failures


#: Bins of a calibration table.
BINS = 10


def labelled(right: int, known: int) -> Labelled:
    """With the share."""
    return Labelled(known=known, right=right, accuracy=right / known if known else None)


def accuracy(labels: tuple[Label, ...], kind: LabelKind) -> Labelled:
    """Of the labels of one kind: how often the role that was taken is the expected one."""
    of_kind = [each for each in labels if each.kind is kind]
    return labelled(sum(each.taken == each.expected for each in of_kind), len(of_kind))


def calibration(labels: tuple[Label, ...]) -> CalibrationTable:
    """Confidence of the best role against how often it was the expected one, for labels that have both."""
    sure = [
        (each.confidence, each.best == each.expected)
        for each in labels
        if each.confidence is not None and each.best is not None
    ]
    if not sure:
        return CalibrationTable()
    bins = []
    for number in range(BINS):
        inside = [each for each in sure if min(int(each[0] * BINS), BINS - 1) == number]
        if inside:
            right = sum(is_right for _, is_right in inside)
            mean = sum(confidence for confidence, _ in inside) / len(inside)
            bins.append(
                Bin(
                    low=number / BINS,
                    high=(number + 1) / BINS,
                    known=len(inside),
                    right=right,
                    mean_confidence=mean,
                    share=right / len(inside),
                )
            )
    ece = sum(each.known * abs(each.mean_confidence - each.share) for each in bins) / len(sure)
    return CalibrationTable(known=len(sure), bins=tuple(bins), ece=ece)
