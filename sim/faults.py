"""Faults of the core twin: a plan made before the run, so that a failing run can be told and shrunk.

Only what the plant and the lane I/O do by themselves is here; faults on wires belong to the simulated devices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sim.streams.randoms import Keyed


class FaultKind(StrEnum):
    """What goes wrong."""

    GATE_STUCK = "GATE_STUCK"  # the blade does not move for a while
    BODY_REMOVED = "BODY_REMOVED"  # a person takes a parcel off the belt
    BODY_INSERTED = "BODY_INSERTED"  # a person puts an unknown parcel on the belt behind the induct eye
    IO_SILENT = "IO_SILENT"  # the lane I/O is not reached: its watchdog trips, edges are lost to the lane meanwhile
    VISION_LOST = "VISION_LOST"  # no count comes back for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: when it begins, how long it lasts (0 where it is one act), where on the belt (from the induct eye)."""

    kind: FaultKind
    at_us: int
    duration_us: int = 0
    position_um: int = 0


def plan_faults(seed: int, until_us: int, kinds: Sequence[FaultKind], per_hour: int) -> tuple[Fault, ...]:
    """Faults of the given kinds, each at ``per_hour`` on average, from one keyed stream per kind."""
    faults = []
    for kind in kinds:
        keyed, at_us = Keyed(seed, "fault", kind), 60_000_000
        while True:
            at_us += keyed.exponential(3_600_000_000 // per_hour)
            if at_us >= until_us:
                break
            faults.append(
                Fault(
                    kind=kind,
                    at_us=at_us,
                    duration_us=keyed.between(200_000, 8_000_000),
                    position_um=keyed.between(300_000, 7_000_000),
                )
            )
    return tuple(sorted(faults, key=lambda fault: (fault.at_us, fault.kind)))
