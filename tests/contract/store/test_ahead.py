"""Records that are judged before they come."""

from collections.abc import Sequence

import pytest

from polly.events.transfer import Record
from polly.store.ingest import ahead
from polly.store.ingest.ahead import Ahead
from polly.store.ingest.form import Form, sqlite_form
from polly.store.ingest.judge import Event, Refused, judge

LARGE = b"x" * (1 << 20)


class Judged:
    """Where `ahead` judges, with the positions that it has judged."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.positions: list[int] = []
        patch.setattr(ahead, "judge", self.judge)

    def judge(self, stream: str, record: Record, form: Form) -> Event | Refused:
        self.positions.append(record.position)
        return judge(stream, record, form)

    def all_work_of(self, one: Ahead) -> Sequence[int]:
        """What is judged while there is time without end."""
        self.positions = []
        while one.work():
            pass
        return self.positions


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judged:
    return Judged(monkeypatch)


def records(start: int, count: int, raw: bytes = b"no json") -> tuple[Record, ...]:
    return tuple(Record(number, raw) for number in range(start, start + count))


def test_what_is_expected_is_judged_once_and_the_same_when_it_comes(judged: Judged) -> None:
    one, coming = Ahead(sqlite_form()), records(0, 20)
    one.expect({"s": coming})
    assert judged.all_work_of(one) == [*range(20)]
    one.expect({"s": coming, "t": records(5, 2)})
    assert judged.all_work_of(one) == [5, 6]
    found = [one.look("s", each) for each in coming]
    assert found == [judge("s", each, sqlite_form()) for each in coming]
    assert judged.positions == [5, 6]


def test_what_is_taken_while_the_next_is_expected_is_still_known(judged: Judged) -> None:
    one, first, second = Ahead(sqlite_form()), records(0, 3), records(3, 3)
    one.expect({"s": first})
    judged.all_work_of(one)
    one.expect({"s": second})
    judged.positions = []
    for each in first:
        one.look("s", each)
    assert judged.positions == []


def test_what_never_came_is_not_kept_and_what_is_read_again_is_judged_again(judged: Judged) -> None:
    one, gone = Ahead(sqlite_form()), records(0, 3)
    for coming in (gone, records(3, 1), records(4, 1)):
        one.expect({"s": coming})
        judged.all_work_of(one)
    judged.positions = []
    for each in (*gone, *records(4, 1)):
        one.look("s", each)
    assert judged.positions == [0, 1, 2, 4]


def test_no_more_is_judged_ahead_than_memory_is_meant_for(judged: Judged) -> None:
    one = Ahead(sqlite_form())
    one.expect({"s": records(0, 5, LARGE)})
    assert judged.all_work_of(one) == [0, 1]
