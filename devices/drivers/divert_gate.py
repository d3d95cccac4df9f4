"""Divert gate: rests at INSPECT; a release is one pulse that the I/O device makes and ends by itself.

A release block is written once and read back; it is never repeated, because after any failure on the wire the
connection is replaced and the safe state (gate at rest) is written first. Proof of the position comes from the end
switches, by the event ring.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from devices.commands import ReleasePulse
from devices.io_image import U16
from devices.requests import Failure, LinkFailure, Priority, Request
from devices.signals import GateFault

if TYPE_CHECKING:
    from devices.drivers.lane_io import LaneIo

NOT_AFTER_MS_MAX = 65_535
"""Register width: a permit may be sent at most 65 s ahead."""


class DivertGate:
    """Part of the lane I/O driver."""

    def __init__(self, io: "LaneIo") -> None:
        self.io = io
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: int | None = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the polls; a link failure ends it quietly, the runner reports the loss."""
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def release(self, pulse: ReleasePulse) -> None:
        """Send one release block; refusals and failures come back as ``GateFault``."""
        if not self.io.ready:
            self._fault(f"permit {pulse.permit_no} refused: not sent, lane I/O is not connected")
            return
        self._pending = pulse.permit_no
        self.spawn(self._release(pulse))

    def rest(self) -> None:
        """Gate to INSPECT, pending pulse cancelled."""
        self.spawn(self._rest())

    def link_lost(self) -> None:
        """A pulse that was being sent is not proven."""
        if self._pending is not None:
            self._fault(f"permit {self._pending} not proven: link lost")
            self._pending = None

    def link_restored(self) -> None:
        """Nothing is pending on a new connection."""
        self._pending = None

    async def stop(self) -> None:
        """End own tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _release(self, pulse: ReleasePulse) -> None:
        sent: list[Request] = []

        def build() -> Request:
            """Made just before the frame leaves, so that its times are fresh."""
            sent.append(self.block(pulse))
            return sent[-1]

        port = self.io.port
        try:
            await port.run(build, Priority.COMMAND, deadline_s=1.0)
            register = self.io.profile.register("release")
            read_back = Request(unit=port.unit, function=3, address=register.address, count=register.size)
            reply = await port.run(read_back, Priority.COMMAND)
        except LinkFailure as failure:
            if self._pending == pulse.permit_no:
                # A block that was never made can't open the gate: only this permit ends. One that may have reached the
                # device leaves the gate in doubt.
                word = "not proven:" if sent else "refused: not sent,"
                self._fault(f"permit {pulse.permit_no} {word} {failure}")
                self._pending = None
            if failure.kind is Failure.GIVEN_UP:
                self.rest()
            return
        if self._pending == pulse.permit_no:
            self._pending = None
        if reply.words != sent[-1].values[: register.size]:
            self._fault(f"permit {pulse.permit_no}: read-back differs, was {list(reply.words)}")
            self.rest()

    def block(self, pulse: ReleasePulse) -> Request:
        """The seven registers, with times relative to this moment, and our token (MANUAL.md section 1, 0x0020).

        Raises:
            ValueError: the permit is late or does not fit the registers.
        """
        not_after_ms = (pulse.not_after_us - self.io.context.now()) // 1_000
        if not_after_ms <= 0:
            raise ValueError(f"permit {pulse.permit_no}: late by {-not_after_ms} ms")
        if not 1 <= pulse.permit_no < U16:
            raise ValueError(f"permit number: expected 1..{U16 - 1}, was {pulse.permit_no}")
        pulse_ms_max = self.io.profile.number("gate", "pulse_ms_max")
        if not 1 <= pulse.pulse_ms <= pulse_ms_max:
            raise ValueError(f"pulse_ms: expected 1..{pulse_ms_max}, was {pulse.pulse_ms}")
        low, high = self._window(pulse)
        values = (
            pulse.permit_no,
            pulse.pulse_ms,
            low >> 16,
            low % U16,
            high >> 16,
            high % U16,
            min(not_after_ms, NOT_AFTER_MS_MAX),
        )
        register = self.io.profile.register("release")
        token = self.io.port.token if register.owned else ()
        return Request(unit=self.io.port.unit, function=16, address=register.address, values=values + token)

    def _window(self, pulse: ReleasePulse) -> tuple[int, int]:
        """Belt positions as raw counts; 0, 0 means at once (watchdog proof only)."""
        if pulse.from_um == 0 and pulse.to_um == 0:
            return 0, 0
        scale = self.io.context.belt.scale
        if scale is None:
            raise ValueError("belt position is not known yet")
        if pulse.to_um <= pulse.from_um:
            raise ValueError(f"window: expected to > from, was {pulse.from_um}..{pulse.to_um}")
        return scale.count(pulse.from_um), scale.count(pulse.to_um)

    async def _rest(self) -> None:
        await self.io.port.write(self.io.profile.register("rest_gate"), 1, Priority.SAFETY)

    def _fault(self, reason: str) -> None:
        self.io.context.emit(GateFault(reason=reason, **self.io.context.here()))


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except LinkFailure:
        return  # counted by the link and reported by the runner as a loss
