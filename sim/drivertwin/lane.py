"""The demo lane's devices behind ports in memory, around one plant, all in one virtual time.

The same device state machines as on real wires (``sim.wire``); wall time, plant time and lane time are one clock here.
Each port has its faults; a cut of a connection heals by itself after the time that the fault names.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from devices.rack import DeviceAddress
from lane.model.config import READER_FIRST, READER_SECOND, GateConfig, Layout
from sim.drivertwin.loop import VirtualLoop
from sim.drivertwin.network import Network, SerialPort, TcpPort
from sim.drivertwin.serial_campaign import LineSpoiler
from sim.drivertwin.sessions import RtuLine, modbus_tcp
from sim.drivertwin.wire_faults import CUTS, RESIDUAL, Spoiler, Timing, Wire, WireFault, catalogue_id
from sim.plant.happenings import Happening, Kind
from sim.plant.plant import Plant
from sim.streams.randoms import Keyed, key
from sim.streams.truth import ParcelTruth
from sim.wire import belt_drive, lane_io_bank, xray
from sim.wire.belt_drive import BeltDrive
from sim.wire.lane_io_bank import LaneIoBank, Moment
from sim.wire.safety import SafetyChain
from sim.wire.serial_frames import HEARTBEAT_S, NO_READ, code_frame, reader_heartbeat, scale_heartbeat, weight_line

PROFILES = Path(__file__).parents[2] / "config" / "devices"
STEP_S = 0.01
"""How often the plant moves when nobody asks."""
LATE_MS = {"io": (153, 300), "cabinet": (305, 600), "source": (305, 600), "drive": (122, 215)}
"""Late answers, after the time-out of the device's profile and within its window for late ones."""
SERIAL = {"reader": "framed-reader", "second_reader": "framed-reader", "scale": "checkweigher"}
MODBUS = {"io": "lane-io", "cabinet": "xray-cabinet", "source": "xray-source", "drive": "belt-drive"}


class MemoryLane:
    """Devices and plant. ``heard`` gets every happening of the plant, for the referee and the detector's stand-in."""

    def __init__(
        self,
        loop: VirtualLoop,
        parcels: Sequence[ParcelTruth],
        *,
        layout: Layout,
        gate: GateConfig,
        seed: int,
        fault_ppm: int,
        heard: Callable[[Happening], None],
    ) -> None:
        self.loop, self.network = loop, loop.network
        self.plant = Plant(layout, gate.travel_us, parcels, seed=seed)
        self.chain = SafetyChain()
        self.lit = False
        self.injected: Counter[str] = Counter()
        self._heard = heard
        self._keyed = Keyed(seed, "lane faults")
        self._fault_ppm = fault_ppm
        self._spoilers: dict[str, Spoiler] = {}
        self._lines: dict[str, tuple[SerialPort, LineSpoiler]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._make_devices()
        self._make_ports(self.network, seed)

    def _make_devices(self) -> None:
        wall_us = self._now_us
        self.drive = BeltDrive(wall_us=wall_us, set_speed=self._set_speed, actual_um_s=self._speed_um_s)
        self.source = xray.Source(wall_us=wall_us, chain=self.chain, set_beam=self._beam)
        self.cabinet = xray.Cabinet(wall_us=wall_us, chain=self.chain, beam_on=lambda: self.source.on)
        self.source.permission = lambda: self.cabinet.permits
        self.chain.broken.append(self.source.check)
        self.io = LaneIoBank(self.plant, self.moment)

    def _make_ports(self, network: Network, seed: int) -> None:
        banks = {"io": self.io.bank, "cabinet": self.cabinet.bank, "source": self.source.bank}
        self.tcp: dict[str, TcpPort] = {}
        for name, bank in banks.items():
            self._spoilers[name] = self._spoiler(name, Wire.TCP, seed)
            self.tcp[name] = modbus_tcp(network, name, {1: bank}, self._spoilers[name])
        self._spoilers["drive"] = self._spoiler("drive", Wire.RTU, seed)
        bus = RtuLine(
            network, "drive", {belt_drive.UNIT: self.drive.bank}, baud=belt_drive.BAUD, spoil=self._spoilers["drive"]
        )
        assert lane_io_bank.UNIT == xray.UNIT == 1, "all TCP devices of the demo lane are unit 1"
        self.addresses = {
            name: DeviceAddress(address=f"tcp://{name}:502", profile_path=PROFILES / f"{MODBUS[name]}.toml")
            for name in banks
        }
        self.addresses["drive"] = DeviceAddress(
            address=f"rtu://{bus.port.path}?baud={belt_drive.BAUD}", profile_path=PROFILES / "belt-drive.toml"
        )
        for name, profile in SERIAL.items():
            spoiler = LineSpoiler(name, seed, ppm=self._fault_ppm)
            port = network.line(name, lambda data: None, spoiler)
            self._lines[name] = (port, spoiler)
            self.addresses[name] = DeviceAddress(
                address=f"serial://{port.path}", profile_path=PROFILES / f"{profile}.toml"
            )

    def _spoiler(self, name: str, wire: Wire, seed: int) -> Spoiler:
        low, high = LATE_MS[name]
        timing = Timing(late_us_min=low * 1_000, late_us_max=high * 1_000, very_late_us_max=high * 2_000)
        spoiler = Spoiler(wire, key(seed, name), timing)
        able = [fault for fault in WireFault if catalogue_id(fault, wire)]
        able = [fault for fault in able if wire is Wire.TCP or fault not in RESIDUAL]
        rare = (*CUTS, WireFault.LATE, WireFault.LOST, WireFault.VERY_LATE)
        spoiler.rates = {fault: self._fault_ppm // (10 if fault in rare else 1) for fault in able}
        return spoiler

    # --- time

    def start(self) -> None:
        """Let time do its work."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._beat())]

    async def stop(self) -> None:
        """No more of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def moment(self) -> Moment:
        """Bring plant and devices up to now."""
        self.step()
        return Moment(self.plant.now_us, self.plant.belt.position(self.plant.now_us), self._now_us())

    def step(self) -> None:
        """Everything that happened since the last step; then the devices' own watchdogs."""
        plant = self.plant
        at_us = max(plant.now_us, self._now_us())
        self._pass_on(plant.advance(at_us))
        belt_um = plant.belt.position(at_us)
        self.drive.check()
        self.source.check()
        if plant.io.watch(self._now_us(), at_us, belt_um):
            plant.io_changed(at_us, belt_um)
        self._pass_on(plant.drain())

    def _now_us(self) -> int:
        return self.loop.now_us

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            self.step()
            self._act()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._lines["reader"][0].send(reader_heartbeat())
            self._lines["second_reader"][0].send(reader_heartbeat())
            self._lines["scale"][0].send(scale_heartbeat())

    # --- faults of ports and devices

    def _act(self) -> None:
        """Cuts that the last answers' faults asked for; and now and then a device that restarts or freezes."""
        for name, spoiler in self._spoilers.items():
            cut, spoiler.cut = spoiler.cut, None
            if cut is not None and name in self.tcp:
                fault, lasts_us = cut
                port = self.tcp[name]
                port.deaf = fault is WireFault.BLACK_HOLE
                port.refuse = fault is WireFault.REFUSED
                if port.refuse:
                    port.drop()
                self.loop.call_later(lasts_us / 1e6, self._heal, port)
        for plug, line in self._lines.values():
            if line.pull:
                line.pull = False
                plug.unplug()
                self.loop.call_later(self._keyed.between(100, 2_000) / 1_000, plug.plug)
        if self._keyed.ppm(self._fault_ppm // 40):
            self._own_fault()

    def _own_fault(self) -> None:
        if self._keyed.permille(500):
            self.injected["F12"] += 1
            now = self.moment()
            self.plant.io.restart(now.at_us, now.belt_um)
            self.plant.io_changed(now.at_us, now.belt_um)
        else:
            self.injected["F13"] += 1
            self.io.freeze_life(True)
            self.loop.call_later(self._keyed.between(200, 3_000) / 1_000, self.io.freeze_life, False)

    def _heal(self, port: TcpPort) -> None:
        port.refuse = False
        port.hear_again()

    def faults(self) -> Counter[str]:
        """Injected faults by catalogue entry."""
        counts = Counter(self.injected)
        for name, spoiler in self._spoilers.items():
            wire = Wire.RTU if name == "drive" else Wire.TCP
            for fault, number in spoiler.injected.items():
                counts[catalogue_id(fault, wire)] += number
        for _, line in self._lines.values():
            for kind, number in line.injected.items():
                counts["F40" if kind == "PULLED" else "F39"] += number
        return counts

    # --- between plant and devices

    def _pass_on(self, happened: list[Happening]) -> None:
        for happening in happened:
            count = self.plant.io.encoder(happening.belt_um)
            if happening.kind is Kind.CODE:
                roles = {READER_FIRST: "reader", READER_SECOND: "second_reader"}
                self._lines[roles[happening.where]][0].send(code_frame(happening.text or NO_READ, count))
            elif happening.kind is Kind.WEIGHT:
                self._lines["scale"][0].send(weight_line(happening.value, count, stable=True))
            self._heard(happening)

    def _set_speed(self, um_s: int) -> None:
        at_us = max(self.plant.now_us, self._now_us())
        self._pass_on(self.plant.advance(at_us))
        self.plant.set_belt(at_us, um_s)

    def _speed_um_s(self) -> int:
        return self.plant.belt.speed(max(self.plant.now_us, self._now_us()))

    def _beam(self, on: bool) -> None:
        self.lit = on
