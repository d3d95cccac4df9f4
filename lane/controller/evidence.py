"""What is learned about a parcel: code, weight, picture, declared list, count. Bound by belt position or not at all."""

import hashlib
from heapq import heappop

from devices.commands import ArmDetector, SetBeam
from devices.signals import BarcodeRead, ReadQuality, WeightMeasured
from lane import comparison, identify
from lane.commands import AskReview, Count
from lane.controller import drawing
from lane.controller.desk import Desk
from lane.controller.permitting import doubt
from lane.controller.state import HASHES_MAX, Due, Parcel, ReviewState
from lane.disposition import STATUS_GROUNDS
from lane.errors import Alarm
from lane.events.parcel import (
    ContentCompared,
    DeclarationPinned,
    InspectionOrdered,
    ParcelScanned,
    ParcelWeighed,
    ReviewRequested,
)
from lane.inputs import DeclarationAnswer, ScanStored, VisionFailed, VisionResult
from lane.model.config import READER_FIRST
from lane.model.grounds import GROUNDS, Axis, Clearance, Ground
from lane.model.words import FindingKind, LaneKind, StatusClass
from lane.tracking import at_station, image_length_differs, neighbours, tail_um
from vision.item_count import Acquisition, ExpectedLine, Origin

READ_SLACK_UM = 5_000
"""A read belongs to the parcel that lies under the reader; encoder count and light beam agree within this."""
ARM_MARGIN_UM = 40_000
"""Belt scanned before the head and after the tail: eye window plus room for the segmentation's background."""

_NO_READ, _MULTIPLE, _SUCCESSFUL = ReadQuality.NO_READ, ReadQuality.MULTIPLE, Acquisition.SUCCESSFUL
_TEST, _SYNTHETIC, _MACHINE, _TWIN = Origin.TEST, Origin.SYNTHETIC, Origin.MACHINE, LaneKind.TWIN
_IMAGE_QUALITY, _NOT_ASKED, _NO_STATUS = Ground.IMAGE_QUALITY, ReviewState.NONE, StatusClass.NONE
_BEAM_ON, _BEAM_OFF = SetBeam(on=True), SetBeam(on=False)
_STATUS_GROUNDS = frozenset(STATUS_GROUNDS.values())


def barcode_read(desk: Desk, item: BarcodeRead) -> None:
    """A read of the first reader names the parcel, one of the second confirms it."""
    first = item.reader == READER_FIRST
    layout = desk.layout
    station = layout.reader_um if first else layout.second_reader_um
    body = at_station(desk.bodies, station, item.belt_um, READ_SLACK_UM, layout.parcel_um_max)
    parcel = desk.state.parcels.get(body.seq) if body is not None else None
    if parcel is None:
        if not first:  # something is there that no eye told of: whoever is next to it may not be who he seems
            for near in neighbours(desk.bodies, item.belt_um - station, 0):
                doubt(desk, desk.state.parcels[near.seq], Ground.IDENTITY_UNCONFIRMED)
        return
    if item.quality is _NO_READ:
        return
    if not first:
        code = parcel.code
        if code and item.text != code and not identify.confirms(item.text, code, desk.config.carriers):
            doubt(desk, parcel, Ground.IDENTITY_UNCONFIRMED)
        return
    if parcel.identity_closed:
        if identify.label_code(item.text) != parcel.code:
            doubt(desk, parcel, Ground.IDENTITY_UNCONFIRMED)
        return
    reads = parcel.reads
    identify.add_text(reads, identify.label_code(item.text) or "?")
    if item.quality is _MULTIPLE:
        reads.multiple = True
    if item.sticky_from > reads.sticky_from:
        reads.sticky_from = item.sticky_from
    if item.inductions > reads.inductions:
        reads.inductions = item.inductions


def weight_measured(desk: Desk, item: WeightMeasured) -> None:
    """A stable weight belongs to the parcel over the scale; it counts until the count was asked for."""
    layout = desk.layout
    body = at_station(desk.bodies, layout.scale_um, item.belt_um, READ_SLACK_UM, layout.parcel_um_max)
    parcel = desk.state.parcels.get(body.seq) if body is not None else None
    if parcel is None or not item.stable or item.mg < 0 or parcel.weight_mg >= 0:
        return
    if parcel.count_asked or parcel.decided:
        return
    parcel.weight_mg, parcel.weight_error_mg = item.mg, max(item.error_mg, 0)
    desk.events.append(
        ParcelWeighed(
            at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, mg=item.mg, error_mg=parcel.weight_error_mg
        )
    )


def arm(desk: Desk, parcel: Parcel) -> None:
    """Tunnel entry: ask for the picture, but only with the durable draw, so that no draw can follow its picture."""
    if not desk.executing() or parcel.armed:
        return
    if not parcel.has_draw:
        drawing.missing(desk, parcel)
        return
    parcel.armed = True
    head = parcel.body.anchor_um + desk.layout.detector_um
    tail = tail_um(parcel.body, desk.layout.parcel_um_max) + desk.layout.detector_um
    parcel.armed_from_um, parcel.armed_to_um = head - ARM_MARGIN_UM, tail + ARM_MARGIN_UM
    desk.commands.append(ArmDetector(seq=parcel.seq, from_um=parcel.armed_from_um, to_um=parcel.armed_to_um))
    machine = desk.machine
    machine.beam_until_um = parcel.armed_to_um
    desk.due_belt(parcel.armed_to_um, Due.BEAM_OFF, parcel.seq)
    if not machine.beam:
        machine.beam = True
        desk.commands.append(_BEAM_ON)


def beam_due(desk: Desk) -> None:
    """The last armed window is past: nothing in the tunnel needs the beam."""
    machine = desk.machine
    if machine.beam and desk.state.belt_um >= machine.beam_until_um:
        machine.beam = False
        desk.commands.append(_BEAM_OFF)


def scan_stored(desk: Desk, item: ScanStored) -> None:
    """Bind a stored picture to the parcel it was armed for, if order, place, length and line counter fit."""
    parcel = desk.state.parcels.get(item.seq)
    repeated = item.image_sha256 in desk.state.hashes or item.line_from <= desk.state.last_line
    _remember(desk, item)
    if parcel is None:
        return
    if repeated or parcel.image_sha256:
        doubt(desk, parcel, Ground.IMAGE_REPEATED)
        return
    if not parcel.armed or parcel.decided or not _fits(desk, parcel, item):
        doubt(desk, parcel, Ground.IMAGE_UNBOUND)
        for body in neighbours(desk.bodies, parcel.body.anchor_um, parcel.seq):
            doubt(desk, desk.state.parcels[body.seq], Ground.IMAGE_UNBOUND)
        desk.alarm(Alarm.IMAGE_UNBOUND, parcel.seq)
        return
    parcel.image_sha256 = item.image_sha256
    parcel.image_length_um = item.tail_um - item.head_um
    desk.events.append(
        ParcelScanned(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            image_sha256=item.image_sha256,
            length_um=parcel.image_length_um,
        )
    )
    if image_length_differs(parcel.image_length_um, parcel.body.length_um, desk.layout):
        desk.ground(parcel, Ground.LENGTH_MISMATCH)
    if item.acquisition is not _SUCCESSFUL or item.gaps:
        desk.ground(parcel, _IMAGE_QUALITY)
    expected = _SYNTHETIC if desk.config.kind is _TWIN else _MACHINE
    if item.origin is _TEST:
        desk.ground(parcel, Ground.TEST_PARCEL)
    elif item.origin is not expected:
        desk.ground(parcel, Ground.SYNTHETIC_EVIDENCE)
    _ask_count(desk, parcel)


def _remember(desk: Desk, item: ScanStored) -> None:
    hashes = desk.state.hashes
    hashes[item.image_sha256] = item.seq
    if len(hashes) > HASHES_MAX:
        del hashes[next(iter(hashes))]
    if item.line_to > desk.state.last_line:
        desk.state.last_line = item.line_to


def _fits(desk: Desk, parcel: Parcel, item: ScanStored) -> bool:
    """Window, place of the head, and number of lines agree with what was armed and seen."""
    window = desk.layout.eye_window_um
    inside = item.from_um >= parcel.armed_from_um - window and item.to_um <= parcel.armed_to_um + window
    head = parcel.body.anchor_um + desk.layout.detector_um
    placed = item.tail_um > item.head_um and abs(item.head_um - head) <= window + ARM_MARGIN_UM // 2
    counted = item.lines == item.line_to - item.line_from + 1 - item.gaps
    return inside and placed and counted and desk.tail_known(parcel)


def declaration_answer(desk: Desk, item: DeclarationAnswer) -> None:
    """Pin the declared list; from here on a newer version is a ground."""
    parcel = desk.state.parcels.get(item.seq)
    if parcel is None or parcel.answered or parcel.decided:
        return
    parcel.answered, parcel.answer = True, item
    parcel.status_code = item.status_code
    parcel.status_class = item.status_class if item.found else _NO_STATUS
    if item.found:
        desk.events.append(
            DeclarationPinned(
                at_us=desk.at_us,
                belt_um=desk.belt_um,
                seq=item.seq,
                carrier=item.carrier,
                waybill=item.waybill,
                version=item.version,
                list_no=item.list_no,
                order_no=item.order_no,
                status_code=item.status_code,
                status_class=item.status_class,
            )
        )
    for ground in item.grounds:
        if ground not in _STATUS_GROUNDS:
            desk.ground(parcel, ground)
    if desk.state.rules:
        apply_rules(desk, parcel)
    _ask_count(desk, parcel)


def apply_rules(desk: Desk, parcel: Parcel) -> None:
    """Supervisor's rules in force: open everything that matches."""
    answer = parcel.answer
    for rule in desk.state.rules:
        if rule.until_us <= desk.state.at_us or (rule.declarant and rule.declarant != answer.declarant):
            continue
        goods = [
            item
            for item in answer.items
            if (not rule.sku or item.sku == rule.sku) and item.hs_code.startswith(rule.hs_prefix)
        ]
        if (goods or not (rule.sku or rule.hs_prefix)) and Ground.SUPERVISOR_RULE not in parcel.grounds:
            desk.events.append(
                InspectionOrdered(at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, person="", rule=rule.rule)
            )
            desk.ground(parcel, Ground.SUPERVISOR_RULE, announce=False)


def _ask_count(desk: Desk, parcel: Parcel) -> None:
    """Picture and declared list are both there: have it counted (or note that there is nothing to compare with)."""
    if parcel.count_asked or not parcel.image_sha256 or not parcel.answered:
        return
    parcel.count_asked = True
    answer = parcel.answer
    if not answer.found:
        parcel.compared, parcel.finding = True, FindingKind.NO_DECLARATION
        _announce(desk, parcel, comparison.Comparison(finding=parcel.finding, lines=(), grounds=()), None)
        return
    if _IMAGE_QUALITY in parcel.grounds:
        return
    deadline = desk.state.at_us + desk.config.content.vision_us_max
    desk.due_time(deadline, Due.VISION, parcel.seq)
    lines = tuple(
        [
            ExpectedLine(
                line_no=item.line_no,
                sku=item.sku,
                name=item.name,
                count_lo=item.count_lo,
                count_hi=item.count_hi,
                unit_mg=item.unit_mg,
            )
            for item in answer.items
        ]
    )
    desk.commands.append(
        Count(
            seq=parcel.seq,
            image_sha256=parcel.image_sha256,
            lines=lines,
            scale_mg=parcel.weight_mg,
            scale_error_mg=parcel.weight_error_mg,
            gross_mg=answer.gross_mg,
            net_mg=answer.net_mg,
            deadline_us=deadline,
        )
    )


def vision_result(desk: Desk, item: VisionResult) -> None:
    """Compare a count with the declared list. Late, foreign or absurd results never lift a ground (I28)."""
    parcel = desk.state.parcels.get(item.seq)
    if parcel is None or parcel.decided or parcel.compared or not parcel.count_asked:
        return
    count = item.count
    if count.image_sha256 != parcel.image_sha256 or comparison.refused(count):
        desk.ground(parcel, Ground.VISION_FAILED)
        request_review(desk, parcel)
        return
    if count.model_sha256 != desk.config.model_sha256 or not desk.config.model_sha256:
        desk.ground(parcel, Ground.MODEL_UNTRUSTED)
        desk.alarm(Alarm.MODEL_UNTRUSTED, parcel.seq, f"model {count.model_sha256[:16] or 'without a hash'}")
    if count.acquisition is not _SUCCESSFUL:
        desk.ground(parcel, _IMAGE_QUALITY)
    answer = parcel.answer
    result = comparison.compare(
        answer.items,
        count,
        scale_mg=parcel.weight_mg,
        error_mg=parcel.weight_error_mg,
        gross_mg=answer.gross_mg,
        flags=answer.flags,
        content=desk.config.content,
    )
    parcel.compared, parcel.finding = True, result.finding
    weight = comparison.weight_ground(parcel.weight_mg, parcel.weight_error_mg, answer.gross_mg, desk.config.content)
    if weight:
        grounds = result.grounds + weight
        result = comparison.Comparison(finding=result.finding, lines=result.lines, grounds=grounds)
    for ground in result.grounds:
        desk.ground(parcel, ground, announce=False)
    _announce(desk, parcel, result, item)
    request_review(desk, parcel)
    forget_counted(desk)


def _announce(desk: Desk, parcel: Parcel, result: comparison.Comparison, item: VisionResult | None) -> None:
    count = item.count if item is not None else None
    grounds: tuple[Ground, ...] = ()
    advisory: tuple[Ground, ...] = ()
    if result.grounds:
        grounds = tuple(ground for ground in result.grounds if ground in parcel.grounds)
        advisory = tuple(ground for ground in result.grounds if ground in parcel.advisory)
    desk.events.append(
        ContentCompared(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            image_sha256=parcel.image_sha256,
            finding=result.finding,
            lines=result.lines,
            unexplained=count.unexplained if count else 0,
            p_declared_ppm=count.p_declared_ppm if count else 0,
            model_sha256=count.model_sha256 if count else "",
            signatures=count.signatures if count else "",
            grounds=grounds,
            advisory=advisory,
        )
    )


def vision_failed(desk: Desk, item: VisionFailed) -> None:
    """No count for this picture."""
    parcel = desk.state.parcels.get(item.seq)
    if parcel is None or parcel.decided or parcel.compared or item.image_sha256 != parcel.image_sha256:
        return
    desk.ground(parcel, Ground.VISION_TIMEOUT if item.timeout else Ground.VISION_FAILED)
    request_review(desk, parcel)


def vision_due(desk: Desk, parcel: Parcel) -> None:
    """The count's deadline."""
    if not parcel.compared and not parcel.decided and Ground.VISION_FAILED not in parcel.grounds:
        desk.ground(parcel, Ground.VISION_TIMEOUT)
        request_review(desk, parcel)


def forget_counted(desk: Desk) -> None:
    """Drop the deadlines of counts that nobody waits for any more from the top, so that nobody is woken for nothing."""
    due, parcels = desk.state.time_due, desk.state.parcels
    while due and due[0][1] == Due.VISION:
        parcel = parcels.get(due[0][2])
        if parcel is not None and not parcel.compared and not parcel.decided:
            return
        heappop(due)


def clearable(parcel: Parcel) -> list[Ground]:
    """Open grounds that one officer may clear; empty when any other ground but the draw is open.

    The draw is left out so that a drawn parcel is looked at like any other: no judge of a picture sees the draw.
    """
    open_grounds = [ground for ground in parcel.grounds if GROUNDS[ground].axis is not Axis.DRAW]
    if all(GROUNDS[ground].clearance is Clearance.ONE for ground in open_grounds):
        return open_grounds
    return []


def request_review(desk: Desk, parcel: Parcel) -> None:
    """Ask an officer when nothing but doubts that he may clear stands against the parcel."""
    if not desk.config.review_enabled or parcel.review is not _NOT_ASKED or parcel.decided:
        return
    grounds = clearable(parcel)
    if not grounds or parcel.status_class is not StatusClass.RELEASED or not desk.executing():
        return
    parcel.review, parcel.review_grounds = ReviewState.ASKED, grounds
    desk.events.append(
        ReviewRequested(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            image_sha256=parcel.image_sha256,
            grounds=tuple(grounds),
            until_um=parcel.body.anchor_um + desk.decision_um,
            view=view_nonce(desk, parcel),
        )
    )
    desk.commands.append(AskReview(seq=parcel.seq, view=view_nonce(desk, parcel)))


def view_nonce(desk: Desk, parcel: Parcel) -> str:
    """Nonce of the question: the same question has the same nonce on every replay."""
    text = f"{desk.config.site}/{desk.config.lane}/{parcel.seq}/{parcel.image_sha256}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
