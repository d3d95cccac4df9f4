"""Faults of the core twin: a plan made before the run, so that a failing run can be told and shrunk.

Only what the plant, the lane I/O, the devices' answers and people do is here; faults on wires (frames, checksums,
sockets) belong to the simulated devices. ``CATALOGUE`` gives each kind its id in the fault catalogue
(``sim/RULES.md``); an id that begins with T is of a kind that only the twin has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sim.streams.randoms import Keyed


class FaultKind(StrEnum):
    """What goes wrong. ``CATALOGUE`` says how each happens and what its ``strength`` means."""

    # belt
    JAM = "JAM"
    BELT_SLIP = "BELT_SLIP"
    BODY_SLIP = "BODY_SLIP"
    ENCODER_DOUBT = "ENCODER_DOUBT"
    SPEED_CHANGE = "SPEED_CHANGE"
    COAST = "COAST"
    BELT_STOPPED = "BELT_STOPPED"
    BELT_REVERSED = "BELT_REVERSED"
    # bodies
    TOUCHING = "TOUCHING"
    OVERLAPPING = "OVERLAPPING"
    GHOST_EDGE = "GHOST_EDGE"
    BODY_REMOVED = "BODY_REMOVED"
    BODY_INSERTED = "BODY_INSERTED"
    BODY_SWAPPED = "BODY_SWAPPED"
    TOO_LONG = "TOO_LONG"
    # eyes
    EYE_FLICKER = "EYE_FLICKER"
    EYE_MISSED = "EYE_MISSED"
    EYE_STUCK_ON = "EYE_STUCK_ON"
    EYE_STUCK_OFF = "EYE_STUCK_OFF"
    EYE_LATE = "EYE_LATE"
    # barcode
    NO_READ = "NO_READ"
    WRONG_READ = "WRONG_READ"
    DOUBLE_READ = "DOUBLE_READ"
    TWO_CODES = "TWO_CODES"
    CODES_REVERSED = "CODES_REVERSED"
    DUPLICATE_WAYBILL = "DUPLICATE_WAYBILL"
    INDUCTED_AGAIN = "INDUCTED_AGAIN"
    # scale
    WEIGHT_UNSTABLE = "WEIGHT_UNSTABLE"
    WEIGHT_OTHER_BODY = "WEIGHT_OTHER_BODY"
    WEIGHT_STALE = "WEIGHT_STALE"
    # gate
    GATE_STUCK = "GATE_STUCK"
    GATE_STUCK_OUT = "GATE_STUCK_OUT"
    GATE_SLOW = "GATE_SLOW"
    GATE_BOUNCES = "GATE_BOUNCES"
    GATE_FALSE_SWITCH = "GATE_FALSE_SWITCH"
    OUTPUT_DEAD = "OUTPUT_DEAD"
    # X-ray
    XRAY_TRIP = "XRAY_TRIP"
    IMAGE_LOST = "IMAGE_LOST"
    IMAGE_LATE = "IMAGE_LATE"
    IMAGE_REPEATED = "IMAGE_REPEATED"
    IMAGE_SWAPPED = "IMAGE_SWAPPED"
    IMAGE_MERGED = "IMAGE_MERGED"
    IMAGE_TRUNCATED = "IMAGE_TRUNCATED"
    IMAGE_POOR = "IMAGE_POOR"
    # vision
    VISION_LOST = "VISION_LOST"
    VISION_CRASH = "VISION_CRASH"
    VISION_LATE = "VISION_LATE"
    VISION_AT_THE_LATCH = "VISION_AT_THE_LATCH"
    VISION_NAN = "VISION_NAN"
    VISION_ABSURD = "VISION_ABSURD"
    VISION_OTHER_IMAGE = "VISION_OTHER_IMAGE"
    VISION_OTHER_MODEL = "VISION_OTHER_MODEL"
    # links and devices
    IO_SILENT = "IO_SILENT"
    IO_GAP = "IO_GAP"
    IO_FROZEN = "IO_FROZEN"
    RECONNECT_STORM = "RECONNECT_STORM"
    RING_OVERFLOW = "RING_OVERFLOW"
    PLC_RESTART = "PLC_RESTART"
    DEVICE_SWAPPED = "DEVICE_SWAPPED"
    DEVICE_SILENT = "DEVICE_SILENT"
    READER_SILENT = "READER_SILENT"
    SECOND_MASTER = "SECOND_MASTER"
    WATCHDOG_OFF = "WATCHDOG_OFF"
    EMERGENCY_STOP = "EMERGENCY_STOP"
    GUARD_OPEN = "GUARD_OPEN"
    # controller, storage, clock
    CORE_KILLED = "CORE_KILLED"
    CORE_PAUSED = "CORE_PAUSED"
    POWER_CUT = "POWER_CUT"
    JOURNAL_FAILED = "JOURNAL_FAILED"
    DISK_SLOW = "DISK_SLOW"
    WALL_STEP = "WALL_STEP"
    NO_EPOCH = "NO_EPOCH"
    # declarations and messages
    DECLARATION_LATE = "DECLARATION_LATE"
    DECLARATION_MISSING = "DECLARATION_MISSING"
    DECLARATION_CHANGED = "DECLARATION_CHANGED"
    DECLARATION_CONFLICT = "DECLARATION_CONFLICT"
    STATUS_WORSENED = "STATUS_WORSENED"
    STORE_DOWN = "STORE_DOWN"
    FEED_SILENT = "FEED_SILENT"
    MESSAGE_FAILED = "MESSAGE_FAILED"
    MESSAGE_TWICE = "MESSAGE_TWICE"
    OUTBOX_FULL = "OUTBOX_FULL"
    # people
    DOUBLE_CLICK = "DOUBLE_CLICK"
    DECISION_CANCELLED = "DECISION_CANCELLED"
    DECISION_LATE = "DECISION_LATE"
    HELD_BY_HAND = "HELD_BY_HAND"
    BENCH_STOPS = "BENCH_STOPS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. With ``parcel`` 0 it begins at ``at_us``; else ``at_us`` after that body stood at the induct eye, so
    that leaving other parcels or faults out does not move it.

    ``duration_us``: how long it lasts (0 where it is one act); ``position_um``: where on the belt, from the induct
    eye; ``strength``: see ``Shape.meaning``.
    """

    kind: FaultKind
    at_us: int
    duration_us: int = 0
    position_um: int = 0
    parcel: int = 0
    strength: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a kind is drawn: id in the catalogue, and ranges (low, high) of duration and strength."""

    id: str
    meaning: str
    duration_us: tuple[int, int] = (0, 0)
    strength: tuple[int, int] = (0, 0)


_K = FaultKind
_MS = 1_000
_S = 1_000_000

# fmt: off
CATALOGUE: Mapping[FaultKind, Shape] = {
    _K.JAM: Shape(id="F22", meaning="a body is held while the belt runs on; those behind run into it",
                  duration_us=(300 * _MS, 6 * _S)),
    _K.BELT_SLIP: Shape(id="F29", meaning="all bodies stay back by `strength` um that the encoder counts",
                        strength=(2_000, 400_000)),
    _K.BODY_SLIP: Shape(id="F29", meaning="one body moves by `strength` um against the belt (positive: back)",
                        strength=(-300_000, 600_000)),
    _K.ENCODER_DOUBT: Shape(id="F29", meaning="encoder and drive disagree: position UNKNOWN (odd strength) or a jump",
                            strength=(0, 1)),
    _K.SPEED_CHANGE: Shape(id="F29", meaning="the drive runs at `strength` permille of the speed",
                           duration_us=(500 * _MS, 6 * _S), strength=(400, 1_300)),
    _K.COAST: Shape(id="F30", meaning="the next stop comes `strength` us late",
                    duration_us=(30 * _S, 60 * _S), strength=(50 * _MS, 800 * _MS)),
    _K.BELT_STOPPED: Shape(id="F30", meaning="the drive stops by itself", duration_us=(500 * _MS, 8 * _S)),
    _K.BELT_REVERSED: Shape(id="F31", meaning="the belt runs back by `strength` um", strength=(5_000, 500_000)),
    _K.TOUCHING: Shape(id="F24", meaning="a body slides up to its leader, `strength` um behind it",
                       strength=(0, 250_000)),
    _K.OVERLAPPING: Shape(id="F24", meaning="a body slides `strength` um onto its leader", strength=(5_000, 200_000)),
    _K.GHOST_EDGE: Shape(id="F27", meaning="an eye reports a body of `strength` um that is not there",
                         strength=(3_000, 400_000)),
    _K.BODY_REMOVED: Shape(id="F26", meaning="a person takes a parcel off the belt"),
    _K.BODY_INSERTED: Shape(id="F27", meaning="a person puts a foreign carton on the belt; `strength` um behind a "
                            "body (0: in the free place nearest to the position)", strength=(0, 900_000)),
    _K.BODY_SWAPPED: Shape(id="F28", meaning="two neighbours change places"),
    _K.TOO_LONG: Shape(id="F25", meaning="a strap lengthens a body by `strength` um", strength=(30_000, 900_000)),
    _K.EYE_FLICKER: Shape(id="F21", meaning="`strength` short gaps while an eye is covered", strength=(1, 6)),
    _K.EYE_MISSED: Shape(id="F23", meaning="an eye misses one body"),
    _K.EYE_STUCK_ON: Shape(id="F22", meaning="an eye stays covered", duration_us=(200 * _MS, 8 * _S)),
    _K.EYE_STUCK_OFF: Shape(id="F23", meaning="an eye sees nothing", duration_us=(200 * _MS, 8 * _S)),
    _K.EYE_LATE: Shape(id="F01", meaning="edges reach the core `strength` us late, with their own stamps",
                       duration_us=(200 * _MS, 6 * _S), strength=(5 * _MS, 280 * _MS)),
    _K.NO_READ: Shape(id="F34", meaning="the next read fails; odd strength: at the second reader", strength=(0, 1)),
    _K.WRONG_READ: Shape(id="F38", meaning="the next read gives another text: a neighbour's code (0), a digit changed "
                         "(1), noise (2); from 3 on at the second reader", strength=(0, 5)),
    _K.DOUBLE_READ: Shape(id="F36", meaning="a body is read twice, 40 mm apart"),
    _K.TWO_CODES: Shape(id="F35", meaning="a body carries a second label; odd strength: the reader says MULTIPLE",
                        strength=(0, 1)),
    _K.CODES_REVERSED: Shape(id="F38", meaning="two reads come in the wrong order"),
    _K.DUPLICATE_WAYBILL: Shape(id="F37", meaning="a body carries the label of the body before it in the stream"),
    _K.INDUCTED_AGAIN: Shape(id="F72", meaning="a parcel comes round again, in the place of a later one"),
    _K.WEIGHT_UNSTABLE: Shape(id="T01", meaning="the next weight is not stable"),
    _K.WEIGHT_OTHER_BODY: Shape(id="T02", meaning="the next weight is that of another body"),
    _K.WEIGHT_STALE: Shape(id="T03", meaning="the scale repeats its last value"),
    _K.GATE_STUCK: Shape(id="F19", meaning="the blade stays where it is", duration_us=(200 * _MS, 8 * _S)),
    _K.GATE_STUCK_OUT: Shape(id="F19", meaning="the blade sticks when it is next at RELEASE",
                             duration_us=(200 * _MS, 8 * _S)),
    _K.GATE_SLOW: Shape(id="F18", meaning="the blade needs `strength` permille of its travel time",
                        duration_us=(2 * _S, 10 * _S), strength=(1_100, 5_000)),
    _K.GATE_BOUNCES: Shape(id="F20", meaning="an end switch opens and closes `strength` times on arrival",
                           strength=(1, 4)),
    _K.GATE_FALSE_SWITCH: Shape(id="F20", meaning="the next change of an end switch is not told (even) or told "
                                "as the other position (odd), until somebody looks at it",
                                duration_us=(300 * _MS, 8 * _S), strength=(0, 1)),
    _K.OUTPUT_DEAD: Shape(id="F17", meaning="release pulses are taken, but the output does not move",
                          duration_us=(500 * _MS, 8 * _S)),
    _K.XRAY_TRIP: Shape(id="F45", meaning="X-rays go out", duration_us=(300 * _MS, 6 * _S)),
    _K.IMAGE_LOST: Shape(id="T04", meaning="the next image is never stored"),
    _K.IMAGE_LATE: Shape(id="T05", meaning="the next image is stored `strength` us late",
                         strength=(100 * _MS, 12 * _S)),
    _K.IMAGE_REPEATED: Shape(id="F43", meaning="the image before is delivered again instead of the next one"),
    _K.IMAGE_SWAPPED: Shape(id="F44", meaning="the next two images change order"),
    _K.IMAGE_MERGED: Shape(id="F42", meaning="the next image shows two bodies"),
    _K.IMAGE_TRUNCATED: Shape(id="F41", meaning="the next image lacks `strength` permille of its lines",
                              strength=(20, 700)),
    _K.IMAGE_POOR: Shape(id="F45", meaning="dose low or dark lines: the next image fails its calibration gate"),
    _K.VISION_LOST: Shape(id="F46", meaning="no counts come back", duration_us=(500 * _MS, 8 * _S)),
    _K.VISION_CRASH: Shape(id="F46", meaning="a counting worker crashes"),
    _K.VISION_LATE: Shape(id="F48", meaning="the next count comes `strength` us late", strength=(500 * _MS, 14 * _S)),
    _K.VISION_AT_THE_LATCH: Shape(id="F48", meaning="the next count comes `strength` us after its parcel's head "
                                  "reached the decision point (even) or the divert eye (odd)", strength=(-900, 900)),
    _K.VISION_NAN: Shape(id="F47", meaning="a count is no number: the border makes VisionFailed of it"),
    _K.VISION_ABSURD: Shape(id="F47", meaning="an absurd count gets through the border", strength=(0, 3)),
    _K.VISION_OTHER_IMAGE: Shape(id="T06", meaning="the next count is that of another image"),
    _K.VISION_OTHER_MODEL: Shape(id="F49", meaning="the next count comes from another model"),
    _K.IO_SILENT: Shape(id="F01", meaning="the lane I/O is not reached: watchdog trips, edges wait in its ring",
                        duration_us=(200 * _MS, 8 * _S)),
    _K.IO_GAP: Shape(id="F09", meaning="a connection reset: the lane I/O is away for less than a second",
                     duration_us=(100 * _MS, 900 * _MS)),
    _K.IO_FROZEN: Shape(id="F13", meaning="heartbeat frozen, socket alive: taken for a loss after three cycles",
                        duration_us=(300 * _MS, 6 * _S)),
    _K.RECONNECT_STORM: Shape(id="F11", meaning="the link comes and goes `strength` times", strength=(2, 6)),
    _K.RING_OVERFLOW: Shape(id="T07", meaning="the ring overruns: edges are lost and the device says so",
                            duration_us=(500 * _MS, 4 * _S)),
    _K.PLC_RESTART: Shape(id="F12", meaning="the lane I/O loses power for a moment: counters and ring at zero"),
    _K.DEVICE_SWAPPED: Shape(id="F14", meaning="another device answers at an address: identity differs, link refused",
                             duration_us=(1 * _S, 8 * _S), strength=(0, 5)),
    _K.DEVICE_SILENT: Shape(id="F13", meaning="drive, cabinet, source or detector does not answer",
                            duration_us=(200 * _MS, 6 * _S), strength=(0, 3)),
    _K.READER_SILENT: Shape(id="T08", meaning="reader, second reader or scale does not answer",
                            duration_us=(500 * _MS, 10 * _S), strength=(0, 2)),
    _K.SECOND_MASTER: Shape(id="F15", meaning="a foreign master writes the release block: a pulse of `strength` ms",
                            strength=(200, 2_500)),
    _K.WATCHDOG_OFF: Shape(id="F16", meaning="the output watchdog is disabled while the lane runs or starts",
                           duration_us=(5 * _S, 40 * _S)),
    _K.EMERGENCY_STOP: Shape(id="F32", meaning="the emergency stop is pressed", duration_us=(1 * _S, 10 * _S)),
    _K.GUARD_OPEN: Shape(id="F32", meaning="a guard of the tunnel opens", duration_us=(1 * _S, 10 * _S)),
    _K.CORE_KILLED: Shape(id="F60", meaning="the core dies before the commit of a record (0, torn), after it (1), "
                          "between its commands (2); it restarts from the journal",
                          duration_us=(300 * _MS, 6 * _S), strength=(0, 2)),
    _K.CORE_PAUSED: Shape(id="F61", meaning="the core's process stands still, then goes on",
                          duration_us=(200 * _MS, 5 * _S)),
    _K.POWER_CUT: Shape(id="F33", meaning="power fails and returns with bodies on the belt",
                        duration_us=(500 * _MS, 8 * _S)),
    _K.JOURNAL_FAILED: Shape(id="F54", meaning="a commit fails: the core makes its outputs safe and ends",
                             duration_us=(1 * _S, 6 * _S)),
    _K.DISK_SLOW: Shape(id="F62", meaning="commands leave `strength` us late, because commits are slow",
                        duration_us=(500 * _MS, 5 * _S), strength=(20 * _MS, 2 * _S)),
    _K.WALL_STEP: Shape(id="F63", meaning="the wall clock steps", strength=(0, 1)),
    _K.NO_EPOCH: Shape(id="F71", meaning="the draw's epoch closes and the next has no nonce for a while",
                       duration_us=(1 * _S, 20 * _S)),
    _K.DECLARATION_LATE: Shape(id="F50", meaning="the next answer of the declarations comes `strength` us late",
                               strength=(200 * _MS, 15 * _S)),
    _K.DECLARATION_MISSING: Shape(id="F50", meaning="the next answer is lost"),
    _K.DECLARATION_CHANGED: Shape(id="F50", meaning="a newer version of a list arrives while its parcel is on the belt",
                                  strength=(0, 1)),
    _K.DECLARATION_CONFLICT: Shape(id="F52", meaning="the store finds two live lists, or that the orders do not agree"),
    _K.STATUS_WORSENED: Shape(id="F50", meaning="customs change a status to one that forbids release",
                              strength=(0, 2)),
    _K.STORE_DOWN: Shape(id="F51", meaning="the declarations do not answer", duration_us=(1 * _S, 15 * _S)),
    _K.FEED_SILENT: Shape(id="F51", meaning="the status feed is silent beyond its time", duration_us=(1 * _S, 15 * _S)),
    _K.MESSAGE_FAILED: Shape(id="F53", meaning="the receiver takes no messages", duration_us=(1 * _S, 15 * _S)),
    _K.MESSAGE_TWICE: Shape(id="F53", meaning="an acknowledgement comes twice"),
    _K.OUTBOX_FULL: Shape(id="F53", meaning="messages pile up until the outbox is full", duration_us=(1 * _S, 15 * _S)),
    _K.DOUBLE_CLICK: Shape(id="F68", meaning="a person's next order arrives twice"),
    _K.DECISION_CANCELLED: Shape(id="T09", meaning="an officer clears a parcel and then orders its inspection"),
    _K.DECISION_LATE: Shape(id="T09", meaning="an officer's answer comes after the decision point"),
    _K.HELD_BY_HAND: Shape(id="T09", meaning="an officer holds the lane", duration_us=(1 * _S, 5 * _S)),
    _K.BENCH_STOPS: Shape(id="F67", meaning="nobody opens parcels: the bench fills", duration_us=(20 * _S, 240 * _S)),
}
# fmt: on

PLANT_ONLY = (
    FaultKind.GATE_STUCK,
    FaultKind.BODY_REMOVED,
    FaultKind.BODY_INSERTED,
    FaultKind.IO_SILENT,
    FaultKind.VISION_LOST,
)
"""A small set that leaves the stream and the controller's process alone."""
STREAM_KINDS = frozenset({FaultKind.DUPLICATE_WAYBILL, FaultKind.INDUCTED_AGAIN})
"""Kinds that change the stream itself before the run (``sim.explore.case``)."""


def plan_faults(seed: int, until_us: int, kinds: Sequence[FaultKind], per_hour: int) -> tuple[Fault, ...]:
    """Faults of the given kinds, each at ``per_hour`` on average, from one keyed stream per kind."""
    faults = []
    for kind in kinds:
        keyed, at_us = Keyed(seed, "fault", kind), 60_000_000
        shape = CATALOGUE[kind]
        while True:
            at_us += keyed.exponential(3_600_000_000 // per_hour)
            if at_us >= until_us:
                break
            faults.append(
                Fault(
                    kind=kind,
                    at_us=at_us,
                    duration_us=keyed.between(*shape.duration_us),
                    position_um=keyed.between(300_000, 7_000_000),
                    strength=keyed.between(*shape.strength),
                )
            )
    return tuple(sorted(faults, key=lambda fault: (fault.at_us, fault.kind)))
