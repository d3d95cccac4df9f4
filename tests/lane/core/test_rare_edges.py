"""Edges that come twice, not at all, too early, too late or out of order, and deadlines that fire together."""

from dataclasses import replace

import pytest

from devices.commands import ArmDetector
from devices.signals import BeltMoved, DeviceRestarted, EyeChanged, GateInPosition, GatePosition, Quality
from lane.errors import Alarm
from lane.events.parcel import (
    DispositionDecided,
    GroundAdded,
    ParcelDiverted,
    ParcelDrawn,
    ParcelInducted,
    ParcelMeasured,
    ParcelReleased,
    PermitUsed,
    PermitVoided,
    TrackingLost,
)
from lane.inputs import AnyInput, ClockReached
from lane.model.grounds import Ground
from lane.model.words import BenchResult, Custody, State
from lane.orders import RecordBench, Stop
from lane.permits import way_um
from tests.lane.core.boxes import LAYOUT, MM, Box, config
from tests.lane.core.helpers import MINUTE, alarms, grounds, lose, reach, refusals, run_to, running, state
from tests.lane.core.miniplant import MiniPlant

LAG_UM = way_um(config(), config().report_lag_us)


def edge(plant: MiniPlant, eye: str, blocked: bool, belt_um: int | None = None) -> None:
    """An eye tells its level, as seen at this belt position (or at another one)."""
    where = plant.now() if belt_um is None else {"at_us": plant.at_us, "belt_um": belt_um}
    plant.core_hears(EyeChanged(**where, eye=eye, blocked=blocked))


def without(plant: MiniPlant, eye: str, *, blocked: bool | None = None) -> None:
    """This eye tells nothing (or only not this level)."""

    def drop(item: AnyInput) -> AnyInput | None:
        silent = isinstance(item, EyeChanged) and item.eye == eye and blocked in (None, item.blocked)
        return None if silent else item

    plant.filter = drop


def test_a_covered_eye_that_says_so_again_inducts_nobody() -> None:
    plant = running()
    edge(plant, "induct", True)
    edge(plant, "induct", True)
    assert [event.seq for event in plant.of(ParcelInducted)] == [1]


def test_a_body_that_comes_while_the_lane_stands_is_opened() -> None:
    plant = MiniPlant()
    plant.begin()
    edge(plant, "induct", True)
    assert [event.ground for event in plant.of(GroundAdded)] == [Ground.LANE_NOT_EXECUTING]


def test_a_parcel_whose_tail_nobody_saw_has_no_length_to_compare_and_is_opened() -> None:
    plant = running()
    without(plant, "induct", blocked=False)
    plant.lay(Box(code="T000000001"))
    plant.run(MINUTE)
    assert not plant.of(ParcelMeasured)
    assert not plant.of(ParcelReleased)
    assert Ground.IMAGE_UNBOUND in grounds(plant, 1)
    assert Ground.LENGTH_MISMATCH not in grounds(plant, 1)


def test_a_parcel_found_at_its_exit_before_its_place_was_never_lost_but_is_opened() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", seen=1, slip_um={"exit_inspect": -100 * MM}))
    plant.run(MINUTE)
    assert not plant.of(TrackingLost)
    assert Ground.TRACKING_LOST in grounds(plant, 1)
    assert plant.core.state.bench[1].custody is Custody.AT_BENCH


def test_an_edge_that_overtakes_the_eye_before_it_still_draws_before_the_picture() -> None:
    plant = running(link_hold_us=10_000_000)
    box = plant.lay(Box(code="T000000001", skip_eyes=("tunnel_entry",)))
    run_to(plant, box.at_um + LAYOUT.tunnel_entry_um)
    lose(plant)  # nobody is declared lost while edges may be on their way
    plant.run_until(lambda: bool(plant.core.state.parcels[1].body.stage), MINUTE)
    assert plant.core.state.parcels[1].body.stage == 2
    assert not plant.of(TrackingLost)
    assert plant.core.state.parcels[1].has_draw
    assert [type(command) for command in plant.commands].count(ArmDetector) == 1


def test_a_parcel_whose_place_was_measured_anew_is_awaited_there_and_not_where_it_was_thought_to_be() -> None:
    plant = running()
    box = plant.lay(Box(code="T000000001", seen=1))
    without(plant, "tunnel_entry")
    reach(plant, TrackingLost)
    late_um = 19 * MM
    edge(plant, "tunnel_entry", True, box.at_um + LAYOUT.tunnel_entry_um + late_um)
    edge(plant, "tunnel_entry", False, box.at_um + LAYOUT.tunnel_entry_um + late_um + box.length_um)
    without(plant, "tunnel_exit")
    thought_um = box.at_um + LAYOUT.tunnel_exit_um + LAYOUT.eye_window_um + LAG_UM
    run_to(plant, thought_um + 2 * MM)
    assert [event.eye for event in plant.of(TrackingLost)] == ["tunnel_entry"]
    edge(plant, "tunnel_exit", True, box.at_um + LAYOUT.tunnel_exit_um + late_um)
    assert plant.core.state.parcels[1].body.missed == 1
    assert [event.eye for event in plant.of(TrackingLost)] == ["tunnel_entry"]


def test_the_encoders_word_that_the_belt_stands_holds_the_lane() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    plant.give(BeltMoved(**plant.now(), speed_um_s=0, quality=Quality.GOOD))
    assert state(plant) is State.HELD
    assert Alarm.DRIVE_FAULT in alarms(plant)


def jump(way_um: int, length_um: int = 400 * MM) -> tuple[MiniPlant, list[object]]:
    """Two good parcels, up to 6 mm before the first head has gone ``way_um``; then the next word comes 12 mm further,
    and on the way there the second one's identity was due, right before whatever was due at that place.

    Returns what the core concludes from that one word.
    """
    plant = running()
    first = plant.lay(Box(code="T000000001", length_um=length_um))
    gap_um = way_um - LAYOUT.reader_um - LAG_UM - 400 * MM - length_um - MM
    plant.lay(Box(code="T000000002"), gap_um)
    reach(plant, PermitUsed)
    run_to(plant, first.at_um + way_um - 6 * MM)
    at = {"at_us": plant.at_us + 24_000, "belt_um": plant.belt + 12 * MM}
    return plant, list(plant.core_hears(ClockReached(**at)).events)


GATE_ANSWERS_MM = 7_175 + 375
"""The blade starts at 7,175 mm; with its longest time and the report's it has answered 375 mm further on."""
GATE_LEAVES_MM = 7_350 + 30 + 45
"""It closes 30 mm behind the tail and must have left its end switch 45 mm further on."""
TAIL_MM = LAYOUT.divert_um // MM + LAYOUT.eye_window_um // MM


@pytest.mark.parametrize(
    ("way_mm", "length_mm"),
    [(GATE_ANSWERS_MM, 400), (TAIL_MM + 400, 400), (GATE_LEAVES_MM + 400, 400), (TAIL_MM + 800, 800)],
    ids=["gate answered", "tail seen", "gate left", "parcel gone"],
)
def test_a_deadline_that_was_kept_says_nothing_when_it_fires_together_with_another(way_mm: int, length_mm: int) -> None:
    plant, events = jump(way_mm * MM, length_mm * MM)
    assert events
    assert {event.seq for event in events} == {2}, "only the second parcel's identity was due"  # type: ignore[attr-defined]
    plant.run(2 * MINUTE)
    assert [event.seq for event in plant.of(ParcelReleased)] == [1, 2]
    assert not plant.of(PermitVoided)
    assert not alarms(plant)


def test_nothing_is_awaited_of_a_long_parcel_that_left_before_its_tail_passed_the_divert_eye() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", length_um=800 * MM))
    reach(plant, ParcelReleased)
    assert 1 not in {number for _, _, number in plant.core.state.belt_due}
    plant.run(MINUTE)
    assert not alarms(plant)


def test_a_parcel_at_its_exit_before_its_decision_is_decided_there_and_opened() -> None:
    wide = replace(LAYOUT, gap_um_min=1_080 * MM)  # bodies may be found 600 mm from their place
    plant = running(layout=wide)
    box = plant.lay(Box(code="T000000001"), 1_500 * MM)
    reach(plant, ParcelDrawn)
    plant.when(box.at_um + 6_610 * MM, lambda: edge(plant, "divert", True))
    plant.when(box.at_um + 6_830 * MM, lambda: edge(plant, "exit_inspect", True))
    reach(plant, ParcelDiverted)
    assert plant.belt < box.at_um + plant.core._desk.decision_um
    assert [event.seq for event in plant.of(DispositionDecided)] == [1]
    assert plant.words(1).index("DispositionDecided") < plant.words(1).index("ParcelDiverted")
    assert Ground.TRACKING_LOST in grounds(plant, 1)


def test_a_gate_that_strays_behind_a_decision_stops_the_belt_at_the_divert_eye() -> None:
    plant = running()
    plant.lay(Box(code="T000000001", seen=1))
    reach(plant, DispositionDecided)
    plant.give(GateInPosition(**plant.now(), position=GatePosition.MOVING))
    assert state(plant) is State.EXECUTE
    plant.run_until(lambda: "divert" in plant.core.state.covers, MINUTE)
    assert state(plant) is State.HOLDING
    assert Alarm.GATE_UNPROVEN in alarms(plant)
    plant.run(10_000_000)
    assert plant.boxes[0].exit != "exit_release"


def test_another_length_while_the_belt_runs_empty_is_doubt_and_stops_nothing() -> None:
    plant = running()
    box = plant.lay(Box(code="T000000001", seen=1))
    reach(plant, DispositionDecided)
    plant.order(Stop)
    without(plant, "divert", blocked=False)
    plant.when(box.at_um + LAYOUT.divert_um + 500 * MM, lambda: plant.core_hears(uncovered(plant)))
    plant.run(MINUTE)
    assert state(plant) is State.STOPPED
    assert Alarm.STRAY_AT_GATE not in alarms(plant)
    assert Ground.LENGTH_MISMATCH in grounds(plant, 1)


def uncovered(plant: MiniPlant) -> EyeChanged:
    return EyeChanged(**plant.now(), eye="divert", blocked=False)


def test_a_body_too_short_at_the_divert_eye_loses_its_permit_once_and_the_gate_goes_home() -> None:
    plant = running(1)
    reach(plant, PermitUsed)
    plant.run_until(lambda: "divert" in plant.core.state.covers, MINUTE)
    box = plant.boxes[0]
    run_to(plant, box.at_um + LAYOUT.divert_um + 100 * MM)
    edge(plant, "divert", False)
    assert [(event.seq, event.reason) for event in plant.of(PermitVoided)] == [(1, "another length at the divert eye")]
    assert state(plant) is State.HOLDING
    plant.run(MINUTE)
    assert not plant.of(ParcelReleased)


def test_a_restarted_encoder_moves_a_body_under_the_induct_eye_too_and_gives_it_no_tail() -> None:
    plant = running()
    plant.run(5_000_000)
    edge(plant, "induct", True)
    head_um, by_um = plant.belt, -plant.belt
    plant.give(DeviceRestarted(at_us=plant.at_us, belt_um=0, role="io", port="p", unit=1, boot=2))
    body = plant.core.state.parcels[1].body
    assert (body.head_um, body.anchor_um, body.tail_um) == (head_um + by_um, head_um + by_um, -1)


def test_a_restarted_lane_io_that_kept_its_count_flushes_and_moves_nothing() -> None:
    plant = running(1)
    reach(plant, ParcelDrawn)
    head_um = plant.core.state.parcels[1].body.head_um
    plant.give(DeviceRestarted(**plant.now(), role="io", port="p", unit=1, boot=2))
    assert plant.core.state.parcels[1].body.head_um == head_um
    assert Ground.FLUSHED in plant.core.state.parcels[1].grounds
    assert plant.core.state.machine.proof_needed


def test_lost_parcels_that_the_bench_may_still_record_are_bounded_and_the_oldest_is_forgotten() -> None:
    plant = MiniPlant()
    plant.begin()
    for _ in range(202):
        plant.at_us, plant.belt = plant.at_us + 60_000_000, plant.belt + 20_000 * MM
        edge(plant, "induct", True)
        edge(plant, "induct", False, plant.belt + 400 * MM)
    plant.at_us, plant.belt = plant.at_us + 60_000_000, plant.belt + 20_000 * MM
    plant.give(ClockReached(**plant.now()))
    assert sorted(plant.core.state.unproven) == list(range(3, 203))
    plant.order(RecordBench, "wang", second="zhao", seq=2, result=BenchResult.RETURNED, found=())
    assert refusals(plant) == ["parcel 2 is not at the bench"]
