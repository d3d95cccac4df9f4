"""What a person can ask of the lane. Each order names who asks, in which role, with a one-use nonce."""

from typing import get_args

from msgspec import Struct

from lane.model.grounds import Ground
from lane.model.words import BenchResult, Custody, Role


class Order(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all orders. ``nonce`` makes a repeated order recognisable (a used one is refused)."""

    person: str
    role: Role
    nonce: str


class Reset(Order, frozen=True, kw_only=True, gc=False):
    """STOPPED or COMPLETE -> IDLE, after the self checks."""


class Start(Order, frozen=True, kw_only=True, gc=False):
    """IDLE -> EXECUTE, by way of flush run and watchdog proof."""


class Stop(Order, frozen=True, kw_only=True, gc=False):
    """Run the belt empty to INSPECT, then STOPPED."""


class Hold(Order, frozen=True, kw_only=True, gc=False):
    """Stop the belt for an inside cause, gate at INSPECT."""


class Unhold(Order, frozen=True, kw_only=True, gc=False):
    """HELD -> EXECUTE when its causes are cured."""


class Abort(Order, frozen=True, kw_only=True, gc=False):
    """Outputs safe at once."""


class Clear(Order, frozen=True, kw_only=True, gc=False):
    """ABORTED -> STOPPED: faults acknowledged by a named person."""


class Complete(Order, frozen=True, kw_only=True, gc=False):
    """Shift end: belt runs empty, then COMPLETE."""


class Review(Order, frozen=True, kw_only=True, gc=False):
    """Answer to a review: clear the doubt or send to INSPECT. Bound to parcel and picture."""

    seq: int
    image_sha256: str
    clear: bool


class Inspect(Order, frozen=True, kw_only=True, gc=False):
    """An officer wants this parcel opened."""

    seq: int


class RecordBench(Order, frozen=True, kw_only=True, gc=False):
    """Result of opening a parcel: found pieces per declared line, and how it ends.

    ``found``: (line_no, pieces) pairs. ``second``: name of the second person where two are required.
    """

    seq: int
    result: BenchResult
    found: tuple[tuple[int, int], ...]
    seal: str = ""
    second: str = ""


class MoveCustody(Order, frozen=True, kw_only=True, gc=False):
    """A parcel changed place: into a cage, departed, to an authority, back to the warehouse."""

    seq: int
    custody: Custody
    container: str = ""


class AcknowledgeAlarm(Order, frozen=True, kw_only=True, gc=False):
    """A person has seen alarm ``number``."""

    number: int


class ShelveAlarm(Order, frozen=True, kw_only=True, gc=False):
    """Silence alarm ``number`` until ``until_us`` (lane clock)."""

    number: int
    until_us: int


class AddRule(Order, frozen=True, kw_only=True, gc=False):
    """Supervisor's rule: open everything that matches, until ``until_us``. Upward only, two persons.

    Empty ``sku``, ``hs_prefix`` or ``declarant`` match all; at least one must be given.
    """

    rule: str
    sku: str
    hs_prefix: str
    declarant: str
    until_us: int
    second: str


class SetGroundMode(Order, frozen=True, kw_only=True, gc=False):
    """Make a content or weight ground advisory (recorded, not deciding) or enforced again; two persons."""

    ground: Ground
    advisory: bool
    second: str


class KeyIn(Order, frozen=True, kw_only=True, gc=False):
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
