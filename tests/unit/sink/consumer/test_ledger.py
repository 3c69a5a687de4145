"""What may be committed, against an oracle that remembers everything."""

from hypothesis import given
from hypothesis import strategies as st

from polly.sink.consumer.ledger import Ledger
from polly.sink.consumer.ports import Place, place_of, stream_name

PLACES = [Place("t", number) for number in range(3)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "read", "store", "settle", "commit"]),
        st.sampled_from(PLACES),
        st.integers(0, 20),
    ),
    max_size=40,
)


@given(STEPS)
def test_only_what_is_stored_and_settled_is_committed_and_never_backwards(
    steps: list[tuple[str, Place, int]],
) -> None:
    ledger = Ledger()
    stored: dict[Place, int] = {}
    settled: dict[Place, int] = {}
    committed: dict[Place, int] = {}
    epochs: set[int] = set()
    for step, place, number in steps:
        ours = place in ledger.accounts
        if step == "open":
            start = max(stored.get(place, 0), committed.get(place, 0))
            epoch = ledger.open(
                place, start=start, stored=stored.get(place, 0), committed=committed.get(place)
            )
            assert epoch not in epochs
            epochs.add(epoch)
            settled[place] = committed.get(place, 0)
        elif step == "close":
            ledger.close([place])
            assert not any(ledger.is_current(place, epoch) for epoch in epochs)
        elif step == "read" and ours:
            ledger.read(place, ledger.accounts[place].position + number)
        elif step == "store" and ours:
            end = min(ledger.accounts[place].position, ledger.accounts[place].stored + number)
            ledger.store({place: end})
            stored[place] = max(stored.get(place, 0), end)
        elif step == "settle":
            ledger.settle()
            settled.update((each, account.stored) for each, account in ledger.accounts.items())
        elif step == "commit":
            for each, offset in ledger.to_commit().items():
                assert committed.get(each, 0) < offset <= settled[each] <= stored[each]
                committed[each] = offset
                ledger.commit(each, offset)
            assert ledger.to_commit() == {}


def test_a_stream_names_its_place_also_when_the_group_has_colons() -> None:
    place = Place("agent-actions", 12)
    assert place_of(stream_name("team:a", place)) == place
    assert place_of("spool:0190-aa") is None
