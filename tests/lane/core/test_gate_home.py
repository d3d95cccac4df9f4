"""Behind each parcel with a permit the gate must be proven home, or the belt stops before the next one."""

import pytest

from devices.signals import EyeChanged, GateInPosition, GatePosition
from lane.errors import Alarm
from lane.events.parcel import ParcelDrawn, ParcelReleased, PermitIssued, PermitUsed
from lane.model.grounds import Ground
from lane.model.words import State
from lane.orders import Unhold
from lane.permits import left_by_um, stop_um
from tests.lane.core.boxes import MM, Box
from tests.lane.core.helpers import MINUTE, alarms, grounds, reach, refusals, running, state
from tests.lane.core.miniplant import MiniPlant


def stuck_open(gap_um: int, **second: object) -> MiniPlant:
    """The blade sticks OUT while the first of two parcels passes it."""
    plant = running()
    plant.lay(Box(code="T000000001"), 700 * MM)
    plant.lay(Box(code="T000000002", **second), gap_um)  # type: ignore[arg-type]
    reach(plant, PermitUsed)
    plant.gate_sticks = True
    plant.run(MINUTE)
    return plant


def exits(plant: MiniPlant) -> list[str]:
    """Where the blade sent each box so far."""
    return [box.exit for box in plant.boxes]


@pytest.mark.parametrize("seen", [1, 2])
def test_blade_stuck_out_stops_the_belt_before_the_next_parcel_with_or_without_a_permit_reaches_it(seen: int) -> None:
    plant = stuck_open(360 * MM, seen=seen)
    assert state(plant) is State.HELD
    assert Alarm.GATE_UNPROVEN in alarms(plant)
    assert plant.gate is GatePosition.RELEASE
    assert exits(plant) == ["exit_release", ""], "the second parcel came to the blade"
    assert Alarm.RELEASE_WITHOUT_PERMIT not in alarms(plant)
    plant.order(Unhold)
    assert "gate is not at INSPECT" in refusals(plant)[-1]
    assert state(plant) is State.HELD
    plant.free_gate()
    plant.run(1_000_000)
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert Ground.GATE_UNPROVEN in grounds(plant, 2)
    assert exits(plant) == ["exit_release", "exit_inspect"]
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]


def test_parcel_that_could_not_reach_the_stuck_gate_before_the_belt_stands_keeps_its_chance() -> None:
    plant = stuck_open(1_500 * MM)
    assert plant.of(PermitUsed)[-1].seq == 1
    assert plant.belt - left_by_um(plant.config, plant.of(PermitIssued)[0].to_um) <= stop_um(plant.config)
    plant.free_gate()
    plant.run(1_000_000)
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1, 2]


def test_blade_stuck_half_way_home_is_noticed_and_the_lane_holds() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    plant.filter = lambda item: (
        None if isinstance(item, GateInPosition) and item.position is GatePosition.INSPECT else item
    )
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert alarms(plant) == {Alarm.GATE_UNPROVEN}
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]


def test_gate_that_moves_home_in_time_holds_nobody() -> None:
    plant = running()
    for number in range(6):
        plant.lay(Box(code=f"T{number:09d}", length_um=800 * MM if number % 2 else 130 * MM), 360 * MM)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert not alarms(plant)
    assert len(plant.of(ParcelReleased)) == 6


def test_gate_away_from_inspect_at_the_decision_point_means_no_permit_and_stops_the_belt() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.give(GateInPosition(**plant.now(), position=GatePosition.MOVING))
    plant.run(2 * MINUTE)
    assert not plant.of(PermitIssued)
    assert state(plant) is State.HELD
    assert Ground.GATE_UNPROVEN in plant.core.state.parcels[1].grounds
    assert exits(plant) == [""], "it stands before the gate"


def test_unknown_body_close_behind_a_released_parcel_is_stopped_before_the_open_gate() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    box = plant.boxes[0]
    head = box.at_um + box.length_um + 60 * MM
    divert_um, gate_um = plant.config.layout.divert_um, plant.config.layout.gate_um
    plant.when(head + divert_um, lambda: plant.give(EyeChanged(**plant.now(), eye="divert", blocked=True)))
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.STRAY_AT_GATE in alarms(plant)
    assert plant.belt < head + gate_um
