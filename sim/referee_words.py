"""Words of the referee: rules a release can break, and families of grounds for the statistics."""

from collections.abc import Iterable
from enum import StrEnum

from lane.model.grounds import GROUNDS, Axis, Ground


class Violation(StrEnum):
    """Rule broken by a release (declaration, status, identity, tracking or sample forbids it) or by its records."""

    UNTRACKED = "UNTRACKED"  # no lane number for the body
    NO_DECISION = "NO_DECISION"  # no release decision before the blade
    NO_PERMIT = "NO_PERMIT"
    IDENTITY = "IDENTITY"  # another code than the body's, or none
    DECLARATION = "DECLARATION"  # nobody declared it
    STATUS = "STATUS"  # status class is not RELEASED
    SAMPLE = "SAMPLE"  # drawn for opening by hand, or never drawn
    NO_IMAGE = "NO_IMAGE"
    FALSE_RECORD = "FALSE_RECORD"  # released by the record, but the body went elsewhere
    TWICE = "TWICE"  # two ends of one parcel
    MESSAGE = "MESSAGE"  # release messages differ from released parcels


class Family(StrEnum):
    """Families of grounds, in the order in which one of them stands for a parcel."""

    DRAW = "draw"
    TRACKING = "tracking"
    IDENTITY = "identity"
    DEVICE = "device"
    CONTENT = "content"
    DECLARATION = "declaration"
    ORDER = "order"
    NONE = "none"


IDENTITY_GROUNDS = frozenset(
    {
        Ground.NO_READ, Ground.CODE_INVALID, Ground.TWO_CODES, Ground.CARRIER_AMBIGUOUS, Ground.DUPLICATE_WAYBILL,
        Ground.IDENTITY_UNCONFIRMED, Ground.REPEAT_INDUCTION,
    }
)  # fmt: skip
DEVICE_GROUNDS = frozenset(
    {
        Ground.DEVICE_DOUBT, Ground.GATE_UNPROVEN, Ground.PERMIT_VOID, Ground.JOURNAL_DOUBT, Ground.NO_IMAGE,
        Ground.IMAGE_UNBOUND, Ground.IMAGE_REPEATED, Ground.IMAGE_QUALITY, Ground.WEIGHT_UNKNOWN,
        Ground.SYNTHETIC_EVIDENCE, Ground.MODEL_UNTRUSTED,
    }
)  # fmt: skip
DECLARATION_GROUNDS = frozenset(
    {Ground.DECLARATION_UNUSABLE, Ground.DECLARATION_CHANGED, Ground.DECLARATION_CONFLICT, Ground.LIST_WITHDRAWN}
)


def family(ground: Ground) -> Family:
    """Family of one ground."""
    if ground in IDENTITY_GROUNDS:
        return Family.IDENTITY
    if ground in DEVICE_GROUNDS:
        return Family.DEVICE
    if ground in DECLARATION_GROUNDS:
        return Family.DECLARATION
    match GROUNDS[ground].axis:
        case Axis.DRAW:
            return Family.DRAW
        case Axis.TRACKING:
            return Family.TRACKING
        case Axis.STATUS:
            return Family.DECLARATION
        case Axis.ORDER:
            return Family.ORDER
        case Axis.DISCREPANT | Axis.UNPROVEN:
            return Family.CONTENT


def family_of(grounds: Iterable[Ground]) -> Family:
    """The family that stands for a parcel with these grounds: a drawn parcel is opened whatever else it has."""
    present = {family(ground) for ground in grounds}
    return next((name for name in Family if name in present), Family.NONE)
