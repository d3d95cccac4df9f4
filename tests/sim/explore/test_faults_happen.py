"""Every kind of fault has an injector, an id of the catalogue, and takes effect."""

from dataclasses import replace

import pytest

from sim.explore.case import Case, Mode
from sim.explore.run import prepare, run_case
from sim.explore.setup import Setup
from sim.faults import CATALOGUE, STREAM_KINDS, Fault, FaultKind

OF_THIS_LAYER = [
    1, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 41,
    42, 43, 44, 45, 47, 48, 50, 51, 52, 53, 67, 72,
]  # fmt: skip
"""Numbers of the fault catalogue that belong to the simulated lane, not to wires, files or processes."""


def test_every_id_of_the_simulation_layer_has_a_kind_and_every_kind_an_id() -> None:
    assert set(CATALOGUE) == set(FaultKind)
    ids = {shape.id for shape in CATALOGUE.values()}
    assert [f"F{number:02d}" for number in OF_THIS_LAYER if f"F{number:02d}" not in ids] == []


def lane(kind: FaultKind, count: int = 6) -> Case:
    """A busy lane on which one kind happens again and again, at different places and strengths."""
    shape = CATALOGUE[kind]
    low, high = shape.strength
    faults = tuple(
        Fault(
            kind=kind,
            parcel=5 + 5 * number,
            at_us=1_500_000 + 1_700_000 * number,
            duration_us=max(shape.duration_us[0], shape.duration_us[1] // 3),
            position_um=1_000_000 + 800_000 * number,
            strength=low + (high - low) * number // max(1, count - 1),
        )
        for number in range(count)
    )
    if kind is FaultKind.COAST:  # it shows when the belt stops next
        faults += (Fault(kind=FaultKind.HELD_BY_HAND, parcel=8, at_us=500_000),)
    setup = Setup(rate_per_hour=1_500, review=True, uncertain_permille=500, epoch_draws=20, bench_places=60)
    return Case(seed=11, mode=Mode.FEW, setup=setup, parcels=50, calm=15, faults=faults)


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - STREAM_KINDS))
def test_a_fault_of_each_kind_takes_effect(kind: FaultKind) -> None:
    found = run_case(lane(kind))
    assert [fault.kind for _, fault in found.faults if fault.kind is kind] != []
    assert found.crash == ""
    assert found.ended == "complete"


def test_stream_faults_change_labels_before_the_run() -> None:
    twice = replace(lane(FaultKind.DUPLICATE_WAYBILL), parcels=50)
    station, _ = prepare(twice)
    codes = [station.referee.parcel(number).label for number in (4, 5)]  # type: ignore[union-attr]
    assert codes[0] == codes[1]
    again = Fault(kind=FaultKind.INDUCTED_AGAIN, parcel=40, at_us=0)
    station, _ = prepare(replace(twice, faults=(again,)))
    first, second = station.referee.parcel(10), station.referee.parcel(40)
    assert first is not None
    assert second is not None
    assert (first.label, first.contents) == (second.label, second.contents)


def test_a_fault_of_a_parcel_stays_where_it_is_when_others_are_left_out() -> None:
    case = lane(FaultKind.NO_READ)
    alone = replace(case, faults=case.faults[2:3])
    both = {fault: at_us for at_us, fault in run_case(case).faults}
    single = {fault: at_us for at_us, fault in run_case(alone).faults}
    assert single[case.faults[2]] == both[case.faults[2]]
