"""What a person can ask of the lane. Each order names who asks, in which role, with a one-use nonce."""

from dataclasses import dataclass
from typing import get_args

from lane.model.grounds import Ground
from lane.model.words import BenchResult, Custody, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Base of all orders. ``nonce`` makes a repeated order recognisable (a used one is refused)."""

    person: str
    role: Role
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Order):
    """STOPPED or COMPLETE -> IDLE, after the self checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Order):
    """IDLE -> EXECUTE, by way of flush run and watchdog proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Order):
    """Run the belt empty to INSPECT, then STOPPED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Order):
    """Stop the belt for an inside cause, gate at INSPECT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhold(Order):
    """HELD -> EXECUTE when its causes are cured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort(Order):
    """Outputs safe at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(Order):
    """ABORTED -> STOPPED: faults acknowledged by a named person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(Order):
    """Shift end: belt runs empty, then COMPLETE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Order):
    """Answer to a review: clear the doubt or send to INSPECT. Bound to parcel and picture."""

    seq: int
    image_sha256: str
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect(Order):
    """An officer wants this parcel opened."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBench(Order):
    """Result of opening a parcel: found pieces per declared line, and how it ends.

    ``found``: (line_no, pieces) pairs. ``second``: name of the second person where two are required.
    """

    seq: int
    result: BenchResult
    found: tuple[tuple[int, int], ...]
    seal: str = ""
    second: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCustody(Order):
    """A parcel changed place: into a cage, departed, to an authority, back to the warehouse."""

    seq: int
    custody: Custody
    container: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlarm(Order):
    """A person has seen alarm ``number``."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelveAlarm(Order):
    """Silence alarm ``number`` until ``until_us`` (lane clock)."""

    number: int
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRule(Order):
    """Supervisor's rule: open everything that matches, until ``until_us``. Upward only, two persons.

    Empty ``sku``, ``hs_prefix`` or ``declarant`` match all; at least one must be given.
    """

    rule: str
    sku: str
    hs_prefix: str
    declarant: str
    until_us: int
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGroundMode(Order):
    """Make a content or weight ground advisory (recorded, not deciding) or enforced again; two persons."""

    ground: Ground
    advisory: bool
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyIn(Order):
    """Waybill typed by a person, twice. Tells the bench who it is; never lifts INSPECT."""

    seq: int
    text: str
    again: str


AnyOrder = (
    Reset
    | Start
    | Stop
    | Hold
    | Unhold
    | Abort
    | Clear
    | Complete
    | Review
    | Inspect
    | RecordBench
    | MoveCustody
    | AcknowledgeAlarm
    | ShelveAlarm
    | AddRule
    | SetGroundMode
    | KeyIn
)

_EVERY_ORDER = frozenset(cls.__name__ for cls in get_args(AnyOrder))
SUPERVISOR_ONLY = frozenset({AddRule.__name__, SetGroundMode.__name__, ShelveAlarm.__name__})
"""Orders that change what the lane looks for or shows."""
ORDERS_OF: dict[Role, frozenset[str]] = {
    Role.OFFICER: _EVERY_ORDER - SUPERVISOR_ONLY,
    Role.SUPERVISOR: _EVERY_ORDER,
    Role.INTEGRATOR: frozenset(),
    Role.AUDITOR: frozenset(),
    Role.SYSTEM: frozenset(),
}
"""The one table of who may order what; core, mailbox and console read it."""


def refusal_of(order: str, role: Role) -> str:
    """Why this role may not give this order ("" when it may)."""
    if not ORDERS_OF[role]:
        return f"role {role} gives no orders to the lane"
    if order not in ORDERS_OF[role]:
        return f"expected a supervisor, was {role}"
    return ""
