"""Stop, complete, hold, and the outside causes that suspend."""

from devices.commands import (
    StopBelt,
)
from devices.signals import (
    GateFault,
)
from lane.errors import Alarm
from lane.events.machine import Snapshot, StateChanged
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    ParcelDiverted,
    ParcelDrawn,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    PermitVoided,
)
from lane.inputs import FeedState, OutboxLevel
from lane.model.grounds import Ground
from lane.model.words import Custody, State
from lane.orders import Complete, Hold, MoveCustody, Reset, Start, Stop, Unhold
from tests.lane.core.boxes import MM, Box
from tests.lane.core.helpers import MINUTE, alarms, grounds, reach, refusals, running, state
from tests.lane.core.miniplant import MiniPlant


def test_stop_runs_the_belt_empty_to_inspect_and_writes_a_snapshot() -> None:
    plant = running(3)
    reach(plant, DispositionDecided)
    plant.order(Stop)
    assert not plant.induction
    plant.run(MINUTE)
    assert state(plant) is State.STOPPED
    assert not plant.core.state.parcels
    assert len(plant.of(ParcelDiverted)) == 3
    assert all(
        Ground.LANE_NOT_EXECUTING in grounds(plant, seq) or Ground.PERMIT_VOID in grounds(plant, seq)
        for seq in (1, 2, 3)
    )
    assert isinstance(plant.events[-1], Snapshot)
    assert plant.speed == 0


def test_complete_ends_the_shift_with_an_empty_belt() -> None:
    plant = running(1)
    reach(plant, ParcelReleased)
    plant.order(Complete)
    plant.run(MINUTE)
    assert state(plant) is State.COMPLETE
    plant.order(Reset)
    assert state(plant) is State.IDLE


def test_hold_voids_permits_stops_the_belt_and_unhold_goes_on() -> None:
    plant = running(3)
    reach(plant, PermitIssued)
    plant.order(Hold)
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert plant.speed == 0
    assert len(plant.of(PermitVoided)) == 1
    plant.order(Unhold)
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE
    assert grounds(plant, 1) == {Ground.PERMIT_VOID}
    assert not plant.of(CustodyUnproven)
    assert len(plant.of(ParcelReleased)) + len(plant.of(ParcelDiverted)) == 3


def test_parcel_through_the_gate_when_the_lane_holds_is_still_a_proven_release() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    plant.run(800_000)
    assert plant.belt > plant.boxes[0].at_um + plant.config.layout.gate_um
    plant.order(Hold)
    plant.run(10_000_000)
    plant.order(Unhold)
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]


def test_belt_stop_with_a_parcel_in_the_tunnel_disturbs_its_picture() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.run(3_000_000)
    plant.order(Hold)
    plant.run(5_000_000)
    plant.order(Unhold)
    plant.run(MINUTE)
    assert Ground.BELT_DISTURBED in grounds(plant, 1)


def test_stop_from_held_leaves_the_bodies_for_the_next_flush_run() -> None:
    plant = running(2)
    reach(plant, DispositionDecided)
    plant.order(Hold)
    plant.run(5_000_000)
    plant.order(Stop)
    assert state(plant) is State.STOPPED
    assert plant.core.state.parcels
    plant.order(Reset)
    plant.order(Start)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert not plant.of(ParcelReleased)
    assert len(plant.of(ParcelDiverted)) == 2
    assert all(Ground.FLUSHED in grounds(plant, seq) for seq in (1, 2))


def test_gate_fault_while_the_belt_runs_empty_stops_it_where_it_is() -> None:
    plant = running(3)
    reach(plant, DispositionDecided)
    plant.order(Stop)
    plant.give(GateFault(**plant.now(), reason="both end switches on"))
    plant.run(MINUTE)
    assert state(plant) is State.STOPPED
    assert plant.core.state.parcels


def test_dead_drive_does_not_keep_the_lane_from_holding() -> None:
    plant = running(1)
    plant.hooks[StopBelt] = lambda command: True
    plant.order(Hold)
    plant.run(10_000_000)
    assert state(plant) is State.HELD


def test_start_fails_when_the_flush_run_can_not_be_stopped() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.hooks[StopBelt] = lambda command: True
    plant.run(2 * MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.DRIVE_FAULT in alarms(plant)


def test_full_bench_stops_induction_then_suspends_the_empty_belt_and_goes_on_by_itself() -> None:
    plant = running(bench_places=3)
    for number in range(6):
        plant.lay(Box(code=f"T{number:09d}", seen=1))
    plant.run(3 * MINUTE)
    assert state(plant) is State.SUSPENDED
    assert len(plant.core.state.bench) == 3
    assert Alarm.BENCH_FULL in alarms(plant)
    inducted = plant.core.state.inducted
    for seq in list(plant.core.state.bench):
        plant.order(MoveCustody, seq=seq, custody=Custody.WITH_AUTHORITY)
    plant.run(MINUTE)
    assert plant.core.state.inducted > inducted
    assert plant.core.state.bench


def test_full_release_area_waits_for_the_hand_over() -> None:
    plant = running(4, release_places=2)
    plant.run(3 * MINUTE)
    assert state(plant) is State.SUSPENDED
    assert len(plant.core.state.released) == 2
    for seq in (1, 2):
        plant.order(MoveCustody, seq=seq, custody=Custody.DEPARTED)
    plant.run(2 * MINUTE)
    assert len(plant.of(ParcelReleased)) == 4


def test_full_outbox_suspends_and_a_drained_one_ends_it() -> None:
    plant = running()
    plant.give(OutboxLevel(**plant.now(), waiting=10_000, full=True))
    assert not plant.induction
    plant.run(5_000_000)
    assert state(plant) is State.SUSPENDED
    plant.give(OutboxLevel(**plant.now(), waiting=10_000, full=True))
    plant.give(OutboxLevel(**plant.now(), waiting=9, full=False))
    plant.run(5_000_000)
    assert state(plant) is State.EXECUTE
    assert plant.induction


def test_silent_status_feed_sends_everything_to_inspect_and_the_lane_runs_on() -> None:
    plant = running(2)
    plant.give(FeedState(**plant.now(), fresh=False))
    reach(plant, ParcelDiverted)
    plant.give(FeedState(**plant.now(), fresh=True))
    reach(plant, ParcelReleased)
    assert grounds(plant, 1) == {Ground.STATUS_STALE}
    assert state(plant) is State.EXECUTE


def late_bodies(boxes: int, *, bench_places: int) -> MiniPlant:
    """A lane whose feeder does not hear that induction ended: it brings all of its boxes, all for the bench."""
    plant = running(bench_places=bench_places)
    for number in range(boxes):
        plant.lay(Box(code=f"T{number:09d}", seen=1, answer={"forced": True}))
    return plant


def test_belt_stops_before_it_brings_a_full_bench_one_more_and_waits_for_a_place() -> None:
    plant = late_bodies(4, bench_places=3)
    plant.run(3 * MINUTE)
    assert state(plant) is State.HELD
    assert len(plant.core.state.bench) == 3
    assert plant.core.state.parcels.keys() == {4}
    assert Alarm.BENCH_FULL in alarms(plant)
    plant.order(Unhold)
    assert refusals(plant) == [
        "the bench is full (3 places), and the belt would bring it 1 more; record a result there"
    ]
    plant.order(MoveCustody, seq=1, custody=Custody.WITH_AUTHORITY)
    plant.order(Unhold)
    plant.run(MINUTE)
    assert plant.core.state.bench.keys() == {2, 3, 4}
    assert state(plant) is State.SUSPENDED


def test_belt_that_runs_empty_stops_before_a_full_bench_and_the_next_start_waits_for_a_place() -> None:
    plant = late_bodies(4, bench_places=3)
    reach(plant, ParcelDiverted)
    plant.order(Stop)
    plant.run(MINUTE)
    assert state(plant) is State.STOPPED
    assert len(plant.core.state.bench) == 3
    plant.order(Reset)
    plant.order(Start)
    assert "the bench is full" in refusals(plant)[-1]
    plant.order(MoveCustody, seq=2, custody=Custody.WITH_AUTHORITY)
    plant.order(Start)
    plant.run(MINUTE)
    assert plant.core.state.bench.keys() == {1, 3, 4}


def test_full_bench_does_not_stop_the_belt_under_a_parcel_that_is_through_the_gate() -> None:
    plant = running(bench_places=1)
    plant.lay(Box(code="T000000001", seen=1, length_um=120 * MM), gap_um=300 * MM)
    plant.lay(Box(code="T000000002", length_um=120 * MM, answer={"forced": True}), gap_um=300 * MM)
    plant.run(2 * MINUTE)
    assert plant.core.state.bench.keys() == {1}
    assert [event.seq for event in plant.of(ParcelReleased)] == [2]
    assert state(plant) is State.SUSPENDED
    assert State.HELD not in {event.reached for event in plant.of(StateChanged)}


def test_restarted_core_tells_again_that_a_full_bench_bars_the_belt() -> None:
    plant = late_bodies(4, bench_places=3)
    plant.run(3 * MINUTE)
    plant.begin()
    assert Alarm.BENCH_FULL in plant.core.state.alarms.entries
    plant.order(Reset)
    plant.order(Start)
    assert "the bench is full" in refusals(plant)[-1]
    plant.order(MoveCustody, seq=1, custody=Custody.WITH_AUTHORITY)
    plant.order(Start)
    plant.run(MINUTE)
    assert plant.core.state.bench.keys() == {2, 3, 4}
