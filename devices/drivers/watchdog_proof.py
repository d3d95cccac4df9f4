"""Proof at every start that the release output falls by itself when we are silent.

Belt at rest; test pulse of three watchdog times; then nothing at all is sent for 1.5 watchdog times, because on many
devices any request would feed the watchdog; the first read must show the output off and the watchdog flag set, and the
gate must reach its INSPECT switch. The event ring gives the time of the drop.
"""

import asyncio
from typing import TYPE_CHECKING

from devices.commands import ReleasePulse
from devices.requests import LinkFailure, Priority
from devices.signals import GatePosition, WatchdogProven

if TYPE_CHECKING:
    from devices.drivers.lane_io import LaneIo

PULSE_FACTOR = 3
SILENCE_FACTOR = 1.5
DROP_FACTOR_MAX = SILENCE_FACTOR
"""The output must have fallen within the silence: a fall after our next frame would prove nothing."""
DO_RELEASE = 0x100
OPEN_S_MAX = 0.2
"""The valve opens at once; it must be seen within this time, or nothing was proven."""
PROOF_PERMITS = (65_535, 65_534)
"""Permit numbers kept for the proof: the device ignores a number it has just seen, so two take turns."""
STANDING_UM_S = 1_000
STAND_S_MAX = 1.0
"""The encoder's speed is a mean over 0.1 s of belt: it falls after the drive says that it stands."""
STAND_LOOK_S = 0.02


class WatchdogProof:
    """Part of the lane I/O driver."""

    def __init__(self, io: "LaneIo") -> None:
        self.io = io
        self.running = False
        self._turn = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run the proof; its result is a ``WatchdogProven`` signal. A proof under way goes on."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self.running = self.io.signals.muted = True
        drop_us = 0
        try:
            drop_us = await self._prove()
            reason = ""
        except (LinkFailure, _NotProven) as failure:
            reason = str(failure)
        finally:
            self.running = self.io.signals.muted = False
        here = self.io.context.here()
        self.io.context.emit(WatchdogProven(ok=not reason, drop_us=drop_us, reason=reason, **here))
        if not reason:
            self.io.resume(keep=True)

    async def _prove(self) -> int:
        """Returns the wall time in microseconds from the last frame to the fall of the output."""
        io = self.io
        if not io.ready:
            raise _NotProven("lane I/O is not connected")
        await self._stand()
        if io.tripped:
            await io.clear_tripped()
        watchdog_ms = await io.port.read(io.profile.register("watchdog_ms"), Priority.COMMAND)
        await self._open(watchdog_ms)
        last_frame_us = io.context.now()
        await io.port.link.silence(SILENCE_FACTOR * watchdog_ms / 1_000)
        state = await io.read_state(Priority.SAFETY)
        if state.outputs & DO_RELEASE:
            raise _NotProven(f"release output still on after {SILENCE_FACTOR} watchdog times of silence")
        await self._next_cycle()
        if not io.tripped:
            raise _NotProven("output is off, but the device's watchdog flag is not set")
        await self._home()
        drop_us = (io.signals.last_valve.get(False, 0) - last_frame_us) // io.context.speed
        if not 0 < drop_us <= DROP_FACTOR_MAX * watchdog_ms * 1_000:
            raise _NotProven(f"output fell {drop_us // 1_000} ms after the last frame, expected about {watchdog_ms} ms")
        await io.clear_tripped()
        return drop_us

    async def _stand(self) -> None:
        """Until the encoder shows the standstill that the drive has reported already."""
        deadline_s = self.io.wall_s() + STAND_S_MAX
        while abs(self.io.context.belt.speed_um_s) > STANDING_UM_S:
            if self.io.wall_s() > deadline_s:
                raise _NotProven("the belt moves")
            await asyncio.sleep(STAND_LOOK_S)

    async def _open(self, watchdog_ms: int) -> None:
        """Test pulse: at once, three watchdog times long in the device's (plant) time."""
        io = self.io
        self._turn += 1
        permit_no = PROOF_PERMITS[self._turn % 2]
        if io.state.applied == permit_no:
            self._turn += 1
            permit_no = PROOF_PERMITS[self._turn % 2]
        pulse_ms = PULSE_FACTOR * watchdog_ms * io.context.speed
        pulse = ReleasePulse(
            permit_no=permit_no,
            seq=0,
            from_um=0,
            to_um=0,
            pulse_ms=min(pulse_ms, io.profile.number("gate", "pulse_ms_max")),
            not_after_us=io.context.now() + 1_000_000 * io.context.speed,
        )
        await io.port.run(lambda: io.gate.block(pulse), Priority.COMMAND)
        deadline_s = io.wall_s() + OPEN_S_MAX
        while not (await io.read_state(Priority.COMMAND)).outputs & DO_RELEASE:
            if io.wall_s() > deadline_s:
                raise _NotProven("the test pulse did not open the release output")
        await io.heartbeat()

    async def _next_cycle(self) -> None:
        """Until the polls have seen the state after the silence."""
        deadline_s = self.io.wall_s() + OPEN_S_MAX + 0.3
        while True:
            if self.io.tripped or self.io.wall_s() > deadline_s:
                return
            await asyncio.sleep(0.01)

    async def _home(self) -> None:
        """The blade needs its travel time after the drop."""
        travel_s = self.io.profile.number("gate", "travel_ms_max") / 1_000 / self.io.context.speed
        deadline_s = self.io.wall_s() + travel_s + 0.1
        while self.io.signals.gate.position is not GatePosition.INSPECT:
            if self.io.wall_s() > deadline_s:
                raise _NotProven("output is off, but the gate is not at its INSPECT switch")
            await asyncio.sleep(0.01)


class _NotProven(Exception):
    """What the proof missed."""
