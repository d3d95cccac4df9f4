"""Events of the lane as a whole: state, alarms, rules, gate, snapshot."""

from lane.events.base import Event
from lane.model.grounds import Ground
from lane.model.words import State


class StateChanged(Event, frozen=True, kw_only=True, gc=False):
    """PackML state left and reached, and why (cause from the error catalogue)."""

    left: State
    reached: State
    cause: str
    person: str = ""


class OrderRefused(Event, frozen=True, kw_only=True, gc=False):
    """An order that could not be obeyed, and why."""

    order: str
    person: str
    reason: str


class GateProven(Event, frozen=True, kw_only=True, gc=False):
    """End switches proved a gate position."""

    position: str
    permit_no: int


class TrackingStray(Event, frozen=True, kw_only=True, gc=False):
    """An eye edge without a tracked parcel."""

    eye: str


class BeltFlushed(Event, frozen=True, kw_only=True, gc=False):
    """Everything on the belt goes to INSPECT."""

    cause: str
    seqs: tuple[int, ...]


class AlarmRaised(Event, frozen=True, kw_only=True, gc=False):
    """An alarm of the catalogue needs a person. ``follows``: number of the first-out alarm (0: it is first)."""

    number: int
    seq: int
    detail: str
    follows: int = 0


class AlarmCleared(Event, frozen=True, kw_only=True, gc=False):
    """Its cause is gone."""

    number: int


class AlarmAcknowledged(Event, frozen=True, kw_only=True, gc=False):
    """A person has seen it."""

    number: int
    person: str


class AlarmShelved(Event, frozen=True, kw_only=True, gc=False):
    """A person silenced it until a time."""

    number: int
    person: str
    until_us: int


class RuleAdded(Event, frozen=True, kw_only=True, gc=False):
    """A supervisor's rule is in force until ``until_us``."""

    rule: str
    sku: str
    hs_prefix: str
    declarant: str
    until_us: int
    person: str
    second: str


class GroundModeSet(Event, frozen=True, kw_only=True, gc=False):
    """A content or weight ground became advisory, or enforced again."""

    ground: Ground
    advisory: bool
    person: str
    second: str


class MessageDone(Event, frozen=True, kw_only=True, gc=False):
    """The receiver acknowledged it."""

    idempotency_key: str


class Snapshot(Event, frozen=True, kw_only=True, gc=False):
    """The whole state of the core as canonical JSON text; restart replays from the last one."""

    state: str
