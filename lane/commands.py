"""What the core asks of the world: device commands and its own. They leave only after their record is durable."""

from msgspec import Struct

from devices.commands import DeviceCommand
from lane.events.union import AnyEvent
from vision.item_count import ExpectedLine


class AskDeclaration(Struct, frozen=True, kw_only=True, gc=False):
    """Look up a waybill (answered by ``DeclarationAnswer``)."""

    seq: int
    code: str


class Count(Struct, frozen=True, kw_only=True, gc=False):
    """Count one image against its declared lines (answered by ``VisionResult`` or ``VisionFailed``).

    ``scale_mg`` -1: no weight. ``gross_mg``, ``net_mg``: declared (-1: absent). ``deadline_us``: lane clock.
    """

    seq: int
    image_sha256: str
    lines: tuple[ExpectedLine, ...]
    scale_mg: int
    scale_error_mg: int
    gross_mg: int
    net_mg: int
    deadline_us: int


class AskReview(Struct, frozen=True, kw_only=True, gc=False):
    """Put a doubtful parcel before an officer (answered by a ``Review`` order or by nobody)."""

    seq: int
    view: str


class Send(Struct, frozen=True, kw_only=True, gc=False):
    """A message waits in the outbox."""

    idempotency_key: str


class CloseEpoch(Struct, frozen=True, kw_only=True, gc=False):
    """Reveal this epoch and open the next (answered by ``EpochRevealed`` and ``EpochOpened``)."""

    epoch: int
    draws: int


LaneCommand = AskDeclaration | Count | AskReview | Send | CloseEpoch
AnyCommand = DeviceCommand | LaneCommand


class Step(Struct, frozen=True, gc=False):
    """Answer of the core to one input: what it concluded, then what it asks for (in this order)."""

    events: tuple[AnyEvent, ...]
    commands: tuple[AnyCommand, ...]
