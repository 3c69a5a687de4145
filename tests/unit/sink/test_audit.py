from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from polly.events.numbering import Gap, NumberCollector, Numbers, StoredNumbers, number_of
from polly.sink.audit import Absent, Partition, Seen, SourceAudit, audit_source
from polly.sink.spool_census import census

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
GRACE = timedelta(minutes=5)
LONG_AGO = NOW - timedelta(hours=1)
JUST_NOW = NOW - timedelta(seconds=1)
SOURCE = "urn:polly:host:1"

sets = st.sets(st.integers(1, 40))


def numbers(values: set[int]) -> Numbers:
    return Numbers.of((value, value) for value in values)


def listed(some: Numbers) -> set[int]:
    return {number for first, last in some.ranges for number in range(first, last + 1)}


def stored(values: set[int], *, noticed_at: datetime = LONG_AGO) -> StoredNumbers:
    gaps = numbers(set(range(1, max(values))) - values).ranges
    return StoredNumbers(
        SOURCE, min(values), max(values), tuple(Gap(first, last, noticed_at) for first, last in gaps)
    )


def topic(*, low: int = 0, high: int, position: int | None) -> Partition:
    return Partition(topic="agent-actions", partition=0, low=low, high=high, position=position)


def audited(seen: Seen) -> SourceAudit:
    return audit_source(SOURCE, seen, now=NOW, grace=GRACE)


def ranges(absent: tuple[Absent, ...]) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in absent]


@given(sets, sets)
def test_numbers_behave_as_sets(one: set[int], other: set[int]) -> None:
    first, second = numbers(one), numbers(other)
    assert listed(first | second) == one | other
    assert listed(first & second) == one & other
    assert listed(first - second) == one - other
    assert len(first) == len(one)
    assert first.last == max(one, default=0)


@given(st.lists(st.integers(1, 30)))
def test_a_collector_keeps_exactly_what_it_was_given_as_ranges_that_do_not_touch(given: list[int]) -> None:
    collector = NumberCollector()
    for number in given:
        collector.add(number)
    found = collector.numbers()
    assert listed(found) == set(given)
    assert all(right[0] > left[1] + 1 for left, right in zip(found.ranges, found.ranges[1:], strict=False))


def test_only_positive_whole_numbers_count_as_numbers() -> None:
    assert [number_of(text) for text in ("000000000007", "7", "", "0", "x", "-1", "1.5", "٣", "9" * 19)] == [
        7,
        7,
        *[None] * 7,
    ]


@given(stored_=sets, waiting=sets, letters=sets, handed_on=sets)
def test_every_number_up_to_the_highest_known_is_in_exactly_one_account(
    stored_: set[int], waiting: set[int], letters: set[int], handed_on: set[int]
) -> None:
    seen = Seen(
        stored={SOURCE: stored(stored_)} if stored_ else {},
        waiting={SOURCE: numbers(waiting)},
        letters={SOURCE: numbers(letters)},
        published={SOURCE: numbers(handed_on)},
    )
    result = audited(seen)
    everything = stored_ | waiting | letters | handed_on
    assert result.expected == max(everything, default=0)
    missing = {number for each in result.missing for number in range(each.first, each.last + 1)}
    assert missing == set(range(1, result.expected + 1)) - stored_ - waiting - letters
    assert result.on_its_way == ()  # there is no topic in which they could be
    assert (result.stored, result.spooled, result.dead_lettered) == (
        len(stored_),
        len(waiting - stored_),
        len(letters - stored_),
    )
    assert result.state == ("missing" if missing else "on its way" if waiting - stored_ else "complete")


def test_a_number_that_is_nowhere_is_missing_nowhere() -> None:
    result = audited(Seen(stored={SOURCE: stored({1, 2, 5})}))
    assert result.state == "missing"
    assert result.missing == (Absent(first=3, last=4, count=2, could_be=("nowhere",), noticed_at=LONG_AGO),)


def test_a_fresh_gap_is_on_its_way_while_records_wait_in_a_topic_and_missing_once_it_is_old() -> None:
    behind = (topic(high=100, position=90),)
    fresh = audited(Seen(stored={SOURCE: stored({1, 3}, noticed_at=JUST_NOW)}, topics=behind))
    assert (fresh.state, ranges(fresh.on_its_way), fresh.missing) == ("on its way", [(2, 2)], ())
    old = audited(Seen(stored={SOURCE: stored({1, 3})}, topics=behind))
    assert (old.state, ranges(old.missing), old.missing[0].could_be) == ("missing", [(2, 2)], ("topic",))


def test_a_fresh_gap_is_missing_when_the_sink_has_read_everything() -> None:
    read = (topic(high=100, position=100),)
    result = audited(Seen(stored={SOURCE: stored({1, 3}, noticed_at=JUST_NOW)}, topics=read))
    assert (result.state, result.missing[0].could_be) == ("missing", ("nowhere",))


def test_a_published_tail_is_on_its_way_only_as_long_as_records_wait() -> None:
    seen = Seen(stored={SOURCE: stored({1})}, published={SOURCE: numbers({1, 2, 3})})
    waiting = Seen(stored=seen.stored, published=seen.published, topics=(topic(high=7, position=5),))
    assert (audited(waiting).state, ranges(audited(waiting).on_its_way)) == ("on its way", [(2, 3)])
    assert (audited(seen).state, ranges(audited(seen).missing)) == ("missing", [(2, 3)])


def test_a_partition_that_was_never_read_waits_whole() -> None:
    assert topic(low=3, high=10, position=None).waiting == 7


def test_records_that_expired_before_they_were_read_are_a_place_and_no_excuse() -> None:
    gone = topic(low=50, high=50, position=20)
    assert (gone.waiting, gone.expired) == (0, 30)
    result = audited(Seen(stored={SOURCE: stored({1, 3})}, topics=(gone,)))
    assert (result.state, result.missing[0].could_be) == ("missing", ("expired in the topic",))


def test_a_dead_letter_accounts_for_its_number_and_one_without_a_number_may() -> None:
    known = Seen(stored={SOURCE: stored({1, 3})}, letters={SOURCE: numbers({2})})
    assert (audited(known).state, audited(known).dead_lettered) == ("complete", 1)
    unknown = Seen(stored={SOURCE: stored({1, 3})}, letters_without_number=1)
    assert audited(unknown).missing[0].could_be == ("letter without a number",)


def test_a_replayed_letter_that_was_not_stored_is_named_as_such() -> None:
    seen = Seen(stored={SOURCE: stored({1, 4})}, replayed={SOURCE: numbers({2})})
    assert [(each.first, each.could_be) for each in audited(seen).missing] == [
        (2, ("replayed letter",)),
        (3, ("nowhere",)),
    ]


def test_numbers_that_were_removed_for_their_age_are_not_missing() -> None:
    kept = {SOURCE: stored({4, 6})}
    result = audited(Seen(stored=kept, removed={SOURCE: numbers({1, 2, 3})}))
    assert (result.removed, ranges(result.missing)) == (3, [(5, 5)])
    assert ranges(audited(Seen(stored=kept)).missing) == [(1, 3), (5, 5)]


def _lines(*sequences: int) -> bytes:
    return b"".join(b'{"source":"%s","sequence":"%012d"}\n' % (SOURCE.encode(), each) for each in sequences)


def test_a_census_tells_what_waits_from_what_was_handed_on(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_lines(1, 2, 3))
    (tmp_path / "b.jsonl").write_bytes(_lines(4) + b"no event\n" + b'{"source":"x"}\n' + _lines(9)[:-1])
    handed_on = {"a": 2 * len(_lines(1))}
    found = census(tmp_path, lambda path: handed_on.get(path.stem, 0))
    assert listed(found.waiting[SOURCE]) == {3, 4}  # the last line of b is still being written
    assert listed(found.handed_on[SOURCE]) == {1, 2}
    assert (found.files, found.waiting_lines, found.unreadable, found.unnumbered) == (2, 4, 1, 1)


def test_a_spool_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    assert census(tmp_path / "none", lambda _: 0).waiting == {}
