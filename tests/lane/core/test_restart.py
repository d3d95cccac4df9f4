"""The core starts again while parcels are on the belt."""

from devices.commands import ReleasePulse
from lane.controller.desk import Desk
from lane.controller.state import LaneState
from lane.errors import Alarm
from lane.events.machine import AlarmCleared, BeltFlushed
from lane.events.parcel import (
    ContentCompared,
    CustodyUnproven,
    ParcelDiverted,
    ParcelDrawn,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    PermitVoided,
)
from lane.inputs import OutboxLevel
from lane.model.words import State
from lane.orders import Reset, Start
from tests.lane.core.boxes import MM, config
from tests.lane.core.helpers import MINUTE, reach, running, state
from tests.lane.core.miniplant import MiniPlant


def test_restart_flushes_voids_permits_draws_what_is_undrawn_and_closes_the_epoch() -> None:
    plant = running(3)
    reach(plant, PermitIssued)
    inducted = plant.core.state.inducted
    before = len(plant.events)
    plant.begin()
    seen = plant.events[before:]
    assert state(plant) is State.STOPPED
    assert plant.core.open_epoch == 0
    assert {event.seq for event in plant.of(ParcelDrawn)} == set(range(1, inducted + 1))
    assert any(isinstance(event, PermitVoided) for event in seen)
    flushed = next(event for event in seen if isinstance(event, BeltFlushed))
    assert set(flushed.seqs) == set(plant.core.state.parcels)
    plant.run(1_000_000)
    assert plant.core.open_epoch == 2
    plant.order(Reset)
    plant.order(Start)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert not [event for event in plant.of(ParcelReleased) if event.seq in flushed.seqs]


def test_restart_with_the_gate_open_leaves_custody_unproven_and_no_message() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    plant.run(700_000)
    plant.begin()
    plant.run(1_000_000)
    plant.order(Reset)
    plant.order(Start)
    plant.run(2 * MINUTE)
    assert not plant.of(ParcelReleased)
    assert len(plant.of(CustodyUnproven)) + len(plant.of(ParcelDiverted)) == 1


def test_a_core_that_starts_behind_the_decision_point_issues_no_permit_by_what_the_one_before_believed() -> None:
    plant = running(1)
    reach(plant, ContentCompared)
    plant.belt = plant.core.state.parcels[1].body.anchor_um + plant.config.layout.divert_um - 100 * MM
    before = len(plant.events)
    plant.begin()
    assert not any(isinstance(event, PermitIssued) for event in plant.events[before:])
    assert not any(isinstance(command, ReleasePulse) for command in plant.commands)


def test_an_alarm_of_a_throttle_that_a_restart_forgets_does_not_stand_for_ever() -> None:
    plant = running()
    plant.give(OutboxLevel(**plant.now(), waiting=10_000, full=True))
    plant.begin()
    assert Alarm.OUTBOX_FULL in {event.number for event in plant.of(AlarmCleared)}
    assert plant.core.state.machine.throttles == []


def test_ten_restarts_in_a_row_never_stall_for_an_epoch() -> None:
    plant = running(10)
    for _ in range(10):
        plant.run(7_000_000)
        plant.begin()
        plant.run(500_000)
        plant.order(Reset)
        plant.order(Start)
        plant.run_until(lambda: state(plant) is State.EXECUTE, 2 * MINUTE)
        assert state(plant) is State.EXECUTE
    core = plant.core.state
    assert core.inducted == core.finished + len(core.parcels)


def test_hourly_header_moves_nothing() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    before = plant.core.snapshot()
    plant.begin(restart=False)
    assert len(plant.core.snapshot()) == len(before)
    assert state(plant) is State.EXECUTE


def test_core_without_anything_pending_wants_no_clock() -> None:
    assert MiniPlant().core.next_deadline() is None


def test_a_restored_core_names_the_same_parcel_beside_a_repeated_waybill() -> None:
    """Whichever of the two came to the bench last, the lower number is named."""
    known = [Desk(config(), LaneState(), b"") for _ in range(2)]
    for desk, seqs in zip(known, ((60, 61), (61, 60)), strict=True):
        for seq in seqs:
            desk.know_code("T000000001", seq)
    assert known[0].codes == known[1].codes == {"T000000001": [60, 61]}
