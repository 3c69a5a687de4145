"""Per partition: how far it is read, stored and committed, and so what may be committed now. Pure.

Every number is the next offset: everything before it is done. committed <= settled <= stored <=
position, but for one case: a store that was put back to an earlier day knows less than the group committed.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from polly.sink.consumer.ports import Place


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One partition while it is ours.

    origin: where reading began; what is before was never ours to read.
    epoch: which of our times of having it; what is in hand from an earlier time is void.
    stored: the store has everything before; the batch that follows starts there.
    settled: what is stored and whose dead letters are acknowledged; this may be committed.
    """

    epoch: int
    origin: int
    position: int
    stored: int
    settled: int
    committed: int | None


class Ledger:
    """The accounts of all partitions that are ours."""

    def __init__(self) -> None:
        self._accounts: Final[dict[Place, Account]] = {}
        self._epoch = 0

    @property
    def accounts(self) -> Mapping[Place, Account]:
        return self._accounts

    def epochs(self) -> dict[Place, int]:
        """The epoch of each partition that is ours now."""
        return {place: account.epoch for place, account in self._accounts.items()}

    def open(self, place: Place, *, start: int, stored: int, committed: int | None) -> int:
        """The partition is ours, read from `start` on. Returns the epoch of this time of having it.

        stored: what the store says; 0 when it does not know the partition.
        """
        self._epoch += 1
        self._accounts[place] = Account(
            epoch=self._epoch,
            origin=start,
            position=start,
            stored=stored,
            # Dead letters of what was stored before may still have to be published.
            settled=min(stored, committed or 0),
            committed=committed,
        )
        return self._epoch

    def close(self, places: Iterable[Place]) -> None:
        """The partitions are not ours any more."""
        for place in places:
            self._accounts.pop(place, None)

    def is_current(self, place: Place, epoch: int) -> bool:
        """Does what was read in this epoch still count?"""
        account = self._accounts.get(place)
        return account is not None and account.epoch == epoch

    def read(self, place: Place, end: int) -> None:
        """Everything before `end` is in hand."""
        account = self._accounts[place]
        if end > account.position:
            self._accounts[place] = msgspec.structs.replace(account, position=end)

    def store(self, ends: Mapping[Place, int]) -> None:
        """The store has everything before these offsets."""
        for place, end in ends.items():
            account = self._accounts.get(place)
            if account is not None and end > account.stored:
                self._accounts[place] = msgspec.structs.replace(account, stored=end)

    def settle(self) -> None:
        """The dead letters of everything that is stored are acknowledged."""
        for place, account in self._accounts.items():
            if account.stored > account.settled:
                self._accounts[place] = msgspec.structs.replace(account, settled=account.stored)

    def to_commit(self, places: Iterable[Place] | None = None) -> dict[Place, int]:
        """What may be committed and has not been: an offset never goes back."""
        chosen = self._accounts if places is None else places
        offsets = {}
        for place in chosen:
            account = self._accounts.get(place)
            if account is not None and account.settled > (account.committed or 0):
                offsets[place] = account.settled
        return offsets

    def commit(self, place: Place, offset: int) -> None:
        """The group has this offset."""
        account = self._accounts.get(place)
        if account is not None:
            self._accounts[place] = msgspec.structs.replace(account, committed=offset)
