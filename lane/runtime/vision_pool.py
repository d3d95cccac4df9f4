"""Counting workers: one image at a time each, killed soon after a missed deadline, results bound to the image's hash.

Every ``Count`` command ends in exactly one ``VisionResult`` or ``VisionFailed``: a doubt about the worker is a doubt
about the parcel, never a reason to wait.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lane.clock import LaneClock
from lane.codec import CodecError, from_plain, to_plain
from lane.commands import Count
from lane.evidence import EvidenceStore
from lane.inputs import VisionFailed, VisionResult
from lane.runtime.latency import Latency
from lane.runtime.line_process import ChildGone, LineProcess
from lane.settings.station import VisionSettings
from vision.item_count import ItemCount, LineCount

WAITING_MAX = 64
"""Images that wait for a worker: more than a belt holds. Full: the newest fails at once and goes to INSPECT."""
READY_S_MAX = 60.0
"""Loading numpy, scikit-image and the signatures takes seconds on a busy machine."""
RESTART_S = 1.0
"""Pause before a worker that can't start is tried again."""
LATE_S_MAX = 2.0
"""A worker that missed a deadline may finish within this, then it is killed: a new one takes longer to be ready."""
COUNT_MAX = 1_000_000
PPM_MAX = 1_000_000

log = logging.getLogger("lane.runtime.vision")
Emit = Callable[[VisionResult | VisionFailed], None]
Stamp = Callable[[], tuple[int, int]]
"""(at_us, belt_um) of this moment."""


class VisionPool:
    """``count(command)`` never blocks; answers come through ``emit``."""

    def __init__(
        self,
        settings: VisionSettings,
        *,
        evidence: EvidenceStore,
        clock: LaneClock,
        stamp: Stamp,
        emit: Emit,
        logs: Path,
        command: list[str] | None = None,
    ) -> None:
        self._settings = settings
        self._evidence = evidence
        self._clock = clock
        self._stamp = stamp
        self._emit = emit
        self._logs = logs
        self._overlays = logs.with_name("overlays")
        self._command = command or ["-m", "vision.worker", "--signatures", str(settings.signatures_path)]
        self._queue: asyncio.Queue[Count] = asyncio.Queue(WAITING_MAX)
        self._tasks: list[asyncio.Task[None]] = []
        self._workers: dict[int, LineProcess] = {}
        self.ready = asyncio.Event()
        self.restarts = 0
        self.failures = 0
        self.latency = Latency("image handed to a counting worker until its answer")

    async def start(self) -> None:
        """Start the workers (they get ready in the background)."""
        self._tasks = [asyncio.create_task(self._work(number)) for number in range(self._settings.workers)]

    async def stop(self) -> None:
        """End all workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in list(self._workers.values()):
            await worker.kill()

    def count(self, command: Count) -> None:
        """Queue an image."""
        try:
            self._queue.put_nowait(command)
        except asyncio.QueueFull:
            self._fail(command, f"{WAITING_MAX} images wait for counting already", timeout=True)

    def figures(self) -> dict[str, Any]:
        """Figures for ``ask state``."""
        return {
            "workers": len(self._workers),
            "waiting": self._queue.qsize(),
            "restarts": self.restarts,
            "failures": self.failures,
            "latency_ms": self.latency.figures(),
            "pids": sorted(worker.pid for worker in self._workers.values()),
        }

    async def _work(self, number: int) -> None:
        while True:
            worker = await self._start_worker(number)
            if worker is None:
                await asyncio.sleep(RESTART_S)
                continue
            self._workers[number] = worker
            self.ready.set()
            try:
                while await self._one(worker):
                    pass
            finally:
                self._workers.pop(number, None)
                await worker.kill()
            self.restarts += 1

    async def _start_worker(self, number: int) -> LineProcess | None:
        worker = await LineProcess.start(
            self._command, log=self._logs / f"vision-{number}.log", memory_mib=self._settings.memory_mb_max
        )
        try:
            async with asyncio.timeout(READY_S_MAX):
                hello = await worker.receive()
            if hello.get("ready") is not True:
                raise ChildGone(f"it started with {hello}")
        except (ChildGone, TimeoutError) as error:
            log.error("counting worker %d can't start: %s; see %s", number, error, self._logs / f"vision-{number}.log")
            await worker.kill()
            return None
        except asyncio.CancelledError:
            await worker.kill()
            raise
        return worker

    async def _one(self, worker: LineProcess) -> bool:
        """Serve one image; False when the worker must be replaced."""
        command = await self._queue.get()
        left_s = self._clock.wall_seconds_until(command.deadline_us)
        if left_s <= 0:
            self._fail(command, "its deadline passed while it waited for a worker", timeout=True)
            return True
        began = asyncio.get_running_loop().time()
        asked = asyncio.create_task(self._ask(worker, self._request(command, left_s)))
        try:
            done, _ = await asyncio.wait({asked}, timeout=left_s)
            if not done:
                self._fail(command, "no count by its deadline", timeout=True)
                done, _ = await asyncio.wait({asked}, timeout=LATE_S_MAX)
                return bool(done) and asked.exception() is None  # the late answer itself is worth nothing
            answer = asked.result()
        except ChildGone as error:
            self._fail(command, f"worker: {error}", timeout=False)
            return False
        finally:
            asked.cancel()
        self.latency.add((asyncio.get_running_loop().time() - began) * 1_000)
        self._accept(command, answer)
        return True

    @staticmethod
    async def _ask(worker: LineProcess, request: dict[str, Any]) -> dict[str, Any]:
        await worker.send(request)
        return await worker.receive()

    def _request(self, command: Count, left_s: float) -> dict[str, Any]:
        return {
            "image": str(self._evidence.path(command.image_sha256)),
            "sha256": command.image_sha256,
            "lines": [to_plain(line) for line in command.lines],
            "scale_mg": command.scale_mg,
            "scale_error_mg": command.scale_error_mg,
            "gross_mg": command.gross_mg,
            "net_mg": command.net_mg,
            "deadline_ms": int(left_s * 1_000),
        }

    def _accept(self, command: Count, answer: dict[str, Any]) -> None:
        if answer.get("ok") is not True:
            self._fail(command, str(answer.get("reason", "the worker gave no reason"))[:200], timeout=False)
            return
        try:
            count = from_plain(ItemCount, answer.get("count"))
        except CodecError as error:
            self._fail(command, f"refused: {error}"[:200], timeout=False)
            return
        fault = absurd(count, command)
        if fault:
            self._fail(command, f"refused: {fault}", timeout=False)
            return
        overlay = answer.get("overlay")
        if isinstance(overlay, dict):
            # Even a small file may wait for a busy disk: never on the event loop.
            asyncio.get_running_loop().run_in_executor(None, self._keep_overlay, command.image_sha256, overlay)
        at_us, belt_um = self._stamp()
        self._emit(VisionResult(at_us=at_us, belt_um=belt_um, seq=command.seq, count=count))

    def _keep_overlay(self, sha256: str, overlay: dict[str, Any]) -> None:
        """Outlines for the console; decoration only, so a full disk here is logged and nothing else."""
        try:
            self._overlays.mkdir(exist_ok=True)
            (self._overlays / f"{sha256}.json").write_text(json.dumps(overlay), encoding="utf-8")
        except OSError as error:
            log.warning("outlines of %s... are not kept: %s", sha256[:12], error)

    def _fail(self, command: Count, reason: str, *, timeout: bool) -> None:
        self.failures += 1
        at_us, belt_um = self._stamp()
        self._emit(
            VisionFailed(
                at_us=at_us,
                belt_um=belt_um,
                seq=command.seq,
                image_sha256=command.image_sha256,
                reason=reason,
                timeout=timeout,
            )
        )


def absurd(count: ItemCount, command: Count) -> str:
    """Why a count can't be believed ("" : it can): another image, other lines, numbers out of range."""
    if count.image_sha256 != command.image_sha256:
        return "it counted another image"
    if [line.line_no for line in count.lines] != [line.line_no for line in command.lines]:
        return "its lines are not the declared ones"
    if not (0 <= count.p_declared_ppm <= PPM_MAX and 0 <= count.unexplained <= COUNT_MAX):
        return "a probability or a number of objects is out of range"
    if not _interval(count.total_lo, count.total_hi):
        return "its total is no interval"
    if not all(_believable(line) for line in count.lines):
        return "a line's interval or probability is out of range"
    return ""


def _believable(line: LineCount) -> bool:
    return _interval(line.count_lo, line.count_hi) and 0 <= line.p_ppm <= PPM_MAX


def _interval(low: int, high: int) -> bool:
    return (low, high) == (-1, -1) or 0 <= low <= high <= COUNT_MAX
