"""A link on a slave of the tests, with its units admitted."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from devices.address import parse_address
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import Request
from tests.devices.wires import PtySlave, Registers, TcpSlave

SETTINGS = LinkSettings(timeout_s=0.2, late_window_s=0.1)
"""Time-out long enough for a busy machine."""


def registers() -> Registers:
    """Sixty-four holding registers, value = 1000 + address."""
    return Registers({address: 1000 + address for address in range(64)})


async def until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something, at most for a time."""
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(0.002)


def read(address: int = 0, count: int = 1, unit: int = 1) -> Request:
    return Request(unit=unit, function=3, address=address, count=count)


@contextlib.asynccontextmanager
async def linked(
    slave: TcpSlave | PtySlave, settings: LinkSettings = SETTINGS, units: tuple[int, ...] = (1,)
) -> AsyncIterator[ModbusLink]:
    """A link whose units are admitted."""
    async with slave:
        link = ModbusLink(
            parse_address(slave.url), settings, now=lambda: int(time.monotonic() * 1e6), units=len(units), seed=1
        )
        link.start()
        try:
            await link.up.wait()
            for unit in units:
                link.admit(unit, link.generation)
            yield link
        finally:
            await link.stop()


class SlowTcp(TcpSlave):
    """Answers after a pause."""

    pause_s = 0.03

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        await asyncio.sleep(self.pause_s)
        await super().deliver(writer, header, pdu)


class LosesFirst(PtySlave):
    """Swallows the first ``lose`` replies."""

    lose = 1

    def deliver(self, frame: bytes) -> None:
        if self.lose:
            self.lose -= 1
        else:
            super().deliver(frame)
