"""Faults that meet at the gate: rare coincidences made frequent, so that a difference between builds can be seen.

A body is moved close to another one somewhere on the way, and what is asked besides befalls the lane while these two
pass divert eye and blade. Such a plan says what a build does in the coincidence, nothing of how often it comes.
"""

from dataclasses import dataclass

from sim.explore.residual import MOVERS
from sim.explore.setup import Setup, config_of
from sim.faults import CATALOGUE, Fault, FaultKind
from sim.streams.randoms import Keyed

SECOND_US = 1_000_000
MOVED_UM = 2_500_000
"""The body behind is moved at least this far before the divert eye: before its leader is at the gate."""
BEFORE_UM, BEHIND_UM = 300_000, 500_000
"""Belt before the divert eye and behind the blade in which the second fault comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtGate:
    """``kinds``: ``ppm`` of a million parcels get a body close behind them, by one of those kinds that move bodies, and
    one of the other kinds happens while they pass the gate."""

    kinds: tuple[FaultKind, ...]
    ppm: int

    def plan(self, seed: int, setup: Setup, parcels: int) -> tuple[Fault, ...]:
        """The faults of one case. Raises ValueError when there is nothing to bring together."""
        movers = [kind for kind in self.kinds if kind in MOVERS]
        others = [kind for kind in self.kinds if kind not in MOVERS]
        if not movers or not others:
            raise ValueError(
                f"faults at the gate: expected kinds that move bodies ({', '.join(sorted(MOVERS))}) and others, "
                f"was {', '.join(self.kinds)}"
            )
        layout, speed = config_of(setup).layout, setup.speed_um_s
        keyed, faults = Keyed(seed, "at the gate"), []
        for number in range(1, parcels + 1):
            if not keyed.ppm(self.ppm):
                continue
            moved_um = keyed.between(layout.tunnel_exit_um, layout.divert_um - MOVED_UM)
            there_um = keyed.between(layout.divert_um - BEFORE_UM, layout.gate_um + BEHIND_UM)
            mover = keyed.choice(movers)
            behind = number if mover is FaultKind.BODY_INSERTED else number + 1
            for kind, at_um, parcel in ((mover, moved_um, behind), (keyed.choice(others), there_um, number)):
                shape = CATALOGUE[kind]
                faults.append(
                    Fault(
                        kind=kind, at_us=at_um * SECOND_US // speed, duration_us=keyed.between(*shape.duration_us),
                        position_um=at_um, parcel=parcel, strength=keyed.between(*shape.strength),
                    )
                )  # fmt: skip
        return tuple(sorted(faults, key=lambda fault: (fault.parcel, fault.at_us, fault.kind)))
