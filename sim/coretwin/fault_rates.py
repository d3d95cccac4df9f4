"""Faults of a scenario by rate: the plan of a run is drawn before it begins, from one keyed stream per kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.faults import CATALOGUE, STREAM_KINDS, Fault, FaultKind
from sim.streams.randoms import Keyed

MILLION = 1_000_000
WAY_US = 22_000_000
"""A parcel's faults begin within this after the induct eye; the way takes 8 to 22 s."""
PLACES_UM = (200_000, 8_000_000)
KINDS = tuple(kind for kind in FaultKind if kind not in STREAM_KINDS)
"""Kinds that a scenario may ask for: those that leave the stream itself alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """``kinds``: each happens to ``ppm`` of a million parcels."""

    kinds: tuple[FaultKind, ...]
    ppm: int

    def plan(self, seed: int, numbers: Sequence[int]) -> tuple[Fault, ...]:
        """The faults of one run with these body numbers. Another kind, or another rate of it, moves no other's luck."""
        faults = []
        for kind in self.kinds:
            keyed, shape = Keyed(seed, "fault", kind), CATALOGUE[kind]
            for number in numbers:
                drawn = keyed.below(MILLION) < self.ppm
                at_us, duration_us = keyed.between(0, WAY_US), keyed.between(*shape.duration_us)
                position_um, strength = keyed.between(*PLACES_UM), keyed.between(*shape.strength)
                if drawn:
                    faults.append(
                        Fault(
                            kind=kind, at_us=at_us, duration_us=duration_us, position_um=position_um,
                            parcel=number, strength=strength,
                        )
                    )  # fmt: skip
        return tuple(sorted(faults, key=lambda fault: (fault.parcel, fault.at_us, fault.kind)))
