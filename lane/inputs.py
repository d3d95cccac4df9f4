"""What reaches the core: device signals, lane inputs, officers' orders. Every input is journalled.

All carry ``at_us`` (lane clock, microseconds) and ``belt_um`` (belt position, micrometres).
"""

from dataclasses import dataclass, field

from devices.signals import DeviceSignal
from lane.model.declared import DeclaredItem
from lane.model.grounds import Ground
from lane.model.words import Design, LaneKind, StatusClass
from lane.orders import AnyOrder
from vision.item_count import Acquisition, ItemCount, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Base of the lane's own inputs."""

    at_us: int
    belt_um: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStarted(Input):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReached(Input):
    """The deadline that ``next_deadline()`` named has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochCommitted(Input):
    """Commitment C of a future draw epoch, before its public nonce is known."""

    epoch: int
    commitment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochNonce(Input):
    """Public nonce of a committed epoch (hex), where it came from and who entered it."""

    epoch: int
    nonce: str
    source: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOpened(Input):
    """An epoch starts. ``key`` is secret: the codec never writes it; replay takes it from seal or reveal."""

    epoch: int
    commitment: str
    nonce: str
    rate: str
    design: Design
    config_sha256: str
    build_sha256: str
    key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRevealed(Input):
    """Salt and secret of a closed epoch (hex): from now on anyone recomputes its draws."""

    epoch: int
    salt: str
    secret: str
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochQueueLow(Input):
    """So many committed epochs with a nonce are left (0: no induction)."""

    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationAnswer(Input):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(Input):
    """Status or version of a parcel on the lane, or released and not yet handed over, changed in the store."""

    seq: int
    version: str
    status_code: str
    status_class: StatusClass
    status_at: str
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanStored(Input):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionResult(Input):
    """Count of one image, bound to its hash."""

    seq: int
    count: ItemCount


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionFailed(Input):
    """No count: worker crashed, deadline missed, or its result refused."""

    seq: int
    image_sha256: str
    reason: str
    timeout: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAcknowledged(Input):
    """The receiver accepted the message with this idempotency key."""

    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxLevel(Input):
    """Messages not yet acknowledged; ``full`` stops induction."""

    waiting: int
    full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState(Input):
    """The status feed is fresh, or silent beyond its time to live."""

    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFailed(Input):
    """The journal can't be written: no induction, no permit (handled in memory only)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderGiven(Input):
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
