"""Release pulses through plain remote I/O: the PC itself waits for the window and writes the output on and off.

A lane I/O with duty H4 takes a permit with its encoder window and needs nobody any more. Remote I/O knows no window:
the PC looks at the encoder once per cycle, writes the output on when the window begins and off when the parcel's tail
is past. A PC that is dead, late or cut off at that moment writes nothing; then only the pulse's longest time (H1) and
the watchdog (H0) end it.
"""

from typing import TYPE_CHECKING

from devices.commands import ReleasePulse
from sim.streams.randoms import Keyed

if TYPE_CHECKING:
    from sim.coretwin.station import Station

CYCLE_US = 20_000
"""The PC's cycle: it sees a position at most this much late."""


class PlainOutputs:
    """Permits that wait in the PC of one station, and the one whose pulse it must end."""

    def __init__(self, station: "Station", seed: int) -> None:
        self._station = station
        self._cycle = Keyed(seed, "cycle")
        self._waiting: ReleasePulse | None = None
        self._running: ReleasePulse | None = None

    def release(self, command: ReleasePulse) -> None:
        """A permit: wait for its window. A newer one takes the place of an older one that still waits."""
        self._waiting = command
        self._when(command.from_um, command, opens=True)

    def rest(self) -> None:
        """The gate shall rest: nothing waits any more."""
        self._waiting = self._running = None

    def _when(self, belt_um: int, command: ReleasePulse, *, opens: bool) -> None:
        """Look again at the cycle in which the belt reaches a position; a standing belt is asked again."""
        station = self._station
        at_us = station.plant.belt.time_of(belt_um)
        due_us = station.now + CYCLE_US if at_us is None else max(at_us, station.now)
        station.driver.call_at(due_us + self._cycle.below(CYCLE_US), self._look, (belt_um, command, opens))

    def _look(self, waiting: tuple[int, ReleasePulse, bool]) -> None:
        belt_um, command, opens = waiting
        station = self._station
        if command is not (self._waiting if opens else self._running):
            return
        if opens and station.now >= command.not_after_us:
            self._waiting = None
            station.actuators.refused(command.permit_no, "expired before its window")
        elif station.belt() < belt_um:
            self._when(belt_um, command, opens=opens)
        elif self._away():
            if not opens:  # it writes as soon as it can
                station.driver.call_at(station.now + CYCLE_US, self._look, waiting)
        else:
            station.driver.call_at(station.now + station.settings.command_us, self._write, (command, opens))

    def _away(self) -> bool:
        """Whether nothing that the PC writes arrives: its link is silent, or its core is dead."""
        return self._station.troubles.silent or bool(getattr(self._station.controller, "down", False))

    def _write(self, due: tuple[ReleasePulse, bool]) -> None:
        command, opens = due
        station = self._station
        if command is not (self._waiting if opens else self._running):
            return
        if self._away():
            if not opens:
                self._when(command.to_um, command, opens=False)
            return
        if opens:
            self._waiting, self._running = None, command
            left_ms = max(1, (command.not_after_us - station.now) // 1_000)
            station.plant.release(station.now, command.permit_no, command.pulse_ms, 0, 0, left_ms)
            self._when(command.to_um, command, opens=False)
        else:
            self._running = None
            station.plant.rest_gate(station.now)
        station.follow_plant()
