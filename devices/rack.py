"""All devices of one lane behind one door: commands in, signals out.

The runtime gives addresses, profiles and a clock; the rack opens the ports, keeps every device polled and safe, and
emits exactly the words of ``devices.signals``. The line detector is not here: its stream is read by a process of its
own (``devices.line_stream``).
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from devices.address import PortAddress, parse_address
from devices.capture import CaptureRing
from devices.commands import (
    AllowInduction,
    ArmDetector,
    DeviceCommand,
    ProveWatchdog,
    ReleasePulse,
    RestGate,
    RunBelt,
    SetBeam,
    ShowLight,
    StopBelt,
)
from devices.drivers.barcode_reader import BarcodeReader
from devices.drivers.base import ModbusDriver
from devices.drivers.belt_drive import BeltDrive
from devices.drivers.context import DeviceContext
from devices.drivers.lane_io import LaneIo
from devices.drivers.safety_status import SafetyStatus
from devices.drivers.scale import Scale
from devices.drivers.serial_device import SerialDevice
from devices.drivers.xray import XrayCabinet, XraySource
from devices.figures import modbus_figures, serial_figures
from devices.io_image import BeltScale, IoResume
from devices.modbus_link import LinkSettings, ModbusLink
from devices.profile import ROLE_OF_NAME, Profile, Role, load_profile
from devices.requests import LinkFailure, Priority
from devices.signals import DeviceSignal
from devices.unit_runner import UnitRunner

__all__ = ["DeviceAddress", "IoResume", "Rack", "RackConfig"]

IGNORED = ("detector",)
SAFE_S_MAX = 0.5
"""Time for the safe state at an orderly end: about the devices' own watchdogs."""
TOKEN_MAX = 0xFFFFFFFF


class RackError(ValueError):
    """Devices that cannot form a lane: says which name, what was expected, what was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAddress:
    """Where a device hangs and which profile describes it."""

    address: str
    profile_path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RackConfig:
    """``devices`` by the lane's names (io, drive, cabinet, source, reader, second_reader, scale); ``speed`` lane clock
    over wall clock (1 on a live lane). ``seed``: of the pauses before a reconnect (None: others each time). ``token``:
    by which the lane I/O knows its owner (1..2^32-1; 0: a new one for each rack)."""

    devices: Mapping[str, DeviceAddress]
    speed: int = 1
    seed: int | None = None
    token: int = 0


class Rack:
    """The lane's devices. Make it inside a running event loop.

    Raises:
        AddressError, ProfileError, RackError: before any port is touched.
    """

    def __init__(
        self,
        config: RackConfig,
        *,
        now: Callable[[], int],
        emit: Callable[[DeviceSignal], None],
        resume: IoResume | None = None,
    ) -> None:
        self.context = DeviceContext(now=now, emit=emit, speed=config.speed, seed=config.seed)
        self.links: dict[str, ModbusLink] = {}
        self.runners: dict[str, UnitRunner] = {}
        self.modbus: dict[str, ModbusDriver] = {}
        self.serial: dict[str, SerialDevice] = {}
        self.safety = SafetyStatus(self.context, frozenset(config.devices))
        parts = _parts(config)
        self._make_links(parts)
        token = config.token or new_token()
        for name, address, profile in parts:
            self._make_driver(name, address, profile, resume, token)

    async def start(self) -> None:
        """Open all ports; returns at once, devices report themselves by ``LinkRestored``."""
        for link in self.links.values():
            link.start()
        for runner in self.runners.values():
            runner.start()
        for device in self.serial.values():
            device.start()

    async def stop(self) -> None:
        """Write the safe state where a device answers, then close all ports. (A core that dies leaves that to the
        devices' own watchdogs.)"""
        self.safety.stop()
        for device in self.serial.values():
            await device.stop()
        for driver in self.modbus.values():
            await driver.stop()
        for runner in self.runners.values():
            await runner.stop()
        await asyncio.gather(*(_make_safe(driver) for driver in self.modbus.values() if driver.ready))
        for link in self.links.values():
            await link.stop()

    async def watch(self) -> None:
        """Runs for ever; raises what ended one of the rack's own tasks (a defect of ours, never a device's fault)."""
        links = [link.task for link in self.links.values()] + [device.link.task for device in self.serial.values()]
        tasks = [task for task in (*links, *(runner.task for runner in self.runners.values())) if task is not None]
        await asyncio.gather(*tasks)

    async def apply(self, command: DeviceCommand) -> None:
        """Take one command; returns when it is on its way. Signals prove it, or name why not."""
        match command:
            case RunBelt(speed_um_s=speed_um_s):
                self._drive.run(speed_um_s)
            case StopBelt():
                self._drive.stand()
            case AllowInduction(allowed=allowed):
                self._io.allow_induction(allowed)
            case ShowLight(light=light):
                self._io.show_light(light)
            case SetBeam(on=on):
                self._source.set_beam(on)
            case ReleasePulse():
                self._io.gate.release(command)
            case RestGate():
                self._io.gate.rest()
            case ProveWatchdog():
                self._io.proof.start()
            case ArmDetector():
                pass  # the scan receiver's command: the runtime sends it there
            case _:
                assert_never(command)

    def belt(self, now_us: int) -> int:
        """Belt position at a lane time, interpolated from the latest reading."""
        return self.context.belt.position_um(now_us)

    def belt_scale(self) -> BeltScale | None:
        """Raw count and position of the latest reading: maps other devices' encoder counts. None before the first."""
        scale = self.context.belt.scale
        return None if scale is None else BeltScale(encoder=scale.encoder, belt_um=scale.belt_um)

    def figures(self) -> dict[str, dict[str, object]]:
        """Whether it answers, counters and percentiles, by the lane's device names."""
        figures = {name: modbus_figures(runner) for name, runner in self.runners.items()}
        figures |= {name: serial_figures(device) for name, device in self.serial.items()}
        return {name: {"answers": answers, **figures[name]} for name, answers in self.connected.items()}

    @property
    def capture(self) -> dict[str, CaptureRing]:
        """Last minute of bytes by port."""
        rings = [link.capture for link in self.links.values()]
        rings += [device.link.capture for device in self.serial.values()]
        return {ring.port: ring for ring in rings}

    @property
    def connected(self) -> dict[str, bool]:
        """Which devices answer at present."""
        return {name: driver.ready for name, driver in (self.modbus | self.serial).items()}

    @property
    def _io(self) -> LaneIo:
        driver = self.modbus["io"]
        assert isinstance(driver, LaneIo)
        return driver

    @property
    def _drive(self) -> BeltDrive:
        driver = self.modbus["drive"]
        assert isinstance(driver, BeltDrive)
        return driver

    @property
    def _source(self) -> XraySource:
        driver = self.modbus["source"]
        assert isinstance(driver, XraySource)
        return driver

    def _make_links(self, parts: Sequence[tuple[str, PortAddress, Profile]]) -> None:
        """One link per port; its settings are the strictest of the profiles on it."""
        ports: dict[str, list[tuple[PortAddress, Profile]]] = {}
        for _, address, profile in parts:
            if address.scheme != "serial":
                ports.setdefault(address.key, []).append((address, profile))
        for key, users in ports.items():
            settings = _settings([profile for _, profile in users])
            self.links[key] = ModbusLink(
                users[0][0], settings, now=self.context.now, units=len(users), seed=self.context.seed
            )

    def _make_driver(
        self, name: str, address: PortAddress, profile: Profile, resume: IoResume | None, token: int
    ) -> None:
        role, context = ROLE_OF_NAME[name], self.context
        if role is Role.BARCODE_READER:
            self.serial[name] = BarcodeReader(name, profile, address, context)
            return
        if role is Role.SCALE:
            self.serial[name] = Scale(profile, address, context)
            return
        link, unit = self.links[address.key], address.unit or profile.link.unit
        driver: ModbusDriver
        if role is Role.REMOTE_IO:
            driver = LaneIo(profile, link, unit, context, resume, token)
        elif role is Role.BELT_DRIVE:
            driver = BeltDrive(profile, link, unit, context)
        elif role is Role.XRAY_CABINET:
            driver = XrayCabinet(profile, link, unit, context, self.safety)
        else:
            driver = XraySource(profile, link, unit, context, self.safety)
        self.modbus[name] = driver
        self.runners[name] = UnitRunner(driver.port, driver, profile.link.cycle_ms / 1_000)


def new_token() -> int:
    """A token that no other controller has: random, never 0."""
    return secrets.randbelow(TOKEN_MAX) + 1


async def _make_safe(driver: ModbusDriver) -> None:
    """Safe state at an orderly end; a device that does not answer has its watchdog."""
    try:
        async with asyncio.timeout(SAFE_S_MAX):
            for register, value in driver.safe_state():
                await driver.port.prove(register, value, Priority.SAFETY)
    except (LinkFailure, TimeoutError):
        return


def _parts(config: RackConfig) -> list[tuple[str, PortAddress, Profile]]:
    """Addresses and profiles, checked against the names' roles."""
    parts = []
    for name, device in config.devices.items():
        if name in IGNORED:
            continue
        if name not in ROLE_OF_NAME:
            raise RackError(f"devices.{name}: expected one of {', '.join(ROLE_OF_NAME)}")
        profile, address = load_profile(device.profile_path), parse_address(device.address)
        if profile.role is not ROLE_OF_NAME[name]:
            raise RackError(f"devices.{name}: expected a profile of role {ROLE_OF_NAME[name]}, was {profile.role}")
        if address.scheme not in profile.transports:
            raise RackError(
                f"devices.{name}: profile {profile.id} goes over {', '.join(profile.transports)}, "
                f"the address is {device.address}"
            )
        parts.append((name, address, profile))
    missing = {"io", "drive", "source"} - {name for name, _, _ in parts}
    if missing:
        raise RackError(f"devices.{sorted(missing)[0]}: missing; a lane needs io, drive and source")
    return parts


def _settings(profiles: Sequence[Profile]) -> LinkSettings:
    links = [profile.link for profile in profiles]
    readable = {
        (block.function, block.address, block.address + block.count)
        for profile in profiles
        for block in profile.readable()
    }
    return LinkSettings(
        timeout_s=max(link.timeout_ms for link in links) / 1_000,
        turnaround_s=max(link.turnaround_ms for link in links) / 1_000,
        guard_s=max(link.guard_ms for link in links) / 1_000,
        late_window_s=max(link.late_window_ms for link in links) / 1_000,
        local_echo=any(link.local_echo for link in links),
        readable=tuple(sorted(readable)),
    )
