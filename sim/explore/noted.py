"""Holds what the core was told of a parcel against what it made of it in the same step: nothing told is passed over.

The scribe judges releases; this judges each input by itself, so that a rule which another rule behind it would hide is
seen to fail. Rule R17; worked out anew from inputs and layout, with figures of its own.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from devices.signals import BarcodeRead, DeviceRestarted, LinkRestored, ReadQuality
from lane.controller.state import LaneState, Parcel
from lane.events.parcel import ContentCompared, ParcelDrawn, ParcelIdentified, ParcelScanned, ParcelWeighed
from lane.inputs import DeclarationAnswer, LaneStarted, ScanStored, VisionResult
from lane.model.config import READER_FIRST
from lane.model.grounds import Ground
from lane.model.words import FindingKind, StatusClass
from sim.explore.gatekeeper import plausible
from vision.item_count import Acquisition

if TYPE_CHECKING:
    from sim.coretwin.station import Station

SLACK_UM = 5_000
"""Reader and eye agree within this."""
HEAD_UM = 20_000
"""The head in a picture may lie this much further from its place than an eye tells."""
TEXTS_MAX = 4
"""Different texts that are kept of one parcel."""
INDUCTIONS_MAX = 2
MEANS = {
    FindingKind.SHORT: Ground.COUNT_SHORT,
    FindingKind.OVER: Ground.COUNT_OVER,
    FindingKind.UNCERTAIN: Ground.COUNT_UNCERTAIN,
}


class Noted:
    """One run's inputs. ``breaks`` notes a broken rule."""

    def __init__(self, station: "Station", breaks: Callable[[str, str, int], None]) -> None:
        self._station, self._breaks = station, breaks
        config = station.config
        self._config, self._layout = config, config.layout
        self._lag_um = -(-config.speed_um_s * config.report_lag_us // 1_000_000)
        self._last_line = -1
        self._heard: dict[type, Callable[[Any, Sequence[Any], LaneState], None]] = {
            BarcodeRead: self._read,
            ScanStored: self._stored,
            VisionResult: self._counted,
            DeclarationAnswer: self._answered,
            LinkRestored: self._new_lines,
            DeviceRestarted: self._new_lines,
        }
        self._seen: dict[type, Callable[[Any, Any, Parcel], None]] = {
            ParcelIdentified: self._identified,
            ParcelDrawn: self._drawn,
            ParcelWeighed: self._weighed,
            ParcelScanned: self._scanned,
            ContentCompared: self._compared,
        }

    def heard(self, item: Any, events: Sequence[Any], state: LaneState) -> None:
        """One step of the core, when it is over."""
        for event in events:
            seen = self._seen.get(type(event))
            if seen is not None:
                parcel = state.parcels.get(event.seq)
                if parcel is not None:
                    seen(event, item, parcel)
        heard = self._heard.get(type(item))
        if heard is not None:
            heard(item, events, state)

    def _need(self, parcel: Parcel, ground: Ground, why: str) -> None:
        if ground not in parcel.grounds and ground not in parcel.advisory:
            self._breaks("R17", f"{why}, and {ground} is not among its grounds", parcel.seq)

    def _wrong(self, parcel: Parcel, what: str) -> None:
        self._breaks("R17", what, parcel.seq)

    # --- identity

    def _under(self, place_um: int, state: LaneState) -> Parcel | None:
        """The parcel that lies over a station beyond doubt: ``place_um`` is the anchor of a head right there."""
        found = []
        for parcel in state.parcels.values():
            body = parcel.body
            length_um = self._length(parcel)
            if body.anchor_um - SLACK_UM <= place_um <= body.anchor_um + length_um + SLACK_UM:
                found.append((parcel, length_um))
        if len(found) != 1:
            return None
        parcel, length_um = found[0]
        inside = parcel.body.anchor_um + SLACK_UM <= place_um <= parcel.body.anchor_um + length_um - SLACK_UM
        return parcel if inside else None

    def _length(self, parcel: Parcel) -> int:
        return parcel.body.length_um if parcel.body.tail_um >= 0 else self._layout.parcel_um_max

    def _read(self, item: BarcodeRead, events: Sequence[Any], state: LaneState) -> None:
        first = item.reader == READER_FIRST
        station_um = self._layout.reader_um if first else self._layout.second_reader_um
        parcel = self._under(item.belt_um - station_um, state)
        if parcel is None or item.quality is ReadQuality.NO_READ:
            return
        text = item.text.strip().upper() if item.text.isascii() else ""
        if not first:
            if parcel.code and text != parcel.code and plausible(text, self._config.carriers):
                self._need(parcel, Ground.IDENTITY_UNCONFIRMED, "the second reader saw another code")
        elif parcel.identity_closed:
            closed_now = any(type(event) is ParcelIdentified and event.seq == parcel.seq for event in events)
            if text != parcel.code and not closed_now:
                self._need(parcel, Ground.IDENTITY_UNCONFIRMED, "another code was read when its identity was closed")
        else:
            if (text or "?") not in parcel.reads.texts and len(parcel.reads.texts) < TEXTS_MAX:
                self._wrong(parcel, "a code read on it was not noted")
            if item.quality is ReadQuality.MULTIPLE and not parcel.reads.multiple:
                self._wrong(parcel, "several codes read on it at once were not noted")

    def _identified(self, event: ParcelIdentified, item: Any, parcel: Parcel) -> None:
        if type(item) is LaneStarted:
            return  # nothing read before a restart counts
        reads, code = parcel.reads, ""
        if reads.multiple or len(reads.texts) > 1:
            ground: Ground | None = Ground.TWO_CODES
        elif not reads.texts:
            ground = Ground.NO_READ
            self._early(parcel)
        elif not plausible(reads.texts[0], self._config.carriers):
            ground = Ground.CODE_INVALID
        else:
            code, ground = reads.texts[0], None
            if reads.inductions >= INDUCTIONS_MAX:
                ground = Ground.REPEAT_INDUCTION
        if ground is not None:
            self._need(parcel, ground, f"read {reads.texts}")
        if event.code != code:
            self._wrong(parcel, f"read {reads.texts}, and its code is {event.code!r}")
        state = self._station.controller.state
        places: tuple[Any, ...] = (*state.parcels.values(), *state.bench.values(), *state.released.values())
        if code and any(place.code == code and place.seq != parcel.seq for place in places):
            self._need(parcel, Ground.DUPLICATE_WAYBILL, "its waybill is on the lane already")

    def _early(self, parcel: Parcel) -> None:
        """A read may come as late as the devices report."""
        body = parcel.body
        last_um = body.tail_um + self._layout.reader_um + self._lag_um
        if body.stage == 0 and body.tail_um >= 0 and self._station.controller.state.belt_um < last_um:
            self._wrong(parcel, "its identity was closed before a read could have come")

    def _drawn(self, event: ParcelDrawn, item: Any, parcel: Parcel) -> None:
        if event.effective != parcel.effective:
            self._wrong(parcel, "drawn, and not held to be")
        if event.effective:
            self._need(parcel, Ground.RANDOM_DRAW, "drawn")

    # --- weight and picture

    def _weighed(self, event: ParcelWeighed, item: Any, parcel: Parcel) -> None:
        place_um = item.belt_um - self._layout.scale_um
        length_um = self._length(parcel)
        if not parcel.body.anchor_um - SLACK_UM <= place_um <= parcel.body.anchor_um + length_um + SLACK_UM:
            self._wrong(parcel, "a weight was bound to it when it did not lie on the scale")

    def _new_lines(self, item: Any, events: Sequence[Any], state: LaneState) -> None:
        if item.role == "detector":
            self._last_line = -1

    def _stored(self, item: ScanStored, events: Sequence[Any], state: LaneState) -> None:
        self._last_line = max(self._last_line, item.line_to)

    def _scanned(self, event: ParcelScanned, item: Any, parcel: Parcel) -> None:
        """What a picture says of itself, against where its parcel was."""
        if type(item) is not ScanStored:
            self._wrong(parcel, "a picture that nobody stored was bound")
            return
        layout, body = self._layout, parcel.body
        window_um = layout.eye_window_um
        if item.lines != item.line_to - item.line_from + 1 - item.gaps:
            self._wrong(parcel, f"a picture of {item.lines} lines was bound, counted {item.line_from}..{item.line_to}")
        if item.line_from <= self._last_line:
            self._wrong(parcel, f"a picture was bound from line {item.line_from} on, {self._last_line} was there")
        head_um = body.anchor_um + layout.detector_um
        if item.tail_um <= item.head_um or abs(item.head_um - head_um) > window_um + HEAD_UM:
            self._wrong(parcel, f"a picture was bound whose head lies {item.head_um - head_um} um from its place")
        if item.from_um < parcel.armed_from_um - window_um or item.to_um > parcel.armed_to_um + window_um:
            self._wrong(parcel, "a picture was bound that was taken outside its window")
        length_um = item.tail_um - item.head_um
        if abs(length_um - body.length_um) > max(body.length_um * 5 // 100, window_um):
            self._need(parcel, Ground.LENGTH_MISMATCH, f"{length_um} um in its picture, {body.length_um} um by the eye")
        if item.acquisition is not Acquisition.SUCCESSFUL or item.gaps:
            self._need(parcel, Ground.IMAGE_QUALITY, f"a picture that is {item.acquisition}")

    # --- list and count

    def _answered(self, item: DeclarationAnswer, events: Sequence[Any], state: LaneState) -> None:
        parcel = state.parcels.get(item.seq)
        if parcel is None or parcel.answer is not item:
            return
        status = item.status_class if item.found else StatusClass.NONE
        if parcel.status_class is not status:
            self._wrong(parcel, f"told {status}, and its status is {parcel.status_class}")
        for ground in item.grounds if item.found else ():
            if not ground.startswith(("STATUS_", "INSPECTION_", "NO_DECL")):
                self._need(parcel, ground, "the store said so")

    def _counted(self, item: VisionResult, events: Sequence[Any], state: LaneState) -> None:
        """A count of another picture, or an impossible one, is a failure and nothing else."""
        parcel = state.parcels.get(item.seq)
        if parcel is None or parcel.decided or parcel.compared or not parcel.count_asked:
            return
        if item.count.image_sha256 != parcel.image_sha256:
            self._need(parcel, Ground.VISION_FAILED, "a count of another picture")

    def _compared(self, event: ContentCompared, item: Any, parcel: Parcel) -> None:
        if type(item) is not VisionResult:
            return
        if item.count.model_sha256 != self._config.model_sha256:
            self._need(parcel, Ground.MODEL_UNTRUSTED, "counted by a model that nobody approved")
        if item.count.unexplained:
            self._need(parcel, Ground.CONTENT_SUSPECT, "goods that nobody declared")
        for line in event.lines:
            if line.finding in MEANS:
                self._need(parcel, MEANS[line.finding], f"line {line.line_no} is {line.finding}")
        content, mg, gross_mg = self._config.content, parcel.weight_mg, parcel.answer.gross_mg
        if mg < 0 or gross_mg < 0:
            self._need(parcel, Ground.WEIGHT_UNKNOWN, "no weight, or none declared")
            return
        tolerance = max(gross_mg * content.gross_permille // 1_000, content.gross_mg_min) + parcel.weight_error_mg
        if abs(mg - gross_mg) > tolerance:
            self._need(parcel, Ground.WEIGHT_MISMATCH, f"{mg} mg weighed, {gross_mg} mg declared")
