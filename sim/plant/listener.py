"""Who hears what the plant does: physics told call by call, or kept as a list.

The core twin listens itself: one call per happening, nothing in between. Whoever asks the plant from time to time (the
wire twin, tests) leaves it its ``Diary`` and takes the list with ``drain``.
"""

from typing import Protocol

from lane.model.config import EYES
from lane.model.words import Route
from sim.plant.bodies import Body, BodyFed, BodyLeft
from sim.plant.happenings import Happening, Kind
from sim.plant.lane_io import Channel, Refusal


class Listener(Protocol):
    """Ears of the plant. Every call has its time (us) and belt position (um) first, then what happened.

    The plant has finished what it tells; a listener may read it, watch a position and ask for times, but reaches for
    actuators only later, through its driver.
    """

    def fed(self, at_us: int, belt_um: int, number: int) -> None:
        """A body stands with its head at the induct eye."""

    def eye(self, at_us: int, belt_um: int, channel: int, blocked: bool, number: int) -> None:
        """A photo-eye changed level."""

    def code(self, at_us: int, belt_um: int, reader: str, number: int, text: str) -> None:
        """A body's centre passed a reader; ``text`` "": it could not be read."""

    def weight(self, at_us: int, belt_um: int, number: int, mg: int) -> None:
        """A body's centre stood over the scale."""

    def detector(self, at_us: int, belt_um: int, number: int, head: bool) -> None:
        """A body's head or tail crossed the detector line."""

    def switch(self, at_us: int, belt_um: int, channel: Channel, level: bool, permit_no: int) -> None:
        """An end switch of the gate changed."""

    def valve(self, at_us: int, belt_um: int, level: bool, permit_no: int) -> None:
        """The release output changed."""

    def refused(self, at_us: int, belt_um: int, permit_no: int, why: Refusal) -> None:
        """The lane I/O refused a permit."""

    def routed(self, at_us: int, belt_um: int, number: int, route: Route) -> None:
        """A body's head reached the blade: from here it goes to ``route``."""

    def left(self, at_us: int, belt_um: int, body: Body) -> None:
        """A body left the lane by an exit."""

    def reached(self, at_us: int, belt_um: int, token: int) -> None:
        """The belt reached a watched position."""

    def belt(self, at_us: int, belt_um: int, speed_um_s: int) -> None:
        """The belt reached its speed."""


class Diary:
    """Writes happenings down until somebody takes them, and who was fed and left for good."""

    def __init__(self, fed: list[BodyFed], left: list[BodyLeft]) -> None:
        self._fed, self._left = fed, left
        self.happened: list[Happening] = []

    def take(self) -> list[Happening]:
        """What happened since the last call."""
        happened, self.happened = self.happened, []
        return happened

    def _note(
        self, kind: Kind, at_us: int, belt_um: int, *, where: str = "", level: bool = False, body: int = 0,
        text: str = "", value: int = 0,
    ) -> None:  # fmt: skip
        self.happened.append(Happening(kind, at_us, belt_um, where, level, body, text, value))

    def fed(self, at_us: int, belt_um: int, number: int) -> None:
        """A body stands at the induct eye."""
        self._fed.append(BodyFed(number=number, at_us=at_us, belt_um=belt_um))
        self._note(Kind.FED, at_us, belt_um, body=number)

    def eye(self, at_us: int, belt_um: int, channel: int, blocked: bool, number: int) -> None:
        """A photo-eye changed level."""
        self._note(Kind.EYE, at_us, belt_um, where=EYES[channel], level=blocked, body=number)

    def code(self, at_us: int, belt_um: int, reader: str, number: int, text: str) -> None:
        """A reader told."""
        self._note(Kind.CODE, at_us, belt_um, where=reader, body=number, text=text)

    def weight(self, at_us: int, belt_um: int, number: int, mg: int) -> None:
        """The scale told."""
        self._note(Kind.WEIGHT, at_us, belt_um, body=number, value=mg)

    def detector(self, at_us: int, belt_um: int, number: int, head: bool) -> None:
        """Head or tail at the detector line."""
        self._note(Kind.DETECTOR, at_us, belt_um, level=head, body=number)

    def switch(self, at_us: int, belt_um: int, channel: Channel, level: bool, permit_no: int) -> None:
        """An end switch changed."""
        self._note(Kind.SWITCH, at_us, belt_um, where=channel.name, level=level, value=permit_no)

    def valve(self, at_us: int, belt_um: int, level: bool, permit_no: int) -> None:
        """The release output changed."""
        self._note(Kind.VALVE, at_us, belt_um, level=level, value=permit_no)

    def refused(self, at_us: int, belt_um: int, permit_no: int, why: Refusal) -> None:
        """A permit was refused."""
        self._note(Kind.REFUSED, at_us, belt_um, text=why.name, value=permit_no)

    def routed(self, at_us: int, belt_um: int, number: int, route: Route) -> None:
        """A head reached the blade."""
        self._note(Kind.ROUTED, at_us, belt_um, body=number, text=route)

    def left(self, at_us: int, belt_um: int, body: Body) -> None:
        """A body left by an exit."""
        number, route, moved = body.parcel.number, body.route, body.moved_blade
        assert route is not None
        self._left.append(
            BodyLeft(
                number=number, route=route, routed_us=body.at_blade_us, at_us=at_us, belt_um=belt_um, moved_blade=moved
            )
        )
        self._note(Kind.LEFT, at_us, belt_um, level=moved, body=number, text=route)

    def reached(self, at_us: int, belt_um: int, token: int) -> None:
        """A watched position was reached."""
        self._note(Kind.REACHED, at_us, belt_um, value=token)

    def belt(self, at_us: int, belt_um: int, speed_um_s: int) -> None:
        """The belt reached its speed."""
        self._note(Kind.BELT, at_us, belt_um, value=speed_um_s)
