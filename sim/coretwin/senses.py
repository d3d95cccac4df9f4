"""From physics to signals: what the plant does becomes what the devices of the lane report.

``Senses`` listens to the plant of one station. While the lane I/O is not reached (``troubles.silent``) its ring keeps
what comes through it; everything else goes to the core at once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from devices.signals import (
    POINT_RELEASE,
    BarcodeRead,
    BeltMoved,
    BeltState,
    EyeChanged,
    GateInPosition,
    GatePosition,
    OutputProven,
    ReadQuality,
    WeightMeasured,
)
from lane.draw import draw_key
from lane.model.config import EYES
from lane.model.words import Route
from sim.coretwin.actuators import BELT_REPORT
from sim.plant.bodies import Body
from sim.plant.happenings import Happening, Kind
from sim.plant.lane_io import Channel, Refusal
from sim.plant.plant import SCALE_ERROR_MG

if TYPE_CHECKING:
    from sim.coretwin.station import Station

_MOVING, _OUT, _HOME = GatePosition.MOVING, GatePosition.RELEASE, GatePosition.INSPECT
_NO_READ, _GOOD, _GATE_OUT = ReadQuality.NO_READ, ReadQuality.GOOD, Channel.GATE_OUT


class Senses:
    """The devices' reports of one station."""

    def __init__(self, station: "Station") -> None:
        self._station = station
        self._emit = station.emit
        self._troubles = station.troubles
        self._channels = {name: channel for channel, name in enumerate(EYES)}
        self._late: dict[Kind, Callable[[Happening], None]] = {
            Kind.EYE: lambda seen: self.eye(
                seen.at_us, seen.belt_um, self._channels[seen.where], seen.level, seen.body
            ),
            Kind.SWITCH: lambda seen: self.switch(
                seen.at_us, seen.belt_um, Channel[seen.where], seen.level, seen.value
            ),
            Kind.VALVE: lambda seen: self.valve(seen.at_us, seen.belt_um, seen.level, seen.value),
            Kind.REFUSED: lambda seen: self.refused(seen.at_us, seen.belt_um, seen.value, Refusal[seen.text]),
        }  # fmt: skip

    def take(self, seen: Happening) -> None:
        """A happening that the lane hears of late: one that the ring kept."""
        self._late[seen.kind](seen)

    def _keep(
        self, kind: Kind, at_us: int, belt_um: int, where: str, level: bool, body: int, text: str, value: int
    ) -> None:  # fmt: skip
        self._troubles.keep(Happening(kind, at_us, belt_um, where, level, body, text, value))

    # --- through the lane I/O

    def eye(self, at_us: int, belt_um: int, channel: int, blocked: bool, number: int) -> None:
        """A photo-eye changed level."""
        if self._troubles.silent:
            self._keep(Kind.EYE, at_us, belt_um, EYES[channel], blocked, number, "", 0)
            return
        self._emit(EyeChanged(at_us=at_us, belt_um=belt_um, eye=EYES[channel], blocked=blocked))

    def switch(self, at_us: int, belt_um: int, channel: Channel, level: bool, permit_no: int) -> None:
        """An end switch of the gate changed."""
        if self._troubles.silent:
            self._keep(Kind.SWITCH, at_us, belt_um, channel.name, level, 0, "", permit_no)
            return
        position = _MOVING
        if level:
            position = _OUT if channel is _GATE_OUT else _HOME
        self._emit(GateInPosition(at_us=at_us, belt_um=belt_um, position=position, permit_no=permit_no))

    def valve(self, at_us: int, belt_um: int, level: bool, permit_no: int) -> None:
        """The release output changed."""
        if self._troubles.silent:
            self._keep(Kind.VALVE, at_us, belt_um, "", level, 0, "", permit_no)
            return
        self._emit(OutputProven(at_us=at_us, belt_um=belt_um, point=POINT_RELEASE, level=level, permit_no=permit_no))

    def refused(self, at_us: int, belt_um: int, permit_no: int, why: Refusal) -> None:
        """The lane I/O refused a permit."""
        if self._troubles.silent:
            self._keep(Kind.REFUSED, at_us, belt_um, "", False, 0, why.name, permit_no)
            return
        self._station.actuators.refused(permit_no, why.name)

    # --- other devices

    def code(self, at_us: int, belt_um: int, reader: str, number: int, text: str) -> None:
        """A body's centre passed a reader; the key index tells of earlier passages of its code."""
        sticky_from = inductions = 0
        quality = _NO_READ
        if text:
            quality = _GOOD
            sticky_from, inductions = self._station.journal.sticky(draw_key(text), at_us)
        self._emit(
            BarcodeRead(
                at_us=at_us, belt_um=belt_um, reader=reader, text=text, quality=quality,
                sticky_from=sticky_from, inductions=inductions,
            )
        )  # fmt: skip

    def weight(self, at_us: int, belt_um: int, number: int, mg: int) -> None:
        """A body's centre stood over the scale."""
        self._emit(WeightMeasured(at_us=at_us, belt_um=belt_um, mg=mg, stable=True, error_mg=SCALE_ERROR_MG))

    def detector(self, at_us: int, belt_um: int, number: int, head: bool) -> None:
        """A body's head or tail crossed the detector line."""
        self._station.images.crossed(number, belt_um, head=head)

    def belt(self, at_us: int, belt_um: int, speed_um_s: int) -> None:
        """The belt reached its speed."""
        self._emit(BeltState(at_us=at_us, belt_um=belt_um, running=speed_um_s > 0, speed_um_s=speed_um_s))
        self._emit(BeltMoved(at_us=at_us, belt_um=belt_um, speed_um_s=speed_um_s))

    def reached(self, at_us: int, belt_um: int, token: int) -> None:
        """The belt reached a watched position: the encoder's report, or the end of an image's window."""
        station = self._station
        if token == BELT_REPORT:
            station.plant.watch(belt_um + station.settings.belt_report_um, BELT_REPORT)
            self._emit(BeltMoved(at_us=at_us, belt_um=belt_um, speed_um_s=station.plant.belt.speed(at_us)))
        else:
            station.replies.window_ended(token)

    # --- truth

    def fed(self, at_us: int, belt_um: int, number: int) -> None:
        """A body stands at the induct eye."""
        self._station.fed(at_us, belt_um, number)

    def routed(self, at_us: int, belt_um: int, number: int, route: Route) -> None:
        """No device sees it."""

    def left(self, at_us: int, belt_um: int, body: Body) -> None:
        """A body left by an exit."""
        self._station.left(body.parcel.number, body.route, body.moved_blade)
