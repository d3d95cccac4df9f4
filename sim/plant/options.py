"""How one lane is built around its belt: feeder, second reader, and which duties its lane I/O keeps by itself."""

from dataclasses import dataclass
from enum import StrEnum


class Duty(StrEnum):
    """A duty of the field that a dead or late controller can't keep."""

    H0 = "H0"  # watchdog: no heartbeat for its time, then gate home and induction off
    H1 = "H1"  # release is one pulse with a longest time, never a level
    H2 = "H2"  # gate not where it was commanded after its time: the belt stops
    H3 = "H3"  # destination latched at the divert eye: a permit for a body that is past it is refused
    H4 = "H4"  # the gate closes at the parcel's own tail, by the encoder
    H5 = "H5"  # two heads at the divert eye closer than the least gap allows close the gate


PLAIN_IO = frozenset({Duty.H0, Duty.H1})
"""Remote I/O without a program: watchdog and pulse outputs. Window, tail and discrepancy are the controller's."""
LANE_IO = frozenset({Duty.H0, Duty.H1, Duty.H4})
"""The lane I/O of our device manual: pulses inside an encoder window."""
LANE_PLC = frozenset(Duty)
"""A lane PLC."""


def has_owner(duties: frozenset[Duty]) -> bool:
    """Whether a device with these duties obeys one owner only: it has a program, which knows windows and tokens.

    Remote I/O without a program obeys whoever writes to it.
    """
    return Duty.H4 in duties


FEEDER_SLACK_UM = 100_000
"""A gapping belt keeps the minimum gap and this much more: two released parcels in a row need the blade home and out
again between them, 355 mm at 0.5 m/s with the demo lane's gate."""
TOUCHING_UM = 1
"""Parcels that touch overlap by this much on paper, so that an eye sees one body and never a gap of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantOptions:
    """``gapping``: a gapping belt before the induct eye keeps minimum gap plus ``slack_um`` between parcels; without
    it they come as they arrive, and touch when they arrive faster than the belt takes them away.

    ``second_reader``: a reader confirms every code before the gate. ``duties``: what the lane I/O keeps by itself;
    ``watchdog_ms``: silence after which its watchdog (H0) trips. Some remote I/O knows whole seconds only.
    """

    gapping: bool = True
    slack_um: int = FEEDER_SLACK_UM
    second_reader: bool = True
    duties: frozenset[Duty] = LANE_IO
    watchdog_ms: int = 300

    def spacing_um(self, gap_um_min: int) -> int:
        """Belt from a parcel's tail to the next head at the induct eye, at least."""
        return gap_um_min + self.slack_um if self.gapping else -TOUCHING_UM
