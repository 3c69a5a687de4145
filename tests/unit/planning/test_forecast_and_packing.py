"""The arithmetic of minutes, agents and bins."""

from hypothesis import given
from hypothesis import strategies as st

from polly.planning.forecast import forecast, makespan
from polly.planning.packing import Parcel, pack
from polly.work.issues import Severity
from polly.work.plan import Files, WorkPackage

MINUTES = st.lists(st.integers(0, 500), max_size=40)
PARCELS = st.lists(
    st.builds(
        Parcel,
        minutes=st.integers(1, 90),
        role=st.sampled_from("xyz"),
        folder=st.sampled_from(["a", "b", "c"]),
    ),
    min_size=1,
    max_size=40,
)


def packages(*waves: list[int]) -> list[WorkPackage]:
    return [
        WorkPackage(
            id=f"WP{number}-{place}",
            title="",
            role="",
            priority=Severity.MINOR,
            wave=number,
            issues=(),
            files=Files(),
            estimated_minutes=minutes,
        )
        for number, wave in enumerate(waves, 1)
        for place, minutes in enumerate(wave)
    ]


def test_the_longest_package_starts_first() -> None:
    assert makespan([1, 1, 1, 3], 2) == 3


def test_waves_follow_one_another() -> None:
    figures = forecast(packages([30, 20, 10], [40]), agents=2)
    assert figures.sequential_minutes == 100
    assert figures.parallel_minutes == 30 + 40
    assert figures.critical_path_minutes == 30 + 40
    assert figures.bound_minutes == 30 + 40
    assert figures.speedup == 1.43
    assert figures.efficiency == 0.71


def test_the_bound_is_the_larger_of_longest_package_and_even_share() -> None:
    assert forecast(packages([10, 10, 10]), agents=2).bound_minutes == 15
    assert forecast(packages([10, 10, 10]), agents=8).bound_minutes == 10


def test_a_plan_without_packages_is_all_zero() -> None:
    figures = forecast([], agents=4)
    assert (figures.sequential_minutes, figures.parallel_minutes, figures.bound_minutes) == (0, 0, 0)
    assert (figures.speedup, figures.efficiency) == (0, 0)


@given(st.lists(st.lists(st.integers(0, 500), min_size=1, max_size=30), max_size=4), st.integers(1, 40))
def test_bound_and_critical_path_never_exceed_parallel_and_parallel_never_sequential(
    waves: list[list[int]], agents: int
) -> None:
    figures = forecast(packages(*waves), agents)
    assert figures.critical_path_minutes <= figures.bound_minutes + 0.005
    assert figures.bound_minutes <= figures.parallel_minutes <= figures.sequential_minutes


@given(PARCELS, st.integers(1, 12))
def test_every_parcel_lies_in_one_bin_and_no_bin_is_empty(parcels: list[Parcel], bins: int) -> None:
    contents = pack(parcels, bins)
    assert sorted(place for places in contents for place in places) == list(range(len(parcels)))
    assert len(contents) == min(bins, len(parcels))
    assert all(contents)


@given(PARCELS, st.integers(1, 12))
def test_keeping_like_with_like_never_costs_time(parcels: list[Parcel], bins: int) -> None:
    loads = [sum(parcels[place].minutes for place in places) for places in pack(parcels, bins)]
    assert max(loads) <= makespan((parcel.minutes for parcel in parcels), bins)


def test_like_lies_with_like_when_it_costs_nothing() -> None:
    long = [Parcel(minutes=60, role="r", folder="api"), Parcel(minutes=59, role="r", folder="web")]
    short = [Parcel(minutes=5, role="r", folder=folder) for folder in ("api", "web", "api", "web")]
    contents = pack([*long, *short], 2)
    folders = [{[*long, *short][place].folder for place in places} for places in contents]
    assert folders == [{"api"}, {"web"}]


def test_what_no_longer_fits_next_to_its_like_leaves_room_for_others_there() -> None:
    named = [("api", 60), ("web", 40), ("api", 10), ("api", 10), ("web", 10)]
    contents = pack([Parcel(minutes=minutes, role="r", folder=folder) for folder, minutes in named], 2)
    assert [[named[place] for place in places] for places in contents] == [
        [("api", 60), ("api", 10)],
        [("web", 40), ("api", 10), ("web", 10)],
    ]
