"""Holds records against inputs: what the core writes down must follow from what it was told, recomputed from outside.

The watch checks order and states; the scribe checks contents. Draws are recomputed with the verifier's own code, and
evidence of a release with figures of its own: weight within max(3 %, 50 g), picture within max(5 %, 20 mm).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.signals import EncoderDoubt
from lane.commands import Step
from lane.errors import CAUSES, Cause
from lane.events.machine import AlarmRaised, BeltFlushed, OrderRefused, StateChanged
from lane.events.parcel import (
    ContentCompared,
    CustodyMoved,
    DispositionDecided,
    LineFinding,
    ParcelDrawn,
    ParcelInducted,
    ParcelMeasured,
    ParcelReleased,
    ParcelScanned,
    ParcelWeighed,
    RecallRaised,
    TrackingLost,
)
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, DeclarationAnswer, EpochOpened, OrderGiven, ScanStored, StatusChanged, VisionResult
from lane.model.words import Custody, FindingKind, Route, State, StatusClass, Via
from lane.verifier import draw as recount
from sim.explore.gatekeeper import Gatekeeper
from vision.item_count import Acquisition

if TYPE_CHECKING:
    from sim.coretwin.station import Station
    from sim.explore.watch import Watch

PPM = 1_000_000
COUNT_MAX = 10_000
"""No parcel holds so many pieces."""
INDUCTIONS_MAX = 2
"""A third induction of one waybill is opened."""
HANDED_OVER = (Custody.DEPARTED, Custody.WITH_AUTHORITY, Custody.BACK_IN_WAREHOUSE)


@dataclass(slots=True)
class Told:
    """What the core was told of one lane number, and what it made of it."""

    length_um: int = 0
    image_um: int = 0
    sound_image: bool = False
    mg: int = -1
    error_mg: int = 0
    gross_mg: int = -1
    status: StatusClass | None = None
    count: ContentCompared | None = None
    released: bool = False
    beside: int = 0  # lane number of a lost parcel next to it
    flushed: str = ""
    against: tuple[str, ...] = ()  # what the declarations or its length said against it
    key: str = ""


class Scribe:
    """One run's records against its inputs, as the core heard them. Broken rules go to the watch: R2 evidence, R3 draw,
    R5 status, R6 identity, R8 alarms, R11 neighbours, R14 orders."""

    def __init__(self, station: "Station", watch: "Watch", routed: Callable[[int], Route | None]) -> None:
        self._config, self._watch, self._routed = station.config, watch, routed
        self._told: dict[int, Told] = {}
        self._keys: dict[int, bytes] = {}
        self._times: dict[str, int] = {}  # inductions of each waybill
        self._counters: tuple[str, str, int, int] | None = None
        self._raised: set[int] = set()
        self._tail_um = -1  # where the last tail left the induct eye
        self._heads: dict[int, int] = {}
        self._nonces: set[str] = set()
        self._given_up: set[int] = set()  # flushed, or lost before: a fault of theirs says nothing new
        self._heard: dict[type, Callable[[Any, Sequence[AnyEvent]], None]] = {
            EpochOpened: self._opened,
            DeclarationAnswer: self._answered,
            StatusChanged: self._status,
            ScanStored: self._stored,
            EncoderDoubt: self._encoder,
            OrderGiven: self._order,
        }
        self._read: dict[type, Callable[[Any, Any, Sequence[AnyEvent]], None]] = {
            ParcelDrawn: self._drawn,
            ParcelInducted: self._inducted,
            ParcelMeasured: self._measured,
            ParcelWeighed: self._weighed,
            ParcelScanned: self._scanned,
            ContentCompared: self._compared,
            DispositionDecided: self._decided,
            ParcelReleased: self._released,
            CustodyMoved: self._moved,
            TrackingLost: self._lost,
            BeltFlushed: self._flushed,
            AlarmRaised: self._alarm,
            StateChanged: self._changed,
        }
        keeper = Gatekeeper(station, self._breaks, routed)
        self._heard.update(keeper.heard)
        self._also = keeper.read

    def heard(self, item: AnyInput, step: Step) -> None:
        """One step of a core that somebody stands before: what reached it, not what was sent."""
        self.saw(item, step.events)

    def saw(self, item: AnyInput, events: Sequence[AnyEvent]) -> None:
        """One step of the core."""
        heard = self._heard.get(type(item))
        if heard is not None:
            heard(item, events)
        for event in events:
            kind = type(event)
            read = self._read.get(kind)
            if read is not None:
                read(event, item, events)
            read = self._also.get(kind)
            if read is not None:
                read(event, item, events)

    def _of(self, seq: int) -> Told:
        told = self._told.get(seq)
        if told is None:
            told = self._told[seq] = Told()
        return told

    def _breaks(self, rule: str, text: str, seq: int = 0) -> None:
        self._watch.breaks(rule, text, seq)

    # --- the draw, recomputed

    def _opened(self, item: EpochOpened, events: Sequence[AnyEvent]) -> None:
        if item.key:
            self._keys[item.epoch] = item.key

    def _drawn(self, event: ParcelDrawn, item: Any, events: Sequence[AnyEvent]) -> None:
        key, config, seq = self._keys.get(event.epoch), self._config, event.seq
        if key is None:
            self._breaks("R3", f"a draw of epoch {event.epoch}, which nobody opened", seq)
            return
        d = recount.draw(key, config.site, config.lane, event.epoch, seq, event.parcel_key.encode())
        num, den = recount.probability(*recount.rate(event.rate), str(event.design), event.n, event.selected)
        before, self._counters = self._counters, (
            event.rate, str(event.design), event.n + event.counts, event.selected + (event.drawn and event.counts),
        )  # fmt: skip
        repeated = event.counts and event.parcel_key in self._times
        if event.parcel_key:
            self._times[event.parcel_key] = self._times.get(event.parcel_key, 0) + 1
            self._of(seq).key = event.parcel_key
        same = before is not None and before[:2] == (event.rate, str(event.design))
        for broken, text in (
            (d.hex() != event.d, "the draw is not the one that its key gives"),
            ((num, den) != (event.p_num, event.p_den), f"its probability is {num}/{den}"),
            (recount.is_selected(d, num, den) != event.drawn, "drawn and not drawn are exchanged"),
            (same and before is not None and before[2:] != (event.n, event.selected), f"counters after {before}"),
            (repeated, "a waybill that was drawn before counts again"),
        ):
            if broken:
                self._breaks("R3", text, seq)

    # --- evidence

    def _answered(self, item: DeclarationAnswer, events: Sequence[AnyEvent]) -> None:
        told = self._of(item.seq)
        if told.gross_mg < 0:
            told.gross_mg, told.against = item.gross_mg, (*told.against, *(str(ground) for ground in item.grounds))

    def _inducted(self, event: ParcelInducted, item: Any, events: Sequence[AnyEvent]) -> None:
        """A head too close behind the last tail: neither of the two may be released (F24)."""
        self._heads = {event.seq: event.head_um}
        if 0 <= self._tail_um <= event.head_um < self._tail_um + self._config.layout.gap_um_min:
            self._of(event.seq).beside = event.seq - 1
            if self._routed(event.seq - 1) is None:
                self._of(event.seq - 1).beside = event.seq

    def _measured(self, event: ParcelMeasured, item: Any, events: Sequence[AnyEvent]) -> None:
        told = self._of(event.seq)
        told.length_um = event.length_um
        head_um = self._heads.pop(event.seq, -1)
        self._tail_um = head_um + event.length_um if head_um >= 0 else -1
        if event.length_um > self._config.layout.parcel_um_max:
            told.against = (*told.against, "OVERSIZE")

    def _weighed(self, event: ParcelWeighed, item: Any, events: Sequence[AnyEvent]) -> None:
        told = self._of(event.seq)
        told.mg, told.error_mg = event.mg, event.error_mg
        if not getattr(item, "stable", False) or item.mg != event.mg:
            self._breaks("R2", "a weight that no scale called stable", event.seq)

    def _stored(self, item: ScanStored, events: Sequence[AnyEvent]) -> None:
        if any(type(event) is ParcelScanned for event in events):
            told = self._of(item.seq)
            told.image_um = item.tail_um - item.head_um
            told.sound_image = item.acquisition is Acquisition.SUCCESSFUL and not item.gaps

    def _scanned(self, event: ParcelScanned, item: Any, events: Sequence[AnyEvent]) -> None:
        if getattr(item, "seq", 0) != event.seq or getattr(item, "image_sha256", "") != event.image_sha256:
            self._breaks("R2", "a picture that was stored for another parcel", event.seq)

    def _compared(self, event: ContentCompared, item: Any, events: Sequence[AnyEvent]) -> None:
        self._of(event.seq).count = event
        if type(item) is not VisionResult:
            return
        count = item.count
        if count.image_sha256 != event.image_sha256:
            self._breaks("R2", "a count of another picture", event.seq)
        for line in event.lines:
            if self._sure(line) and not _named_rightly(line):
                text = f"{line.finding}: {line.seen_lo}..{line.seen_hi} of {line.expected_lo}..{line.expected_hi}"
                self._breaks("R2", text, event.seq)
        absurd = any(
            not -1 <= line.count_lo <= line.count_hi <= COUNT_MAX or not 0 <= line.p_ppm <= PPM for line in count.lines
        )
        if absurd or not 0 <= count.p_declared_ppm <= PPM or not 0 <= count.unexplained <= COUNT_MAX:
            self._breaks("R2", "an absurd count was compared", event.seq)

    def _decided(self, event: DispositionDecided, item: Any, events: Sequence[AnyEvent]) -> None:
        if event.route is not Route.RELEASE or event.cleared or event.advisory:
            return
        told, content = self._of(event.seq), self._config.content
        window = max(told.length_um * 5 // 100, self._config.layout.eye_window_um)
        tolerance = max(told.gross_mg * content.gross_permille // 1_000, content.gross_mg_min) + told.error_mg
        for broken, text in (
            (not told.sound_image, "decided to release on a poor picture"),
            (abs(told.image_um - told.length_um) > window, "decided to release on a picture of another length"),
            (told.mg < 0 or told.gross_mg < 0, "decided to release without a weight"),
            (abs(told.mg - told.gross_mg) > tolerance, "decided to release with another weight than declared"),
            (not self._agrees(told.count), "decided to release on a count that does not agree"),
        ):
            if broken:
                self._breaks("R2", text, event.seq)
        if told.against:
            self._breaks("R6", f"decided to release although {', '.join(told.against)}", event.seq)
        if self._times.get(told.key, 0) > INDUCTIONS_MAX:
            self._breaks("R6", f"decided to release induction {self._times[told.key]} of one waybill", event.seq)

    def _sure(self, line: LineFinding) -> bool:
        """Whether the picture says something of this line alone, surely enough."""
        told_apart = not any(word in line.reason for word in ("as a sum", "total only", "abstains", "packs"))
        countable = line.finding is not FindingKind.UNCOUNTABLE and line.seen_lo >= 0
        return told_apart and countable and line.p_ppm >= self._config.content.bound_ppm

    def _agrees(self, count: ContentCompared | None) -> bool:
        """Whether the count says what was declared, surely enough, by the approved model."""
        if count is None:
            return False
        if count.unexplained or count.model_sha256 != self._config.model_sha256:
            return False
        bound = self._config.content.bound_ppm
        return all(
            line.finding is FindingKind.UNCOUNTABLE
            or "as a sum" in line.reason
            or "total only" in line.reason
            or (line.expected_lo <= line.seen_lo and line.seen_hi <= line.expected_hi and line.p_ppm >= bound)
            for line in count.lines
        )

    # --- status after the decision

    def _status(self, item: StatusChanged, events: Sequence[AnyEvent]) -> None:
        told = self._of(item.seq)
        worse = item.status_class in (StatusClass.REJECTED, StatusClass.DETAINED, StatusClass.ORDERED)
        known, told.status = told.status, item.status_class
        if told.released and worse and known in (None, StatusClass.RELEASED) and not _recalled(events, item.seq):
            self._breaks("R5", f"released, then {item.status_class}, and not called back", item.seq)

    def _released(self, event: ParcelReleased, item: Any, events: Sequence[AnyEvent]) -> None:
        told = self._of(event.seq)
        told.released = True
        if event.via is Via.GATE and told.beside:
            self._breaks("R11", f"released although {told.beside} was lost or too close beside it", event.seq)
        if event.via is Via.GATE and told.flushed:
            self._breaks("I13", f"released although the belt was flushed: {told.flushed}", event.seq)
        if event.via is not Via.GATE or told.status in (None, StatusClass.RELEASED):
            return
        if not _recalled(events, event.seq):
            self._breaks("R5", f"released although its status is {told.status} by then", event.seq)

    def _moved(self, event: CustodyMoved, item: Any, events: Sequence[AnyEvent]) -> None:
        if event.custody in HANDED_OVER:
            self._told.pop(event.seq, None)

    # --- neighbours of a lost parcel

    def _lost(self, event: TrackingLost, item: Any, events: Sequence[AnyEvent]) -> None:
        """It and its neighbours go to INSPECT, but for those whose heads are past the blade."""
        if event.seq in self._given_up:
            return
        self._given_up.add(event.seq)
        for seq in (event.seq - 1, event.seq + 1):
            if seq in self._told and self._routed(seq) is None:
                self._of(seq).beside = event.seq

    def _flushed(self, event: BeltFlushed, item: Any, events: Sequence[AnyEvent]) -> None:
        self._given_up.update(event.seqs)
        self._flush(event.cause)

    def _encoder(self, item: EncoderDoubt, events: Sequence[AnyEvent]) -> None:
        self._flush("encoder doubt")

    def _flush(self, cause: str) -> None:
        for seq, told in self._told.items():
            if not told.released and self._routed(seq) is None:
                told.flushed = cause

    # --- orders

    def _order(self, item: OrderGiven, events: Sequence[AnyEvent]) -> None:
        nonce = item.order.nonce
        if nonce in self._nonces and not any(type(event) is OrderRefused for event in events):
            self._breaks("R14", f"{type(item.order).__name__} with a used nonce was obeyed")
        self._nonces.add(nonce)

    # --- alarms

    def _alarm(self, event: AlarmRaised, item: Any, events: Sequence[AnyEvent]) -> None:
        self._raised.add(event.number)

    def _changed(self, event: StateChanged, item: Any, events: Sequence[AnyEvent]) -> None:
        if event.reached not in (State.HOLDING, State.ABORTING) or event.cause not in set(Cause):
            return
        number = CAUSES[Cause(event.cause)][1]
        told = {one.number for one in events if type(one) is AlarmRaised}
        if number and number not in self._raised and number not in told:
            self._breaks("R8", f"{event.reached.name} by {event.cause}, and alarm {number} was never raised")


def _named_rightly(line: LineFinding) -> bool:
    """More is OVER, fewer is SHORT, and neither is ever said of what agrees."""
    if line.seen_lo > line.expected_hi:
        return line.finding is FindingKind.OVER
    if line.seen_hi < line.expected_lo:
        return line.finding is FindingKind.SHORT
    return line.finding not in (FindingKind.OVER, FindingKind.SHORT)


def _recalled(events: Sequence[AnyEvent], seq: int) -> bool:
    return any(type(event) is RecallRaised and event.seq == seq for event in events)
