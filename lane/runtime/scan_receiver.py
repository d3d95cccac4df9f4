"""The scan receiver process: reads the detector's lines, cuts one image per armed window, stores it, reports it.

``python -m lane.runtime.scan_receiver``: JSON lines on standard input (first the set-up, then armings), reports on
standard output (``scan``, ``link``, ``figures``). An image is durable in the evidence store before it is reported.
The process ends when its standard input closes.
"""

import asyncio
import json
import logging
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.line_stream import FLAG_AIR, FLAG_DARK, FLAG_OVERRUN, FLAG_TOO_FAST, DetectorLine, LineStream
from lane.evidence import EvidenceStore
from lane.runtime.scan_cut import covered_lines, find_body
from lane.runtime.scan_window import BeltLine, Window, Windows, missing
from vision.image_file import ImageHeader, pack
from vision.item_count import Origin

COUNT_UM = 100
"""Micrometres per encoder count (manual of the demo devices, section 1)."""
COUNTS = 1 << 32
COLUMN_UM = 1_250
PITCH_UM = 1_200
"""Detector geometry (manual of the demo devices, section 7)."""
CALIBRATION_LINES = 16
FIGURES_S = 1.0
CONNECT_S_MAX = 2.0
"""A detector that is not there after this long is reported; until then it may still be starting."""

log = logging.getLogger("lane.runtime.scan")
Row = npt.NDArray[np.uint16]


class Calibration:
    """Dark and air rows of this connection: mean of 16 lines each, rounded."""

    def __init__(self) -> None:
        self._dark: list[DetectorLine] = []
        self._air: list[DetectorLine] = []
        self.rows: tuple[Row, Row, Row, Row] | None = None
        """Dark low, dark high, air low, air high."""

    def take(self, line: DetectorLine) -> None:
        """Take a calibration line in."""
        lines = self._dark if line.is_dark else self._air
        if len(lines) >= CALIBRATION_LINES:
            lines.clear()
            self.rows = None
        lines.append(line)
        if len(self._dark) == len(self._air) == CALIBRATION_LINES:
            dark_low, dark_high = _means(self._dark)
            air_low, air_high = _means(self._air)
            self.rows = (dark_low, dark_high, air_low, air_high)

    def reset(self) -> None:
        """A new connection calibrates anew."""
        self._dark.clear()
        self._air.clear()
        self.rows = None


def _means(lines: list[DetectorLine]) -> tuple[Row, Row]:
    def mean(planes: list[bytes]) -> Row:
        stack = np.stack([np.frombuffer(plane, dtype="<u2") for plane in planes]).astype(np.uint32)
        rounded: Row = ((stack.sum(axis=0) + len(planes) // 2) // len(planes)).astype("<u2")
        return rounded

    return mean([line.low for line in lines]), mean([line.high for line in lines])


class Receiver:
    """One detector, one run."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self._store = EvidenceStore(Path(setup["run"]))
        self._name = str(setup["name"])
        self._speed = int(setup["speed"])
        self._stream = LineStream(str(setup["address"]), on_state=self._link)
        self._windows = Windows()
        self._calibration = Calibration()
        self._reference: tuple[int, int] | None = None
        self._clock: tuple[int, int] = (0, time.monotonic_ns())
        self._saving: set[asyncio.Task[None]] = set()
        self.images = 0
        self.without_calibration = 0

    async def run(self) -> None:
        """Read lines for ever."""
        async for line in self._stream.lines():
            if line.flags & (FLAG_DARK | FLAG_AIR):
                self._calibration.take(line)
            elif self._reference is not None:
                for window, lines in self._windows.add(self._on_belt(line)):
                    self._start_saving(window, lines)

    def command(self, message: dict[str, Any]) -> None:
        """One arming."""
        arm = message["arm"]
        self._reference = (int(message["belt_um"]), int(message["encoder"]))
        self._clock = (int(message["at_us"]), time.monotonic_ns())
        window = Window(seq=int(arm["seq"]), from_um=int(arm["from_um"]), to_um=int(arm["to_um"]))
        for ready, lines in self._windows.arm(window):
            self._start_saving(ready, lines)

    async def report(self) -> None:
        """Tell the figures once a second, and that no detector was found."""
        await asyncio.sleep(CONNECT_S_MAX)
        if not self._stream.connected:
            self._link(False, "no connection to the detector")
        while True:
            figures = asdict(self._stream.figures)
            figures |= {"given_up": self._windows.given_up, "without_calibration": self.without_calibration}
            tell({"figures": figures})
            await asyncio.sleep(FIGURES_S)

    def _link(self, connected: bool, reason: str) -> None:
        if connected:
            self._calibration.reset()
            self._windows.forget_lines()
            tell({"link": "up"})
        else:
            tell({"link": "down", "reason": reason})

    def _on_belt(self, line: DetectorLine) -> BeltLine:
        assert self._reference is not None
        belt_um, encoder = self._reference
        counts = (line.encoder - encoder + COUNTS // 2) % COUNTS - COUNTS // 2
        return BeltLine(
            seq=line.seq,
            encoder=line.encoder,
            t_us=line.clock_us,
            fast=bool(line.flags & FLAG_TOO_FAST),
            overrun=bool(line.flags & FLAG_OVERRUN),
            synthetic=line.is_synthetic,
            belt_um=belt_um + counts * COUNT_UM,
            low=line.low,
            high=line.high,
        )

    def _start_saving(self, window: Window, lines: list[BeltLine]) -> None:
        rows = self._calibration.rows
        if rows is None:
            self.without_calibration += 1
            log.warning("no image of parcel %d: the detector has not sent its dark and air lines", window.seq)
            return
        at_us, zero_ns = self._clock
        now_ns = time.monotonic_ns()
        clock_us = at_us + (now_ns - zero_ns) * self._speed // 1_000
        task = asyncio.create_task(self._save(window, lines, rows, clock_us, now_ns))
        self._saving.add(task)
        task.add_done_callback(self._saved)

    def _saved(self, task: asyncio.Task[None]) -> None:
        self._saving.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an image could not be stored: %r", task.exception())

    async def _save(
        self, window: Window, lines: list[BeltLine], rows: tuple[Row, Row, Row, Row], clock_us: int, complete_ns: int
    ) -> None:
        scan = await asyncio.to_thread(self._cut_and_store, window, lines, rows, clock_us)
        self.images += 1
        tell({"scan": scan, "complete_ns": complete_ns})

    def _cut_and_store(
        self, window: Window, lines: list[BeltLine], rows: tuple[Row, Row, Row, Row], clock_us: int
    ) -> dict[str, Any]:
        columns = len(rows[0])
        usable = [line for line in lines if len(line.low) == 2 * columns]
        first, last = usable[0], usable[-1]
        origin = Origin.SYNTHETIC if any(line.synthetic for line in usable) else Origin.MACHINE
        header = ImageHeader(
            columns=columns,
            lines=len(usable),
            line_from=first.seq,
            line_to=last.seq,
            encoder_from=first.encoder,
            encoder_to=last.encoder,
            belt_from_um=first.belt_um,
            belt_to_um=last.belt_um,
            clock_us=clock_us,
            pitch_um=PITCH_UM,
            column_um=COLUMN_UM,
            detector=self._name,
            origin=origin,
        )
        low = b"".join(line.low for line in usable)
        data = pack(header, low, b"".join(line.high for line in usable), b"".join(row.tobytes() for row in rows))
        sha256 = self._store.put(data)
        gaps = missing(usable) + (len(lines) - len(usable))
        plane = np.frombuffer(low, dtype="<u2").reshape(len(usable), columns)
        body = find_body(
            covered_lines(plane, rows[0], rows[2]),
            [line.belt_um for line in usable],
            gaps=gaps,
            fast=any(line.fast for line in usable),
            overrun=any(line.overrun for line in usable),
        )
        return {
            "seq": window.seq,
            "image_sha256": sha256,
            "lines": len(usable),
            "line_from": first.seq,
            "line_to": last.seq,
            "from_um": first.belt_um,
            "to_um": last.belt_um,
            "head_um": body.head_um,
            "tail_um": body.tail_um,
            "gaps": gaps,
            "acquisition": body.acquisition.value,
            "origin": origin.value,
        }


def tell(message: dict[str, Any]) -> None:
    """One report to the core. Without a core there is nobody to report to, and no reason to stay."""
    try:
        sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)  # what is stored is durable; anything half stored is a temporary file


async def serve() -> None:
    """Set up from the first line, then serve until standard input closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    receiver = Receiver(json.loads(await reader.readline()))
    tasks = [asyncio.create_task(receiver.run()), asyncio.create_task(receiver.report())]
    try:
        while line := await reader.readline():
            receiver.command(json.loads(line))
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        for task in tasks:
            task.cancel()


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
