"""A lane of test devices on real sockets and ptys, with a rack around it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from devices.rack import DeviceAddress, IoResume, Rack, RackConfig
from devices.signals import DeviceSignal
from tests.devices.demo_devices import PROFILES, DemoDrive, DemoIo, DemoXray
from tests.devices.wires import PtySlave, TcpSlave

CABINET_CLOSED = 0x1F
SOURCE_READY = 0x11


class Lane:
    """All demo devices of the tests and a rack around them."""

    def __init__(self, speed: int) -> None:
        self.speed = speed
        self.io = DemoIo(speed)
        self.drive = DemoDrive()
        self.cabinet = DemoXray(0xA503, CABINET_CLOSED)
        self.source = DemoXray(0xA504, SOURCE_READY)
        self.signals: list[DeviceSignal] = []
        self.rack: Rack
        self.slaves: dict[str, TcpSlave] = {}
        self.pty: PtySlave

    def now(self) -> int:
        return int(time.monotonic() * 1e6 * self.speed)

    def of(self, kind: type) -> list[DeviceSignal]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    async def until(self, done: Callable[[], bool], seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"not reached; last signals {self.signals[-8:]}"
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def a_lane(tmp_path: Path, *, speed: int = 1, resume: IoResume | None = None) -> AsyncIterator[Lane]:
    lane = Lane(speed)
    async with contextlib.AsyncExitStack() as stack:
        for name, device in (("io", lane.io), ("cabinet", lane.cabinet), ("source", lane.source)):
            lane.slaves[name] = await stack.enter_async_context(TcpSlave(device))
        lane.pty = await stack.enter_async_context(PtySlave(lane.drive, str(tmp_path / "drive")))
        urls = {name: slave.url for name, slave in lane.slaves.items()} | {"drive": lane.pty.url}
        profiles = {"io": "lane-io", "drive": "belt-drive", "cabinet": "xray-cabinet", "source": "xray-source"}
        devices = {
            name: DeviceAddress(address=url, profile_path=PROFILES / f"{profiles[name]}.toml")
            for name, url in urls.items()
        }
        lane.rack = Rack(
            RackConfig(devices=devices, speed=speed, token=0xA1B2C3D4),
            now=lane.now,
            emit=lane.signals.append,
            resume=resume,
        )
        life = asyncio.create_task(lane.io.run())
        await lane.rack.start()
        try:
            await lane.until(lambda: all(lane.rack.connected.values()))
            yield lane
        finally:
            await lane.rack.stop()
            life.cancel()
