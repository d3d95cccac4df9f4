"""Edges of the eyes reach the core in the order of the device's ring, whatever is late, silent, dead or stuck."""

import pytest

from devices.signals import EyeChanged
from lane.events.union import AnyEvent
from lane.inputs import AnyInput
from sim.explore.case import Case, Mode
from sim.explore.run import finished, prepare
from sim.explore.setup import Setup
from sim.faults import Fault, FaultKind

KINDS = (
    FaultKind.EYE_LATE, FaultKind.EYE_STUCK_ON, FaultKind.EYE_STUCK_OFF, FaultKind.IO_GAP, FaultKind.IO_SILENT,
    FaultKind.CORE_KILLED, FaultKind.CORE_PAUSED, FaultKind.RECONNECT_STORM,
)  # fmt: skip


@pytest.mark.parametrize("first", range(len(KINDS)))
def test_no_edge_overtakes_another(first: int) -> None:
    faults = tuple(
        Fault(
            kind=KINDS[(first + number) % len(KINDS)], parcel=1 + number // 2, at_us=4_000_000 + 900_000 * number,
            duration_us=1_500_000, position_um=1_000 * number, strength=(250_000, 0, 3)[number % 3],
        )
        for number in range(16)
    )  # fmt: skip
    case = Case(seed=first, mode=Mode.FEW, setup=Setup(), parcels=30, calm=10, faults=faults)
    station, judge = prepare(case)
    places: list[int] = []
    journal = station.journal
    saw = journal.watch  # type: ignore[attr-defined]

    def heard(item: AnyInput, events: tuple[AnyEvent, ...]) -> None:
        if isinstance(item, EyeChanged):
            places.append(item.belt_um)
        saw(item, events)

    journal.watch = heard  # type: ignore[attr-defined]
    found = finished(case, station, judge)
    assert len(found.faults) >= 5, "too few faults took effect to tell anything"
    assert places == sorted(places)
