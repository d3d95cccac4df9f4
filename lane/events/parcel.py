"""Events of one parcel, from induction to hand-over."""

from msgspec import Struct

from lane.events.base import Event
from lane.model.grounds import Ground
from lane.model.words import (
    BenchResult,
    Custody,
    Design,
    Evidence,
    FindingKind,
    Instruction,
    MessageKind,
    Route,
    StatusClass,
    Tracking,
    Via,
)


class ParcelInducted(Event, frozen=True, kw_only=True, gc=False):
    """A body reached the induct eye and got the lane's next gap-free number."""

    seq: int
    head_um: int


class ParcelMeasured(Event, frozen=True, kw_only=True, gc=False):
    """Its tail passed the induct eye."""

    seq: int
    length_um: int
    gap_um: int


class ParcelIdentified(Event, frozen=True, kw_only=True, gc=False):
    """Identity closed: the code bound (or ""), and the draw key that follows from it."""

    seq: int
    code: str
    parcel_key: str
    grounds: tuple[Ground, ...]


class ParcelDrawn(Event, frozen=True, kw_only=True, gc=False):
    """The random draw, recomputable by anyone once the epoch is revealed (LaneDraw v1).

    ``n``, ``selected``: counters before this draw. ``p_num``/``p_den``: exact probability. ``d``: HMAC, hex.
    ``counts``: False for a re-induction. ``effective``: drawn, or an earlier passage of the key was.
    """

    epoch: int
    seq: int
    parcel_key: str
    design: Design
    rate: str
    n: int
    selected: int
    p_num: int
    p_den: int
    d: str
    drawn: bool
    counts: bool
    sticky_from: int
    effective: bool


class DeclarationPinned(Event, frozen=True, kw_only=True, gc=False):
    """The declared list this parcel is compared with, fixed from here on."""

    seq: int
    carrier: str
    waybill: str
    version: str
    list_no: str
    order_no: str
    status_code: str
    status_class: StatusClass


class StatusUpdated(Event, frozen=True, kw_only=True, gc=False):
    """Status of a parcel changed while it was on the lane."""

    seq: int
    status_code: str
    status_class: StatusClass


class ParcelWeighed(Event, frozen=True, kw_only=True, gc=False):
    """A stable weight bound by belt position."""

    seq: int
    mg: int
    error_mg: int


class ParcelScanned(Event, frozen=True, kw_only=True, gc=False):
    """An X-ray image bound to the parcel by belt position, length and line counter."""

    seq: int
    image_sha256: str
    length_um: int


class LineFinding(Struct, frozen=True, kw_only=True, gc=False):
    """Finding of one declared line. Intervals -1, -1: none."""

    line_no: int
    finding: FindingKind
    expected_lo: int
    expected_hi: int
    seen_lo: int
    seen_hi: int
    p_ppm: int
    reason: str


class ContentCompared(Event, frozen=True, kw_only=True, gc=False):
    """Declared against seen, line by line; ``finding`` is the worst line."""

    seq: int
    image_sha256: str
    finding: FindingKind
    lines: tuple[LineFinding, ...]
    unexplained: int
    p_declared_ppm: int
    model_sha256: str
    signatures: str
    grounds: tuple[Ground, ...]
    advisory: tuple[Ground, ...]


class ReviewRequested(Event, frozen=True, kw_only=True, gc=False):
    """An officer is asked, until ``until_um`` of belt; ``view`` is the nonce of this question."""

    seq: int
    image_sha256: str
    grounds: tuple[Ground, ...]
    until_um: int
    view: str


class ReviewAnswered(Event, frozen=True, kw_only=True, gc=False):
    """An officer's answer; ``cleared`` are the grounds that it ended."""

    seq: int
    image_sha256: str
    person: str
    clear: bool
    cleared: tuple[Ground, ...]


class InspectionOrdered(Event, frozen=True, kw_only=True, gc=False):
    """An officer or supervisor's rule ordered this parcel to be opened."""

    seq: int
    person: str
    rule: str


class DispositionDecided(Event, frozen=True, kw_only=True, gc=False):
    """The decision at the decision point: matrix cell, route, instruction and every ground."""

    seq: int
    route: Route
    instruction: Instruction
    status_class: StatusClass
    evidence: Evidence
    drawn: bool
    tracking: Tracking
    grounds: tuple[Ground, ...]
    cleared: tuple[Ground, ...]
    advisory: tuple[Ground, ...]
    image_sha256: str
    matrix_sha256: str


class PermitIssued(Event, frozen=True, kw_only=True, gc=False):
    """One-shot permit: this parcel, this belt window, this expiry."""

    seq: int
    permit_no: int
    from_um: int
    to_um: int
    not_after_us: int


class PermitUsed(Event, frozen=True, kw_only=True, gc=False):
    """The device opened the gate for this permit."""

    seq: int
    permit_no: int


class PermitVoided(Event, frozen=True, kw_only=True, gc=False):
    """The permit may no longer open the gate."""

    seq: int
    permit_no: int
    reason: str


class ParcelReleased(Event, frozen=True, kw_only=True, gc=False):
    """The release exit eye (``via`` GATE) or a bench result (BENCH) proved the release."""

    seq: int
    via: Via
    permit_no: int
    exit_um: int


class ParcelDiverted(Event, frozen=True, kw_only=True, gc=False):
    """The inspect exit eye proved that it went to the bench."""

    seq: int
    instruction: Instruction
    grounds: tuple[Ground, ...]


class CustodyUnproven(Event, frozen=True, kw_only=True, gc=False):
    """Nobody can prove where this parcel went (or it left by an exit it had no permit for)."""

    seq: int
    reason: str


class CustodyMoved(Event, frozen=True, kw_only=True, gc=False):
    """Place of a parcel changed."""

    seq: int
    custody: Custody
    container: str
    person: str


class TrackingLost(Event, frozen=True, kw_only=True, gc=False):
    """A parcel missed its window at an eye."""

    seq: int
    eye: str


class GroundAdded(Event, frozen=True, kw_only=True, gc=False):
    """A ground was found outside the events that list their own."""

    seq: int
    ground: Ground


class BenchRecorded(Event, frozen=True, kw_only=True, gc=False):
    """Result of opening a parcel."""

    seq: int
    result: BenchResult
    found: tuple[tuple[int, int], ...]
    seal: str
    person: str
    second: str


class MessageQueued(Event, frozen=True, kw_only=True, gc=False):
    """A message must reach the receiver; ``lane.release`` renders it from the parcel's records."""

    seq: int
    message: MessageKind
    revision: int
    via: Via
    idempotency_key: str


class RecallRaised(Event, frozen=True, kw_only=True, gc=False):
    """Status worsened after the release decision and before hand-over."""

    seq: int
    status_code: str
    status_class: StatusClass
