"""Bring-up: what a device must say before it is used, and what is told when it never does."""

import asyncio
import time
from pathlib import Path

import pytest

from devices.address import parse_address
from devices.drivers.context import DeviceContext
from devices.drivers.safety_status import SafetyStatus
from devices.drivers.xray import XrayCabinet
from devices.modbus_link import LinkSettings, ModbusLink
from devices.profile import load_profile
from devices.signals import DeviceSignal, LinkLost, LinkRestored, SafetyChanged
from devices.unit_runner import UnitRunner
from tests.devices.demo_devices import PROFILES, DemoXray
from tests.devices.wires import TcpSlave


class Cabinet:
    """A cabinet driver with its link and runner, alone."""

    def __init__(self, url: str) -> None:
        self.signals: list[DeviceSignal] = []
        context = DeviceContext(now=lambda: int(time.monotonic() * 1e6), emit=self.signals.append)
        self.safety = SafetyStatus(context, frozenset({"cabinet"}))
        self.link = ModbusLink(parse_address(url), LinkSettings(), now=context.now, seed=1)
        profile = load_profile(PROFILES / "xray-cabinet.toml")
        self.driver = XrayCabinet(profile, self.link, 1, context, self.safety)
        self.runner = UnitRunner(self.driver.port, self.driver, 0.05)

    def start(self) -> None:
        self.link.start()
        self.runner.start()

    async def stop(self) -> None:
        self.safety.stop()
        await self.runner.stop()
        await self.link.stop()

    async def until(self, kind: type, count: int = 1) -> list[DeviceSignal]:
        async with asyncio.timeout(6):
            while True:
                found = [signal for signal in self.signals if isinstance(signal, kind)]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def short_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that never comes is given up sooner here."""
    monkeypatch.setattr("devices.unit_runner.START_S_MAX", 0.4)


def test_f14_another_device_behind_the_address_is_never_used(tmp_path: Path) -> None:
    async def story() -> None:
        device = DemoXray(0xA504, 0x1F)
        async with TcpSlave(device) as slave:
            cabinet = Cabinet(slave.url)
            cabinet.start()
            lost = (await cabinet.until(LinkLost))[0]
            assert isinstance(lost, LinkLost)
            assert "signature: expected 0xa503, was 0xa504" in lost.reason
            assert device.holding[0x10] == 0, "no heartbeat to a stranger"
            assert not [s for s in cabinet.signals if isinstance(s, LinkRestored | SafetyChanged)]
            await cabinet.stop()

    asyncio.run(story())


def test_a_device_that_is_not_there_is_reported_once_and_found_when_it_comes() -> None:
    async def story() -> None:
        slave = TcpSlave(DemoXray(0xA503, 0x1F))
        await slave.open()
        await slave.close()
        cabinet = Cabinet(slave.url)
        cabinet.start()
        await cabinet.until(LinkLost)
        await asyncio.sleep(0.5)
        assert len(cabinet.signals) == 1
        await slave.open()
        restored = (await cabinet.until(LinkRestored))[0]
        assert isinstance(restored, LinkRestored)
        assert (restored.gap_us, restored.watchdog_tripped) == (0, False)
        await cabinet.stop()
        await slave.close()

    asyncio.run(story())


def test_an_unknown_chain_counts_as_open_after_a_second_and_is_not_ready_at_once() -> None:
    async def story() -> None:
        slave = TcpSlave(DemoXray(0xA503, 0x1F))
        await slave.open()
        cabinet = Cabinet(slave.url)
        cabinet.start()
        await cabinet.until(SafetyChanged)
        await slave.close()
        first, second, third = await cabinet.until(SafetyChanged, 3)
        assert isinstance(first, SafetyChanged)
        assert isinstance(second, SafetyChanged)
        assert isinstance(third, SafetyChanged)
        assert (first.estop_ok, first.xray_ready) == (True, True)
        assert (second.estop_ok, second.guard_ok, second.xray_ready) == (True, True, False)
        assert (third.estop_ok, third.guard_ok, third.interlock_ok, third.key_on) == (False, False, False, False)
        await cabinet.stop()

    asyncio.run(story())
