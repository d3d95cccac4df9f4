"""Divert gate: position from its two end switches, and the ways in which it can contradict itself. Pure.

Times are device clock (u32 microseconds of plant time).
"""

from dataclasses import dataclass

from devices.signals import GateFault, GatePosition

U32 = 1 << 32
REFUSALS = {
    1: "late",
    2: "repeated permit number",
    3: "gate not at INSPECT",
    4: "watchdog tripped",
    5: "window invalid",
    6: "test pulse while the belt moves",
}
"""Register 6 of the state block (MANUAL.md section 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateChannels:
    """Channels of the gate in the event ring, and the longest travel between its ends."""

    home: int
    out: int
    valve: int
    tripped: int
    travel_us_max: int


class GateWatch:
    """Follows switches and valve; names each contradiction once."""

    def __init__(self, channels: GateChannels) -> None:
        self.channels = channels
        self._home: bool | None = None
        self._out: bool | None = None
        self._valve = False
        self._since = 0
        self._faults: set[str] = set()
        self._refused: tuple[int, int] | None = None

    @property
    def position(self) -> GatePosition:
        """MOVING also stands for both or none."""
        if self._home and not self._out:
            return GatePosition.INSPECT
        if self._out and not self._home:
            return GatePosition.RELEASE
        return GatePosition.MOVING

    def switch(self, channel: int, level: bool, clock: int) -> GatePosition | None:
        """An end switch changed; returns the position when the channel is one of the two."""
        if channel not in (self.channels.home, self.channels.out):
            return None
        if channel == self.channels.home:
            self._home = level
        else:
            self._out = level
        self._restart(clock)
        return self.position

    def valve(self, level: bool, clock: int) -> None:
        """The valve changed; the blade must follow within its travel time."""
        self._valve = level
        self._restart(clock)

    def inputs(self, word: int, clock: int) -> GatePosition:
        """Switches as the input word shows them (MANUAL.md section 1, DI word)."""
        self._home = bool(word >> self.channels.home & 1)
        self._out = bool(word >> self.channels.out & 1)
        self._restart(clock)
        return self.position

    def check(self, clock: int, refused: int, refusal: int) -> list[str]:
        """New contradictions at this device time, and a newly refused permit."""
        found = []
        if self._home and self._out:
            found.append("both end switches on: wiring or switch defect")
        elif (clock - self._since) % U32 > self.channels.travel_us_max and self._home is not None:
            found += self._late()
        new = [reason for reason in found if reason not in self._faults]
        self._faults = set(found)
        last, self._refused = self._refused, (refused, refusal)
        if last is not None and refused and last != self._refused:
            new.append(f"permit {refused} refused: {REFUSALS.get(refusal, f'reason {refusal}')}")
        return new

    @staticmethod
    def fault(reason: str, *, at_us: int, belt_um: int) -> GateFault:
        """The signal."""
        return GateFault(reason=reason, at_us=at_us, belt_um=belt_um)

    def _late(self) -> list[str]:
        if not self._home and not self._out:
            return ["no end switch after the longest travel: gate stuck between its ends"]
        if self._valve and self._home:
            return ["valve open, but the gate did not leave INSPECT"]
        if not self._valve and self._out:
            return ["valve closed, but the gate stays at RELEASE"]
        return []

    def _restart(self, clock: int) -> None:
        self._since = clock
