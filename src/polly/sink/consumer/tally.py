"""What the consumer counts. Frozen, so that whoever holds one sees numbers of one moment."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

#: Upper bounds of buckets, in the unit of what is counted.
RECORD_BUCKETS = (1.0, 10.0, 100.0, 250.0, 500.0, 1_000.0, 2_000.0, 5_000.0)
BYTE_BUCKETS = tuple(1024.0 * 4**power for power in range(2, 8))
SECOND_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Distribution(msgspec.Struct, frozen=True):
    """How many values fell under each bound. `counts` has one entry more: what is above all of them."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float = 0.0

    @classmethod
    def over(cls, bounds: Sequence[float]) -> "Distribution":
        """Nothing counted yet."""
        return cls(tuple(bounds), (0,) * (len(bounds) + 1))

    def with_value(self, value: float) -> "Distribution":
        """One value more."""
        bucket = next((index for index, bound in enumerate(self.bounds) if value <= bound), len(self.bounds))
        counts = tuple(count + (index == bucket) for index, count in enumerate(self.counts))
        return Distribution(self.bounds, counts, self.total + value)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the sink started.

    records: of batches that were stored; = stored + duplicates + the sum of dead + empty.
    dead, retries, paused_seconds, commit_failures, rebalances: by their label (stage, cause, outcome, kind).
    """

    batches: int = 0
    records: int = 0
    stored: int = 0
    duplicates: int = 0
    empty: int = 0
    dead: Mapping[str, int] = {}
    published: int = 0
    publish_failures: int = 0
    retries: Mapping[str, int] = {}
    paused_seconds: Mapping[str, float] = {}
    commits: int = 0
    commit_failures: Mapping[str, int] = {}
    rebalances: Mapping[str, int] = {}
    fenced: int = 0
    fetch_faults: int = 0
    discarded: int = 0
    batch_records: Distribution = Distribution.over(RECORD_BUCKETS)
    batch_bytes: Distribution = Distribution.over(BYTE_BUCKETS)
    batch_age_seconds: Distribution = Distribution.over(SECOND_BUCKETS)
    store_seconds: Distribution = Distribution.over(SECOND_BUCKETS)
    commit_seconds: Distribution = Distribution.over(SECOND_BUCKETS)


class Counter:
    """Makes the next tally out of the last one. `tally` is the one of now."""

    def __init__(self) -> None:
        self.tally = Tally()

    def add(self, **changes: int) -> None:
        """These counts are higher by so much."""
        self._replace({name: getattr(self.tally, name) + change for name, change in changes.items()})

    def add_to(self, name: str, label: str, change: float = 1) -> None:
        """One label of a count is higher by so much."""
        counts = getattr(self.tally, name)
        self._replace({name: {**counts, label: counts.get(label, 0) + change}})

    def measure(self, **values: float) -> None:
        """Each named distribution has one value more."""
        self._replace({name: getattr(self.tally, name).with_value(value) for name, value in values.items()})

    def _replace(self, fields: dict[str, Any]) -> None:
        self.tally = msgspec.structs.replace(self.tally, **fields)
