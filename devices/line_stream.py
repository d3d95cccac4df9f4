"""Client of the line detector's stream ``LXL1`` (MANUAL.md section 7): lines as raw bytes, gaps counted.

Used by the scan receiver, a process of its own. No numpy here: a line is two byte strings of little-endian u16.

Frame, little-endian::

    [LXL1 4][flags 2][n 2][seq 4][encoder 4][t_us 8][low 2 n][high 2 n][CRC-32 4]
"""

import asyncio
import random
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from devices.address import PortAddress, parse_address
from devices.modbus_link import JITTER, RECONNECT_S_MAX, RECONNECT_S_MIN

MAGIC = b"LXL1"
HEADER = struct.Struct("<4sHHIIQ")
CRC_BYTES = 4
PIXELS_MAX = 4_096
"""Widest detector in use has 2,560 pixels; more means that we are out of step."""
READ_BYTES = 1 << 16
CONNECT_S_MAX = 1.0
U32 = 1 << 32
GAP_LINES_MAX = 1 << 20
"""A larger jump of the line counter is a restart of the detector, not lost lines."""

FLAG_TOO_FAST, FLAG_OVERRUN, FLAG_DARK, FLAG_AIR, FLAG_SYNTHETIC = 1, 2, 4, 8, 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorLine:
    """One line of the detector.

    ``seq`` line counter since power-up (u32); ``encoder`` raw count (u32); ``clock_us`` detector's clock; ``low`` and
    ``high`` are ``pixels`` little-endian u16 each. ``lost_before``: lines missing between the line before and this one.
    """

    seq: int
    encoder: int
    clock_us: int
    flags: int
    pixels: int
    low: bytes
    high: bytes
    lost_before: int = 0

    @property
    def is_dark(self) -> bool:
        """Calibration line without X-rays."""
        return bool(self.flags & FLAG_DARK)

    @property
    def is_air(self) -> bool:
        """Calibration line with the beam on and an empty tunnel."""
        return bool(self.flags & FLAG_AIR)

    @property
    def is_synthetic(self) -> bool:
        """Made by a simulated detector."""
        return bool(self.flags & FLAG_SYNTHETIC)


@dataclass(slots=True)
class LineFigures:
    """Counters of one stream."""

    lines: int = 0
    lost: int = 0
    crc_errors: int = 0
    resyncs: int = 0
    skipped_bytes: int = 0
    connects: int = 0
    restarts: int = 0


@dataclass(slots=True)
class LineParser:
    """Bytes in, lines out. Bounded: holds at most one frame and one read.

    Recovery: a wrong CRC drops that frame by its length; anything that is no header is skipped up to the next magic.
    """

    figures: LineFigures = field(default_factory=LineFigures)
    _buffer: bytearray = field(default_factory=bytearray)
    _last: int | None = None

    def feed(self, data: bytes) -> list[DetectorLine]:
        """Take received bytes; returns complete lines."""
        self._buffer += data
        lines: list[DetectorLine] = []
        start = 0
        while True:
            start = self._align(start)
            size = self._frame_size(start)
            if size == 0 or len(self._buffer) - start < size:
                break
            line = self._line(start, size)
            if line is None:
                start += len(MAGIC)  # the length in a damaged header can't be trusted: look for the next magic
                continue
            lines.append(line)
            start += size
        del self._buffer[:start]
        return lines

    def reset(self) -> None:
        """New connection: bytes of the old one are void; the line counter goes on."""
        self._buffer.clear()

    @property
    def held_bytes(self) -> int:
        """Bytes of the frame that has begun."""
        return len(self._buffer)

    def _align(self, start: int) -> int:
        """Position of the next frame start at or after ``start``."""
        if self._buffer.startswith(MAGIC, start) or len(self._buffer) - start < len(MAGIC):
            return start
        found = self._buffer.find(MAGIC, start)
        if found < 0:
            found = len(self._buffer) - (len(MAGIC) - 1)
        self.figures.resyncs += 1
        self.figures.skipped_bytes += found - start
        return found

    def _frame_size(self, start: int) -> int:
        """Size of the frame there; 0: header not complete."""
        if len(self._buffer) - start < HEADER.size:
            return 0
        pixels = int.from_bytes(self._buffer[start + 6 : start + 8], "little")
        if not 1 <= pixels <= PIXELS_MAX:
            return HEADER.size  # refused in ``_line``
        return HEADER.size + 4 * pixels + CRC_BYTES

    def _line(self, start: int, size: int) -> DetectorLine | None:
        frame = bytes(self._buffer[start : start + size])
        _, flags, pixels, seq, encoder, clock_us = HEADER.unpack_from(frame)
        body_end = HEADER.size + 4 * pixels
        if size != body_end + CRC_BYTES or zlib.crc32(frame[:body_end]) != int.from_bytes(frame[body_end:], "little"):
            self.figures.crc_errors += 1
            return None
        self.figures.lines += 1
        middle = HEADER.size + 2 * pixels
        return DetectorLine(
            seq=seq,
            encoder=encoder,
            clock_us=clock_us,
            flags=flags,
            pixels=pixels,
            low=frame[HEADER.size : middle],
            high=frame[middle:body_end],
            lost_before=self._gap(seq),
        )

    def _gap(self, seq: int) -> int:
        last, self._last = self._last, seq
        if last is None:
            return 0
        lost = (seq - last - 1) % U32
        if lost >= GAP_LINES_MAX:
            self.figures.restarts += 1
            return 0
        self.figures.lost += lost
        return lost


class LineStream:
    """Keeps the stream open and yields its lines. ``on_state(connected, reason)`` tells breaks and returns."""

    def __init__(
        self,
        address: str | PortAddress,
        *,
        on_state: Callable[[bool, str], None] = lambda connected, reason: None,
        seed: int | None = None,
    ) -> None:
        self.address = parse_address(address) if isinstance(address, str) else address
        if self.address.scheme != "tcp":
            raise ValueError(f"line stream: expected tcp://, was {self.address.key}")
        self.parser = LineParser()
        self.connected = False
        self._on_state = on_state
        self._jitter = random.Random(seed)

    @property
    def figures(self) -> LineFigures:
        """Counters."""
        return self.parser.figures

    async def lines(self) -> AsyncIterator[DetectorLine]:
        """Lines for ever, over reconnects; a slow consumer slows the detector's socket, nothing is dropped here."""
        delay_s = RECONNECT_S_MIN
        while True:
            try:
                async with asyncio.timeout(CONNECT_S_MAX):
                    reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
            except (OSError, TimeoutError):
                await self._pause(delay_s)
                delay_s = min(2 * delay_s, RECONNECT_S_MAX)
                continue
            delay_s = RECONNECT_S_MIN
            self.parser.reset()
            self.figures.connects += 1
            self._tell(True, "")
            reason = "closed by the detector"
            try:
                while data := await reader.read(READ_BYTES):
                    for line in self.parser.feed(data):
                        yield line
            except OSError as error:
                reason = str(error)
            finally:
                writer.close()
                self._tell(False, reason)
            await self._pause(delay_s)

    async def _pause(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s * (1 + JITTER * (2 * self._jitter.random() - 1)))

    def _tell(self, connected: bool, reason: str) -> None:
        self.connected = connected
        self._on_state(connected, reason)
