"""Events of the lane as a whole: state, alarms, rules, gate, snapshot."""

from dataclasses import dataclass

from lane.events.base import Event
from lane.model.grounds import Ground
from lane.model.words import State


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """PackML state left and reached, and why (cause from the error catalogue)."""

    left: State
    reached: State
    cause: str
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused(Event):
    """An order that could not be obeyed, and why."""

    order: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateProven(Event):
    """End switches proved a gate position."""

    position: str
    permit_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingStray(Event):
    """An eye edge without a tracked parcel."""

    eye: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltFlushed(Event):
    """Everything on the belt goes to INSPECT."""

    cause: str
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """An alarm of the catalogue needs a person. ``follows``: number of the first-out alarm (0: it is first)."""

    number: int
    seq: int
    detail: str
    follows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared(Event):
    """Its cause is gone."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged(Event):
    """A person has seen it."""

    number: int
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmShelved(Event):
    """A person silenced it until a time."""

    number: int
    person: str
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdded(Event):
    """A supervisor's rule is in force until ``until_us``."""

    rule: str
    sku: str
    hs_prefix: str
    declarant: str
    until_us: int
    person: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundModeSet(Event):
    """A content or weight ground became advisory, or enforced again."""

    ground: Ground
    advisory: bool
    person: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDone(Event):
    """The receiver acknowledged it."""

    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Event):
    """The whole state of the core as canonical JSON text; restart replays from the last one."""

    state: str
