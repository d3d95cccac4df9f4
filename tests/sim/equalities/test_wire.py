"""E3: for every parcel of the finished demo run the wire twin decided as the core twin does."""

import json

import pytest

from sim.plant.lane_io import COUNT_UM
from tests.acceptance.conftest import PARCELS, SEED, SPEED, FinishedRun
from tests.sim.equalities.wire_traces import Comparison, WireRun, compare, core_twin_of, read_wire_run, share

pytestmark = pytest.mark.slow
STAMP_UM = COUNT_UM
"""The quantum of a stamp: one count of the encoder."""


@pytest.fixture(scope="module")
def wire(finished: FinishedRun) -> WireRun:
    return read_wire_run(finished.run, finished.twin)


@pytest.fixture(scope="module")
def poll_us(finished: FinishedRun) -> int:
    """Lane time of one poll cycle, as the run measured it."""
    figures = json.loads((finished.root / "figures.json").read_text(encoding="utf-8"))
    return int(figures["devices"]["cycle_ms"]["p50"] * 1_000) * SPEED


@pytest.fixture(scope="module")
def both(wire: WireRun, poll_us: int) -> Comparison:
    return compare(wire, core_twin_of(wire, SEED), poll_us)


def test_every_parcel_with_more_than_two_polls_to_spare_has_the_same_decision_trace(both: Comparison) -> None:
    assert both.parcels == PARCELS
    assert both.narrow == 0, "expected pictures to be counted seconds before the decision"
    assert both.differences == {}
    assert both.equal >= PARCELS - both.late
    assert both.equal > PARCELS // 2, "this machine was too busy for real time: run again with less beside it"


def test_records_that_a_device_stamps_have_the_same_time_within_a_poll_and_a_stamp(
    both: Comparison, wire: WireRun, poll_us: int
) -> None:
    quantum_us = STAMP_UM * 1_000_000 // wire.config.speed_um_s
    assert len(both.time_errors_us) > 2 * PARCELS
    assert share(both.time_errors_us, 0.99) <= poll_us * 12 // 10 + quantum_us
    assert share(both.way_errors_um, 0.99) <= STAMP_UM


def test_another_seed_is_another_lane(wire: WireRun, poll_us: int) -> None:
    """The comparison can fail: with the scale's noise of another seed the traces differ."""
    other = compare(wire, core_twin_of(wire, SEED + 1), poll_us)
    assert other.differences
