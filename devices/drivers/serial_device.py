"""What readers and scales share: a framed serial port, a heartbeat, loss and return."""

import asyncio

from devices.address import PortAddress
from devices.drivers.context import DeviceContext
from devices.framing import DelimitedFramer, Framer, LineFramer
from devices.profile import Profile
from devices.serial_link import SerialLink
from devices.signals import LinkLost, LinkRestored
from devices.unit_runner import START_S_MAX

HEARTBEATS_MISSED = 3
"""Three periods without any frame: the device is lost though its port is open (rule 17)."""


class SerialDevice:
    """Base of the serial drivers. ``frame`` gets everything that is no heartbeat."""

    def __init__(self, role: str, profile: Profile, address: PortAddress, context: DeviceContext) -> None:
        self.role = role
        self.profile = profile
        self.context = context
        self.errors: dict[str, int] = {}
        self.ready = False
        self._separator = profile.text("frame", "separator")
        self._heartbeat = profile.text("frame", "heartbeat")
        self._silence_s_max = HEARTBEATS_MISSED * profile.number("frame", "heartbeat_ms") / 1_000
        self._seen_s: float | None = None
        self._first = True
        self._watch: asyncio.TimerHandle | None = None
        self.link = SerialLink(
            address,
            _framer(profile),
            now=context.now,
            on_frame=self._take,
            on_state=self._port_changed,
            seed=context.seed,
        )

    def start(self) -> None:
        """Open the port; a device that says nothing is reported lost."""
        self.link.start()
        self._arm(max(START_S_MAX, self._silence_s_max))

    async def stop(self) -> None:
        """Close the port."""
        if self._watch is not None:
            self._watch.cancel()
        await self.link.stop()

    def frame(self, text: str, at_us: int) -> None:
        """One frame, received at ``at_us`` (lane clock)."""
        raise NotImplementedError

    def error(self, kind: str) -> None:
        """Count a frame that could not be used."""
        self.errors[kind] = self.errors.get(kind, 0) + 1

    def position_um(self, count: str) -> int | None:
        """Belt position of the encoder count in a frame; None (counted) when it is none or nothing is known yet."""
        if not count.isdecimal() or int(count) >= 1 << 32:
            self.error("encoder count unreadable")
            return None
        position_um = self.context.belt.of_count(int(count))
        if position_um is None:
            self.error("belt position not known yet")
        return position_um

    def split(self, text: str) -> tuple[str, str]:
        """Payload and what stands behind the last separator."""
        payload, _, count = text.rpartition(self._separator)
        return payload, count

    def _take(self, text: str, at_us: int) -> None:
        self._alive()
        if text != self._heartbeat:
            self.frame(text, at_us)

    def _alive(self) -> None:
        loop = asyncio.get_running_loop()
        before_s, self._seen_s = self._seen_s, loop.time()
        self._arm(self._silence_s_max)
        if self.ready:
            return
        gap_us = 0 if self._first or before_s is None else int((self._seen_s - before_s) * 1e6)
        self.ready, self._first = True, False
        self.context.emit(
            LinkRestored(
                role=self.role,
                port=self.link.address.key,
                unit=0,
                gap_us=gap_us,
                watchdog_tripped=False,
                **self.context.here(),
            )
        )

    def _arm(self, seconds: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if seconds > 0:
            self._watch = asyncio.get_running_loop().call_later(seconds, self._lost, "heartbeat missing")

    def _port_changed(self, opened: bool, reason: str) -> None:
        if not opened:
            self._lost(reason)

    def _lost(self, reason: str) -> None:
        if not self.ready and not self._first:
            return
        self.ready = self._first = False
        self.context.emit(
            LinkLost(role=self.role, port=self.link.address.key, unit=0, reason=reason, **self.context.here())
        )


def _framer(profile: Profile) -> Framer:
    bytes_max = profile.number("frame", "bytes_max")
    if profile.text("frame", "kind") == "line":
        return LineFramer(bytes_max)
    return DelimitedFramer(bytes_max=bytes_max)
