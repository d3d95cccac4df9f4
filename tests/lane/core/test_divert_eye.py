"""The divert eye looks once more: whoever is not the permitted parcel, or too close behind it, stops the belt."""

from functools import partial

import pytest

from devices.signals import EyeChanged
from lane.errors import Alarm
from lane.events.machine import AlarmRaised
from lane.events.parcel import CustodyUnproven, ParcelReleased, PermitUsed, PermitVoided, TrackingLost
from lane.inputs import AnyInput
from lane.model.config import EYE_DIVERT
from lane.model.grounds import Ground
from lane.model.words import State
from lane.orders import Unhold
from tests.lane.core.boxes import MM, Box
from tests.lane.core.helpers import MINUTE, alarms, back, grounds, lose, reach, running, state
from tests.lane.core.miniplant import MiniPlant


def two(gap_um: int = 700 * MM, **second: object) -> MiniPlant:
    """Two boxes of 400 mm, as seen up to the moment in which the first one's permit is used."""
    plant = running()
    plant.lay(Box(code="T000000001"), 700 * MM)
    plant.lay(Box(code="T000000002", **second), gap_um)  # type: ignore[arg-type]
    reach(plant, PermitUsed)
    return plant


def edge(plant: MiniPlant, eye: str, blocked: bool) -> None:
    """An eye changes as it is seen at this moment."""
    plant.give(EyeChanged(**plant.now(), eye=eye, blocked=blocked))


def clear_late(plant: MiniPlant, by_um: int) -> None:
    """The divert eye's next tail comes this much later: something lies on the parcel's end."""

    def later(item: AnyInput) -> AnyInput | None:
        if isinstance(item, EyeChanged) and item.eye == EYE_DIVERT and not item.blocked:
            plant.filter = lambda other: other
            plant.when(plant.belt + by_um, partial(edge, plant, EYE_DIVERT, False))
            return None
        return item

    plant.filter = later


def test_a_second_body_on_the_permitted_parcel_stops_the_belt_before_the_release_exit() -> None:
    plant = two()
    clear_late(plant, 120 * MM)
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.STRAY_AT_GATE in alarms(plant)
    assert plant.belt < plant.boxes[0].at_um + plant.config.layout.exit_release_um + plant.boxes[0].length_um
    assert plant.of(PermitVoided)[0].seq == 1
    assert not plant.of(ParcelReleased)


def test_a_shorter_body_in_the_permitted_parcels_place_stops_the_belt_too() -> None:
    plant = two()
    plant.run_until(lambda: EYE_DIVERT in plant.core.state.covers, MINUTE)
    plant.run(300_000)
    edge(plant, EYE_DIVERT, False)
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.STRAY_AT_GATE in alarms(plant)
    assert not plant.of(ParcelReleased)


def test_what_was_measured_wrong_is_nobodys_at_the_release_exit_and_its_neighbour_is_opened() -> None:
    plant = two()
    clear_late(plant, 120 * MM)
    plant.run(MINUTE)
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(CustodyUnproven)] == [1]
    assert Alarm.RELEASE_WITHOUT_PERMIT in alarms(plant)
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert not plant.of(ParcelReleased)
    assert Ground.NEIGHBOUR_DOUBT in grounds(plant, 2)


@pytest.mark.parametrize("by_um", [0, 15 * MM])
def test_a_tail_within_the_eyes_window_stops_nobody(by_um: int) -> None:
    plant = two()
    if by_um:
        clear_late(plant, by_um)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert [event.seq for event in plant.of(ParcelReleased)] == [1, 2]
    assert not alarms(plant)


def test_another_length_before_the_gate_moved_ends_the_permit_and_the_lane_runs_on() -> None:
    plant = two(1_500 * MM, seen=1)  # the second is opened: nothing is open when it passes
    plant.run_until(lambda: bool(plant.of(ParcelReleased)), MINUTE)
    clear_late(plant, 120 * MM)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert Ground.LENGTH_MISMATCH in grounds(plant, 2)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]


@pytest.mark.parametrize(("behind_um", "stops"), [(170 * MM, True), (250 * MM, False)])
def test_a_body_that_slid_up_behind_a_released_one_stops_the_belt_when_the_blade_can_not_be_home(
    behind_um: int, stops: bool
) -> None:
    plant = two(360 * MM, seen=1, slip_um={EYE_DIVERT: behind_um - 360 * MM})
    plant.run_until(lambda: len(plant.of(TrackingLost)) > 0, MINUTE)
    plant.run(200_000)
    told = [event.detail for event in plant.of(AlarmRaised) if event.number == Alarm.STRAY_AT_GATE]
    assert told == (["it follows through the gate unless the belt stops"] if stops else [])
    assert plant.of(TrackingLost)[0].seq == 2


def test_a_silent_lane_io_is_no_long_parcel() -> None:
    """Its edges come later: nobody may say that the eye stays covered."""
    plant = two()
    plant.run_until(lambda: EYE_DIVERT in plant.core.state.covers, MINUTE)
    held: list[AnyInput] = []

    def keep(item: AnyInput) -> AnyInput | None:
        if isinstance(item, EyeChanged):
            held.append(item)
            return None
        return item

    plant.filter = keep
    lose(plant)
    plant.run(900_000)
    assert Alarm.STRAY_AT_GATE not in alarms(plant)
    plant.filter = lambda item: item
    for item in held:
        plant.give(item)
    back(plant, gap_us=900_000)
    plant.run(2 * MINUTE)
    assert Alarm.STRAY_AT_GATE not in alarms(plant)
