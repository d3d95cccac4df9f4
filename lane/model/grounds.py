"""The grounds for inspection: one table says which axis each belongs to, what the bench does, who may clear it.

RELEASE needs an empty list of open grounds. ``Clearance`` is the number of persons who may clear a ground at
image review, in the time the belt gives; NOBODY means that only the bench ends it.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from lane.model.words import Instruction


class Axis(StrEnum):
    """Which axis of the disposition matrix a ground moves."""

    STATUS = "STATUS"  # the status class itself; the cell decides
    DRAW = "DRAW"  # the random draw; the cell decides
    DISCREPANT = "DISCREPANT"  # evidence: content or weight differs
    UNPROVEN = "UNPROVEN"  # evidence: identity, image, vision or weight not established
    TRACKING = "TRACKING"  # tracking or lane doubt
    ORDER = "ORDER"  # a person or an authority wants it, or the record forbids release


class Clearance(IntEnum):
    """How many persons may clear a ground at image review."""

    NOBODY = 0
    ONE = 1
    TWO = 2


class Ground(StrEnum):
    """Every reason for INSPECT. ``GROUNDS`` gives meaning and consequences."""

    NO_READ = "NO_READ"
    CODE_INVALID = "CODE_INVALID"
    TWO_CODES = "TWO_CODES"
    CARRIER_AMBIGUOUS = "CARRIER_AMBIGUOUS"
    DUPLICATE_WAYBILL = "DUPLICATE_WAYBILL"
    IDENTITY_UNCONFIRMED = "IDENTITY_UNCONFIRMED"
    REPEAT_INDUCTION = "REPEAT_INDUCTION"
    NO_DECLARATION = "NO_DECLARATION"
    DECLARATION_UNUSABLE = "DECLARATION_UNUSABLE"
    DECLARATION_CHANGED = "DECLARATION_CHANGED"
    DECLARATION_CONFLICT = "DECLARATION_CONFLICT"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    STATUS_STALE = "STATUS_STALE"
    STATUS_PENDING = "STATUS_PENDING"
    STATUS_REVIEWED = "STATUS_REVIEWED"
    INSPECTION_ORDERED = "INSPECTION_ORDERED"
    STATUS_REJECTED = "STATUS_REJECTED"
    STATUS_DETAINED = "STATUS_DETAINED"
    LIST_WITHDRAWN = "LIST_WITHDRAWN"
    CONTROL_INSTRUCTION = "CONTROL_INSTRUCTION"
    QUARANTINE_HOLD = "QUARANTINE_HOLD"
    COUNT_SHORT = "COUNT_SHORT"
    COUNT_OVER = "COUNT_OVER"
    COUNT_UNCERTAIN = "COUNT_UNCERTAIN"
    UNCOUNTABLE = "UNCOUNTABLE"
    CONTENT_SUSPECT = "CONTENT_SUSPECT"
    WEIGHT_MISMATCH = "WEIGHT_MISMATCH"
    WEIGHT_UNKNOWN = "WEIGHT_UNKNOWN"
    NO_IMAGE = "NO_IMAGE"
    IMAGE_UNBOUND = "IMAGE_UNBOUND"
    IMAGE_REPEATED = "IMAGE_REPEATED"
    IMAGE_QUALITY = "IMAGE_QUALITY"
    VISION_TIMEOUT = "VISION_TIMEOUT"
    VISION_FAILED = "VISION_FAILED"
    MODEL_UNTRUSTED = "MODEL_UNTRUSTED"
    SYNTHETIC_EVIDENCE = "SYNTHETIC_EVIDENCE"
    TEST_PARCEL = "TEST_PARCEL"
    RANDOM_DRAW = "RANDOM_DRAW"
    DRAW_MISSING = "DRAW_MISSING"
    TRACKING_LOST = "TRACKING_LOST"
    TRACKING_STRAY = "TRACKING_STRAY"
    NEIGHBOUR_DOUBT = "NEIGHBOUR_DOUBT"
    GAP_TOO_SMALL = "GAP_TOO_SMALL"
    LENGTH_MISMATCH = "LENGTH_MISMATCH"
    OVERSIZE = "OVERSIZE"
    BELT_DISTURBED = "BELT_DISTURBED"
    FLUSHED = "FLUSHED"
    DEVICE_DOUBT = "DEVICE_DOUBT"
    GATE_UNPROVEN = "GATE_UNPROVEN"
    LANE_NOT_EXECUTING = "LANE_NOT_EXECUTING"
    DECISION_LATE = "DECISION_LATE"
    PERMIT_VOID = "PERMIT_VOID"
    JOURNAL_DOUBT = "JOURNAL_DOUBT"
    OFFICER_ORDER = "OFFICER_ORDER"
    REVIEW_UNANSWERED = "REVIEW_UNANSWERED"
    SUPERVISOR_RULE = "SUPERVISOR_RULE"


@dataclass(frozen=True, slots=True)
class GroundRow:
    """One row of the table: axis, bench instruction asked for (NONE: the matrix cell decides), who may clear."""

    axis: Axis
    do: Instruction
    clearance: Clearance
    meaning: str


_S, _D, _C, _U, _T, _O = Axis.STATUS, Axis.DRAW, Axis.DISCREPANT, Axis.UNPROVEN, Axis.TRACKING, Axis.ORDER
_CELL, _OPEN, _IDENTIFY, _RESCAN = Instruction.NONE, Instruction.OPEN, Instruction.IDENTIFY, Instruction.RESCAN
_NOBODY, _ONE, _TWO = Clearance.NOBODY, Clearance.ONE, Clearance.TWO

GROUNDS: dict[Ground, GroundRow] = {
    Ground.NO_READ: GroundRow(_U, _IDENTIFY, _NOBODY, "no valid code bound by the decision point"),
    Ground.CODE_INVALID: GroundRow(_U, _IDENTIFY, _NOBODY, "code read, but check digit or format is wrong"),
    Ground.TWO_CODES: GroundRow(_U, _IDENTIFY, _NOBODY, "two different codes in one belt window"),
    Ground.CARRIER_AMBIGUOUS: GroundRow(_U, _IDENTIFY, _NOBODY, "several carriers declared this number"),
    Ground.DUPLICATE_WAYBILL: GroundRow(_U, _OPEN, _NOBODY, "key on the lane, or released in its window"),
    Ground.IDENTITY_UNCONFIRMED: GroundRow(_U, _IDENTIFY, _NOBODY, "second look before the gate disagrees"),
    Ground.REPEAT_INDUCTION: GroundRow(_U, _OPEN, _NOBODY, "key inducted more than twice"),
    Ground.NO_DECLARATION: GroundRow(_S, _CELL, _NOBODY, "identity known, no declared list"),
    Ground.DECLARATION_UNUSABLE: GroundRow(_U, _OPEN, _NOBODY, "quantity or unit absent or out of range"),
    Ground.DECLARATION_CHANGED: GroundRow(_U, _OPEN, _NOBODY, "newer version after pinning"),
    Ground.DECLARATION_CONFLICT: GroundRow(_U, _OPEN, _NOBODY, "two live lists claim the key"),
    Ground.STATUS_UNKNOWN: GroundRow(_S, _CELL, _NOBODY, "no receipt, or code not in the map"),
    Ground.STATUS_STALE: GroundRow(_S, _CELL, _NOBODY, "status feed silent too long"),
    Ground.STATUS_PENDING: GroundRow(_S, _CELL, _NOBODY, "list is still being processed"),
    Ground.STATUS_REVIEWED: GroundRow(_S, _CELL, _NOBODY, "reviewed, not yet released"),
    Ground.INSPECTION_ORDERED: GroundRow(_S, _CELL, _NOBODY, "customs ordered inspection"),
    Ground.STATUS_REJECTED: GroundRow(_S, _CELL, _NOBODY, "list returned or withdrawn"),
    Ground.STATUS_DETAINED: GroundRow(_S, _CELL, _NOBODY, "list detained"),
    Ground.LIST_WITHDRAWN: GroundRow(_S, _CELL, _NOBODY, "cancellation or return applied for"),
    Ground.CONTROL_INSTRUCTION: GroundRow(_O, _OPEN, _NOBODY, "site control (deployment) instruction"),
    Ground.QUARANTINE_HOLD: GroundRow(_O, _OPEN, _NOBODY, "second authority wants it"),
    Ground.COUNT_SHORT: GroundRow(_C, _OPEN, _TWO, "fewer pieces than declared"),
    Ground.COUNT_OVER: GroundRow(_C, _OPEN, _TWO, "more pieces than declared"),
    Ground.COUNT_UNCERTAIN: GroundRow(_U, _OPEN, _ONE, "picture and weight can't decide the count"),
    Ground.UNCOUNTABLE: GroundRow(_U, _OPEN, _ONE, "no countable unit, and weight does not carry the line"),
    Ground.CONTENT_SUSPECT: GroundRow(_C, _OPEN, _TWO, "a region fits no declared line"),
    Ground.WEIGHT_MISMATCH: GroundRow(_C, _OPEN, _TWO, "scale weight differs from declared gross weight"),
    Ground.WEIGHT_UNKNOWN: GroundRow(_U, _RESCAN, _NOBODY, "no stable weight bound"),
    Ground.NO_IMAGE: GroundRow(_U, _RESCAN, _NOBODY, "no X-ray image bound by the decision point"),
    Ground.IMAGE_UNBOUND: GroundRow(_U, _RESCAN, _NOBODY, "image length, order or line counter do not fit"),
    Ground.IMAGE_REPEATED: GroundRow(_U, _RESCAN, _NOBODY, "same image hash or line counter seen before"),
    Ground.IMAGE_QUALITY: GroundRow(_U, _RESCAN, _NOBODY, "acquisition not successful, dose, clipping or slip"),
    Ground.VISION_TIMEOUT: GroundRow(_U, _OPEN, _ONE, "no count by its deadline"),
    Ground.VISION_FAILED: GroundRow(_U, _OPEN, _ONE, "counting crashed or its result was refused"),
    Ground.MODEL_UNTRUSTED: GroundRow(_U, _OPEN, _ONE, "model hash is not the configured one"),
    Ground.SYNTHETIC_EVIDENCE: GroundRow(_U, _OPEN, _NOBODY, "deciding image is not real, on a live lane"),
    Ground.TEST_PARCEL: GroundRow(_O, _OPEN, _NOBODY, "test article or declared test parcel"),
    Ground.RANDOM_DRAW: GroundRow(_D, _CELL, _NOBODY, "drawn at random for opening by hand"),
    Ground.DRAW_MISSING: GroundRow(_D, _OPEN, _NOBODY, "no durable draw for this parcel"),
    Ground.TRACKING_LOST: GroundRow(_T, _IDENTIFY, _NOBODY, "expected eye edge missed its window"),
    Ground.TRACKING_STRAY: GroundRow(_T, _IDENTIFY, _NOBODY, "eye edge without a tracked parcel"),
    Ground.NEIGHBOUR_DOUBT: GroundRow(_T, _IDENTIFY, _NOBODY, "next to a lost, stray or merged parcel"),
    Ground.GAP_TOO_SMALL: GroundRow(_T, _RESCAN, _NOBODY, "gap to the neighbour below the minimum"),
    Ground.LENGTH_MISMATCH: GroundRow(_T, _RESCAN, _NOBODY, "lengths at eyes or in the image differ"),
    Ground.OVERSIZE: GroundRow(_T, _OPEN, _NOBODY, "longer than the lane takes"),
    Ground.BELT_DISTURBED: GroundRow(_T, _RESCAN, _NOBODY, "belt stopped or reversed with it in the tunnel"),
    Ground.FLUSHED: GroundRow(_T, _RESCAN, _NOBODY, "on the belt at a fault, emergency stop or restart"),
    Ground.DEVICE_DOUBT: GroundRow(_T, _RESCAN, _NOBODY, "a needed value too old, or a link lost"),
    Ground.GATE_UNPROVEN: GroundRow(_T, _RESCAN, _NOBODY, "gate position not proven in time"),
    Ground.LANE_NOT_EXECUTING: GroundRow(_T, _RESCAN, _NOBODY, "the lane was not in EXECUTE"),
    Ground.DECISION_LATE: GroundRow(_T, _OPEN, _NOBODY, "not decided at the decision point"),
    Ground.PERMIT_VOID: GroundRow(_T, _RESCAN, _NOBODY, "permit refused, expired, or its window missed"),
    Ground.JOURNAL_DOUBT: GroundRow(_T, _RESCAN, _NOBODY, "its record is not durable"),
    Ground.OFFICER_ORDER: GroundRow(_O, _OPEN, _NOBODY, "an officer ordered inspection"),
    Ground.REVIEW_UNANSWERED: GroundRow(_O, _OPEN, _NOBODY, "review asked, no answer in time"),
    Ground.SUPERVISOR_RULE: GroundRow(_O, _OPEN, _NOBODY, "a supervisor's standing rule asks to open it"),
}
"""One row per ground: 55 of the lane, and one of the supervisor's rules."""

ADVISABLE: frozenset[Ground] = frozenset(
    {
        Ground.COUNT_SHORT,
        Ground.COUNT_OVER,
        Ground.COUNT_UNCERTAIN,
        Ground.UNCOUNTABLE,
        Ground.CONTENT_SUSPECT,
        Ground.WEIGHT_MISMATCH,
        Ground.WEIGHT_UNKNOWN,
    }
)
"""Content and weight grounds that four eyes may set to advisory (recorded, shown, not deciding)."""
