"""What the core asks of the world: device commands and its own. They leave only after their record is durable."""

from dataclasses import dataclass

from devices.commands import DeviceCommand
from lane.events.union import AnyEvent
from vision.item_count import ExpectedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class AskDeclaration:
    """Look up a waybill (answered by ``DeclarationAnswer``)."""

    seq: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReview:
    """Put a doubtful parcel before an officer (answered by a ``Review`` order or by nobody)."""

    seq: int
    view: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A message waits in the outbox."""

    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseEpoch:
    """Reveal this epoch and open the next (answered by ``EpochRevealed`` and ``EpochOpened``)."""

    epoch: int
    draws: int


LaneCommand = AskDeclaration | Count | AskReview | Send | CloseEpoch
AnyCommand = DeviceCommand | LaneCommand


@dataclass(frozen=True, slots=True)
class Step:
    """Answer of the core to one input: what it concluded, then what it asks for (in this order)."""

    events: tuple[AnyEvent, ...]
    commands: tuple[AnyCommand, ...]
