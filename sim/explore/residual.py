"""Which findings a known residual risk explains: a duty that the field of this lane lacks, or nobody can have.

Nothing is left out of the search for it, and every such release is counted. A release counts as explained only where
physics shows it: the pulse that held the blade open was a stranger's, or the body followed another through the gate so
closely that no blade closes between them.
"""

from collections import Counter
from collections.abc import Mapping

from lane.model.config import CoreConfig
from lane.permits import home_soonest_um, left_by_um, stop_um, way_um
from sim.coretwin.trouble_links import FOREIGN_PERMIT
from sim.explore.judge import TAKEN_BACK, Passing
from sim.explore.run import CaseResult
from sim.explore.setup import DUTIES, config_of, spacing_um
from sim.explore.watch import Broken
from sim.faults import FaultKind
from sim.plant.options import Duty, has_owner

RELEASES = frozenset(
    {
        "UNTRACKED", "NO_DECISION", "NO_PERMIT", "IDENTITY", "DECLARATION", "STATUS", "SAMPLE", "NO_IMAGE", "I17",
        "R9", "R1",
    }
)  # fmt: skip
"""Rules that a body broke which left by the release exit."""
PASSAGES = RELEASES | {TAKEN_BACK}
"""Rules that a body broke at the blade."""
RECORDS = frozenset({"FALSE_RECORD", "R10", "I13", "I2"})
"""Rules that the books broke, because another body took a parcel's place."""
NEIGHBOURS = frozenset({"R11"})
"""Rules about a body beside another, which ask where it is: broken too by the body whose place was taken."""
STRANGER = "F15 second master"
FOLLOWER = "H5/H7 close follower"
LAST_LOOK = "H7 moved behind the last look"
UNREAD = "H7 unread at the second reader"
GHOST = "H7 ghost in a missing body's window"
STUCK = "H2 stuck blade and late stop"
UNWATCHED = "F16 watchdog off in a silence"
REASONS: Mapping[str, str] = {
    STRANGER: "remote I/O without a program obeys whoever writes to it; Modbus names no sender. The lane sees the "
    "output go on, brings the gate home and holds, but a body that is at the blade just then passes. The cure is a "
    "lane I/O or PLC that knows its owner, or a network with one master.",
    FOLLOWER: "goods that moved on the belt until they touch or overlap the parcel ahead pass the blade with it: the "
    "gate closes at the tail of the permitted one, and no eye sees a gap between them.",
    LAST_LOOK: "a body that takes a permitted parcel's place behind the last station that looks at more than edges "
    "(second reader, or the tunnel where there is none) is taken for it; position alone is no identity.",
    UNREAD: "a body without a legible label takes a permitted parcel's place behind the tunnel: the second reader "
    "reads nothing, which contradicts nobody, and only another length at the divert eye tells it.",
    GHOST: "eyes that report what is not there, at the very place where a body should be that was held back, moved, or "
    "stood still before the eye: its release is recorded while it is still on the belt; it leaves by INSPECT.",
    STUCK: "the blade sticks at RELEASE and the next body is through before the belt stands: the stop is late or cut "
    "off at the same time (coasting drive, slow disk, silent link, dead core), or the parcels follow each other more "
    "closely than the belt's stopping way at this speed.",
    UNWATCHED: "remote I/O knows no tail: when its link is cut under an open gate only its watchdog ends the pulse in "
    "time, and that somebody had switched off while the lane ran. The next proof shows it; until then the pulse's own "
    "end is late by what was allowed for a slow answer.",
}
STRANGER_US = 6_000_000
"""A strange pulse lasts 2.5 s at most, and a blade that sticks open for it some seconds more."""
STUCK_US = 15_000_000
FREED_US = 2_000_000
"""A slow blade needs a second and a half for its way home."""
WAY_US = 30_000_000
"""A parcel's way from the induct eye to an exit, with a stop on it."""
MOVERS = frozenset(
    {
        FaultKind.JAM, FaultKind.BELT_SLIP, FaultKind.BODY_SLIP, FaultKind.BELT_REVERSED, FaultKind.TOUCHING,
        FaultKind.OVERLAPPING, FaultKind.BODY_INSERTED, FaultKind.BODY_SWAPPED, FaultKind.TOO_LONG,
    }
)  # fmt: skip
"""Faults that bring a body close to another one."""
GHOSTS = frozenset({FaultKind.GHOST_EDGE, FaultKind.EYE_STUCK_ON, FaultKind.EYE_FLICKER})
STICKERS = frozenset({FaultKind.GATE_STUCK, FaultKind.GATE_STUCK_OUT, FaultKind.GATE_SLOW})
SILENCERS = frozenset(
    {
        FaultKind.IO_SILENT, FaultKind.IO_GAP, FaultKind.IO_FROZEN, FaultKind.RECONNECT_STORM, FaultKind.RING_OVERFLOW,
        FaultKind.DEVICE_SWAPPED, FaultKind.CORE_KILLED, FaultKind.CORE_PAUSED, FaultKind.JOURNAL_FAILED,
    }
)  # fmt: skip
"""Faults in which nobody reaches the lane I/O."""
LATE_STOPS = frozenset(
    {
        FaultKind.COAST, FaultKind.DISK_SLOW, FaultKind.DEVICE_SILENT, FaultKind.DEVICE_SWAPPED, FaultKind.IO_SILENT,
        FaultKind.IO_GAP, FaultKind.IO_FROZEN, FaultKind.RECONNECT_STORM, FaultKind.RING_OVERFLOW,
        FaultKind.CORE_KILLED, FaultKind.CORE_PAUSED, FaultKind.JOURNAL_FAILED, FaultKind.SPEED_CHANGE,
        FaultKind.GATE_FALSE_SWITCH, FaultKind.GATE_BOUNCES, FaultKind.EYE_LATE,
    }
)  # fmt: skip
"""Faults that delay or cut off the word that the belt must stop."""


def explained(found: CaseResult) -> str:
    """Name of the residual risks that explain every broken rule ("": something is left unexplained)."""
    names = {why(found, broken) for broken in found.broken}
    return "" if "" in names else " + ".join(sorted(names))


def unexplained(found: CaseResult) -> list[Broken]:
    """Broken rules that no known residual risk explains."""
    return [broken for broken in found.broken if not why(found, broken)]


def releases(found: CaseResult) -> Counter[str]:
    """Bodies that left by the release exit against a rule, by the residual risk that explains each ("": none)."""
    return _bodies(found, {one.body or -one.seq for one in found.broken if one.rule in RELEASES} - {*found.taken})


def taken_back(found: CaseResult) -> Counter[str]:
    """The same of bodies that passed the blade against a rule and were taken from behind it."""
    return _bodies(found, {one.body for one in found.broken if one.rule == TAKEN_BACK})


def _bodies(found: CaseResult, bodies: set[int]) -> Counter[str]:
    risks: Counter[str] = Counter()
    for body in sorted(bodies):
        ours = {why(found, one) for one in found.broken if (one.body or -one.seq) == body and one.rule in PASSAGES}
        risks["" if "" in ours else " + ".join(sorted(ours))] += 1
    return risks


def _short(found: CaseResult, config: CoreConfig, passing: Passing) -> bool:
    """Whether the next head may come before a belt stands that is stopped because the blade did not leave OUT, or did
    leave it and sticks on its way home."""
    stop = stop_um(config)
    gap_um = config.layout.gap_um_min + spacing_um(found.case.setup, config)
    half_way_um = config.gate.margin_um + home_soonest_um(config, 0) + stop - way_um(config, config.report_lag_us)
    return gap_um < left_by_um(config, 0) + stop or 0 < passing.gap_um < half_way_um


def why(found: CaseResult, broken: Broken) -> str:
    """The residual risk that explains one broken rule ("": none)."""
    config = config_of(found.case.setup)
    last_look_um = config.layout.second_reader_um if found.case.setup.second_reader else config.layout.tunnel_exit_um
    if broken.rule in RECORDS | NEIGHBOURS and broken.body in found.moved:
        if found.moved[broken.body] >= last_look_um:
            return LAST_LOOK
        if broken.rule in RECORDS and _ghosts(found, broken.body):
            return GHOST
    if broken.rule in RECORDS and broken.body in found.taken and _ghosts(found, broken.body):
        return GHOST
    if broken.rule not in PASSAGES or broken.body not in found.passed:
        return ""
    passing = found.passed[broken.body]
    before = {fault.kind: passing.at_us - at_us for at_us, fault in found.faults if at_us <= passing.at_us}
    strange = passing.permit_no > FOREIGN_PERMIT or not passing.permit_no  # 0: the device restarted since
    obeys_all = not has_owner(DUTIES[found.case.setup.field])
    if obeys_all and strange and before.get(FaultKind.SECOND_MASTER, STRANGER_US) < STRANGER_US:
        return STRANGER
    closing_um = config.gate.margin_um + config.speed_um_s * config.gate.travel_us // 1_000_000
    if MOVERS & before.keys() and passing.leader and passing.gap_um <= closing_um:
        return FOLLOWER
    if passing.moved_um >= last_look_um:
        return LAST_LOOK
    if passing.unread and passing.moved_um >= config.layout.tunnel_exit_um:
        return UNREAD
    recent = {kind for kind, ago_us in before.items() if ago_us < STUCK_US}
    if not passing.driven and _sticks(found, passing.at_us) and (LATE_STOPS & recent or _short(found, config, passing)):
        return STUCK
    if Duty.H4 not in DUTIES[found.case.setup.field] and _unwatched(found, passing.at_us):
        return UNWATCHED
    return ""


def _sticks(found: CaseResult, at_us: int) -> bool:
    """Whether a fault held the blade back just then, or let go of it a moment before."""
    return any(
        fault.kind in STICKERS and began_us <= at_us <= began_us + fault.duration_us + FREED_US
        for began_us, fault in found.faults
    )


def _unwatched(found: CaseResult, at_us: int) -> bool:
    """Whether nobody reached the lane I/O just then, and its watchdog was off when that began."""
    began = [
        began_us
        for began_us, fault in found.faults
        if fault.kind in SILENCERS and began_us <= at_us <= began_us + fault.duration_us + FREED_US
    ]
    return any(
        fault.kind is FaultKind.WATCHDOG_OFF and any(off_us <= one <= off_us + fault.duration_us for one in began)
        for off_us, fault in found.faults
    )


def _ghosts(found: CaseResult, body: int) -> bool:
    """Whether an eye reported what was not there on this body's way to its record of release."""
    released_us = found.released.get(body, -1)
    return any(fault.kind in GHOSTS and 0 <= released_us - at_us <= WAY_US for at_us, fault in found.faults)
