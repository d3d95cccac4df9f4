"""Faults of what the lane asks for: images, counts, declared lists, acknowledged messages."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lane.inputs import (
    DeclarationAnswer,
    FeedState,
    MessageAcknowledged,
    OutboxLevel,
    ScanStored,
    StatusChanged,
    VisionFailed,
    VisionResult,
)
from lane.model.grounds import Ground
from lane.model.words import StatusClass
from sim.coretwin.tampering import changed
from sim.coretwin.trouble_signals import ARMED_US
from sim.faults import Fault, FaultKind
from vision.item_count import Acquisition

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

MERGED_UM = 300_000
WORSE = (("500", StatusClass.ORDERED), ("501", StatusClass.DETAINED), ("300", StatusClass.REVIEWED))
"""Statuses that forbid release, by strength."""


class AnswerTroubles:
    """Changes, delays and loses answers on their way to the core."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        scan, count, answer = ScanStored, VisionResult, DeclarationAnswer
        lost: Callable[[Fault, Any], Any] = lambda fault, item: None  # noqa: E731
        self._next: dict[FaultKind, tuple[type, Callable[[Fault, Any], Any]]] = {
            FaultKind.IMAGE_LOST: (scan, lost),
            FaultKind.IMAGE_LATE: (scan, self._late),
            FaultKind.IMAGE_MERGED: (scan, self._merged),
            FaultKind.IMAGE_TRUNCATED: (scan, self._truncated),
            FaultKind.IMAGE_POOR: (scan, self._poor),
            FaultKind.VISION_CRASH: (count, lambda fault, item: self._failed(item, "worker crashed")),
            FaultKind.VISION_NAN: (count, lambda fault, item: self._failed(item, "posterior is no number")),
            FaultKind.VISION_LATE: (count, self._late),
            FaultKind.VISION_AT_THE_LATCH: (count, self._at_the_latch),
            FaultKind.VISION_ABSURD: (count, self._absurd),
            FaultKind.VISION_OTHER_MODEL: (count, self._other_model),
            FaultKind.DECLARATION_LATE: (answer, self._late),
            FaultKind.DECLARATION_MISSING: (answer, lost),
            FaultKind.DECLARATION_CONFLICT: (answer, self._conflict),
            FaultKind.MESSAGE_TWICE: (MessageAcknowledged, self._twice),
        }
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            **dict.fromkeys(self._next, self._on_next),
            FaultKind.IMAGE_REPEATED: self._image_repeated,
            FaultKind.IMAGE_SWAPPED: self._images_swapped,
            FaultKind.VISION_OTHER_IMAGE: self._other_image,
            FaultKind.VISION_LOST: self._blind,
            FaultKind.DECLARATION_CHANGED: self._list_changed,
            FaultKind.STATUS_WORSENED: self._worsened,
            FaultKind.STORE_DOWN: lambda fault: self._away(fault, DeclarationAnswer, again=False),
            FaultKind.FEED_SILENT: self._feed,
            FaultKind.MESSAGE_FAILED: lambda fault: self._away(fault, MessageAcknowledged, again=True),
            FaultKind.OUTBOX_FULL: self._outbox,
        }

    def _on_next(self, fault: Fault) -> None:
        """At the next message of its kind."""
        kind, change = self._next[fault.kind]

        def at(item: Any) -> Any:
            found = change(fault, item)
            if found is not item:
                self._troubles.hit(fault)
            return found

        self._troubles.between.arm(kind, at, until_us=self._station.now + ARMED_US)

    def _late(self, fault: Fault, item: Any) -> None:
        self._troubles.between.later(item, fault.strength, stamp=True)

    def _away(self, fault: Fault, kind: type, *, again: bool) -> None:
        """No message of this kind for a while; ``again``: they come when it is over."""
        between = self._troubles.between
        held: list[Any] = []

        def drop(item: Any) -> None:
            held.append(item)

        tamper = between.arm(kind, drop, count=10_000)

        def end() -> None:
            tamper.count = 0
            for item in held if again else ():
                between.later(item, 1_000, stamp=True)

        if not self._troubles.lasting(fault, end):
            tamper.count = 0

    # --- images

    def _merged(self, fault: Fault, scan: ScanStored) -> ScanStored:
        return changed(scan, acquisition=Acquisition.MERGED, tail_um=scan.tail_um + MERGED_UM)

    def _truncated(self, fault: Fault, scan: ScanStored) -> ScanStored:
        """The last lines are missing. With an even strength the receiver says so, else only its counters do."""
        missing = max(1, scan.lines * fault.strength // 1_000)
        to_um = scan.to_um - (scan.to_um - scan.from_um) * fault.strength // 1_000
        told = scan.acquisition if fault.strength % 2 else Acquisition.CUT
        return changed(
            scan, lines=scan.lines - missing, to_um=to_um, tail_um=min(scan.tail_um, to_um), acquisition=told
        )

    def _poor(self, fault: Fault, scan: ScanStored) -> ScanStored:
        poor = [one for one in Acquisition if one is not Acquisition.SUCCESSFUL]
        return changed(scan, acquisition=self._troubles.luck(fault).choice(poor))

    def _image_repeated(self, fault: Fault) -> None:
        """The image before comes under the next parcel's window."""
        held: list[ScanStored] = []

        def repeat(scan: ScanStored) -> ScanStored:
            if not held:
                held.append(scan)
                return changed(scan)
            self._troubles.hit(fault)
            return changed(held[0], seq=scan.seq, at_us=scan.at_us, belt_um=scan.belt_um)

        self._troubles.between.arm(ScanStored, repeat, count=2, until_us=self._station.now + ARMED_US)

    def _images_swapped(self, fault: Fault) -> None:
        """Two images under each other's window, the later one first."""
        held: list[ScanStored] = []
        between = self._troubles.between

        def swap(scan: ScanStored) -> None:
            if not held:
                held.append(scan)
                return
            self._troubles.hit(fault)
            first = held[0]
            between.later(changed(scan, seq=first.seq), 0)
            between.later(changed(first, seq=scan.seq), 1_000, stamp=True)

        between.arm(ScanStored, swap, count=2, until_us=self._station.now + ARMED_US)

    # --- counts

    @staticmethod
    def _failed(result: VisionResult, reason: str) -> VisionFailed:
        return VisionFailed(
            at_us=result.at_us, belt_um=result.belt_um, seq=result.seq, image_sha256=result.count.image_sha256,
            reason=reason, timeout=False,
        )  # fmt: skip

    def _at_the_latch(self, fault: Fault, result: VisionResult) -> VisionResult | None:
        """Within a millisecond of the belt position after which it counts no more, either side."""
        station, between = self._station, self._troubles.between
        parcel = between.state.parcels.get(result.seq)
        if parcel is None:
            return result
        from lane.permits import decision_um

        layout = station.config.layout
        station_um = layout.divert_um if fault.strength % 2 else decision_um(station.config)
        at_us = station.plant.belt.time_of(parcel.body.anchor_um + station_um)
        if at_us is None or at_us + fault.strength <= station.now:
            return result
        side = "after" if fault.strength > 0 else "before"
        self._troubles.noted[f"verdict within 1 ms {side} the {'eye' if fault.strength % 2 else 'latch'}"] += 1
        between.later(result, at_us + fault.strength - station.now, stamp=True)
        return None

    def _absurd(self, fault: Fault, result: VisionResult) -> VisionResult:
        count = result.count
        lines = count.lines
        match fault.strength:
            case 0 if lines:
                lines = (changed(lines[0], count_lo=-3, count_hi=-1), *lines[1:])
            case 1 if lines:
                lines = (changed(lines[0], count_lo=10**6, count_hi=10**6), *lines[1:])
            case 2 if lines:
                lines = (changed(lines[0], p_ppm=2_000_000), *lines[1:])
            case _:
                lines = (*lines, *lines)
        return changed(result, count=changed(count, lines=lines, unexplained=-1 if not lines else count.unexplained))

    def _other_model(self, fault: Fault, result: VisionResult) -> VisionResult:
        return changed(result, count=changed(result.count, model_sha256="0" * 64))

    def _other_image(self, fault: Fault) -> None:
        held: list[VisionResult] = []

        def other(result: VisionResult) -> VisionResult:
            if not held:
                held.append(result)
                return changed(result)
            self._troubles.hit(fault)
            return changed(result, count=held[0].count)

        self._troubles.between.arm(VisionResult, other, count=2, until_us=self._station.now + ARMED_US)

    def _blind(self, fault: Fault) -> None:
        def end() -> None:
            self._troubles.blind = False

        if self._troubles.lasting(fault, end):
            self._troubles.blind = True

    # --- declarations and messages

    def _conflict(self, fault: Fault, answer: DeclarationAnswer) -> DeclarationAnswer:
        return changed(answer, grounds=(*answer.grounds, Ground.DECLARATION_CONFLICT)) if answer.found else answer

    def _twice(self, fault: Fault, done: MessageAcknowledged) -> MessageAcknowledged:
        self._troubles.between.later(done, 50_000, stamp=True)
        return changed(done)

    def _answered(self, fault: Fault, *, released: bool = False) -> Any:
        """A parcel whose list is pinned, on the belt or (``released``) in the release area too."""
        state = self._troubles.between.state
        found = [parcel for parcel in state.parcels.values() if parcel.answered and parcel.answer.found]
        if released:
            found += list(state.released.values())[-3:]
        return self._troubles.luck(fault).choice(found) if found else None

    def _tell(self, seq: int, version: str, code: str, kind: StatusClass) -> None:
        station = self._station
        station.emit(
            StatusChanged(
                at_us=station.now, belt_um=station.belt(), seq=seq, version=version, status_code=code,
                status_class=kind, status_at="",
            )
        )  # fmt: skip

    def _list_changed(self, fault: Fault) -> None:
        parcel = self._answered(fault)
        if parcel is not None:
            self._troubles.hit(fault)
            self._tell(parcel.seq, "f" * 64, parcel.status_code, parcel.status_class)

    def _worsened(self, fault: Fault) -> None:
        parcel = self._answered(fault, released=True)
        if parcel is not None:
            self._troubles.hit(fault)
            code, kind = WORSE[fault.strength]
            version = parcel.answer.version if hasattr(parcel, "answer") else parcel.version
            self._tell(parcel.seq, version, code, kind)

    def _feed(self, fault: Fault) -> None:
        station = self._station

        def end() -> None:
            station.emit(FeedState(at_us=station.now, belt_um=station.belt(), fresh=True))

        if self._troubles.lasting(fault, end):
            station.emit(FeedState(at_us=station.now, belt_um=station.belt(), fresh=False))

    def _outbox(self, fault: Fault) -> None:
        station = self._station

        def end() -> None:
            self._troubles.outbox_full = False
            station.emit(OutboxLevel(at_us=station.now, belt_um=station.belt(), waiting=0, full=False))

        if self._troubles.lasting(fault, end):
            self._troubles.outbox_full = True
            station.emit(OutboxLevel(at_us=station.now, belt_um=station.belt(), waiting=10_000, full=True))
