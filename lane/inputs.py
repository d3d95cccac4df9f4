"""What reaches the core: device signals, lane inputs, officers' orders. Every input is journalled.

All carry ``at_us`` (lane clock, microseconds) and ``belt_um`` (belt position, micrometres).
"""

from msgspec import Struct

from devices.signals import DeviceSignal
from lane.model.declared import DeclaredItem
from lane.model.grounds import Ground
from lane.model.words import Design, LaneKind, StatusClass
from lane.orders import AnyOrder
from vision.item_count import Acquisition, ItemCount, Origin


class Input(Struct, frozen=True, kw_only=True, gc=False):
    """Base of the lane's own inputs."""

    at_us: int
    belt_um: int


class LaneStarted(Input, frozen=True, kw_only=True, gc=False):
    """Header record: a core process started (or an hour passed, or the wall clock stepped).

    ``restart`` is False for hourly headers and wall steps: they move nothing.
    """

    restart: bool
    boot_id: str
    wall_at: str
    synchronised: bool
    lane_kind: LaneKind
    config_sha256: str
    build_sha256: str


class ClockReached(Input, frozen=True, kw_only=True, gc=False):
    """The deadline that ``next_deadline()`` named has come."""


class EpochCommitted(Input, frozen=True, kw_only=True, gc=False):
    """Commitment C of a future draw epoch, before its public nonce is known."""

    epoch: int
    commitment: str


class EpochNonce(Input, frozen=True, kw_only=True, gc=False):
    """Public nonce of a committed epoch (hex), where it came from and who entered it."""

    epoch: int
    nonce: str
    source: str
    by: str


class EpochOpened(Input, frozen=True, kw_only=True, gc=False):
    """An epoch starts. ``key`` is secret: the codec never writes it; replay takes it from seal or reveal."""

    epoch: int
    commitment: str
    nonce: str
    rate: str
    design: Design
    config_sha256: str
    build_sha256: str
    key: bytes = b""

    def __repr__(self) -> str:
        """As generated, without the key."""
        told = [f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "key"]
        return f"EpochOpened({', '.join(told)})"


class EpochRevealed(Input, frozen=True, kw_only=True, gc=False):
    """Salt and secret of a closed epoch (hex): from now on anyone recomputes its draws."""

    epoch: int
    salt: str
    secret: str
    draws: int


class EpochQueueLow(Input, frozen=True, kw_only=True, gc=False):
    """So many committed epochs with a nonce are left (0: no induction)."""

    left: int


class DeclarationAnswer(Input, frozen=True, kw_only=True, gc=False):
    """Answer to ``AskDeclaration``: what the store knows of this waybill. ``found`` False: no list.

    ``grounds`` are those the store itself sees (ambiguous carrier, conflict, unusable, stale, released before).
    ``flags`` of the list: ``NET_SUM`` and parser warnings. ``precheck``: AGREES, DIFFERS or NOT_CHECKED.
    """

    seq: int
    found: bool
    carrier: str = ""
    waybill: str = ""
    version: str = ""
    list_no: str = ""
    order_no: str = ""
    declarant: str = ""
    status_code: str = ""
    status_class: StatusClass = StatusClass.NONE
    status_at: str = ""
    reason: str = ""
    gross_mg: int = -1
    net_mg: int = -1
    items: tuple[DeclaredItem, ...] = ()
    grounds: tuple[Ground, ...] = ()
    flags: tuple[str, ...] = ()
    precheck: str = "NOT_CHECKED"


class StatusChanged(Input, frozen=True, kw_only=True, gc=False):
    """Status or version of a parcel on the lane, or released and not yet handed over, changed in the store."""

    seq: int
    version: str
    status_code: str
    status_class: StatusClass
    status_at: str
    grounds: tuple[Ground, ...] = ()


class ScanStored(Input, frozen=True, kw_only=True, gc=False):
    """An image is durable in the evidence store. ``seq``: the armed window it was taken in.

    ``line_from``, ``line_to``: detector's line counter; ``from_um``, ``to_um``: belt position of first and last
    line; ``head_um``, ``tail_um``: belt position at which the parcel's head and tail crossed the detector line, as
    the image shows them (both 0: no parcel seen); ``gaps``: missing lines by the counter.
    """

    seq: int
    image_sha256: str
    lines: int
    line_from: int
    line_to: int
    from_um: int
    to_um: int
    head_um: int
    tail_um: int
    gaps: int
    acquisition: Acquisition
    origin: Origin


class VisionResult(Input, frozen=True, kw_only=True, gc=False):
    """Count of one image, bound to its hash."""

    seq: int
    count: ItemCount


class VisionFailed(Input, frozen=True, kw_only=True, gc=False):
    """No count: worker crashed, deadline missed, or its result refused."""

    seq: int
    image_sha256: str
    reason: str
    timeout: bool


class MessageAcknowledged(Input, frozen=True, kw_only=True, gc=False):
    """The receiver accepted the message with this idempotency key."""

    idempotency_key: str


class OutboxLevel(Input, frozen=True, kw_only=True, gc=False):
    """Messages not yet acknowledged; ``full`` stops induction."""

    waiting: int
    full: bool


class FeedState(Input, frozen=True, kw_only=True, gc=False):
    """The status feed is fresh, or silent beyond its time to live."""

    fresh: bool


class JournalFailed(Input, frozen=True, kw_only=True, gc=False):
    """The journal can't be written: no induction, no permit (handled in memory only)."""

    reason: str


class OrderGiven(Input, frozen=True, kw_only=True, gc=False):
    """A person's order reached the lane."""

    order: AnyOrder


LaneInput = (
    LaneStarted
    | ClockReached
    | EpochCommitted
    | EpochNonce
    | EpochOpened
    | EpochRevealed
    | EpochQueueLow
    | DeclarationAnswer
    | StatusChanged
    | ScanStored
    | VisionResult
    | VisionFailed
    | MessageAcknowledged
    | OutboxLevel
    | FeedState
    | JournalFailed
    | OrderGiven
)

AnyInput = DeviceSignal | LaneInput
