"""Answers that come late, twice, for nobody, or not at all: of the store, the draw, vision, devices and persons."""

from dataclasses import replace
from hashlib import sha256

import pytest

from devices.commands import ProveWatchdog
from devices.signals import EncoderDoubt, GateFault, GateInPosition, GatePosition, WatchdogProven
from lane.commands import CloseEpoch
from lane.controller.core import LaneController
from lane.controller.state import Due, GateSeen
from lane.errors import Alarm
from lane.events.machine import AlarmAcknowledged, AlarmCleared, BeltFlushed
from lane.events.parcel import (
    DispositionDecided,
    GroundAdded,
    InspectionOrdered,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    PermitVoided,
    ReviewRequested,
)
from lane.inputs import ClockReached, EpochQueueLow, JournalFailed, OutboxLevel, VisionFailed
from lane.model.config import ContentConfig, DrawConfig
from lane.model.grounds import Ground
from lane.model.words import Custody, Role, Route, State, StatusClass
from lane.orders import AcknowledgeAlarm, AddRule, Hold, MoveCustody, Reset, Start, Stop, Unhold
from tests.lane.core.boxes import LAYOUT, MM, Box, config
from tests.lane.core.helpers import MINUTE, alarms, back, grounds, lose, reach, run_to, running, state
from tests.lane.core.miniplant import MiniPlant
from tests.lane.core.orders import answer, changed
from tests.lane.core.test_silent_devices import OPEN, last


def refused_route(plant: MiniPlant) -> set[Ground]:
    """Grounds of the only decision, which is INSPECT."""
    decided = plant.of(DispositionDecided)
    assert [event.route for event in decided] == [Route.INSPECT]
    return set(decided[0].grounds)


# -- the decision


def test_a_gate_astray_while_the_belt_runs_empty_is_a_ground_and_no_second_stop() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.order(Stop)
    plant.give(GateInPosition(**plant.now(), position=GatePosition.MOVING))
    reach(plant, DispositionDecided)
    assert {Ground.GATE_UNPROVEN, Ground.LANE_NOT_EXECUTING} <= refused_route(plant)
    assert Alarm.GATE_UNPROVEN not in alarms(plant)
    assert state(plant) is State.STOPPING


def test_a_parcel_that_coasts_over_its_decision_behind_a_failed_journal_is_opened() -> None:
    plant = running(1)
    box = plant.boxes[0]
    run_to(plant, box.at_um + plant.core._desk.decision_um - 20 * MM)
    plant.give(JournalFailed(**plant.now(), reason="disk full"))
    reach(plant, DispositionDecided)
    assert Ground.JOURNAL_DOUBT in refused_route(plant)
    assert not plant.of(PermitIssued)


def test_a_count_that_never_came_is_a_ground_at_the_decision_and_so_is_a_wrong_weight() -> None:
    slow = replace(ContentConfig(), vision_us_max=30_000_000)
    plant = running(content=slow)
    plant.lay(Box(code="T000000001", vision=False, scale_mg=1_500_000))
    reach(plant, DispositionDecided)
    assert {Ground.VISION_TIMEOUT, Ground.WEIGHT_MISMATCH} <= refused_route(plant)
    reach(plant, ParcelDiverted)
    told = len(plant.events)
    plant.run(2 * MINUTE)
    assert len(plant.events) == told, "the count's deadline comes when its parcel has left: nobody is told anything"


def test_a_parcel_that_is_decided_while_a_needed_device_is_silent_is_opened() -> None:
    plant = running(1, link_hold_us=60_000_000)
    run_to(plant, plant.boxes[0].at_um + plant.core._desk.decision_um - 20 * MM)
    lose(plant, "drive")
    reach(plant, DispositionDecided)
    assert refused_route(plant) == {Ground.DEVICE_DOUBT}


@pytest.mark.parametrize("where", ["answer", "change"])
def test_the_ground_of_a_status_class_is_added_once_at_the_decision(where: str) -> None:
    plant = running()
    pending = (Ground.STATUS_PENDING,)
    first = {"answer": {"grounds": pending}, "status": StatusClass.PENDING} if where == "answer" else {}
    plant.lay(Box(code="T000000001", **first))  # type: ignore[arg-type]
    reach(plant, ParcelDrawn)
    plant.run(100_000)
    if where == "change":
        changed(plant, StatusClass.PENDING, "v1", 1, *pending)
    assert not plant.of(GroundAdded)
    reach(plant, ParcelDiverted)
    assert plant.of(DispositionDecided)[0].grounds.count(Ground.STATUS_PENDING) == 1
    assert grounds(plant, 1) == set(pending)


def test_a_ground_that_was_cleared_and_comes_again_is_open_again() -> None:
    plant = running(review_enabled=True)
    plant.lay(Box(code="T000000001", vision=False))
    reach(plant, ReviewRequested)
    answer(plant)
    parcel = plant.core.state.parcels[1]
    assert (parcel.grounds, parcel.cleared) == ([], [Ground.VISION_TIMEOUT])
    plant.give(VisionFailed(**plant.now(), seq=1, image_sha256=parcel.image_sha256, timeout=True, reason="again"))
    assert (parcel.grounds, parcel.cleared) == ([Ground.VISION_TIMEOUT], [])
    reach(plant, ParcelDiverted)
    assert not plant.of(ParcelReleased)


# -- identity and draw


def test_a_waybill_stays_known_until_the_last_parcel_that_bears_it_is_handed_over() -> None:
    plant = running()
    for _ in range(2):
        plant.lay(Box(code="T000000001", seen=1))
    reach(plant, ParcelDiverted, 2)
    plant.order(MoveCustody, seq=1, custody=Custody.WITH_AUTHORITY)
    plant.lay(Box(code="T000000001"))
    reach(plant, ParcelIdentified, 3)
    assert Ground.DUPLICATE_WAYBILL in plant.of(ParcelIdentified)[-1].grounds
    reach(plant, ParcelDiverted, 3)
    for seq in (2, 3):
        plant.order(MoveCustody, seq=seq, custody=Custody.WITH_AUTHORITY)
    plant.lay(Box(code="T000000001"))
    reach(plant, ParcelIdentified, 4)
    assert plant.of(ParcelIdentified)[-1].grounds == ()


def test_a_parcel_without_a_code_that_is_taken_off_is_forgotten_like_any_other() -> None:
    plant = running()
    plant.lay(Box(readable=False, removed_at_um=1_500 * MM))
    plant.run(MINUTE)
    assert Alarm.PARCEL_REMOVED in alarms(plant)
    assert plant.core.state.unproven[1].custody is Custody.REMOVED


def test_a_repeated_waybill_is_bound_by_the_draw_of_the_first() -> None:
    plant = running(draw=DrawConfig(rate="1"))
    for _ in range(2):
        plant.lay(Box(code="T000000001"))
    reach(plant, ParcelDrawn, 2)
    assert [(event.sticky_from, event.counts) for event in plant.of(ParcelDrawn)] == [(0, True), (1, False)]


def test_a_repeated_waybill_that_waits_for_its_draw_counts_once_and_is_free_when_the_first_was_spared() -> None:
    plant = running(draw=DrawConfig(rate="0", epoch_draws_max=1))
    plant.hooks[CloseEpoch] = lambda command: True
    plant.lay(Box(code="T000000001", answer={"forced": True}))
    for _ in range(2):
        plant.lay(Box(code="T000000002", answer={"forced": True}))
    reach(plant, ParcelIdentified, 3)
    assert list(plant.core.state.undrawn) == [2, 3]
    for _ in range(2):
        plant.open_epoch()
    drawn = [(event.seq, event.counts, event.sticky_from) for event in plant.of(ParcelDrawn)]
    assert drawn == [(1, True, 0), (2, True, 0), (3, False, 0)]


def test_the_age_of_a_closed_epoch_does_not_end_the_next_one() -> None:
    plant = running(draw=DrawConfig(rate="0", epoch_draws_max=1, epoch_us_max=30_000_000))
    opened_us = plant.core.state.draw.opened_us
    plant.lay(Box(code="T000000001"))
    reach(plant, ParcelDrawn)
    plant.run(1_000_000)
    assert plant.core.open_epoch == 2
    plant.run(opened_us + 30_500_000 - plant.at_us)
    assert plant.core.open_epoch == 2
    closed = [command.epoch for command in plant.commands if isinstance(command, CloseEpoch)]
    assert closed == [1]


def test_a_restored_core_goes_on_drawing_and_knows_the_waybills_on_the_belt_and_at_the_bench() -> None:
    plants = [running(draw=DrawConfig(rate="0.3")) for _ in range(2)]
    for plant in plants:
        plant.lay(Box(code="T000000001", seen=1))
        plant.lay(Box(code="T000000002"), 6_500 * MM)
        reach(plant, ParcelDiverted)
        reach(plant, ParcelDrawn, 2)
    plants[1].core = LaneController.restore(plants[1].config, plants[1].core.snapshot(), sha256(b"1").digest())
    for plant in plants:
        assert plant.core.state.parcels.keys() == {2}
        plant.lay(Box(code="T000000002"))
        plant.lay(Box(code="T000000001"))
        reach(plant, ParcelDrawn, 4)
    one, other = plants
    assert one.of(ParcelDrawn) == other.of(ParcelDrawn)
    assert [event.grounds for event in other.of(ParcelIdentified)[2:]] == [(Ground.DUPLICATE_WAYBILL,)] * 2


# -- gate and links


def test_a_permit_voided_while_the_blade_rests_at_inspect_needs_no_proof_that_it_goes_home() -> None:
    plant = running()
    plant.lay(Box(code="T000000001"))
    plant.lay(Box(code="T000000002"), 5_000 * MM)
    reach(plant, PermitIssued, 2)
    assert plant.core.state.machine.gate is GateSeen.INSPECT
    plant.order(Hold)
    assert [event.seq for event in plant.of(PermitVoided)] == [2]
    assert not [kind for _, kind, _ in plant.core.state.belt_due if kind in (Due.GATE_LEFT, Due.GATE_HOME)]
    plant.run(10_000_000)
    assert state(plant) is State.HELD
    assert not alarms(plant)


def test_a_parcel_through_the_gate_is_not_flushed() -> None:
    plant = running()
    plant.lay(Box(code="T000000001"))
    plant.lay(Box(code="T000000002"))
    reach(plant, PermitUsed)
    run_to(plant, plant.boxes[0].at_um + LAYOUT.gate_um + 10 * MM)
    plant.give(EncoderDoubt(**plant.now(), reason="ring overrun"))
    assert plant.of(BeltFlushed)[-1].seqs == (2,)
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]


def test_the_same_answer_of_the_gate_twice_uses_its_permit_once() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    permit_no = plant.of(PermitUsed)[0].permit_no
    plant.give(GateInPosition(**plant.now(), position=GatePosition.RELEASE, permit_no=permit_no))
    assert len(plant.of(PermitUsed)) == 1
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]
    assert not alarms(plant)


@pytest.mark.parametrize("what", ["gate", "link"])
def test_a_parcel_through_the_gate_is_not_doubted_by_what_fails_behind_it(what: str) -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    run_to(plant, plant.boxes[0].at_um + LAYOUT.gate_um + 10 * MM)
    if what == "gate":
        plant.give(GateFault(**plant.now(), reason="both end switches on"))
    else:
        lose(plant, "drive")
        back(plant, "drive")
    assert not plant.core.state.parcels[1].grounds
    assert not plant.of(PermitVoided)
    plant.run(10_000_000)
    plant.order(Unhold)
    plant.run(MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]


def test_every_silent_device_of_an_unknown_chain_is_named_while_they_come_and_go() -> None:
    plant = running()
    lose(plant, "cabinet")
    plant.safety(**OPEN)
    lose(plant, "source")
    assert last(plant, Alarm.CHAIN_UNKNOWN).detail == "cabinet, source do not answer"
    back(plant, "cabinet")
    assert last(plant, Alarm.CHAIN_UNKNOWN).detail == "source does not answer"


def test_an_outbox_that_was_never_full_ends_nothing() -> None:
    plant = running()
    told = len(plant.events)
    plant.give(OutboxLevel(**plant.now(), waiting=3, full=False))
    assert len(plant.events) == told
    assert plant.induction


# -- belt run empty, proof


def test_the_gate_that_moves_for_its_watchdog_proof_is_at_no_fault() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.run_until(lambda: ProveWatchdog() in plant.commands, MINUTE)
    plant.give(GateFault(**plant.now(), reason="valve open, but the gate did not leave INSPECT"))
    assert Alarm.GATE_FAULT not in alarms(plant)
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE


def test_the_answer_to_a_proof_that_nobody_waits_for_changes_nothing() -> None:
    plant = running()
    told = len(plant.events)
    plant.give(WatchdogProven(**plant.now(), ok=False, drop_us=0, reason="late"))
    assert len(plant.events) == told
    assert state(plant) is State.EXECUTE


def test_the_deadline_of_a_flush_run_that_a_fault_ended_says_nothing_about_covered_eyes() -> None:
    plant = running(1)
    desk = plant.core._desk
    head_um = plant.boxes[0].at_um
    empty_um = 2 * LAYOUT.parcel_um_max + desk.lag_um  # behind the Stop: by then the gate's eyes must be clear
    run_to(plant, head_um + desk.decision_um - empty_um + 5 * MM)
    plant.order(Stop)
    run_to(plant, head_um + desk.decision_um - 2 * MM)
    plant.give(GateFault(**plant.now(), reason="both end switches on"))
    told = len(plant.events)
    plant.give(ClockReached(at_us=plant.at_us + 20_000, belt_um=plant.belt + 10 * MM))
    assert [type(event) for event in plant.events[told:]] == [DispositionDecided]
    plant.run(MINUTE)
    assert Alarm.JAM not in alarms(plant)
    assert state(plant) is State.STOPPED


def test_a_belt_that_ran_empty_before_the_drive_said_that_it_runs_waits_for_its_word() -> None:
    plant = MiniPlant(config())
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    way_um = plant.core.state.machine.flush_to_um + 3 * LAYOUT.parcel_um_max
    plant.give(ClockReached(at_us=plant.at_us + 50_000, belt_um=way_um))
    plant.belt, plant.at_us = way_um, plant.at_us + 50_000
    assert ProveWatchdog() not in plant.commands
    assert not alarms(plant)
    plant.run(MINUTE)
    assert ProveWatchdog() in plant.commands
    assert state(plant) is State.EXECUTE


# -- persons


def test_an_alarm_that_still_holds_is_seen_and_not_ended_by_its_acknowledgement() -> None:
    plant = running()
    plant.give(EpochQueueLow(**plant.now(), left=1))
    plant.order(AcknowledgeAlarm, number=int(Alarm.EPOCH_QUEUE_LOW))
    assert [event.number for event in plant.of(AlarmAcknowledged)] == [Alarm.EPOCH_QUEUE_LOW]
    assert not plant.of(AlarmCleared)
    plant.give(EpochQueueLow(**plant.now(), left=8))
    assert [event.number for event in plant.of(AlarmCleared)] == [Alarm.EPOCH_QUEUE_LOW]


def test_a_new_rule_opens_no_parcel_that_is_decided_already() -> None:
    plant = running()
    plant.lay(Box(code="T000000001"))
    plant.lay(Box(code="T000000002"), 5_000 * MM)
    reach(plant, PermitIssued)
    plant.run_until(lambda: plant.core.state.parcels[2].answered, MINUTE)
    assert plant.core.state.parcels.keys() == {1, 2}
    rule = {"rule": "r1", "sku": "", "hs_prefix": "", "declarant": "D1", "until_us": plant.at_us + MINUTE}
    plant.order(AddRule, "zhou", Role.SUPERVISOR, second="li", **rule)
    assert [event.seq for event in plant.of(InspectionOrdered)] == [2]
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1]
    assert Ground.SUPERVISOR_RULE in grounds(plant, 2)
