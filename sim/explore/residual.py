"""Which findings a known residual risk explains: a duty that the field of this lane lacks, or nobody can have.

Nothing is left out of the search for it, and every such release is counted. A release counts as explained only where
physics shows it: the pulse that held the blade open was a stranger's, or the body followed another through the gate so
closely that no blade closes between them.
"""

from collections.abc import Mapping

from sim.coretwin.trouble_links import FOREIGN_PERMIT
from sim.explore.run import CaseResult
from sim.explore.setup import config_of
from sim.explore.watch import Broken
from sim.faults import FaultKind

RELEASES = frozenset(
    {
        "UNTRACKED", "NO_DECISION", "NO_PERMIT", "IDENTITY", "DECLARATION", "STATUS", "SAMPLE", "NO_IMAGE", "I17",
        "R9", "R1",
    }
)  # fmt: skip
"""Rules that a body broke which left by the release exit."""
STRANGER = "F15 second master"
FOLLOWER = "H5/H7 close follower"
REASONS: Mapping[str, str] = {
    STRANGER: "whoever reaches the release block on the wire opens the gate; Modbus names no sender, and the core's "
    "answer (gate home, hold) comes after the blade moved. The cure is the network: segment, allow-list, one master.",
    FOLLOWER: "goods that moved on the belt until they touch or overlap the parcel ahead pass the blade with it: the "
    "gate closes at the tail of the permitted one, and no eye sees a gap between them.",
}
STRANGER_US = 6_000_000
"""A strange pulse lasts 2.5 s at most, and a blade that sticks open for it some seconds more."""
MOVERS = frozenset(
    {
        FaultKind.JAM, FaultKind.BELT_SLIP, FaultKind.BODY_SLIP, FaultKind.BELT_REVERSED, FaultKind.TOUCHING,
        FaultKind.OVERLAPPING, FaultKind.BODY_INSERTED, FaultKind.BODY_SWAPPED, FaultKind.TOO_LONG,
    }
)  # fmt: skip
"""Faults that bring a body close to another one."""


def explained(found: CaseResult) -> str:
    """Name of the residual risk that explains every broken rule ("": something is left unexplained)."""
    names = {_why(found, broken) for broken in found.broken}
    return "" if "" in names else " + ".join(sorted(names))


def _why(found: CaseResult, broken: Broken) -> str:
    if broken.rule not in RELEASES or broken.body not in found.passed:
        return ""
    passing = found.passed[broken.body]
    strange = [at_us for at_us, fault in found.faults if fault.kind is FaultKind.SECOND_MASTER]
    opened = any(0 <= passing.at_us - at_us <= STRANGER_US for at_us in strange)
    if opened and passing.permit_no > FOREIGN_PERMIT:
        return STRANGER
    config = config_of(found.case.setup)
    closing_um = config.gate.margin_um + config.speed_um_s * config.gate.travel_us // 1_000_000
    moved = any(fault.kind in MOVERS for _, fault in found.faults)
    if moved and passing.leader and passing.gap_um <= closing_um:
        return FOLLOWER
    return ""
