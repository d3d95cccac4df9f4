"""The X-ray line detector ``line-stream`` (MANUAL.md section 7): frames on TCP while the beam is on and the belt moves.

Each body's picture is rendered before the body reaches the detector; here its rows are only sent, each at the encoder
count at which that row crossed the detector. Between bodies the detector sees air.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.wire.tcp_port import TcpPort

COLUMNS = 640
COUNTS_PER_LINE = 12
"""One line per 12 encoder counts (1.2 mm)."""
CALIBRATION_LINES = 16
"""Dark lines, and as many air lines, after each connect."""
FLAG_TOO_FAST, FLAG_OVERRUN, FLAG_DARK, FLAG_AIR, FLAG_SYNTHETIC = 1, 2, 4, 8, 0x8000
LINES_MAX = 4_000
"""Lines made in one step; more means that the process slept: the rest is lost, with the overrun flag on the next."""

FRAME = np.dtype(
    [
        ("magic", "S4"), ("flags", "<u2"), ("columns", "<u2"), ("seq", "<u4"), ("encoder", "<u4"), ("t_us", "<u8"),
        ("low", "<u2", (COLUMNS,)), ("high", "<u2", (COLUMNS,)), ("crc", "<u4"),
    ]
)  # fmt: skip
CRC_AT = FRAME.itemsize - 4

Rows = npt.NDArray[np.uint16]
Frames = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Rows of both energies, (lines, columns)."""

    low: Rows
    high: Rows

    @property
    def lines(self) -> int:
        """Number of rows."""
        return int(self.low.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What the detector sees without a body: dark (beam off) and air (beam on) rows with real noise."""

    dark: Plane
    air: Plane


class Picture:
    """A rendered picture laid on the belt: row k crosses the detector at encoder count ``first_count + 12 k``."""

    __slots__ = ("first_count", "plane")

    def __init__(self, plane: Plane, first_count: int) -> None:
        self.plane = plane
        self.first_count = first_count

    def row(self, count: int) -> int:
        """Row at an encoder count (outside 0..lines-1: not in this picture)."""
        return (count - self.first_count) // COUNTS_PER_LINE


class LineStream:
    """The detector. Counts run from the plant's start and never wrap here; the wire shows the low 32 bits of the count
    since the encoder's zero (``zero_count()``: where the lane I/O was powered up last)."""

    def __init__(self, background: Background, *, zero_count: Callable[[], int] = lambda: 0) -> None:
        self.port = TcpPort(self._connect)
        self.pictures: list[Picture] = []
        self.seq = 0
        self.sent = 0
        self._background = background
        self._zero_count = zero_count
        self._senders: list[Callable[[bytes], None]] = []
        self._air_at = 0
        self._overrun = False

    def emit(self, from_count: int, to_count: int, times_us: Callable[[int], int]) -> None:
        """Send the lines at all multiples of 12 counts in (from, to]; ``times_us(count)`` is the device clock there."""
        first = from_count // COUNTS_PER_LINE + 1
        last = to_count // COUNTS_PER_LINE
        if last - first >= LINES_MAX:
            self.seq += last - first + 1 - LINES_MAX
            first, self._overrun = last - LINES_MAX + 1, True
        if last < first:
            return
        counts = [line * COUNTS_PER_LINE for line in range(first, last + 1)]
        frames = self._frames(len(counts), self._background.air)
        for picture in self.pictures:
            self._lay(frames, picture, counts)
        self.pictures = [p for p in self.pictures if p.row(to_count) < p.plane.lines]
        zero = self._zero_count()
        frames["encoder"] = np.array([count - zero & 0xFFFFFFFF for count in counts], np.uint32)
        frames["t_us"] = [times_us(count) for count in counts]
        if self._overrun:
            frames["flags"][0] |= FLAG_OVERRUN
            self._overrun = False
        self._send(frames, self._senders)

    def _lay(self, frames: Frames, picture: Picture, counts: Sequence[int]) -> None:
        """Copy the picture's rows that fall into these counts."""
        start = picture.row(counts[0])
        rows_from, rows_to = max(0, start), min(picture.plane.lines, start + len(counts))
        if rows_from >= rows_to:
            return
        target = slice(rows_from - start, rows_to - start)
        frames["low"][target] = picture.plane.low[rows_from:rows_to]
        frames["high"][target] = picture.plane.high[rows_from:rows_to]

    def _frames(self, count: int, plane: Plane, flags: int = 0) -> Frames:
        frames = np.zeros(count, FRAME)
        frames["magic"] = b"LXL1"
        frames["flags"] = FLAG_SYNTHETIC | flags
        frames["columns"] = COLUMNS
        rows = (np.arange(count) + self._air_at) % plane.lines
        self._air_at += count
        frames["low"] = plane.low[rows]
        frames["high"] = plane.high[rows]
        return frames

    def _send(self, frames: Frames, senders: Sequence[Callable[[bytes], None]]) -> None:
        """Number the frames, close each with its checksum, send them in one piece."""
        count = len(frames)
        frames["seq"] = (np.arange(count, dtype=np.uint64) + self.seq) & 0xFFFFFFFF
        self.seq += count
        if not senders:
            return
        data = bytearray(frames.tobytes())
        view = memoryview(data)
        for start in range(0, len(data), FRAME.itemsize):
            end = start + CRC_AT
            struct.pack_into("<I", data, end, zlib.crc32(view[start:end]))
        view.release()
        self.sent += count
        for send in senders:
            send(bytes(data))

    def _connect(self, send: Callable[[bytes], None]) -> "_Listener":
        self._senders.append(send)
        return _Listener(self, send)

    def calibrate(self, send: Callable[[bytes], None]) -> None:
        """Dark and air lines for one new connection; the belt need not move (shutter closed, then open)."""
        background = self._background
        for plane, flag in ((background.dark, FLAG_DARK), (background.air, FLAG_AIR)):
            self._send(self._frames(CALIBRATION_LINES, plane, flag), [send])

    def leave(self, send: Callable[[bytes], None]) -> None:
        """A connection is gone."""
        self._senders.remove(send)


class _Listener:
    """One connection: it only listens; what it says is ignored."""

    def __init__(self, stream: LineStream, send: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._send = send
        stream.calibrate(send)

    def received(self, data: bytes) -> bytes:
        """The detector takes no orders."""
        del data
        return b""

    def closed(self) -> None:
        """Forget this listener."""
        self._stream.leave(self._send)
