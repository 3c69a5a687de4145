"""The numbers of each partition as a person or a monitor wants them. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime

from polly.sink.consumer.ledger import Account
from polly.sink.consumer.ports import Place
from polly.sink.consumer.snapshot import PartitionView


def partition_views(
    accounts: Mapping[Place, Account],
    end: Callable[[Place], int | None],
    newest: Mapping[Place, int],
    now: datetime,
) -> tuple[PartitionView, ...]:
    """One view per partition, in order."""
    return tuple(
        _view(place, account, end(place), newest.get(place), now)
        for place, account in sorted(accounts.items())
    )


def _view(
    place: Place, account: Account, end: int | None, newest_ms: int | None, now: datetime
) -> PartitionView:
    lag = None if end is None else max(0, end - max(account.stored, account.origin))
    age = None if newest_ms is None else max(0.0, now.timestamp() - newest_ms / 1000)
    return PartitionView(
        topic=place.topic,
        partition=place.partition,
        position=account.position,
        stored=account.stored,
        committed=account.committed,
        end=end,
        lag_records=lag,
        lag_seconds=0.0 if lag == 0 else age if lag else None,
    )
