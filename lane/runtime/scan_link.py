"""The core's end of the scan receiver: arms windows, takes stored images, reports the detector's link.

The receiver is a child process: when the core dies its standard input closes and it ends. When the receiver dies it is
started again; parcels in the tunnel then have no image and go to INSPECT.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devices.commands import ArmDetector
from devices.signals import LinkLost, LinkRestored
from lane.clock import LaneClock
from lane.codec import CodecError, from_plain
from lane.inputs import ScanStored
from lane.runtime.line_process import ChildGone, LineProcess
from lane.settings.station import DeviceEntry

RESTART_S = 0.5
ROLE = "detector"
NICE = 0
"""The receiver must keep up with the lines: no lower priority than the core."""
MEMORY_MIB = 2_048

log = logging.getLogger("lane.runtime.scan")
Reference = Callable[[], tuple[int, int] | None]
"""(belt_um, encoder count) at one moment, from the lane I/O (None: not known yet)."""


class ScanLink:
    """Starts and feeds the receiver. ``arm`` never blocks."""

    def __init__(
        self,
        device: DeviceEntry,
        run: Path,
        *,
        clock: LaneClock,
        stamp: Callable[[], tuple[int, int]],
        reference: Reference,
        emit: Callable[[ScanStored | LinkLost | LinkRestored], None],
        image_complete: Callable[[int, int], None],
    ) -> None:
        self._device = device
        self._run = run
        self._clock = clock
        self._stamp = stamp
        self._reference = reference
        self._emit = emit
        self._image_complete = image_complete
        self._child: LineProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._lost_us = -1
        self.restarts = 0
        self.images = 0
        self.figures_of_child: dict[str, Any] = {}

    def start(self) -> None:
        """Start the receiver and keep it alive."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the receiver."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._child is not None:
            await self._child.close()

    def arm(self, command: ArmDetector) -> None:
        """Ask for an image of this belt window."""
        reference = self._reference()
        if self._child is None or reference is None:
            log.warning("no image of parcel %d: the scan receiver is not ready", command.seq)
            return
        belt_um, encoder = reference
        message = {
            "arm": {"seq": command.seq, "from_um": command.from_um, "to_um": command.to_um},
            "belt_um": belt_um,
            "encoder": encoder,
            "at_us": self._clock.now(),
        }
        task = asyncio.create_task(self._send(self._child, message))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def figures(self) -> dict[str, Any]:
        """Figures for ``ask state``."""
        pid = self._child.pid if self._child else 0
        answers = (
            bool(self.figures_of_child) and self._lost_us < 0
        )  # the first figures follow the first word of the link
        return {
            "answers": answers,
            "images": self.images,
            "restarts": self.restarts,
            "pid": pid,
            **self.figures_of_child,
        }

    async def _send(self, child: LineProcess, message: dict[str, Any]) -> None:
        try:
            await child.send(message)
        except ChildGone as error:
            log.warning("the scan receiver took no arming: %s", error)

    async def _keep(self) -> None:
        while True:
            child = await LineProcess.start(
                ["-m", "lane.runtime.scan_receiver"],
                log=self._run / "logs" / "scan-receiver.log",
                nice=NICE,
                memory_mib=MEMORY_MIB,
            )
            try:
                await child.send(
                    {
                        "run": str(self._run),
                        "address": self._device.address,
                        "profile": str(self._device.profile_path),
                        "name": self._device.profile,
                        "speed": self._clock.speed,
                    }
                )
                self._child = child
                while True:
                    self._take(await child.receive())
            except ChildGone as error:
                log.error("the scan receiver ended: %s; see logs/scan-receiver.log", error)
                self._link_lost(f"scan receiver: {error}")
            finally:
                self._child = None
                await child.kill()
            self.restarts += 1
            await asyncio.sleep(RESTART_S)

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"scan": dict(scan), "complete_ns": int(complete_ns)}:
                at_us, belt_um = self._stamp()
                try:
                    stored = from_plain(ScanStored, {**scan, "at_us": at_us, "belt_um": belt_um})
                except CodecError as error:
                    log.error("the scan receiver's report was refused: %s", error)
                    return
                self.images += 1
                self._image_complete(stored.seq, complete_ns)
                self._emit(stored)
            case {"link": "up"}:
                self._link_restored()
            case {"link": "down", "reason": str(reason)}:
                self._link_lost(reason)
            case {"figures": dict(figures)}:
                self.figures_of_child = figures
            case _:
                log.error("the scan receiver said %s", json.dumps(message)[:200])

    def _link_lost(self, reason: str) -> None:
        if self._lost_us >= 0:
            return
        at_us, belt_um = self._stamp()
        self._lost_us = at_us
        self._emit(
            LinkLost(at_us=at_us, belt_um=belt_um, role=ROLE, port=self._device.address, unit=0, reason=reason[:200])
        )

    def _link_restored(self) -> None:
        if self._lost_us < 0:
            return
        at_us, belt_um = self._stamp()
        gap_us = (at_us - self._lost_us) // self._clock.speed
        self._lost_us = -1
        self._emit(
            LinkRestored(
                at_us=at_us,
                belt_um=belt_um,
                role=ROLE,
                port=self._device.address,
                unit=0,
                gap_us=gap_us,
                watchdog_tripped=False,
            )
        )
