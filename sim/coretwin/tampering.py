"""What stands between devices and core when things go wrong: inputs and commands are changed, held back or lost.

``Between`` takes the controller's place in a station. With nothing armed it passes everything on; it never decides
anything the controller would decide.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from devices.commands import AllowInduction, ReleasePulse, RestGate, RunBelt, SetBeam, StopBelt
from devices.signals import EyeChanged, GateInPosition, OutputProven
from lane.commands import CloseEpoch, Send, Step
from lane.controller.core import LaneController
from lane.events.union import AnyEvent
from lane.inputs import (
    AnyInput,
    ClockReached,
    EpochCommitted,
    EpochNonce,
    EpochOpened,
    EpochRevealed,
    MessageAcknowledged,
    OrderGiven,
)
from sim.coretwin.recovery import Recovery

if TYPE_CHECKING:
    from sim.coretwin.station import Station

NEVER = 1 << 62
"""A time that does not come."""
_ASKED_AGAIN = (OrderGiven, MessageAcknowledged, EpochCommitted, EpochNonce, EpochOpened, EpochRevealed)
"""What people, the message sender and the seal bring again when nobody took it."""
_RING = (EyeChanged, GateInPosition, OutputProven)
"""What a restarted core reads again: the ring is taken up behind the last record that the journal holds."""
NOTHING = Step((), ())
TO_DEVICES = (RunBelt, StopBelt, AllowInduction, ReleasePulse, RestGate, SetBeam)
"""Commands that travel on a wire."""
RETRY_US = 2_000_000
"""Whoever was not heard tries again this long after the core is back."""

Input = TypeVar("Input", bound=msgspec.Struct)
Change = Callable[[Any], Any]
"""Answers the item itself (not concerned), another one, or None: it is lost or comes later."""


def changed(item: Input, **fields: Any) -> Input:
    """The same message with other fields."""
    return msgspec.structs.replace(item, **fields)


class Tamper:
    """One thing that is wrong with one kind of message: ``count`` messages at most, until ``until_us``."""

    __slots__ = ("change", "count", "until_us")

    def __init__(self, change: Change, count: int, until_us: int) -> None:
        self.change, self.count, self.until_us = change, count, until_us


class Between:
    """Takes the controller's place. ``down``: the core is dead or stands still; ``frozen`` keeps what arrives then."""

    def __init__(self, station: "Station", core: LaneController) -> None:
        self._station = station
        self.core = core
        self._inputs: dict[type, list[Tamper]] = {}
        self._outputs: dict[type, list[Tamper]] = {}
        self._passing: list[Any] = []
        self.down = False
        self.frozen: list[AnyInput] | None = None
        self.dies_at: int = -1  # commands of the next step that still leave; -1: it lives
        self.torn = False
        self.died: Callable[[], None] = lambda: None
        self._unsent: list[Any] = []  # found again in the journal by outbox and seal
        self._again: list[AnyInput] = []
        self._ring: list[AnyInput] = []
        self._line: list[AnyInput] = []  # edges on their way, in order
        self._line_us = 0  # when the last of them arrives
        self.key = b""  # of the epoch opened last
        self.recovery = Recovery(station.config, type(core))
        self.watch: Callable[[AnyInput, Step], None] | None = None
        self.heard: AnyInput | None = None  # what the core took of the input that was sent to it last
        self.lost = 0

    # --- the controller's face

    @property
    def state(self) -> Any:
        """The core's state, for reading only."""
        return self.core.state

    @property
    def open_epoch(self) -> int:
        """Number of the open draw epoch."""
        return self.core.open_epoch

    def snapshot(self) -> str:
        """The core's whole state."""
        return self.core.snapshot()

    def next_deadline(self) -> int | None:
        """As the core says; a dead one has none."""
        return None if self.down else self.core.next_deadline()

    def handle(self, item: AnyInput) -> Step:
        """One input on its way to the core."""
        if self.down:
            return self._unheard(item)
        kind = type(item)
        if kind in self._inputs and item not in self._passing:
            found = self._changed(self._inputs[kind], item)
            if found is None:
                self.lost += 1
                self.heard = None
                return NOTHING
            item = found
        if self._line and kind is EyeChanged and item not in self._passing:
            self.in_line(item, 0)
            self.heard = None
            return NOTHING
        if self.dies_at >= 0 and self.torn and kind is not ClockReached:
            self.dies_at, self.torn = -1, False
            self.died()
            if self.down:
                return self._unheard(item)
        if kind is EpochOpened:
            self.key = cast(EpochOpened, item).key
        self.heard = item
        step = self.core.handle(item)
        self.recovery.took(item, step, self.key)
        commands = step.commands
        if self._outputs and commands:
            commands = tuple(
                one
                for one in (self._changed(self._outputs.get(type(each), ()), each) for each in commands)
                if one is not None
            )
        if self._unsent:
            commands, self._unsent = (*commands, *self._unsent), []
        if self.watch is not None:
            self.watch(item, step)
        if self.dies_at >= 0 and not self.torn:
            commands = self._cut(commands)
        return step if commands is step.commands else Step(step.events, commands)

    # --- what goes wrong

    def arm(self, kind: type, change: Change, *, count: int = 1, until_us: int = NEVER) -> Tamper:
        """Let ``change`` at the next ``count`` inputs of a kind that it concerns, until a time."""
        return self._armed(self._inputs, kind, change, count, until_us)

    def arm_commands(self, kind: type, change: Change, *, count: int = 1, until_us: int = NEVER) -> Tamper:
        """The same for commands on their way out."""
        return self._armed(self._outputs, kind, change, count, until_us)

    @staticmethod
    def _armed(table: dict[type, list[Tamper]], kind: type, change: Change, count: int, until_us: int) -> Tamper:
        tamper = Tamper(change, count, until_us)
        table.setdefault(kind, []).append(tamper)
        return tamper

    def disarm(self) -> None:
        """Everything is sound from here on; what is held back still comes."""
        self._inputs.clear()
        self._outputs.clear()

    def _changed(self, tampers: Any, item: Any) -> Any:
        now = self._station.now
        for tamper in list(tampers):
            if tamper.count <= 0 or now >= tamper.until_us:
                tampers.remove(tamper)
                continue
            found = tamper.change(item)
            if found is not item:
                tamper.count -= 1
                if found is None or type(found) is not type(item):
                    return found
                item = found
        return item

    def later(self, item: AnyInput, delay_us: int, *, stamp: bool = False) -> None:
        """Let an input reach the core after a while; ``stamp``: with the time at which it does."""
        self._station.driver.call_at(self._station.now + max(0, delay_us), self._pass, (item, stamp))

    def in_line(self, edge: AnyInput, delay_us: int) -> None:
        """Let an edge come late. The ring has an order: no later edge overtakes it, late or not."""
        self._line_us = max(self._line_us, self._station.now + delay_us)
        self._line.append(edge)
        self._station.driver.call_at(self._line_us, self._arrive)

    def _arrive(self, _: None) -> None:
        self.tell(self._line.pop(0))

    def _pass(self, held: tuple[AnyInput, bool]) -> None:
        item, stamp = held
        self.tell(changed(item, at_us=self._station.now, belt_um=self._station.belt()) if stamp else item)

    def tell(self, item: AnyInput) -> None:
        """Let an input reach the core at once, whatever is armed against its kind."""
        self._passing.append(item)
        try:
            self._station.emit(item)
        finally:
            self._passing.remove(item)

    def resend(self, commands: list[Any]) -> None:
        """Commands that leave with the next ones of the core."""
        self._unsent += commands

    # --- death and return of the core

    def _cut(self, commands: tuple[Any, ...]) -> tuple[Any, ...]:
        """The core dies between its commands: messages and epochs are found again in the journal, the rest is not.

        A kill that came to nothing, because the core was gone or unheard already, takes no command with it.
        """
        left, lost = commands[: self.dies_at], commands[self.dies_at :]
        self.dies_at = -1
        self.died()
        if not self.down:
            return commands
        self._unsent += [one for one in lost if isinstance(one, Send | CloseEpoch)]
        return left

    def _unheard(self, item: AnyInput) -> Step:
        """Nobody listens: a paused process finds it later, some come again, the rest is lost."""
        if self.frozen is not None:
            if type(item) is not ClockReached:
                self.frozen.append(item)
        elif isinstance(item, _ASKED_AGAIN):
            self._again.append(item)
        elif isinstance(item, _RING):
            self._ring.append(item)
        else:
            self.lost += 1
        self.heard = None
        return NOTHING

    def stand_still(self) -> None:
        """The process is paused."""
        self.down, self.frozen = True, []

    def go_on(self) -> None:
        """The process goes on and finds in its sockets what arrived meanwhile."""
        self.down = False
        frozen, self.frozen = self.frozen or [], None
        for item in frozen:
            self._pass((item, False))

    def die(self) -> None:
        """The process is gone; what reaches it is lost."""
        self.down, self.frozen = True, None

    def come_back(self, core: LaneController) -> None:
        """A new process, restored from the journal."""
        self.core, self.down = core, False
        again, self._again = self._again, []
        for item in again:
            self.later(item, RETRY_US, stamp=True)

    def tell_ring(self, *, lost: bool = False) -> None:
        """The new process reads the ring behind the last record of the journal, before what the ring took since.

        ``lost``: the lane I/O was without power, and what its ring held is gone.
        """
        ring, self._ring = self._ring, []
        for item in () if lost else ring:
            self.tell(item)

    @classmethod
    def around(cls, station: "Station") -> "Between":
        """Put it in the controller's place."""
        between = cls(station, station.controller)
        station.controller = cast(LaneController, between)
        between._journal_what_is_heard()
        return between

    def _journal_what_is_heard(self) -> None:
        """The journal gets what the core took, not what was sent to it: nothing else would replay."""
        station = self._station
        append, hold = station._append, station._hold

        def append_heard(_: AnyInput, events: Sequence[AnyEvent]) -> Any:
            return -1 if self.heard is None else append(self.heard, events)

        def hold_heard(_: AnyInput) -> None:
            if self.heard is not None:
                hold(self.heard)

        station._append, station._hold = append_heard, hold_heard
