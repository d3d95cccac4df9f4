"""Everything the core remembers: plain values only, so that a snapshot is this state and nothing else.

The secret key of the open epoch is not here: it reaches no record (``LaneController.restore`` takes it separately).
Every collection is bounded by a named constant or by the configuration (C7).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec import field as made

from lane.alarms import AlarmBook
from lane.errors import Cause
from lane.identify import Reads
from lane.inputs import DeclarationAnswer
from lane.model.grounds import Ground
from lane.model.words import Custody, Design, FindingKind, Instruction, MessageKind, Route, State, StatusClass
from lane.permits import Permit
from lane.tracking import Body, Cover

STRAYS_MAX = 16
"""Bodies without a number followed at once; more means that nothing on the belt is certain: flush."""
HASHES_MAX = 256
"""Image hashes remembered against repetition: some ten belt loads."""
NONCES_MAX = 1_024
"""Order nonces remembered; the mailbox refuses older repeats by its session rules."""
RULES_MAX = 100
"""Supervisor rules in force at once: more could not be overlooked by a person."""
UNPROVEN_MAX = 200
"""Lost or unproven parcels that the bench may still record; the oldest is forgotten first."""
NO_ANSWER = DeclarationAnswer(at_us=0, belt_um=0, seq=0, found=False)


class ReviewState(StrEnum):
    """Image review of one parcel."""

    NONE = "NONE"
    ASKED = "ASKED"
    CLEARED = "CLEARED"
    INSPECT = "INSPECT"


class Phase(StrEnum):
    """What an acting state waits for: belt run empty, belt at rest, proof of the watchdog, belt at speed."""

    NONE = "NONE"
    FLUSH = "FLUSH"
    SETTLE = "SETTLE"
    PROOF = "PROOF"
    RUN = "RUN"


class GateSeen(StrEnum):
    """What the gate's end switches said last; UNKNOWN: nothing since the core started."""

    UNKNOWN = "UNKNOWN"
    INSPECT = "INSPECT"
    MOVING = "MOVING"
    RELEASE = "RELEASE"


class Due:
    """What a deadline is for: plain numbers, because every input looks at them. Belt deadlines first, then time
    deadlines (100 and up)."""

    IDENTITY: Final = 1
    SEEN: Final = 2
    DECISION: Final = 3
    GATE: Final = 4
    BEAM_OFF: Final = 5
    REST: Final = 6
    GATE_LEFT: Final = 7
    GATE_HOME: Final = 8
    FLUSH: Final = 9
    TAIL: Final = 10
    VISION: Final = 101
    LINK: Final = 102
    EPOCH: Final = 103
    DRIVE: Final = 104
    PROOF: Final = 105
    CHAIN: Final = 106


class Parcel(Struct, kw_only=True, gc=False):
    """One inducted parcel, from the induct eye to an exit."""

    seq: int
    body: Body
    reads: Reads
    code: str = ""
    identity_closed: bool = False
    has_draw: bool = False
    effective: bool = False
    asked: bool = False
    answered: bool = False
    answer: DeclarationAnswer = NO_ANSWER
    status_code: str = ""
    status_class: StatusClass = StatusClass.NONE
    weight_mg: int = -1
    weight_error_mg: int = 0
    armed: bool = False
    armed_from_um: int = 0
    armed_to_um: int = 0
    image_sha256: str = ""
    image_length_um: int = 0
    count_asked: bool = False
    compared: bool = False
    finding: FindingKind = FindingKind.UNCERTAIN
    grounds: list[Ground] = []
    cleared: list[Ground] = []
    advisory: list[Ground] = []
    review: ReviewState = ReviewState.NONE
    review_grounds: list[Ground] = []
    reviewer: str = ""
    decided: bool = False
    route: Route = Route.INSPECT
    instruction: Instruction = Instruction.NONE
    permit: Permit = made(default_factory=Permit)


class Place(Struct, kw_only=True, gc=False):
    """A parcel that left the belt and is not finished: at the bench, released and not handed over, or not proven.

    ``count_lines``: declared lines whose pieces the bench has to count before a release (a doubt about the content).
    """

    seq: int
    code: str
    custody: Custody
    status_code: str
    status_class: StatusClass
    version: str
    reviewer: str
    effective: bool
    quarantined: bool
    recalled: bool = False
    count_lines: list[int] = []
    revisions: dict[MessageKind, int] = {}


@dataclass(slots=True, kw_only=True)
class Rule:
    """A supervisor's rule in force."""

    rule: str
    sku: str
    hs_prefix: str
    declarant: str
    until_us: int


@dataclass(slots=True, kw_only=True)
class Draw:
    """The open epoch and the counters of the draw. ``epoch`` 0: none was ever open."""

    epoch: int = 0
    rate: str = ""
    design: Design = Design.RATE_HELD
    is_open: bool = False
    closing: bool = False
    opened_us: int = 0
    draws: int = 0
    n: int = 0
    selected: int = 0
    next_seq: int = 1
    queue: int = -1


class Undrawn(Struct, kw_only=True, gc=False):
    """A parcel whose identity is closed and whose draw waits for its turn, or for an epoch with a key."""

    parcel_key: str
    sticky_from: int
    counts: bool


@dataclass(slots=True, kw_only=True)
class Link:
    """A device that does not answer. ``held``: its absence already holds the lane."""

    lost_us: int
    held: bool = False


@dataclass(slots=True, kw_only=True)
class Machine:
    """PackML state, what it waits for, what is wanted of the devices, and what they said last.

    ``gate_home_um``, ``gate_out_um``: belt positions at which the end switches INSPECT and RELEASE last answered.
    ``gate_closes_um``: where it has to close again, or had to.
    """

    state: State = State.STOPPED
    phase: Phase = Phase.NONE
    causes: list[Cause] = field(default_factory=list)
    throttles: list[Cause] = field(default_factory=list)
    belt_unknown: bool = True
    proof_needed: bool = True
    gate: GateSeen = GateSeen.UNKNOWN
    gate_home_um: int = -1
    gate_out_um: int = -1
    gate_closes_um: int = -1
    belt_wanted: bool = False
    belt_running: bool = False
    induction: bool = False
    beam: bool = False
    beam_until_um: int = 0
    light: str = ""
    safety_known: bool = False
    safety_faults: list[Cause] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)
    io_back_um: int = 0
    feed_fresh: bool = True
    outbox_full: bool = False
    journal_failed: bool = False
    flush_to_um: int = 0
    moved_um: int = 0
    moved_us: int = 0


@dataclass(slots=True, kw_only=True)
class LaneState:
    """The whole state of the core.

    ``fault_until_um``: belt position at which the last tracking fault has left the belt. ``flushed_um``: belt position
    of the last flush; a fault among the bodies inducted before it says nothing new about those inducted since.
    """

    at_us: int = 0
    belt_um: int = 0
    machine: Machine = field(default_factory=Machine)
    draw: Draw = field(default_factory=Draw)
    alarms: AlarmBook = field(default_factory=AlarmBook)
    next_seq: int = 1
    parcels: dict[int, Parcel] = field(default_factory=dict)
    strays: list[Body] = field(default_factory=list)
    covers: dict[str, Cover] = field(default_factory=dict)
    undrawn: dict[int, Undrawn] = field(default_factory=dict)
    belt_due: list[tuple[int, int, int]] = field(default_factory=list)
    time_due: list[tuple[int, int, int]] = field(default_factory=list)
    fault_until_um: int = 0
    flushed_um: int = -1
    last_tail_um: int = -1
    last_seq: int = 0
    permit_no: int = 0
    permit_home_um: int = 0
    last_line: int = -1
    hashes: dict[str, int] = field(default_factory=dict)
    bench: dict[int, Place] = field(default_factory=dict)
    released: dict[int, Place] = field(default_factory=dict)
    unproven: dict[int, Place] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    advisory: list[Ground] = field(default_factory=list)
    nonces: dict[str, int] = field(default_factory=dict)
    inducted: int = 0
    finished: int = 0
    released_count: int = 0
    diverted_count: int = 0
    unproven_count: int = 0
    removed_count: int = 0
