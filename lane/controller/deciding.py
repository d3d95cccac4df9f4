"""The decision at the decision point, and what may still change it on the way to the gate.

Doubt means INSPECT (C4): everything missing here becomes a ground; nothing here lifts one.
"""

from lane import comparison, disposition
from lane.controller.desk import Desk
from lane.controller.permitting import ASTRAY, astray, doubt, issue, through_gate, window_free
from lane.controller.state import Due, Parcel, Place, ReviewState
from lane.errors import Alarm, Cause
from lane.events.parcel import DispositionDecided, RecallRaised, StatusUpdated
from lane.inputs import FeedState, StatusChanged
from lane.model.grounds import Ground
from lane.model.words import MessageKind, Route, State, StatusClass, Via

_RELEASE, _ASKED, _EXECUTE = Route.RELEASE, ReviewState.ASKED, State.EXECUTE
_NO_STATUS, _STATUS_UNKNOWN = StatusClass.NONE, StatusClass.UNKNOWN


def decision_due(desk: Desk, parcel: Parcel) -> None:
    """The parcel's head is at the decision point (or was: a displaced one waits for its true place)."""
    assert not parcel.decided, "a parcel is decided once"
    due = parcel.body.anchor_um + desk.decision_um
    if due > desk.state.belt_um:
        desk.due_belt(due, Due.DECISION, parcel.seq)
        return
    decide(desk, parcel)


def decide(desk: Desk, parcel: Parcel) -> None:
    """Decide once: grounds, matrix cell, route; a permit only where the list of grounds is empty."""
    _complete(desk, parcel)
    grounds = parcel.grounds
    result = disposition.decide(desk.matrix, parcel.status_class, grounds)
    if result.route is _RELEASE and not window_free(desk, parcel):
        desk.ground(parcel, Ground.GAP_TOO_SMALL, announce=False)  # the gate can't be back in time for it
        result = disposition.decide(desk.matrix, parcel.status_class, grounds)
    parcel.decided = desk.stale_due = True
    parcel.route, parcel.instruction = result.route, result.instruction
    desk.events.append(
        DispositionDecided(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            route=result.route,
            instruction=result.instruction,
            status_class=result.status_class,
            evidence=result.evidence,
            drawn=result.drawn,
            tracking=result.tracking,
            grounds=tuple(grounds),
            cleared=tuple(parcel.cleared),
            advisory=tuple(parcel.advisory),
            image_sha256=parcel.image_sha256,
            matrix_sha256=desk.config.matrix_sha256,
        )
    )
    if result.route is _RELEASE:
        issue(desk, parcel)


def _complete(desk: Desk, parcel: Parcel) -> None:
    """Add every ground that only the decision point can tell: what is still missing, late or not proven."""
    machine = desk.machine
    if machine.state is not _EXECUTE or desk.stopping() or not desk.permits_allowed:
        desk.ground(parcel, Ground.LANE_NOT_EXECUTING, announce=False)
    if desk.state.belt_um > parcel.body.anchor_um + desk.late_um:
        desk.ground(parcel, Ground.DECISION_LATE, announce=False)
    if astray(desk):
        desk.ground(parcel, Ground.GATE_UNPROVEN, announce=False)
        if desk.executing():
            desk.want(Cause.GATE_UNPROVEN, detail=ASTRAY)
    if not parcel.has_draw:
        desk.ground(parcel, Ground.DRAW_MISSING, announce=False)
    assert parcel.identity_closed, "identity closes before the tunnel, a decision comes behind it"
    if not machine.safety_known or (machine.links and machine.links.keys() - AUXILIARY):
        desk.ground(parcel, Ground.DEVICE_DOUBT, announce=False)
    if machine.journal_failed:
        desk.ground(parcel, Ground.JOURNAL_DOUBT, announce=False)
    _complete_status(desk, parcel)
    _complete_evidence(desk, parcel)
    if parcel.review is _ASKED:
        desk.ground(parcel, Ground.REVIEW_UNANSWERED, announce=False)


AUXILIARY = frozenset({"reader", "second_reader", "scale"})
"""Without these the belt runs on; their parcels lack a code or a weight."""


def _complete_status(desk: Desk, parcel: Parcel) -> None:
    if not parcel.code:
        parcel.status_class = _NO_STATUS
        return
    if not parcel.answered:
        parcel.status_class = _STATUS_UNKNOWN
    elif not desk.machine.feed_fresh and parcel.answer.found:
        desk.ground(parcel, Ground.STATUS_STALE, announce=False)
    ground = disposition.STATUS_GROUNDS.get(parcel.status_class)
    if ground is not None:
        desk.ground(parcel, ground, announce=False)


def _complete_evidence(desk: Desk, parcel: Parcel) -> None:
    """Picture, count and weight: each is there, or is a ground."""
    if not parcel.image_sha256:
        desk.ground(parcel, Ground.NO_IMAGE, announce=False)
    elif parcel.answer.found and not parcel.compared and not _explained(parcel):
        desk.ground(parcel, Ground.VISION_TIMEOUT, announce=False)
    if parcel.answer.found and not parcel.compared:
        for ground in comparison.weight_ground(
            parcel.weight_mg, parcel.weight_error_mg, parcel.answer.gross_mg, desk.config.content
        ):
            desk.ground(parcel, ground, announce=False)
    elif not parcel.answer.found and parcel.weight_mg < 0:
        desk.ground(parcel, Ground.WEIGHT_UNKNOWN, announce=False)


_NO_COUNT = (Ground.VISION_TIMEOUT, Ground.VISION_FAILED, Ground.IMAGE_QUALITY)


def _explained(parcel: Parcel) -> bool:
    """Whether some ground, open or cleared by an officer, already says why there is no count."""
    return any(ground in parcel.grounds or ground in parcel.cleared for ground in _NO_COUNT)


def status_changed(desk: Desk, item: StatusChanged) -> None:
    """The store knows something newer: before the decision it counts, on the way to the gate it may void the permit,
    after the release it is a recall."""
    parcel = desk.state.parcels.get(item.seq)
    if parcel is not None:
        _changed_on_belt(desk, parcel, item)
        return
    place = desk.state.released.get(item.seq) or desk.state.bench.get(item.seq)
    if place is None:
        return
    if item.version != place.version:
        place.version = item.version
    worse = disposition.is_stricter(item.status_class, place.status_class) or Ground.LIST_WITHDRAWN in item.grounds
    place.status_code, place.status_class = item.status_code, item.status_class
    desk.events.append(_updated(desk, item))
    if worse and place.seq in desk.state.released:
        recall(desk, place)


def _updated(desk: Desk, item: StatusChanged) -> StatusUpdated:
    return StatusUpdated(
        at_us=desk.at_us,
        belt_um=desk.belt_um,
        seq=item.seq,
        status_code=item.status_code,
        status_class=item.status_class,
    )


def _changed_on_belt(desk: Desk, parcel: Parcel, item: StatusChanged) -> None:
    parcel.status_code, parcel.status_class = item.status_code, item.status_class
    desk.events.append(_updated(desk, item))
    if through_gate(desk, parcel):
        return  # its release is proven first, then recalled (exits.left)
    if parcel.answered and item.version != parcel.answer.version:
        doubt(desk, parcel, Ground.DECLARATION_CHANGED)
    for ground in item.grounds:
        if ground not in disposition.STATUS_GROUNDS.values():
            doubt(desk, parcel, ground)
    if parcel.decided and item.status_class is not StatusClass.RELEASED:
        doubt(desk, parcel, disposition.STATUS_GROUNDS[item.status_class])


def recall(desk: Desk, place: Place) -> None:
    """A released parcel must come back before it is handed over."""
    place.recalled = True
    desk.events.append(
        RecallRaised(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=place.seq,
            status_code=place.status_code,
            status_class=place.status_class,
        )
    )
    desk.message(place.seq, MessageKind.RECALL, revise(place, MessageKind.RECALL), Via.GATE)
    desk.alarm(Alarm.RECALL, place.seq, f"status {place.status_code} {place.status_class}, {place.custody}")


def revise(place: Place, kind: MessageKind) -> int:
    """Number of the next message of this kind about this parcel, from 1."""
    place.revisions[kind] = place.revisions.get(kind, 0) + 1
    return place.revisions[kind]


def feed_state(desk: Desk, item: FeedState) -> None:
    """A silent status feed sends everything to INSPECT; the lane runs on."""
    desk.machine.feed_fresh = item.fresh
    if item.fresh:
        desk.calm(Alarm.STATUS_FEED_SILENT)
    else:
        desk.alarm(Alarm.STATUS_FEED_SILENT)
