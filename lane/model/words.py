"""Enumerations that reach the journal and the screens, in the words of the trade."""

from enum import IntEnum, StrEnum


class LaneKind(StrEnum):
    """A live lane moves real parcels; a twin lane simulated ones (hashed into every run)."""

    LIVE = "live"
    TWIN = "twin"


class Mode(StrEnum):
    """PackML mode; only PRODUCTION (TRAINING on a twin) issues permits to a gate."""

    PRODUCTION = "PRODUCTION"
    MAINTENANCE = "MAINTENANCE"
    COMMISSIONING = "COMMISSIONING"
    TRAINING = "TRAINING"


class State(IntEnum):
    """PackML states with the numbers of OPC 30050 / ISA-TR88.00.02."""

    CLEARING = 1
    STOPPED = 2
    STARTING = 3
    IDLE = 4
    SUSPENDED = 5
    EXECUTE = 6
    STOPPING = 7
    ABORTING = 8
    ABORTED = 9
    HOLDING = 10
    HELD = 11
    UNHOLDING = 12
    SUSPENDING = 13
    UNSUSPENDING = 14
    RESETTING = 15
    COMPLETING = 16
    COMPLETE = 17


class StatusClass(StrEnum):
    """Class of the customs status of a list (8 rows of the disposition matrix)."""

    RELEASED = "RELEASED"
    REVIEWED = "REVIEWED"
    ORDERED = "ORDERED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    DETAINED = "DETAINED"
    UNKNOWN = "UNKNOWN"
    NONE = "NONE"


class FindingKind(StrEnum):
    """What the comparison says of one declared line (or of the parcel: the worst line)."""

    MATCH = "MATCH"
    SHORT = "SHORT"
    OVER = "OVER"
    UNCERTAIN = "UNCERTAIN"
    UNCOUNTABLE = "UNCOUNTABLE"
    NO_DECLARATION = "NO_DECLARATION"


class Evidence(StrEnum):
    """Evidence axis of the disposition matrix."""

    CLEAR = "CLEAR"
    DISCREPANT = "DISCREPANT"
    UNPROVEN = "UNPROVEN"


class Tracking(StrEnum):
    """Tracking axis of the disposition matrix."""

    SOUND = "SOUND"
    DOUBTFUL = "DOUBTFUL"


class Route(StrEnum):
    """The belt has two exits."""

    RELEASE = "RELEASE"
    INSPECT = "INSPECT"


class Instruction(StrEnum):
    """What the bench is asked to do."""

    NONE = "NONE"
    HOLD = "HOLD"
    RESCAN = "RESCAN"
    IDENTIFY = "IDENTIFY"
    OPEN = "OPEN"
    RETURN = "RETURN"
    DETAIN = "DETAIN"


INSTRUCTION_STRICTNESS = (
    Instruction.NONE,
    Instruction.HOLD,
    Instruction.RESCAN,
    Instruction.IDENTIFY,
    Instruction.OPEN,
    Instruction.RETURN,
    Instruction.DETAIN,
)
"""Laxest first; the instruction shown is the strictest of the cell and of all open grounds."""


class BenchResult(StrEnum):
    """How an opened parcel ends."""

    INSPECTED_AND_RELEASED = "INSPECTED_AND_RELEASED"
    ORDER_MODIFIED = "ORDER_MODIFIED"
    ORDER_DELETED = "ORDER_DELETED"
    TRANSFERRED_TO_ANTI_SMUGGLING = "TRANSFERRED_TO_ANTI_SMUGGLING"
    RETURNED = "RETURNED"
    DETAINED = "DETAINED"
    RESCAN = "RESCAN"


class Custody(StrEnum):
    """Where a parcel is, from induction to hand-over."""

    ON_BELT = "ON_BELT"
    AT_BENCH = "AT_BENCH"
    HELD = "HELD"
    IN_RELEASE_AREA = "IN_RELEASE_AREA"
    IN_CAGE = "IN_CAGE"
    DEPARTED = "DEPARTED"
    WITH_AUTHORITY = "WITH_AUTHORITY"
    BACK_IN_WAREHOUSE = "BACK_IN_WAREHOUSE"
    UNPROVEN = "UNPROVEN"
    REMOVED = "REMOVED"


class MessageKind(StrEnum):
    """Kinds of ``lane-release/1`` messages."""

    RELEASE = "RELEASE"
    INSPECT = "INSPECT"
    BENCH_RESULT = "BENCH_RESULT"
    RECALL = "RECALL"


class Via(StrEnum):
    """Which way a release was proven."""

    GATE = "GATE"
    BENCH = "BENCH"


class Role(StrEnum):
    """Roles of signed-in persons; SYSTEM is the lane itself."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    SYSTEM = "system"


class Design(StrEnum):
    """Design of the random draw (LaneDraw v1)."""

    RATE_HELD = "rate_held"
    INDEPENDENT = "independent"
