"""How a parcel leaves the belt: released and proven, diverted and proven, or not proven. Exactly one of them (I7)."""

from lane.controller.deciding import decide, recall, revise
from lane.controller.desk import Desk
from lane.controller.permitting import void_all, void_only
from lane.controller.state import UNPROVEN_MAX, Parcel, Place
from lane.disposition import is_stricter, stricter
from lane.errors import Alarm, Cause
from lane.events.parcel import CustodyUnproven, ParcelDiverted, ParcelReleased
from lane.model.config import EYE_EXIT_RELEASE
from lane.model.grounds import GROUNDS, Ground
from lane.model.words import Custody, MessageKind, StatusClass, Via
from lane.permits import PermitState

_NO_PERMIT, _USED, _GATE = PermitState.NONE, PermitState.USED, Via.GATE
_RELEASE_MESSAGE, _INSPECT_MESSAGE, _RELEASED = MessageKind.RELEASE, MessageKind.INSPECT, StatusClass.RELEASED
_IN_RELEASE_AREA, _AT_BENCH, _QUARANTINE = Custody.IN_RELEASE_AREA, Custody.AT_BENCH, Ground.QUARANTINE_HOLD


def left(desk: Desk, parcel: Parcel, eye: str, belt_um: int) -> None:
    """The parcel's head is at an exit eye."""
    if not parcel.decided:
        decide(desk, parcel)
    if eye == EYE_EXIT_RELEASE:
        if parcel.permit.state is _USED:
            _released(desk, parcel, belt_um)
        else:
            _escaped(desk, parcel)
    else:
        _diverted(desk, parcel)


def _released(desk: Desk, parcel: Parcel, belt_um: int) -> None:
    assert not parcel.effective, "I5: effective draw at the release exit with a used permit"
    state = desk.state
    desk.events.append(
        ParcelReleased(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            via=_GATE,
            permit_no=parcel.permit.permit_no,
            exit_um=belt_um,
        )
    )
    place = _place(parcel, _IN_RELEASE_AREA)
    state.released[parcel.seq] = place
    state.released_count += 1
    desk.message(parcel.seq, _RELEASE_MESSAGE, revise(place, _RELEASE_MESSAGE), _GATE)
    finish(desk, parcel, keep_code=True)
    if is_stricter(place.status_class, _RELEASED):
        recall(desk, place)


def _escaped(desk: Desk, parcel: Parcel) -> None:
    """At the release exit without a used permit: no release message, the lane holds."""
    reason = f"seen at the release exit, permit {parcel.permit.state}"
    _unproven(desk, parcel, reason)
    desk.want(Cause.RELEASE_WITHOUT_PERMIT, seq=parcel.seq, detail=reason)


def _diverted(desk: Desk, parcel: Parcel) -> None:
    """At the inspect exit. A parcel with a permit did not take its way: the permit is void."""
    state = desk.state
    if parcel.permit.state is not _NO_PERMIT:
        void_only(desk, parcel, "left by the inspect exit")
        desk.ground(parcel, Ground.PERMIT_VOID, announce=False)
    for ground in parcel.grounds:
        parcel.instruction = stricter(parcel.instruction, GROUNDS[ground].do)
    desk.events.append(
        ParcelDiverted(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            instruction=parcel.instruction,
            grounds=tuple(parcel.grounds),
        )
    )
    place = _place(parcel, _AT_BENCH)
    state.bench[parcel.seq] = place
    state.diverted_count += 1
    desk.message(parcel.seq, _INSPECT_MESSAGE, revise(place, _INSPECT_MESSAGE), _GATE)
    finish(desk, parcel, keep_code=True)


def never_seen(desk: Desk, parcel: Parcel) -> None:
    """No exit saw it. With a permit nobody can prove where it went; without one it was taken off the belt."""
    if parcel.permit.state is not _NO_PERMIT:
        _unproven(desk, parcel, f"seen at no exit, permit {parcel.permit.state}")
        return
    desk.alarm(Alarm.PARCEL_REMOVED, parcel.seq)
    desk.state.removed_count += 1
    _keep(desk, _place(parcel, Custody.REMOVED))
    finish(desk, parcel)


def _unproven(desk: Desk, parcel: Parcel, reason: str) -> None:
    void_only(desk, parcel, reason)
    desk.events.append(CustodyUnproven(at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, reason=reason))
    desk.alarm(Alarm.CUSTODY_UNPROVEN, parcel.seq, reason)
    desk.state.unproven_count += 1
    _keep(desk, _place(parcel, Custody.UNPROVEN))
    finish(desk, parcel)


def _keep(desk: Desk, place: Place) -> None:
    kept = desk.state.unproven
    kept[place.seq] = place
    if len(kept) > UNPROVEN_MAX:
        del kept[next(iter(kept))]


def finish(desk: Desk, parcel: Parcel, *, keep_code: bool = False) -> None:
    """Take the parcel off the belt. Conservation is checked each time (I7)."""
    state = desk.state
    del state.parcels[parcel.seq]
    desk.bodies.remove(parcel.body)
    if not keep_code:
        desk.forget_code(parcel.code, parcel.seq)
    state.finished += 1
    desk.census_due = True
    ended = state.released_count + state.diverted_count + state.unproven_count + state.removed_count
    assert state.finished == ended, "I7: a parcel ended twice or not at all"
    assert state.inducted == ended + len(state.parcels), "I7: inducted differs from ended + on belt"


_CONTENT_DOUBTS = {Ground.COUNT_SHORT, Ground.COUNT_OVER, Ground.COUNT_UNCERTAIN, Ground.CONTENT_SUSPECT}


def _place(parcel: Parcel, custody: Custody) -> Place:
    return Place(
        seq=parcel.seq,
        code=parcel.code,
        custody=custody,
        status_code=parcel.status_code,
        status_class=parcel.status_class,
        version=parcel.answer.version,
        reviewer=parcel.reviewer,
        effective=parcel.effective,
        quarantined=_QUARANTINE in parcel.grounds,
        count_lines=[item.line_no for item in parcel.answer.items]
        if not _CONTENT_DOUBTS.isdisjoint(parcel.grounds)
        else [],
    )


def stray_left(desk: Desk, eye: str) -> None:
    """A body without a number at an exit: at the release exit nobody may take it away."""
    if eye != EYE_EXIT_RELEASE:
        return
    void_all(desk, "unknown body at the release exit")
    desk.events.append(
        CustodyUnproven(at_us=desk.at_us, belt_um=desk.belt_um, seq=0, reason="unknown body at the release exit")
    )
    desk.alarm(Alarm.RELEASE_WITHOUT_PERMIT, detail="unknown body")
    desk.want(Cause.RELEASE_WITHOUT_PERMIT, detail="unknown body")
