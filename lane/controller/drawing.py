"""Identity closes, the draw is made: one draw per inducted parcel, strictly in the order of lane numbers (I4)."""

from lane import draw, identify
from lane.commands import AskDeclaration, CloseEpoch
from lane.controller.desk import Desk
from lane.controller.permitting import doubt
from lane.controller.state import Due, Parcel, Undrawn
from lane.errors import Alarm
from lane.events.parcel import ParcelDrawn, ParcelIdentified
from lane.inputs import EpochOpened, EpochQueueLow
from lane.model.grounds import Ground

QUEUE_WARN = 2
"""Committed epochs with a nonce left at which a supervisor is asked for more (draw design, 1.5)."""

_DUPLICATE, _REPEAT = Ground.DUPLICATE_WAYBILL, Ground.REPEAT_INDUCTION


def close_identity(desk: Desk, parcel: Parcel, *, unread: bool = False) -> None:
    """Bind the code (or none) for good, queue the draw, ask for the declaration.

    ``unread``: whatever was read does not count (restart while the parcel was under way).
    """
    if parcel.identity_closed:
        return
    reads = identify.Reads() if unread else parcel.reads
    verdict = identify.close(reads, desk.config.carriers)
    grounds = list(verdict.grounds)
    others = [seq for seq in desk.codes.get(verdict.code, ()) if seq != parcel.seq] if verdict.code else []
    if others:
        grounds.append(_DUPLICATE)
    parcel.identity_closed = desk.stale_due = True
    parcel.code = verdict.code
    desk.know_code(verdict.code, parcel.seq)
    parcel_key = draw.draw_key(verdict.code)
    desk.events.append(
        ParcelIdentified(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            code=verdict.code,
            parcel_key=parcel_key,
            grounds=tuple(grounds),
        )
    )
    for ground in grounds:
        desk.ground(parcel, ground, announce=False)
    sticky = reads.sticky_from if parcel_key else 0
    for seq in others:
        other = desk.state.parcels.get(seq)
        place = desk.state.bench.get(seq) or desk.state.released.get(seq)
        if (other is not None and other.effective) or (place is not None and place.effective):
            sticky = sticky or seq
        if other is not None:
            doubt(desk, other, _DUPLICATE)
    if others:
        desk.alarm(Alarm.DUPLICATE_WAYBILL, parcel.seq, f"parcels {others[0]} and {parcel.seq}")
    if _REPEAT in grounds:
        desk.alarm(Alarm.REPEAT_INDUCTION, parcel.seq)
    counts = not parcel_key or (reads.inductions == 0 and not any(seq < parcel.seq for seq in others))
    desk.state.undrawn[parcel.seq] = Undrawn(parcel_key=parcel_key, sticky_from=sticky, counts=counts)
    drain(desk)
    if verdict.code:
        parcel.asked = True
        desk.commands.append(AskDeclaration(seq=parcel.seq, code=verdict.code))


def drain(desk: Desk) -> None:
    """Draw every parcel whose turn has come, while an epoch with its key is open."""
    state, epoch = desk.state, desk.state.draw
    while epoch.is_open and desk.key and epoch.next_seq in state.undrawn:
        seq = epoch.next_seq
        _draw(desk, seq, state.undrawn.pop(seq))
        epoch.next_seq += 1
        if epoch.draws >= desk.config.draw.epoch_draws_max:
            close_epoch(desk)


def _draw(desk: Desk, seq: int, waiting: Undrawn) -> None:
    epoch = desk.state.draw
    if desk.rate is None:
        desk.rate = draw.parse_rate(epoch.rate)
    if desk.epoch_hash is None:
        desk.epoch_hash = draw.EpochHash(desk.key, desk.config.site, desk.config.lane, epoch.epoch)
    p_num, p_den = draw.probability(desk.rate, epoch.design, epoch.n, epoch.selected)
    d = desk.epoch_hash.draw(seq, waiting.parcel_key.encode())
    drawn = draw.is_selected(d, p_num, p_den)
    effective = drawn or waiting.sticky_from > 0
    desk.events.append(
        ParcelDrawn(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            epoch=epoch.epoch,
            seq=seq,
            parcel_key=waiting.parcel_key,
            design=epoch.design,
            rate=epoch.rate,
            n=epoch.n,
            selected=epoch.selected,
            p_num=p_num,
            p_den=p_den,
            d=d.hex(),
            drawn=drawn,
            counts=waiting.counts,
            sticky_from=waiting.sticky_from,
            effective=effective,
        )
    )
    epoch.draws += 1
    if waiting.counts:
        epoch.n += 1
        epoch.selected += drawn
    if desk.state.undrawn and waiting.parcel_key:
        _bind_waiting(desk, seq, waiting.parcel_key, effective)
    parcel = desk.state.parcels.get(seq)
    if parcel is not None:
        assert not parcel.has_draw, "I4: second draw for one parcel"
        parcel.has_draw = True
        parcel.effective = effective
        if effective:
            desk.ground(parcel, Ground.RANDOM_DRAW, announce=False)


def _bind_waiting(desk: Desk, seq: int, parcel_key: str, effective: bool) -> None:
    """Parcels of the same waybill that still wait for their draw: only the first counts, and binds them if effective.

    Nobody else tells them: what the key index knew when they were read was older than this draw.
    """
    for other in desk.state.undrawn.values():
        if other.parcel_key == parcel_key:
            other.counts = False
            if effective and not other.sticky_from:
                other.sticky_from = seq


def close_epoch(desk: Desk) -> None:
    """End the open epoch: its key draws nothing more; the seal reveals it and opens the next."""
    epoch = desk.state.draw
    if not epoch.is_open:
        return
    epoch.is_open = False
    epoch.closing = True
    desk.census_due = True
    desk.key, desk.epoch_hash = b"", None
    desk.commands.append(CloseEpoch(epoch=epoch.epoch, draws=epoch.draws))


def missing(desk: Desk, parcel: Parcel) -> None:
    """A parcel stands before the tunnel and has no durable draw: no picture, no release, no more induction."""
    desk.ground(parcel, Ground.DRAW_MISSING)
    desk.state.draw.closing = False
    desk.census_due = True
    desk.alarm(Alarm.DRAW_MISSING, parcel.seq, f"epoch {desk.state.draw.epoch} is closed and no other has opened")


def epoch_opened(desk: Desk, item: EpochOpened) -> None:
    """A new epoch. Counters go on unless rate or design changed; without its key nothing can be drawn."""
    epoch = desk.state.draw
    if not item.key:
        desk.alarm(Alarm.DRAW_MISSING, detail=f"epoch {item.epoch} opened without its key")
        return
    if (item.rate, item.design) != (epoch.rate, epoch.design):
        epoch.n = epoch.selected = 0
    desk.rate = draw.parse_rate(item.rate)
    desk.key, desk.epoch_hash = item.key, None
    epoch.epoch, epoch.rate, epoch.design = item.epoch, item.rate, item.design
    epoch.is_open, epoch.closing = True, False
    desk.census_due = True
    epoch.opened_us, epoch.draws = desk.state.at_us, 0
    desk.due_time(epoch.opened_us + desk.config.draw.epoch_us_max, Due.EPOCH, item.epoch)
    desk.calm(Alarm.DRAW_MISSING)
    drain(desk)
    desk.snapshot_due = True


def epoch_due(desk: Desk, number: int) -> None:
    """The open epoch has reached its age."""
    if desk.state.draw.epoch == number:
        close_epoch(desk)


def queue_low(desk: Desk, item: EpochQueueLow) -> None:
    """Committed epochs with a nonce that are left."""
    desk.state.draw.queue = item.left
    if item.left <= QUEUE_WARN:
        desk.alarm(Alarm.EPOCH_QUEUE_LOW, detail=f"{item.left} left")
    else:
        desk.calm(Alarm.EPOCH_QUEUE_LOW)


def can_draw(desk: Desk) -> bool:
    """Whether a parcel inducted at this moment will be drawn before its picture is taken."""
    epoch = desk.state.draw
    return (epoch.is_open and bool(desk.key)) or epoch.closing
