"""Faults of belt and bodies: slip, jam, stops, and what people and goods do on the belt."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from devices.commands import RunBelt, StopBelt
from devices.signals import BeltMoved, EncoderDoubt, Quality
from sim.coretwin.tampering import NEVER
from sim.faults import Fault, FaultKind
from sim.plant.bodies import Body
from sim.streams.truth import Planted

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

FOREIGN_UM, CLEAR_UM = 150_000, 30_000
"""Length of an inserted carton, and what a person leaves free on either side."""
FOREIGN = 1_000_000_000
TICK_US = 50_000
"""How often a jam looks who has run into it: 25 mm of belt at 0.5 m/s."""
SWAP_GAP_UM = 100_000


class BodyTroubles:
    """Moves bodies against the belt. Only bodies behind the induct eye and before the blade are touched."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        self._foreign = FOREIGN
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.JAM: self._jam,
            FaultKind.BELT_SLIP: self._belt_slip,
            FaultKind.BODY_SLIP: self._body_slip,
            FaultKind.ENCODER_DOUBT: self._doubt,
            FaultKind.SPEED_CHANGE: self._speed,
            FaultKind.COAST: self._coast,
            FaultKind.BELT_STOPPED: self._stop,
            FaultKind.BELT_REVERSED: self._reverse,
            FaultKind.TOUCHING: self._touch,
            FaultKind.OVERLAPPING: self._overlap,
            FaultKind.BODY_REMOVED: self._remove,
            FaultKind.BODY_INSERTED: self._insert,
            FaultKind.BODY_SWAPPED: self._swap,
            FaultKind.TOO_LONG: self._lengthen,
        }

    # --- bodies

    def _free(self) -> list[Body]:
        """Bodies wholly behind the induct eye and before the blade that nothing holds, foremost first."""
        station, belt_um = self._station, self._station.belt()
        gate_um = station.config.layout.gate_um
        bodies = station.plant.bodies.values()
        free = [
            body
            for body in bodies
            if body.route is None
            and body.planned == body.generation  # else a fault holds it
            and body.length_um < belt_um - body.head_um < gate_um
        ]
        return sorted(free, key=lambda body: body.head_um)

    def near(self, fault: Fault) -> Body | None:
        """The free body nearest to the fault's place."""
        belt_um = self._station.belt()
        return min(self._free(), key=lambda body: abs(belt_um - body.head_um - fault.position_um), default=None)

    def place(self, body: Body, head_um: int, length_um: int = 0) -> bool:
        """Put a body elsewhere: eyes that it leaves or reaches change, eyes that it covers before and after do not."""
        station, number = self._station, body.parcel.number
        plant, belt_um = station.plant, station.belt()
        if plant.bodies.get(number) is not body or not 0 <= belt_um - head_um < station.config.layout.gate_um:
            return False
        self._troubles.moved[number] = belt_um - min(head_um, body.head_um)
        moved = Body(body.parcel, head_um)
        moved.length_um = length_um or body.length_um
        plant.insert(station.now, moved)
        plant.bodies[number] = body  # the old one goes without the eyes noticing what the new one covers
        left = len(plant.left)
        plant.remove(station.now, number)
        del plant.left[left:]
        plant.bodies[number] = moved
        return True

    def _behind(self, fault: Fault) -> tuple[Body, Body] | None:
        """(leader, follower) around the fault's place."""
        free, near = self._free(), self.near(fault)
        if near is None:
            return None
        place = free.index(near)
        return (free[place - 1], near) if place else None

    def _body_slip(self, fault: Fault) -> None:
        body = self.near(fault)
        if body is not None and self.place(body, body.head_um + fault.strength):
            self._troubles.hit(fault)

    def _touch(self, fault: Fault) -> None:
        pair = self._behind(fault)
        if pair is not None:
            leader, follower = pair
            if self.place(follower, leader.head_um + leader.length_um + fault.strength):
                self._troubles.hit(fault)

    def _overlap(self, fault: Fault) -> None:
        pair = self._behind(fault)
        if pair is not None:
            leader, follower = pair
            onto_um = min(fault.strength, leader.length_um - 1)
            if self.place(follower, leader.head_um + leader.length_um - onto_um):
                self._troubles.hit(fault)

    def _swap(self, fault: Fault) -> None:
        pair = self._behind(fault)
        if pair is not None:
            leader, follower = pair
            at_um = leader.head_um
            if self.place(follower, at_um) and self.place(leader, at_um + follower.length_um + SWAP_GAP_UM):
                self._troubles.hit(fault)

    def _lengthen(self, fault: Fault) -> None:
        body = self.near(fault)
        if body is not None and self.place(body, body.head_um, body.length_um + fault.strength):
            self._troubles.hit(fault)

    def _remove(self, fault: Fault) -> None:
        body = self.near(fault)
        if body is not None:
            self._troubles.moved[body.parcel.number] = self._station.belt() - body.head_um
            self._station.plant.remove(self._station.now, body.parcel.number)
            self._station.gone()
            self._troubles.hit(fault)

    def _insert(self, fault: Fault) -> None:
        """Close behind a body (``strength``), or in the free place nearest to the position; on a running belt."""
        station = self._station
        plant, belt_um = station.plant, station.belt()
        if not plant.bodies or plant.belt.target_um_s == 0:
            return
        head_um: int | None = None
        near = self.near(fault) if fault.strength else None
        if near is not None:
            head_um = near.head_um + near.length_um + fault.strength
            if belt_um - head_um < FOREIGN_UM or not self._is_free(head_um, 0):
                return
        else:
            reach_um = min(7_000_000, station.config.layout.gate_um - CLEAR_UM)
            places = sorted(range(400_000, reach_um, 50_000), key=lambda place: abs(place - fault.position_um))
            head_um = next((belt_um - place for place in places if self._is_free(belt_um - place, CLEAR_UM)), None)
        if head_um is None:
            return
        self._foreign += 1
        foreign = replace(
            next(iter(plant.bodies.values())).parcel,
            number=self._foreign,
            planted=Planted.NO_DECLARATION,
            carton_mm=(FOREIGN_UM // 1_000, 150, 120),
            label="",
            readable=False,
            declared=None,
        )
        self._troubles.moved[self._foreign] = belt_um - head_um
        station.referee.inserted(foreign)
        plant.insert(station.now, Body(foreign, head_um))
        self._troubles.hit(fault)

    def _is_free(self, head_um: int, clear_um: int) -> bool:
        """Whether a foreign carton with its head there touches nobody."""
        return (
            all(  # a body lies from its head_um (leading edge) to head_um + length: what is behind has the larger one
                head_um > body.head_um + body.length_um + clear_um or head_um + FOREIGN_UM + clear_um < body.head_um
                for body in self._station.plant.bodies.values()
            )
        )

    # --- bodies that stay while the belt runs on

    def _jam(self, fault: Fault) -> None:
        first = self.near(fault)
        if first is None:
            return
        held: dict[int, tuple[Body, int]] = {}
        over = [False]

        def end() -> None:
            over[0] = True
            self._let_go(held.values())

        if self._troubles.lasting(fault, end):
            self._hold(held, first, self._station.belt() - first.head_um)
            self._look((held, over))

    def _hold(self, held: dict[int, tuple[Body, int]], body: Body, place_um: int) -> None:
        body.generation += 1
        held[body.parcel.number] = (body, place_um)

    def _look(self, jam: tuple[dict[int, tuple[Body, int]], list[bool]]) -> None:
        """Who has run into those held is held too."""
        held, over = jam
        if over[0]:
            return
        belt_um = self._station.belt()
        back_um = min((place - body.length_um for body, place in held.values()), default=0)
        for body in self._free():
            if body.parcel.number not in held and back_um <= belt_um - body.head_um and body.head_um > 0:
                if belt_um - body.head_um > max(place for _, place in held.values()):
                    continue  # ahead of the jam
                place_um = max(back_um, body.length_um + 1)  # a full belt pushes it onto the one ahead
                if self.place(body, belt_um - place_um):  # its eyes see where it lies
                    self._hold(held, self._station.plant.bodies[body.parcel.number], place_um)
                    back_um = place_um - body.length_um
        self._station.driver.call_at(self._station.now + TICK_US, self._look, jam)

    def _let_go(self, held: Iterable[tuple[Body, int]]) -> None:
        belt_um, gate_um = self._station.belt(), self._station.config.layout.gate_um
        for body, place_um in held:
            if self._station.plant.bodies.get(body.parcel.number) is body:
                body.head_um = belt_um - min(max(0, place_um), gate_um - 1)  # where its eyes see it
                self.place(body, body.head_um)

    def _belt_slip(self, fault: Fault) -> None:
        """All stay where they are until the encoder has counted ``strength``."""
        station, bodies = self._station, self._free()
        speed = station.plant.belt.target_um_s
        if not bodies or speed == 0:
            return
        belt_um = station.belt()
        held = [(body, belt_um - body.head_um) for body in bodies]
        for body in bodies:
            body.generation += 1
        self._troubles.hit(fault)
        over_us = fault.strength * 1_000_000 // speed
        station.driver.call_at(station.now + over_us, self._slipped, held)

    def _slipped(self, held: list[tuple[Body, int]]) -> None:
        self._let_go(held)
        self._station.follow_plant()

    def _reverse(self, fault: Fault) -> None:
        """All move back; the encoder counts forwards only."""
        moved = False
        for body in reversed(self._free()):
            moved = self.place(body, body.head_um + fault.strength) or moved
        if moved:
            self._troubles.hit(fault)

    # --- belt

    def _doubt(self, fault: Fault) -> None:
        station = self._station
        if fault.strength:
            moved = BeltMoved(
                at_us=station.now, belt_um=station.belt(), speed_um_s=station.plant.belt.target_um_s,
                quality=Quality.UNKNOWN,
            )  # fmt: skip
            station.emit(moved)
        else:
            station.emit(EncoderDoubt(at_us=station.now, belt_um=station.belt(), reason="encoder jumped"))
        self._troubles.hit(fault)

    def _speed(self, fault: Fault) -> None:
        station = self._station
        if station.plant.belt.target_um_s == 0:
            return
        usual = station.config.speed_um_s

        def end() -> None:
            if station.plant.belt.target_um_s:
                station.plant.set_belt(station.now, usual)

        if self._troubles.lasting(fault, end):
            station.plant.set_belt(station.now, usual * fault.strength // 1_000)

    def _coast(self, fault: Fault) -> None:
        station = self._station

        def late(command: StopBelt) -> None:
            self._troubles.hit(fault)
            station.driver.call_at(station.now + fault.strength, act, command)

        def act(command: StopBelt) -> None:
            station.actuators.doers[StopBelt](command)
            station.follow_plant()

        self._troubles.between.arm_commands(StopBelt, late, until_us=station.now + fault.duration_us)

    def _stop(self, fault: Fault) -> None:
        station = self._station
        if station.plant.belt.target_um_s == 0:
            return
        refused = self._troubles.between.arm_commands(RunBelt, lambda _: None, count=1_000, until_us=NEVER)

        def end() -> None:
            refused.count = 0

        if self._troubles.lasting(fault, end):
            station.plant.set_belt(station.now, 0)
        else:
            refused.count = 0
