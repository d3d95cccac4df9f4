"""After lost, late and stray edges the lane comes back: who is inducted afterwards is sound, nobody is forgotten."""

import pytest

from devices.signals import EyeChanged, LinkLost, LinkRestored
from lane.events.machine import BeltFlushed, TrackingStray
from lane.events.parcel import CustodyUnproven, ParcelDiverted, ParcelDrawn, ParcelReleased, TrackingLost
from lane.inputs import AnyInput
from lane.model.config import EYE_DIVERT, EYE_EXIT_INSPECT
from lane.model.grounds import Ground
from lane.model.words import State
from lane.orders import Reset, Start
from tests.lane.core.boxes import MM, Box
from tests.lane.core.helpers import MINUTE, alarms, grounds, reach, running, state
from tests.lane.core.miniplant import MiniPlant

LATE_UM = 400 * MM
"""Longer than report lag and window together: by then the parcel is declared lost at that eye."""


def lay(plant: MiniPlant, first: int, count: int) -> list[str]:
    """Some more parcels; their codes."""
    codes = [f"T{number:09d}" for number in range(first, first + count)]
    for code in codes:
        plant.lay(Box(code=code))
    return codes


def keep_edges_back(plant: MiniPlant) -> list[AnyInput]:
    """Edges of eyes do not reach the core until the filter is taken away; those that were kept."""
    kept: list[AnyInput] = []

    def away(item: AnyInput) -> AnyInput | None:
        if isinstance(item, EyeChanged):
            kept.append(item)
        return None if isinstance(item, EyeChanged) else item

    plant.filter = away
    return kept


def released(plant: MiniPlant) -> set[str]:
    return {plant.by_seq[event.seq].code for event in plant.of(ParcelReleased)}


def flushes(plant: MiniPlant) -> list[BeltFlushed]:
    """Flushes that took somebody off his way (a start's own flush of an empty belt takes nobody)."""
    return [event for event in plant.of(BeltFlushed) if event.seqs]


def all_accounted(plant: MiniPlant) -> None:
    """Everything inducted has one end, and nothing is left on the belt."""
    core = plant.core.state
    ends = [event.seq for kind in (ParcelReleased, ParcelDiverted, CustodyUnproven) for event in plant.of(kind)]
    assert not core.parcels
    assert core.inducted == core.finished == len({seq for seq in ends if seq}) + core.removed_count
    assert len(ends) == len(set(ends))


def late(plant: MiniPlant, seq: int, eye: str, by_um: int = LATE_UM) -> None:
    """Both edges of one parcel at one eye are told late, with the belt positions at which they happened."""

    def hold_back(item: AnyInput) -> AnyInput | None:
        if not isinstance(item, EyeChanged) or item.eye != eye or plant.by_seq[seq].at_um > item.belt_um:
            return item
        box = plant.by_seq[seq]
        station = getattr(plant.config.layout, f"{eye}_um")
        if item.belt_um not in (box.at_um + station, box.at_um + station + box.length_um):
            return item
        plant.when(item.belt_um + by_um, lambda: plant.core_hears(item))
        return None

    plant.filter = hold_back


@pytest.mark.parametrize("eye", ["tunnel_entry", "tunnel_exit", "divert", "exit_inspect"])
def test_an_edge_that_comes_late_is_its_own_parcels_and_no_second_fault(eye: str) -> None:
    plant = running()
    plant.lay(Box(code="T000000001", seen=1))
    others = lay(plant, 2, 5)
    reach(plant, ParcelDrawn)
    late(plant, 1, eye)
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(TrackingLost)] == [1]
    assert not plant.of(TrackingStray)
    assert not flushes(plant)
    assert released(plant) == set(others[1:]), "only the parcel itself and its neighbour are in doubt"
    if eye != "exit_inspect":
        assert Ground.TRACKING_LOST in grounds(plant, 1)
    all_accounted(plant)
    assert state(plant) is State.EXECUTE


def test_a_late_edge_measures_the_place_of_its_parcel_anew() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", slip_um={"tunnel_exit": 15 * MM, "divert": 15 * MM, "exit_inspect": 15 * MM}))
    reach(plant, ParcelDrawn)
    box = plant.boxes[0]
    plant.filter = lambda item: None if isinstance(item, EyeChanged) and item.eye == "tunnel_exit" else item
    reach(plant, TrackingLost)
    edge = box.at_um + plant.config.layout.tunnel_exit_um + 15 * MM
    plant.filter = lambda item: item
    plant.give(EyeChanged(at_us=plant.at_us, belt_um=edge, eye="tunnel_exit", blocked=True))
    assert plant.core.state.parcels[1].body.anchor_um == box.at_um + 15 * MM
    plant.run(2 * MINUTE)
    assert grounds(plant, 1) >= {Ground.TRACKING_LOST}
    assert not plant.of(TrackingStray)


def test_an_edge_outside_the_window_of_the_lost_parcel_is_a_stray_still() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.filter = lambda item: None if isinstance(item, EyeChanged) and item.eye == "tunnel_exit" else item
    reach(plant, TrackingLost)
    plant.filter = lambda item: item
    edge = plant.boxes[0].at_um + plant.config.layout.tunnel_exit_um + 60 * MM
    plant.give(EyeChanged(at_us=plant.at_us, belt_um=edge, eye="tunnel_exit", blocked=True))
    assert len(plant.of(TrackingStray)) == 1
    assert flushes(plant)[-1].cause == "second tracking fault"


def stray_edges(plant: MiniPlant, at_um: int, eye: str = "divert") -> None:
    """A body that nobody knows covers an eye and leaves it."""
    for way_um, blocked in ((0, True), (30 * MM, False)):
        plant.give(EyeChanged(at_us=plant.at_us, belt_um=at_um + way_um, eye=eye, blocked=blocked))


def test_strays_among_a_flushed_belt_do_not_flush_those_inducted_since() -> None:
    plant = running()
    lay(plant, 1, 5)
    plant.boxes[0].removed_at_um = 2_500 * MM
    reach(plant, TrackingLost)
    flushed_um = plant.belt
    stray_edges(plant, plant.belt, "tunnel_exit")
    assert [event.cause for event in flushes(plant)] == ["second tracking fault"]
    before = set(plant.core.state.parcels)
    fresh = lay(plant, 6, 6)
    for wait_mm in (1_500, 3_000, 4_500):
        at_um = flushed_um + wait_mm * MM
        plant.when(at_um, lambda at_um=at_um: stray_edges(plant, at_um, "divert"))  # type: ignore[misc]
    plant.run(2 * MINUTE)
    assert len(flushes(plant)) == 1, "late edges of flushed bodies flush nobody again"
    assert len(plant.of(TrackingStray)) >= 3
    assert set(fresh) <= released(plant) | {plant.by_seq[max(before) + 1].code}, "at most their next neighbour"
    all_accounted(plant)
    assert state(plant) is State.EXECUTE


def test_after_a_second_fault_the_next_fault_counts_as_the_first_one_again() -> None:
    plant = running()
    lay(plant, 1, 12)
    for number in (0, 2, 9):
        plant.boxes[number].removed_at_um = 2_500 * MM
    plant.run(2 * MINUTE)
    assert len(flushes(plant)) == 1
    flushed = flushes(plant)[0].seqs
    sound = {seq for seq in range(1, 13) if seq not in flushed} - {9, 10, 11}
    assert sound
    assert {event.seq for event in plant.of(ParcelReleased)} == sound
    all_accounted(plant)


def test_a_restarted_core_that_hears_old_edges_late_recovers_for_the_parcels_after_it() -> None:
    plant = running(4)
    reach(plant, ParcelDrawn, 3)
    kept = keep_edges_back(plant)
    plant.run(1_500_000)
    plant.filter = lambda item: item
    plant.begin()
    for item in kept:
        plant.core_hears(item)
    plant.run(1_000_000)
    plant.order(Reset)
    plant.order(Start)
    plant.run_until(lambda: state(plant) is State.EXECUTE, 2 * MINUTE)
    fresh = lay(plant, 10, 5)
    plant.run(2 * MINUTE)
    assert set(fresh) <= released(plant)
    all_accounted(plant)


def test_edges_kept_over_a_gap_in_the_polls_are_sorted_out_without_a_flush() -> None:
    plant = running(6)
    reach(plant, ParcelDrawn, 4)
    kept = keep_edges_back(plant)
    plant.run(300_000)
    plant.give(LinkLost(**plant.now(), role="io", port="p", unit=1, reason="silence"))
    plant.run(600_000)
    plant.filter = lambda item: item
    plant.give(LinkRestored(**plant.now(), role="io", port="p", unit=1, gap_us=900_000, watchdog_tripped=False))
    for item in kept:
        plant.core_hears(item)
    fresh = lay(plant, 10, 4)
    plant.run(2 * MINUTE)
    assert not flushes(plant)
    assert not alarms(plant) & {201, 202}
    assert set(fresh) <= released(plant)
    all_accounted(plant)


def test_body_that_slipped_behind_another_does_not_hide_that_one_from_the_exit_eye() -> None:
    """Pieces of a torn parcel: the first one slips 180 mm and lies behind the second from then on."""
    plant = running()
    behind = {EYE_DIVERT: 180 * MM, EYE_EXIT_INSPECT: 180 * MM}
    plant.lay(Box(code="T000000001", length_um=20 * MM, seen=1, slip_um=behind), gap_um=0)
    plant.lay(Box(code="T000000002", length_um=20 * MM, seen=1), gap_um=100 * MM)
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(ParcelDiverted)] == [2, 1]
    assert Ground.TRACKING_LOST in grounds(plant, 1)
    assert Ground.TRACKING_LOST not in grounds(plant, 2)
