"""Field duties H2 to H5 as a lane PLC keeps them, and what remote I/O without a program does not."""

from collections.abc import Iterable

import pytest

from sim.plant.lane_io import DO_INDUCTION, Channel, LaneIo, Refusal
from sim.plant.options import LANE_IO, LANE_PLC, PLAIN_IO, Duty, PlantOptions
from sim.plant.plant import Plant
from tests.sim.helpers import LAYOUT, SPEED_UM_S, TRAVEL_US, parcel

MM = 1_000
WAY_UM = 150 * MM
GAP_UM = 300 * MM


def _io(duties: Iterable[Duty]) -> LaneIo:
    return LaneIo(duties=frozenset(duties), way_um=WAY_UM, gap_um_min=GAP_UM)


def _release(io: LaneIo, permit: int, from_mm: int, to_mm: int, *, belt_mm: int = 0, at_us: int = 0) -> Refusal:
    window = io.encoder(from_mm * MM), io.encoder(to_mm * MM)
    return io.write_release(permit, 2_000, *window, 5_000, at_us=at_us, belt_um=belt_mm * MM)


@pytest.mark.parametrize(("duties", "expected"), [(LANE_IO, Refusal.NONE), (LANE_PLC, Refusal.LATE)])
def test_a_permit_for_a_body_that_passed_the_divert_eye_is_refused_by_the_latch(
    duties: frozenset[Duty], expected: Refusal
) -> None:
    io = _io(duties)
    io.edge(Channel.DIVERT, True, 0, 1_000 * MM)
    assert _release(io, 5, 1_120, 1_600, belt_mm=1_010) is expected


def test_a_permit_that_was_there_before_its_body_passes_the_latch() -> None:
    io = _io(LANE_PLC)
    assert _release(io, 5, 1_100, 1_600, belt_mm=900) is Refusal.NONE
    io.edge(Channel.DIVERT, True, 0, 1_000 * MM)
    io.act(0, 1_100 * MM)
    assert (io.valve, io.applied) == (True, 5)


@pytest.mark.parametrize(
    ("duties", "gap_mm", "opens"), [(LANE_PLC, 299, False), (LANE_PLC, 301, True), (LANE_IO, 0, True)]
)
def test_two_heads_closer_than_the_least_gap_close_the_gate(duties: frozenset[Duty], gap_mm: int, opens: bool) -> None:
    io = _io(duties)
    _release(io, 5, 1_100, 1_600)
    io.edge(Channel.DIVERT, True, 0, 600 * MM)
    io.edge(Channel.DIVERT, False, 0, (1_000 - gap_mm) * MM)
    io.edge(Channel.DIVERT, True, 0, 1_000 * MM)
    io.act(0, 1_100 * MM)
    assert io.valve is opens


def test_a_pulse_without_duty_h4_does_not_know_the_tail_and_ends_by_time() -> None:
    for duties, belt_closes in ((PLAIN_IO, False), (LANE_IO, True)):
        io = _io(duties)
        _release(io, 5, 1_100, 1_600)
        io.act(0, 1_100 * MM)
        io.act(1_000_000, 1_700 * MM)
        assert io.valve is not belt_closes
        io.act(2_000_000, 1_700 * MM)
        assert not io.valve


def test_without_h1_only_a_command_or_the_watchdog_ends_a_pulse() -> None:
    io = _io({Duty.H0})
    io.beat(1, 0)
    _release(io, 5, 1_100, 1_600)
    io.act(0, 1_100 * MM)
    io.act(60_000_000, 9_000 * MM)
    assert io.valve
    assert io.watch(300_000, 60_000_000, 9_000 * MM)
    assert not io.valve


def test_the_watchdog_is_the_devices_own_and_is_gone_without_h0() -> None:
    io = _io({Duty.H1})
    io.beat(1, 0)
    assert not io.watch(10_000_000, 0, 0)


def _stuck_plant(duties: frozenset[Duty]) -> Plant:
    """A plant whose blade sticks at home when a pulse opens it at 1 s."""
    plant = Plant(LAYOUT, TRAVEL_US, [parcel(1)], seed=1, options=PlantOptions(duties=duties))
    plant.set_belt(0, SPEED_UM_S)
    plant.allow_induction(0, True)
    plant.advance(1_000_000)
    plant.stick_gate(1_000_000, True)
    _open_soon(plant, 1_000_000, 1_500)
    return plant


def _open_soon(plant: Plant, now_us: int, pulse_ms: int) -> None:
    """A window that begins where the belt is next: a moving belt takes no pulse without one."""
    belt_um = plant.belt.position(now_us)
    assert plant.release(now_us, 7, pulse_ms, belt_um, belt_um + 10_000_000, 1_000) is Refusal.NONE


def test_a_blade_that_is_not_where_it_was_commanded_stops_the_belt_of_a_lane_plc_only() -> None:
    plant = _stuck_plant(LANE_PLC)
    plant.advance(1_300_000)
    assert plant.belt.target_um_s == SPEED_UM_S
    plant.advance(1_330_000)
    assert plant.belt.target_um_s == 0
    assert not plant.io.valve
    assert not plant.io.do_applied & DO_INDUCTION
    plain = _stuck_plant(LANE_IO)
    plain.advance(1_330_000)
    assert plain.belt.target_um_s == SPEED_UM_S


def test_the_belt_starts_again_only_when_the_blade_stands_where_it_should() -> None:
    plant = Plant(LAYOUT, TRAVEL_US, [parcel(1)], seed=1, options=PlantOptions(duties=LANE_PLC))
    plant.set_belt(0, SPEED_UM_S)
    plant.advance(1_000_000)
    _open_soon(plant, 1_000_000, 5_000)
    plant.advance(1_100_000)
    plant.stick_gate(1_100_000, True)
    plant.advance(3_000_000)
    plant.set_belt(3_000_000, SPEED_UM_S)
    assert plant.belt.target_um_s == 0
    plant.stick_gate(3_100_000, False)
    plant.advance(4_000_000)
    plant.set_belt(4_000_000, SPEED_UM_S)
    assert plant.belt.target_um_s == SPEED_UM_S
