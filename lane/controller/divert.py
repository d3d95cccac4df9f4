"""The divert eye as the gate's last look: who is too close behind a released parcel, and who is not who was permitted.

What the blade let through by then can't be called back by it; but the belt stops while it stands before the release
exit, and the alarm sends a person there.
"""

from lane.controller.desk import Desk
from lane.controller.permitting import ASTRAY, astray, rest_gate, void, void_only
from lane.controller.state import Due, GateSeen, Parcel
from lane.errors import Cause
from lane.permits import PermitState
from lane.tracking import Body

_NONE, _VOID = PermitState.NONE, PermitState.VOID
AWAY = (GateSeen.MOVING, GateSeen.RELEASE)
"""The blade is not at INSPECT."""


def head_seen(desk: Desk, parcel: Parcel) -> None:
    """A parcel's head is at the divert eye: with a permit its tail is awaited there, without one it must not follow."""
    body = parcel.body
    if parcel.permit.state is _NONE or parcel.permit.state is _VOID:
        keep_out(desk, body)
    else:
        assert body.length_um, "permit for a parcel whose length is not known"
        clear_um = body.anchor_um + desk.layout.divert_um + body.length_um
        desk.due_belt(clear_um + desk.layout.eye_window_um + 1, Due.TAIL, parcel.seq)


def keep_out(desk: Desk, body: Body) -> None:
    """A body without a permit before a gate that is away: the belt stops if the gate is away for nobody, or the body so
    close behind a released one that it would be at the blade before that is home."""
    machine = desk.machine
    if machine.gate not in AWAY or not desk.executing():
        return
    if astray(desk):
        rest_gate(desk, ASTRAY)
        desk.want(Cause.GATE_UNPROVEN, seq=body.seq, detail=ASTRAY)
    elif body.anchor_um + desk.layout.gate_um < machine.gate_closes_um + desk.ways.home_again_um:
        rest_gate(desk, "a body close behind")
        desk.want(Cause.STRAY_AT_GATE, seq=body.seq, detail="it follows through the gate unless the belt stops")


def other_body(desk: Desk, parcel: Parcel) -> None:
    """What was measured here is not this parcel, or not it alone: its permit ends. With the gate away from INSPECT it
    is on the way to the release exit already: the belt stops, and what stands there counts as nobody's."""
    if not desk.executing():
        return  # the belt stands or runs empty: somebody takes bodies off, and no permit is open
    reason = "another length at the divert eye"
    if not void(desk, parcel, reason):
        void_only(desk, parcel, reason)
    if desk.machine.gate in AWAY:
        rest_gate(desk, reason)
        desk.want(Cause.STRAY_AT_GATE, seq=parcel.seq, detail=f"{reason} than at the induct eye")
