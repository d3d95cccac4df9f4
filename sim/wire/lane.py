"""One plant, all devices of the demo lane around it, on real sockets and pseudo terminals."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from lane.model.config import READER_FIRST, READER_SECOND, GateConfig, Layout
from sim.plant.happenings import Happening, Kind
from sim.plant.lane_io import COUNT_UM
from sim.plant.plant import Plant
from sim.streams.truth import ParcelTruth
from sim.wire import belt_drive, lane_io_bank, xray
from sim.wire.belt_drive import BeltDrive
from sim.wire.clock import PlantClock, wall_us
from sim.wire.lane_io_bank import LaneIoBank, Moment
from sim.wire.line_stream import COUNTS_PER_LINE, LineStream, Picture
from sim.wire.modbus_port import ModbusPty, modbus_tcp
from sim.wire.pictures import Pictures, background
from sim.wire.pty_port import PtyPort
from sim.wire.safety import SafetyChain
from sim.wire.serial_frames import HEARTBEAT_S, NO_READ, code_frame, reader_heartbeat, scale_heartbeat, weight_line
from sim.wire.stream_file import Handed
from sim.wire.tcp_port import TcpPort
from sim.wire.truth import TruthLog

STEP_S = 0.004
"""How often the plant moves when nobody asks: devices' own actions (watchdog, lines, codes) are at most so late."""
LINES_AT_ONCE = 16
"""Lines sent together (20 mm of belt): fewer, larger writes; each line still carries its own time and count."""
READER_BAUD, SCALE_BAUD = 115_200, 9_600


class PacedPlant(Plant):
    """A plant whose feeder also waits for the parcel's picture: slow rendering slows the stream, nothing else.

    ``starved_us``: plant time that it waited so.
    """

    def __init__(self, layout: Layout, gate: GateConfig, parcels: Sequence[ParcelTruth], *, seed: int) -> None:
        self._handed = Handed(parcels)
        self.pictures: Pictures | None = None
        self.starved_us = 0
        self._starved_from_us = -1
        super().__init__(layout, gate.travel_us, self._handed, seed=seed)

    def _feed(self, at_us: int) -> None:
        self._handed.now_us = at_us
        super()._feed(at_us)

    def _feed_at(self) -> int | None:
        due_us = super()._feed_at()
        if due_us is None or self.pictures is None or self._waiting is None:
            return due_us
        if self.pictures.ready(self._waiting.number):
            self._starved_from_us = -1
            return due_us
        if due_us <= self.now_us:
            if self._starved_from_us >= 0:
                self.starved_us += max(0, self.now_us - self._starved_from_us)
            self._starved_from_us = self.now_us
        return None


class WireLane:
    """The lane's devices. ``folder`` holds the serial ports' names."""

    def __init__(
        self,
        parcels: Sequence[ParcelTruth],
        *,
        layout: Layout,
        gate: GateConfig,
        speed: int,
        seed: int,
        folder: Path,
        truth: TruthLog,
    ) -> None:
        self.truth = truth
        self.clock = PlantClock(speed)
        self.plant = PacedPlant(layout, gate, parcels, seed=seed)
        self.chain = SafetyChain()
        self.pictures = Pictures(parcels, failed=self._render_failed)
        self.plant.pictures = self.pictures
        self._layout = layout
        self._count = 0
        self._lit = False
        self.tasks: list[asyncio.Task[None]] = []
        self._devices(folder)

    def _devices(self, folder: Path) -> None:
        self.drive = BeltDrive(wall_us=wall_us, set_speed=self._set_speed, actual_um_s=self._speed_um_s)
        self.source = xray.Source(wall_us=wall_us, chain=self.chain, set_beam=self._beam)
        self.cabinet = xray.Cabinet(wall_us=wall_us, chain=self.chain, beam_on=lambda: self.source.on)
        self.source.permission = lambda: self.cabinet.permits
        self.chain.broken += [self.source.check, self._chain_broken]
        self.detector = LineStream(background(), zero_count=lambda: self.plant.io.encoder_zero_um // COUNT_UM)
        self.io = LaneIoBank(self.plant, self.moment)
        self.tcp: dict[str, TcpPort] = {
            "io": modbus_tcp({lane_io_bank.UNIT: self.io.bank}),
            "cabinet": modbus_tcp({xray.UNIT: self.cabinet.bank}),
            "source": modbus_tcp({xray.UNIT: self.source.bank}),
            "detector": self.detector.port,
        }
        self._bus = ModbusPty(folder / "drive", {belt_drive.UNIT: self.drive.bank}, baud=belt_drive.BAUD)

        def port(role: str, baud: int) -> PtyPort:
            return PtyPort(folder / role, lambda data: None, baud=baud)

        self.serial: dict[str, PtyPort] = {
            "drive": self._bus.port,
            "reader": port("reader", READER_BAUD),
            "second_reader": port("second_reader", READER_BAUD),
            "scale": port("scale", SCALE_BAUD),
        }

    async def start(self) -> dict[str, str]:
        """Open all ports; returns the address of each role."""
        for port in self.tcp.values():
            await port.start()
        for serial in self.serial.values():
            serial.start()
        self.pictures.start()
        self.tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._beat())]
        addresses = {role: f"tcp://127.0.0.1:{port.port}" for role, port in self.tcp.items()}
        for role, serial in self.serial.items():
            scheme = "rtu" if role == "drive" else "serial"
            addresses[role] = f"{scheme}://{serial.link}?baud={serial.baud}"
        return addresses

    async def stop(self) -> None:
        """Close all ports."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self._bus.stop()
        for serial in self.serial.values():
            serial.stop()
        for port in self.tcp.values():
            await port.stop()
        self.pictures.stop()

    # --- time

    def moment(self) -> Moment:
        """Bring plant and devices up to now."""
        self.step()
        return Moment(self.plant.now_us, self.plant.belt.position(self.plant.now_us), wall_us())

    def step(self) -> None:
        """Everything that happened since the last step, in order; then the devices' own watchdogs."""
        plant = self.plant
        at_us = max(plant.now_us, self.clock.now_us())
        for happening in plant.advance(at_us):
            self._happened(happening)
        belt_um = plant.belt.position(at_us)
        self._lines(belt_um, all_of_them=self.plant.belt.target_um_s == 0)
        self.drive.check()
        self.source.check()
        if plant.io.watch(wall_us(), at_us, belt_um):
            self.truth.write("WATCHDOG", at_us, device="io")
            plant.io_changed(at_us, belt_um)
        for happening in plant.drain():
            self._happened(happening)

    async def _run(self) -> None:
        due_us = wall_us()
        while True:
            due_us = max(due_us + int(STEP_S * 1e6), wall_us())
            await asyncio.sleep((due_us - wall_us()) / 1e6)
            self.clock.stepped(due_us)
            self.step()

    async def _beat(self) -> None:
        """Heartbeats of the serial devices, once a second wall."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self.serial["reader"].send(reader_heartbeat())
            self.serial["second_reader"].send(reader_heartbeat())
            self.serial["scale"].send(scale_heartbeat())

    def restart_io(self) -> None:
        """The lane I/O loses power for a moment: boot counter +1, encoder, ring and outputs start anew."""
        now = self.moment()
        self.plant.io.restart(now.at_us, now.belt_um)
        self.plant.io_changed(now.at_us, now.belt_um)

    # --- from the plant to the wires

    def _happened(self, happening: Happening) -> None:
        kind, io = happening.kind, self.plant.io
        count = io.encoder(happening.belt_um)
        match kind:
            case Kind.CODE:
                roles = {READER_FIRST: "reader", READER_SECOND: "second_reader"}
                self.serial[roles[happening.where]].send(code_frame(happening.text or NO_READ, count))
            case Kind.WEIGHT:
                self.serial["scale"].send(weight_line(happening.value, count, stable=True))
            case Kind.FED:
                self._lay_picture(happening)
        self.truth.write(
            kind,
            happening.at_us,
            belt_um=happening.belt_um,
            where=happening.where,
            level=happening.level,
            body=happening.body,
            text=happening.text,
            value=happening.value,
        )

    def _lay_picture(self, fed: Happening) -> None:
        plane, head_line = self.pictures.take(fed.body)
        head_count = (fed.belt_um + self._layout.detector_um) // COUNT_UM
        self.detector.pictures.append(Picture(plane, head_count - head_line * COUNTS_PER_LINE))

    def _lines(self, belt_um: int, *, all_of_them: bool = False) -> None:
        """Send the lines that are due; while the belt runs with the beam on, only when there are enough of them."""
        count = belt_um // COUNT_UM
        few = count - self._count < LINES_AT_ONCE * COUNTS_PER_LINE
        if count == self._count or (few and self._lit and not all_of_them):
            return
        before, self._count = self._count, count
        if self._lit:
            self.detector.emit(before, count, self._time_of_count)

    def _time_of_count(self, count: int) -> int:
        at_us = self.plant.belt.time_of(count * COUNT_UM)
        return self.plant.now_us if at_us is None else min(at_us, self.plant.now_us)

    # --- from the devices to the plant

    def _set_speed(self, um_s: int) -> None:
        at_us = max(self.plant.now_us, self.clock.now_us())
        for happening in self.plant.advance(at_us):
            self._happened(happening)
        self.plant.set_belt(at_us, um_s)
        self.truth.write("DRIVE", at_us, value=um_s, fault=self.drive.fault)

    def _speed_um_s(self) -> int:
        return self.plant.belt.speed(max(self.plant.now_us, self.clock.now_us()))

    def _beam(self, on: bool) -> None:
        self._lines(self.plant.belt.position(self.plant.now_us), all_of_them=True)
        self._lit = on
        self.truth.write("BEAM", self.plant.now_us, level=on)

    def _chain_broken(self) -> None:
        if not self.chain.estop_released:
            self.drive.cut_power()

    def _render_failed(self, error: BaseException) -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "rendering failed", "exception": error})
