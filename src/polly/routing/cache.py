"""Decisions that were made already, the last used ones."""

import hashlib
import threading
from collections import OrderedDict

import msgspec

from polly.work.routing import Request, RoutingDecision

#: A decision takes some kilobytes.
ENTRIES = 1_024


class DecisionCache:
    """At most `entries` decisions; when it is full the one that was not asked for longest goes.

    Threads may share it, and so may routers: the key contains what a decision depends on.
    """

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = max(entries, 0)
        self._decisions: OrderedDict[bytes, RoutingDecision] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> RoutingDecision | None:
        """The decision kept under this key, if there is one."""
        with self._lock:
            decision = self._decisions.get(key)
            if decision is not None:
                self._decisions.move_to_end(key)
            return decision

    def keep(self, key: bytes, decision: RoutingDecision) -> None:
        """Remember a decision."""
        with self._lock:
            self._decisions[key] = decision
            self._decisions.move_to_end(key)
            while len(self._decisions) > self._entries:
                self._decisions.popitem(last=False)

    def __len__(self) -> int:
        return len(self._decisions)


def digest(*things: object) -> bytes:
    """One value for everything that these things say; equal things have equal ones."""
    packed = msgspec.msgpack.encode(things, order="deterministic")
    return hashlib.blake2b(packed, digest_size=16).digest()


def key_of(request: Request, version: bytes) -> bytes:
    """What a decision is kept under. version: of the roles, outcomes and figures that it depends on."""
    return digest(request, version)
