"""Faults of eyes, readers and scale: what they tell is not what is there."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from devices.signals import BarcodeRead, EyeChanged, ReadQuality, WeightMeasured
from lane.draw import draw_key
from lane.model.config import EYES, READER_FIRST, READER_SECOND, Layout
from sim.coretwin.tampering import changed
from sim.faults import Fault, FaultKind
from sim.plant.happenings import Happening, Kind

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

ARMED_US = 20_000_000
"""A fault that waits for the next message of its kind waits this long at most: a parcel's way takes about 16 s."""
FLICKER_US = 12_000
READ_AGAIN_UM = 40_000
FOREIGN_WEIGHT_MG = 350_000
"""Weight of another body, where none was weighed before."""


def eye_of(fault: Fault) -> str:
    """The eye of a fault, by its place."""
    return EYES[fault.position_um // 1_000 % len(EYES)]


def eye_um(layout: Layout, eye: str) -> int:
    """Where an eye stands."""
    places = (0, layout.tunnel_entry_um, layout.tunnel_exit_um, layout.divert_um, layout.exit_release_um)
    return (*places, layout.exit_inspect_um)[EYES.index(eye)]


class SignalTroubles:
    """Changes edges, reads and weights on their way to the core."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        self._last_text = ""
        self._last_mg = FOREIGN_WEIGHT_MG
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.GHOST_EDGE: self._ghost,
            FaultKind.EYE_FLICKER: self._flicker,
            FaultKind.EYE_MISSED: self._missed,
            FaultKind.EYE_STUCK_ON: lambda fault: self._stuck(fault, True),
            FaultKind.EYE_STUCK_OFF: lambda fault: self._stuck(fault, False),
            FaultKind.EYE_LATE: self._late,
            FaultKind.NO_READ: self._no_read,
            FaultKind.WRONG_READ: self._wrong_read,
            FaultKind.DOUBLE_READ: self._double_read,
            FaultKind.TWO_CODES: self._two_codes,
            FaultKind.CODES_REVERSED: self._reversed,
            FaultKind.WEIGHT_UNSTABLE: self._unstable,
            FaultKind.WEIGHT_OTHER_BODY: self._other_weight,
            FaultKind.WEIGHT_STALE: self._stale_weight,
        }

    # --- eyes

    def _edge(self, eye: str, blocked: bool, at_us: int, belt_um: int) -> None:
        """An edge that the eye itself makes: it goes into the ring like any other."""
        if self._troubles.silent:
            self._troubles.keep(Happening(Kind.EYE, at_us, belt_um, eye, blocked, 0, "", 0))
        else:
            self._station.emit(EyeChanged(at_us=at_us, belt_um=belt_um, eye=eye, blocked=blocked))

    def _ghost(self, fault: Fault) -> None:
        """Something that is no body covers an eye: a label, a hand, dust."""
        station, eye = self._station, eye_of(fault)
        speed = station.plant.belt.target_um_s
        if speed == 0 or self._troubles.silent:
            return
        self._troubles.hit(fault)
        self._edge(eye, True, station.now, station.belt())
        station.driver.call_at(station.now + fault.strength * 1_000_000 // speed, self._ghost_over, eye)

    def _ghost_over(self, eye: str) -> None:
        if not self._covered(eye):
            self._edge(eye, False, self._station.now, self._station.belt())

    def _covered(self, eye: str) -> bool:
        """Whether a body truly covers it."""
        return self._station.plant.io.inputs >> EYES.index(eye) & 1 == 1

    def _flicker(self, fault: Fault) -> None:
        """Short gaps after a head: what the driver's debouncing let through."""
        eye, station = eye_of(fault), self._station

        def follow(edge: EyeChanged) -> EyeChanged | None:
            if edge.eye != eye or not edge.blocked:
                return edge
            self._troubles.hit(fault)
            for gap in range(fault.strength):
                off_us = (2 * gap + 1) * FLICKER_US
                for late_us, level in ((off_us, False), (off_us + FLICKER_US, True)):
                    station.driver.call_at(station.now + late_us, self._flickers, (eye, level))
            return changed(edge)

        self._troubles.between.arm(EyeChanged, follow, until_us=station.now + ARMED_US)

    def _flickers(self, flicker: tuple[str, bool]) -> None:
        eye, level = flicker
        if not self._covered(eye):
            return  # its body is past: what the eye shows is true again
        self._edge(eye, level, self._station.now, self._station.belt())

    def _missed(self, fault: Fault) -> None:
        """Both edges of one body are not seen."""
        eye, station = eye_of(fault), self._station
        begun = [False]

        def drop(edge: EyeChanged) -> EyeChanged | None:
            if edge.eye != eye or (not edge.blocked and not begun[0]):
                return edge
            if not begun[0]:
                self._troubles.hit(fault)
            begun[0] = True
            return None

        self._troubles.between.arm(EyeChanged, drop, count=2, until_us=station.now + ARMED_US)

    def _stuck(self, fault: Fault, level: bool) -> None:
        """An eye shows one level until its time is over; then it shows what is there."""
        station, eye = self._station, eye_of(fault)
        if self._troubles.silent:
            return  # what the ring holds then is told later, and in its order

        def drop(edge: EyeChanged) -> EyeChanged | None:
            return edge if edge.eye != eye else None

        tamper = self._troubles.between.arm(EyeChanged, drop, count=1_000)

        def end() -> None:
            tamper.count = 0
            self._edge(eye, self._covered(eye), station.now, station.belt())

        if not self._troubles.lasting(fault, end):
            tamper.count = 0
            return
        stuck = EyeChanged(at_us=station.now, belt_um=station.belt(), eye=eye, blocked=level)
        self._troubles.between.in_line(stuck, 0)

    def _late(self, fault: Fault) -> None:
        """Edges of all eyes come late, with the stamps of their time."""
        between = self._troubles.between

        def hold(edge: EyeChanged) -> None:
            between.in_line(edge, fault.strength)

        tamper = between.arm(EyeChanged, hold, count=1_000)

        def end() -> None:
            tamper.count = 0

        if not self._troubles.lasting(fault, end):
            tamper.count = 0

    # --- readers

    def _on_read(self, fault: Fault, change: Callable[[BarcodeRead], BarcodeRead | None], second: bool = False) -> None:
        reader = READER_SECOND if second else READER_FIRST

        def at(read: BarcodeRead) -> BarcodeRead | None:
            if read.reader != reader:
                return read
            found = change(read)
            if found is not read:
                self._troubles.hit(fault)
            return found

        self._troubles.between.arm(BarcodeRead, at, until_us=self._station.now + ARMED_US)

    def _as_read(self, read: BarcodeRead, text: str) -> BarcodeRead:
        """A read of another text, with what the key index knows of that."""
        sticky_from, inductions = self._station.journal.sticky(draw_key(text), read.at_us)
        return changed(read, text=text, quality=ReadQuality.GOOD, sticky_from=sticky_from, inductions=inductions)

    def _no_read(self, fault: Fault) -> None:
        def fail(read: BarcodeRead) -> BarcodeRead:
            if not read.text:
                return read
            if any(body.parcel.code for body in self._station.plant.bodies.values() if body.parcel.code != read.text):
                self._troubles.noted["no-read beside a neighbour's code"] += 1
            return changed(read, text="", quality=ReadQuality.NO_READ, sticky_from=0, inductions=0)

        self._on_read(fault, fail, second=fault.strength == 1)

    def _wrong_read(self, fault: Fault) -> None:
        luck = self._troubles.luck(fault)

        def other(read: BarcodeRead) -> BarcodeRead:
            bodies = self._station.plant.bodies.values()
            codes = [body.parcel.code for body in bodies if body.parcel.code and body.parcel.code != read.text]
            match fault.strength % 3:
                case 0:
                    text = luck.choice(codes) if codes else ""
                case 1:
                    place = luck.below(max(1, len(read.text)))
                    text = read.text[:place] + str(luck.below(10)) + read.text[place + 1 :]
                case _:
                    text = "".join(chr(33 + luck.below(90)) for _ in range(luck.between(1, 20)))
            if not text or text == read.text:
                return read
            return self._as_read(read, text)

        self._on_read(fault, other, second=fault.strength >= 3)

    def _double_read(self, fault: Fault) -> None:
        def twice(read: BarcodeRead) -> BarcodeRead | None:
            again = changed(read, belt_um=read.belt_um + READ_AGAIN_UM)
            speed = self._station.plant.belt.target_um_s
            if speed:
                self._troubles.between.later(again, READ_AGAIN_UM * 1_000_000 // speed, stamp=True)
            self._troubles.between.later(read, 0)
            return None

        self._on_read(fault, twice)

    def _two_codes(self, fault: Fault) -> None:
        def second_label(read: BarcodeRead) -> BarcodeRead | None:
            if not read.text:
                return read
            if fault.strength:
                return changed(read, quality=ReadQuality.MULTIPLE)
            digits = [place for place, letter in enumerate(read.text) if letter.isdigit()]
            if not digits:
                return read
            place = digits[-1]
            text = read.text[:place] + str((int(read.text[place]) + 1) % 10) + read.text[place + 1 :]
            other = self._as_read(read, text)
            self._troubles.between.later(read, 0)
            self._troubles.between.later(other, 1_000)
            return None

        self._on_read(fault, second_label)

    def _reversed(self, fault: Fault) -> None:
        """A read is held back until the next one is through (its stamp is kept: only the order changes)."""
        held: list[BarcodeRead] = []

        def order(read: BarcodeRead) -> BarcodeRead | None:
            if not read.text:
                return read
            if not held:
                held.append(read)
                return None
            self._troubles.between.later(read, 0)
            self._troubles.between.later(held[0], 1_000)
            return None

        self._on_read(fault, order)
        self._on_read(fault, order)

    # --- scale

    def _on_weight(self, fault: Fault, change: Callable[[WeightMeasured], WeightMeasured]) -> None:
        def at(weight: WeightMeasured) -> WeightMeasured:
            self._troubles.hit(fault)
            return change(weight)

        self._troubles.between.arm(WeightMeasured, at, until_us=self._station.now + ARMED_US)

    def _unstable(self, fault: Fault) -> None:
        self._on_weight(fault, lambda weight: changed(weight, stable=False))

    def _other_weight(self, fault: Fault) -> None:
        def other(weight: WeightMeasured) -> WeightMeasured:
            bodies = [body.parcel.weight_mg for body in self._station.plant.bodies.values()]
            return changed(weight, mg=next((mg for mg in bodies if abs(mg - weight.mg) > 10_000), FOREIGN_WEIGHT_MG))

        self._on_weight(fault, other)

    def _stale_weight(self, fault: Fault) -> None:
        """The value before comes again, instead of this one and stamped as if it were new."""
        held: list[int] = []

        def stale(weight: WeightMeasured) -> WeightMeasured:
            if not held:
                held.append(weight.mg)
                return changed(weight)
            return changed(weight, mg=held[0])

        self._on_weight(fault, stale)
        self._on_weight(fault, stale)
