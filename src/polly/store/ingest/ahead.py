"""Records that come next, judged while the database is at work on those before."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from polly.events.transfer import Record
from polly.store.ingest.form import Form
from polly.store.ingest.judge import Event, Refused, judge

#: Judged in one go: about a tenth of a millisecond, which an answer that has come may wait.
_AT_ONCE = 8
#: As long as records ahead are not larger than this together: what they are is kept beside them.
_MOST_BYTES = 2 << 20


class _Judged(NamedTuple):
    record: Record
    found: Event | Refused


class Ahead:
    """Judges a few records whenever there is a moment, and keeps what they are until they come."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._waiting: Iterator[tuple[str, Record]] = iter(())
        # By identity: a record that is read again is another one. Those that are kept here are alive.
        self._judged: dict[int, _Judged] = {}
        self._expected_before: dict[int, _Judged] = {}

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        """These come next, by stream, after those that were expected before."""
        coming = [*_first(records)]
        before, wanted = self._judged, {id(each) for _, each in coming}
        self._judged = {key: before[key] for key in before if key in wanted}
        self._expected_before = {key: before[key] for key in before if key not in wanted}
        self._waiting = iter([each for each in coming if id(each[1]) not in before])

    def work(self) -> bool:
        """Judge a few. False: there is nothing to do."""
        found = list(islice(self._waiting, _AT_ONCE))
        for stream, record in found:
            self._judged[id(record)] = _Judged(record, judge(stream, record, self._form))
        return bool(found)

    def look(self, stream: str, record: Record) -> Event | Refused:
        """What the record is."""
        known = self._expected_before.pop(id(record), None) or self._judged.pop(id(record), None)
        return judge(stream, record, self._form) if known is None else known.found


def _first(records: Mapping[str, Sequence[Record]]) -> Iterator[tuple[str, Record]]:
    size = 0
    for stream, found in records.items():
        for record in found:
            size += len(record.raw)
            if size > _MOST_BYTES:
                return
            yield stream, record
