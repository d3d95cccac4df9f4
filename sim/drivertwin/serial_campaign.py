"""Readers and a scale on spoilt serial lines: every signal must be a frame that the device really said, said once.

Garbage between frames, control characters and bytes beyond ASCII inside them, pieces, cut ends, doubled frames, endless
lines, pulled plugs. Drivers and framers are those of ``devices``; the devices' words are those of ``sim.wire``.
"""

import asyncio
import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from devices.address import parse_address
from devices.drivers.barcode_reader import BarcodeReader
from devices.drivers.context import DeviceContext
from devices.drivers.scale import Scale
from devices.drivers.serial_device import SerialDevice
from devices.profile import load_profile
from devices.signals import BarcodeRead, WeightMeasured
from sim.drivertwin.loop import VirtualLoop, run_virtual
from sim.drivertwin.network import Network, Piece
from sim.streams.randoms import Keyed
from sim.wire.serial_frames import code_frame, weight_line

PROFILES = Path(__file__).parents[2] / "config" / "devices"
FRAME_S = 0.9
"""One frame each: a lane of 2,000 parcels an hour has one in 1.8 s."""
MIXED_PPM = 10_000
"""Rate of each kind of fault, parts per million of frames."""
RESIDUAL_PPM = 30_000
HUGE_BYTES = 100_000
SAID_MAX = 16
"""Frames that may still be on their way."""


class LineFault(StrEnum):
    """What can happen to one frame on its way. All are F39 of the catalogue, but for PULLED (F40)."""

    GARBAGE = "GARBAGE"
    CONTROL = "CONTROL"
    HIGH_BYTE = "HIGH_BYTE"
    SLICED = "SLICED"
    CUT = "CUT"
    DOUBLED = "DOUBLED"
    HUGE = "HUGE"
    LOST = "LOST"
    PULLED = "PULLED"
    DIGIT = "DIGIT"


RESIDUAL = (LineFault.DIGIT,)
"""A digit that became another digit: these lines have no checksum, so nobody at this depth can tell. A wrong code fails
its check digit or finds no declaration, a wrong count lies outside its parcel, a wrong weight differs from the declared
one: that is the controller's part. Not in the mixtures, measured by itself."""


@dataclass(slots=True)
class SerialResult:
    """What happened on the lines. ``wrong``: signals that no device said."""

    frames: int = 0
    signals: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    injected: Counter[LineFault] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    held_bytes_max: int = 0
    reconnects: int = 0
    virtual_s: float = 0.0
    wall_s: float = 0.0
    trace_sha256: str = ""


class LineSpoiler:
    """Draws a fault for each frame of one line."""

    def __init__(self, name: str, seed: int, only: LineFault | None = None, *, ppm: int = MIXED_PPM) -> None:
        self.injected: Counter[LineFault] = Counter()
        self.pull = False
        self._keyed = Keyed(seed, "line", name)
        self._only, self._ppm = only, ppm

    def __call__(self, data: bytes) -> Sequence[Piece]:
        """What becomes of one frame."""
        keyed = self._keyed
        if self._only is None:
            able = [fault for fault in LineFault if fault not in RESIDUAL]
            fault = keyed.choice(able) if keyed.ppm(self._ppm * len(able)) else None
        else:
            fault = self._only if keyed.ppm(RESIDUAL_PPM) else None
        if fault is None:
            return (Piece(data),)
        self.injected[fault] += 1
        return self._spoil(fault, data)

    def _spoil(self, fault: LineFault, data: bytes) -> Sequence[Piece]:
        keyed = self._keyed
        inside = keyed.between(1, len(data) - 4)
        match fault:
            case LineFault.GARBAGE:
                noise = bytes(keyed.below(256) for _ in range(keyed.between(1, 40)))
                return (Piece(noise + data),)
            case LineFault.CONTROL:
                return (Piece(data[:inside] + bytes((keyed.choice((0, 1, 7, 27, 31)),)) + data[inside:]),)
            case LineFault.HIGH_BYTE:
                return (Piece(data[:inside] + bytes((keyed.between(0x80, 0xFF),)) + data[inside:]),)
            case LineFault.SLICED:
                step_s = keyed.between(100, 20_000) / 1e6
                return [Piece(data[place : place + 1], place * step_s) for place in range(len(data))]
            case LineFault.CUT:
                return (Piece(data[:inside]),)
            case LineFault.DOUBLED:
                return (Piece(data + data),)
            case LineFault.HUGE:
                return (Piece(bytes((keyed.between(0x20, 0x7E),)) * HUGE_BYTES), Piece(data, 0.05))
            case LineFault.LOST:
                return ()
            case LineFault.PULLED:
                self.pull = True
                return (Piece(data[:inside]),)
            case _:
                digits = [place for place, byte in enumerate(data) if 0x30 <= byte <= 0x39]
                place = keyed.choice(digits)
                other = 0x30 + (data[place] - 0x30 + keyed.between(1, 9)) % 10
                return (Piece(data[:place] + bytes((other,)) + data[place + 1 :]),)


class _Line:
    """One device, its driver, and what it said lately."""

    def __init__(self, name: str, driver: SerialDevice, spoiler: LineSpoiler, send: Callable[[bytes], None]) -> None:
        self.name, self.driver, self.spoiler, self.send = name, driver, spoiler, send
        self.said: deque[tuple[object, int]] = deque(maxlen=SAID_MAX)


def run_serial(
    frames: int, seed: int, *, only: LineFault | None = None, tick: Callable[[int], object] | None = None
) -> SerialResult:
    """``frames`` of two readers and a scale. ``only``: this fault alone, at 3 %."""
    campaign = _Campaign(seed, only)
    began = time.perf_counter()
    run_virtual(lambda loop: campaign.run(loop, frames, tick), campaign.network)
    campaign.result.wall_s = time.perf_counter() - began
    return campaign.result


class _Campaign:
    def __init__(self, seed: int, only: LineFault | None) -> None:
        self.network = Network()
        self.result = SerialResult()
        self._seed, self._only = seed, only
        self._keyed = Keyed(seed, "frames")
        self._trace = hashlib.sha256()
        self._lines: dict[str, _Line] = {}

    async def run(self, loop: VirtualLoop, frames: int, tick: Callable[[int], object] | None) -> None:
        """All frames, one after another over the three lines."""
        context = DeviceContext(now=lambda: loop.now_us, emit=self._heard)
        context.belt.start(0, 0)
        self._make(context)
        for line in self._lines.values():
            line.driver.start()
        await asyncio.sleep(0.1)
        names = list(self._lines)
        for number in range(frames):
            if tick is not None and number % 500 == 0:
                tick(number)
            line = self._lines[names[number % len(names)]]
            self._say(line, number)
            await asyncio.sleep(FRAME_S / len(names))
            self.result.held_bytes_max = max(self.result.held_bytes_max, line.driver.link.framer.held_bytes)
            if line.spoiler.pull:
                line.spoiler.pull = False
                await self._pull(line)
        await asyncio.sleep(3.5)
        self._sum_up(loop)
        for line in self._lines.values():
            await line.driver.stop()

    def _make(self, context: DeviceContext) -> None:
        for name, profile_name in (
            ("reader", "framed-reader"),
            ("second_reader", "framed-reader"),
            ("scale", "checkweigher"),
        ):
            spoiler = LineSpoiler(name, self._seed, self._only)
            port = self.network.line(name, lambda data: None, spoiler)
            profile, address = load_profile(PROFILES / f"{profile_name}.toml"), parse_address(f"serial://{port.path}")
            driver: SerialDevice
            driver = (
                Scale(profile, address, context) if name == "scale" else BarcodeReader(name, profile, address, context)
            )
            self._lines[name] = _Line(name, driver, spoiler, port.send)

    def _say(self, line: _Line, number: int) -> None:
        keyed, count = self._keyed, 1_000 + number * 37
        self.result.frames += 1
        if line.name == "scale":
            mg = keyed.between(10, 300_000) * 100
            line.said.append((mg, count * 100))
            line.send(weight_line(mg, count, stable=True))
        else:
            code = f"LP{keyed.below(10**9):09d}CN"
            line.said.append((code, count * 100))
            line.send(code_frame(code, count))

    async def _pull(self, line: _Line) -> None:
        port = self.network.by_name(line.name)
        port.unplug()
        await asyncio.sleep(self._keyed.between(50, 2_000) / 1_000)
        port.plug()
        await asyncio.sleep(1.0)

    def _heard(self, signal: Any) -> None:
        value: object
        if isinstance(signal, BarcodeRead):
            line, value = self._lines[signal.reader], signal.text
        elif isinstance(signal, WeightMeasured):
            line, value = self._lines["scale"], signal.mg
        else:
            return
        result, key = self.result, (value, signal.belt_um)
        result.signals += 1
        self._trace.update(f"{signal.at_us} {line.name} {value} {signal.belt_um}\n".encode())
        if key not in line.said:
            result.wrong.append(f"seed {self._seed} {line.name}: heard {key}, said {list(line.said)[-2:]}")

    def _sum_up(self, loop: VirtualLoop) -> None:
        result = self.result
        for line in self._lines.values():
            result.injected.update(line.spoiler.injected)
            result.refused.update(line.driver.errors)
            result.refused.update(line.driver.link.framer.errors)
            result.reconnects += line.driver.link.reconnects
        result.virtual_s, result.trace_sha256 = loop.time(), self._trace.hexdigest()
