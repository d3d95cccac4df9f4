"""Encoder, drive, gate, exits and what does not belong on the belt."""

from devices.commands import (
    ReleasePulse,
    RestGate,
)
from devices.signals import (
    BeltMoved,
    BeltState,
    EncoderDoubt,
    EyeChanged,
    GateFault,
    GateInPosition,
    GatePosition,
    LinkLost,
    LinkRestored,
    OutputProven,
    Quality,
)
from lane.errors import Alarm
from lane.events.machine import BeltFlushed, TrackingStray
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    ParcelDiverted,
    ParcelDrawn,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    PermitVoided,
    TrackingLost,
)
from lane.inputs import AnyInput, EpochQueueLow
from lane.model.grounds import Ground
from lane.model.words import State
from lane.orders import Inspect, Unhold
from tests.lane.core.boxes import MM, Box
from tests.lane.core.helpers import MINUTE, alarms, grounds, reach, running, state
from tests.lane.core.miniplant import MiniPlant


def test_encoder_doubt_flushes_the_belt_and_the_lane_runs_on() -> None:
    plant = running(4)
    reach(plant, DispositionDecided)
    plant.give(EncoderDoubt(**plant.now(), reason="ring overrun"))
    plant.run(2 * MINUTE)
    on_belt = plant.of(BeltFlushed)[-1].seqs
    assert on_belt
    assert {event.seq for event in plant.of(ParcelDiverted)} == set(on_belt)
    assert len(plant.of(ParcelReleased)) == 4 - len(on_belt)
    assert state(plant) is State.EXECUTE


def test_unknown_belt_position_is_doubt() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.give(BeltMoved(**plant.now(), speed_um_s=0, quality=Quality.UNKNOWN))
    plant.run(MINUTE)
    assert Ground.FLUSHED in grounds(plant, 1)


def test_belt_that_stops_by_itself_holds() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.set_speed(0)
    plant.run(10_000_000)
    assert state(plant) is State.HELD
    plant.give(BeltState(**plant.now(), running=False, speed_um_s=0, fault=True))
    plant.give(BeltState(**plant.now(), running=False, speed_um_s=0, fault=False))
    assert Alarm.DRIVE_FAULT in alarms(plant)


def test_encoder_that_stands_still_under_a_running_drive_holds() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.speed = 0
    plant.run(10_000_000)
    assert state(plant) in (State.HOLDING, State.HELD)
    assert Alarm.BELT_STUCK in alarms(plant)


def test_slow_belt_only_means_looking_again() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.speed = 100 * MM
    reach(plant, DispositionDecided)
    decided = plant.of(DispositionDecided)[0]
    assert Ground.DECISION_LATE not in decided.grounds


def test_gate_that_does_not_open_holds_and_nothing_is_released() -> None:
    plant = running(2)
    plant.gate_works = False
    plant.run(2 * MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.GATE_UNPROVEN in alarms(plant)
    assert not plant.of(ParcelReleased)
    plant.gate_works = True
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert {Ground.GATE_UNPROVEN} <= grounds(plant, 1)


def test_gate_that_opens_for_nobody_holds() -> None:
    plant = running()
    plant.give(GateInPosition(**plant.now(), position=GatePosition.MOVING))
    plant.give(GateInPosition(**plant.now(), position=GatePosition.RELEASE, permit_no=65_535))
    plant.run(10_000_000)
    assert state(plant) is State.HELD
    assert Alarm.GATE_FAULT in alarms(plant)
    assert Alarm.FOREIGN_PERMIT not in alarms(plant), "the device still names the watchdog proof's pulse"


def test_gate_answer_outside_the_window_proves_nothing() -> None:
    plant = running(1)
    reach(plant, PermitIssued)
    permit = plant.of(PermitIssued)[0]
    early = {"at_us": plant.at_us, "belt_um": permit.from_um - 200 * MM}
    plant.give(GateInPosition(**early, position=GatePosition.RELEASE, permit_no=permit.permit_no))
    assert not plant.of(PermitUsed)
    assert state(plant) is State.HOLDING


def test_refused_pulse_ends_its_own_permit_only() -> None:
    plant = running(2)
    plant.hooks[ReleasePulse] = lambda command: (
        command.seq == 1
        and bool(plant.give(GateFault(**plant.now(), reason=f"permit {command.permit_no} refused: late")))
    )
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert grounds(plant, 1) == {Ground.PERMIT_VOID}
    assert [event.seq for event in plant.of(ParcelReleased)] == [2]


def test_body_at_the_release_exit_without_a_permit_holds_and_sends_nothing() -> None:
    plant = running(1)
    plant.boxes[0].seen = 1
    reach(plant, DispositionDecided)
    plant.gate = GatePosition.RELEASE
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(CustodyUnproven)] == [1]
    assert not plant.of(ParcelReleased)
    assert Alarm.RELEASE_WITHOUT_PERMIT in alarms(plant)
    assert state(plant) is State.HELD


def test_permitted_parcel_at_the_inspect_exit_is_diverted_with_its_permit_void() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    plant.drop_gate()
    plant.run(MINUTE)
    assert not plant.of(ParcelReleased)
    assert grounds(plant, 1) == {Ground.PERMIT_VOID}


def test_unknown_body_at_the_release_exit_is_unproven_custody_of_nobody() -> None:
    plant = running()
    plant.give(EyeChanged(**plant.now(), eye="exit_release", blocked=True))
    assert [event.seq for event in plant.of(CustodyUnproven)] == [0]
    assert state(plant) is State.HOLDING


def test_parcel_inducted_behind_a_lost_one_is_its_neighbour_at_the_next_eye_that_misses_it() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", removed_at_um=1_000 * MM))
    reach(plant, TrackingLost)
    plant.lay(Box(code="T000000002"))
    plant.run(2 * MINUTE)
    assert Ground.NEIGHBOUR_DOUBT in grounds(plant, 2)


def test_body_laid_onto_the_belt_doubts_its_neighbours_and_is_followed_to_the_exit() -> None:
    plant = running(3)
    reach(plant, ParcelDrawn, 2)
    plant.run(100_000)
    head = plant.boxes[0].at_um + 550 * MM
    layout = plant.config.layout
    for eye, station in (
        ("tunnel_entry", layout.tunnel_entry_um),
        ("tunnel_exit", layout.tunnel_exit_um),
        ("divert", layout.divert_um),
        ("exit_inspect", layout.exit_inspect_um),
    ):
        for way, blocked in ((0, True), (120 * MM, False)):
            plant.when(
                head + station + way,
                lambda eye=eye, blocked=blocked: plant.give(EyeChanged(**plant.now(), eye=eye, blocked=blocked)),  # type: ignore[misc]
            )
    plant.run(2 * MINUTE)
    assert {1, 2} == {event.seq for event in plant.of(ParcelDiverted)}
    assert [event.seq for event in plant.of(ParcelReleased)] == [3]
    assert len(plant.of(TrackingStray)) == 1
    assert not plant.core.state.strays


def test_second_tracking_fault_while_the_first_is_on_the_belt_flushes_all() -> None:
    plant = running()
    for number in range(6):
        plant.lay(Box(code=f"T{number:09d}", removed_at_um=2_500 * MM if number in (0, 4) else 0))
    plant.run(2 * MINUTE)
    lost_seqs = [event.seq for event in plant.of(TrackingLost) if event.eye == "tunnel_exit"]
    assert lost_seqs == [1, 5]
    assert plant.of(BeltFlushed)[-1].cause == "second tracking fault"
    assert Ground.FLUSHED in grounds(plant, 3)
    assert not plant.of(ParcelReleased)


def test_jam_holds_and_the_belt_is_flushed_afterwards() -> None:
    plant = running(2)
    box = plant.boxes[0]
    reach(plant, ParcelDrawn)
    plant.filter = lambda item: (
        None
        if isinstance(item, EyeChanged)
        and plant.belt - box.at_um > 2_950 * MM
        and plant.belt - box.at_um < 8_500 * MM
        and item.eye in ("tunnel_exit", "divert", "exit_inspect")
        else item
    )
    plant.run(2 * MINUTE)
    assert Alarm.JAM in alarms(plant)
    assert state(plant) is State.HELD
    plant.filter = lambda item: item
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert not plant.of(ParcelReleased)


def test_many_strays_are_bounded() -> None:
    plant = MiniPlant()
    plant.begin()
    for number in range(40):
        plant.give(EyeChanged(at_us=number, belt_um=number * MM, eye="tunnel_entry", blocked=True))
        plant.give(EyeChanged(at_us=number, belt_um=number * MM, eye="tunnel_entry", blocked=False))
    assert len(plant.core.state.strays) <= 16


def test_read_back_of_outputs_and_queue_of_epochs_are_noted() -> None:
    plant = running()
    plant.give(OutputProven(**plant.now(), point="release", level=False, permit_no=7))
    plant.give(OutputProven(**plant.now(), point="allow_induction", level=True))
    plant.give(EpochQueueLow(**plant.now(), left=1))
    plant.give(EpochQueueLow(**plant.now(), left=8))
    assert alarms(plant) == {Alarm.EPOCH_QUEUE_LOW}


def test_same_level_of_an_eye_twice_tells_nothing_new() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    before = len(plant.events)
    plant.give(EyeChanged(**plant.now(), eye="divert", blocked=False))
    plant.give(EyeChanged(**plant.now(), eye="unheard-of", blocked=True))
    assert len(plant.events) == before


def test_permit_voided_while_the_gate_stands_open_for_the_parcel_ahead_rests_the_gate_behind_that_one() -> None:
    plant = running()
    plant.lay(Box(code="T000000001"), 700 * MM)
    plant.lay(Box(code="T000000002"), 360 * MM)
    reach(plant, PermitIssued, 2)
    first = plant.of(PermitIssued)[0]
    assert plant.belt < first.to_um
    rests = plant.commands.count(RestGate())
    plant.order(Inspect, seq=2)
    assert plant.commands.count(RestGate()) == rests
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]
    assert Ground.OFFICER_ORDER in grounds(plant, 2)
    assert plant.commands.count(RestGate()) == rests + 1


def test_resting_the_gate_ends_every_permit_that_still_waits() -> None:
    plant = running()
    plant.lay(Box(code="T000000001"), 700 * MM)
    plant.lay(Box(code="T000000002"), 360 * MM)
    reach(plant, PermitIssued, 2)
    plant.order(Inspect, seq=1)
    assert {event.seq for event in plant.of(PermitVoided)} <= {1, 2}
    plant.run(2 * MINUTE)
    assert len(plant.of(ParcelReleased)) + len(plant.of(ParcelDiverted)) + len(plant.of(CustodyUnproven)) == 2


def test_stray_at_the_divert_eye_voids_the_permits_near_it() -> None:
    plant = running(1)
    reach(plant, PermitIssued)
    plant.run(200_000)
    far = plant.boxes[0].at_um + plant.config.layout.divert_um - 300 * MM
    plant.give(EyeChanged(at_us=plant.at_us, belt_um=far, eye="divert", blocked=True))
    plant.give(EyeChanged(at_us=plant.at_us, belt_um=far + 30 * MM, eye="divert", blocked=False))
    plant.run(2 * MINUTE)
    assert len(plant.of(PermitVoided)) == 1
    assert not plant.of(ParcelReleased)
    assert Ground.NEIGHBOUR_DOUBT in grounds(plant, 1)


def test_edges_that_come_late_over_a_slow_link_are_waited_for() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.give(LinkLost(**plant.now(), role="io", port="p", unit=1, reason="timeout"))
    kept: list[EyeChanged] = []

    def hold_back(item: AnyInput) -> AnyInput | None:
        if isinstance(item, EyeChanged):
            kept.append(item)
            return None
        return item

    plant.filter = hold_back
    plant.run(900_000)
    plant.filter = lambda item: item
    plant.give(LinkRestored(**plant.now(), role="io", port="p", unit=1, gap_us=900_000, watchdog_tripped=False))
    for item in kept:
        plant.give(item)
    plant.run(2 * MINUTE)
    assert not plant.of(TrackingLost)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]
