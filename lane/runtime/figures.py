"""Live figures of the core: what happened since it started, latencies in wall time, memory, lateness of the loop."""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lane.commands import Step
from lane.events.parcel import (
    ContentCompared,
    CustodyMoved,
    CustodyUnproven,
    DispositionDecided,
    MessageQueued,
    ParcelDiverted,
    ParcelInducted,
    ParcelReleased,
)
from lane.inputs import AnyInput, MessageAcknowledged, ScanStored
from lane.model.words import Custody, MessageKind, Via
from lane.runtime.latency import Latency

CYCLE_S = 0.02
"""The control cycle whose lateness is measured (20 ms)."""
WATCHED_MAX = 1_000
"""Images and messages whose latency is still being measured; the oldest is forgotten."""


class Figures:
    """Observer of the core. Latencies are wall time; ``arrived_ns`` and ``durable_ns`` are monotonic."""

    def __init__(self, now: Callable[[], int], speed: int) -> None:
        self._now = now
        self._speed = speed
        self.counts: Counter[str] = Counter()
        self.routes: Counter[str] = Counter()
        self.grounds: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.first_us = -1
        self.last_us = -1
        self.scan_stored = Latency("last line of the image received until ScanStored is in the core's queue")
        self.image_to_ready = Latency(
            "last line of the image received until its ContentCompared record is durable: all that the disposition "
            "needs of the picture (the disposition itself waits for the belt's decision point)"
        )
        self.exit_to_message = Latency("release exit eye's edge until the release message is durable in the outbox")
        self.exit_to_accepted = Latency("release exit eye's edge until the receiver's acceptance is durable")
        self.lateness = Latency("lateness of a 20 ms cycle of the core's loop against its absolute schedule")
        self.cycles_missed = 0
        self._images: dict[int, int] = {}
        self._exits: dict[str, int] = {}

    def image_complete(self, seq: int, complete_ns: int) -> None:
        """The receiver says when it had the image's last line (monotonic clock of this machine)."""
        self._images[seq] = complete_ns
        self.scan_stored.add((time.monotonic_ns() - complete_ns) / 1e6)
        _trim(self._images)

    def observe(self, item: AnyInput, step: Step, arrived_ns: int, durable_ns: int) -> None:
        """Take a durable step in."""
        if type(item) is MessageAcknowledged:
            edge_ns = self._exits.pop(item.idempotency_key, None)
            if edge_ns is not None:
                self.exit_to_accepted.add((durable_ns - edge_ns) / 1e6)
        if type(item) is ScanStored and item.seq not in self._images:
            self._images[item.seq] = arrived_ns
        released_by_gate = False
        for event in step.events:
            match event:
                case ParcelInducted():
                    self.counts["inducted"] += 1
                    self.first_us = event.at_us if self.first_us < 0 else self.first_us
                case ContentCompared():
                    self.findings[event.finding.value] += 1
                    began_ns = self._images.pop(event.seq, None)
                    if began_ns is not None:
                        self.image_to_ready.add((durable_ns - began_ns) / 1e6)
                case DispositionDecided():
                    self.counts["decided"] += 1
                    self.routes[event.route.value] += 1
                    self.grounds.update(ground.value for ground in event.grounds)
                case ParcelReleased():
                    released_by_gate = event.via is Via.GATE
                    self.counts["released" if released_by_gate else "released_by_bench"] += 1
                    self.last_us = event.at_us
                case ParcelDiverted():
                    self.counts["inspected"] += 1
                    self.last_us = event.at_us
                case CustodyUnproven():
                    self.counts["custody_unproven"] += 1
                case CustodyMoved() if event.custody is Custody.REMOVED:
                    self.counts["removed"] += 1
                case MessageQueued():
                    self.counts[f"messages_{event.message.value.lower()}"] += 1
                    if event.message is MessageKind.RELEASE and released_by_gate:
                        self._released(event.idempotency_key, item.at_us, durable_ns)
                case _:
                    pass

    def _released(self, key: str, edge_us: int, durable_ns: int) -> None:
        age_ns = max(0, self._now() - edge_us) * 1_000 // self._speed
        edge_ns = time.monotonic_ns() - age_ns
        self.exit_to_message.add((durable_ns - edge_ns) / 1e6)
        self._exits[key] = edge_ns
        _trim(self._exits)

    async def measure_lateness(self) -> None:
        """Run for ever: a 20 ms cycle against its absolute schedule; cycles missed by one stall are counted."""
        loop = asyncio.get_running_loop()
        due = loop.time() + CYCLE_S
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            late_s = loop.time() - due
            self.lateness.add(late_s * 1_000)
            missed = int(late_s / CYCLE_S)
            self.cycles_missed += missed
            due += CYCLE_S * (missed + 1)

    def throughput_per_hour(self) -> int:
        """Parcels that left the belt per hour of lane time since the first induction (0: too early)."""
        left = self.counts["released"] + self.counts["inspected"]
        if self.first_us < 0 or self.last_us <= self.first_us:
            return 0
        return left * 3_600_000_000 // (self.last_us - self.first_us)

    def plain(self) -> dict[str, Any]:
        """All figures as plain data."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return {
            "counts": dict(self.counts),
            "routes": dict(self.routes),
            "grounds": dict(self.grounds),
            "findings": dict(self.findings),
            "throughput_per_hour": self.throughput_per_hour(),
            "latency_ms": {
                "image_to_disposition": self.image_to_ready.figures(),
                "image_to_stored": self.scan_stored.figures(),
                "exit_to_release_message": self.exit_to_message.figures(),
                "exit_to_acceptance": self.exit_to_accepted.figures(),
            },
            "lateness_ms": {**self.lateness.figures(), "cycles_missed": self.cycles_missed},
            "rss_mb": rss_mb(),
            "peak_rss_mb": peak,
        }


def rss_mb(pid: int = 0) -> int:
    """Resident memory of a process in MiB (0: this one; -1: it is gone or /proc is missing)."""
    path = Path(f"/proc/{pid or 'self'}/statm")
    try:
        pages = int(path.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return -1
    return pages * resource.getpagesize() >> 20


def _trim(watched: dict[Any, int]) -> None:
    while len(watched) > WATCHED_MAX:
        watched.pop(next(iter(watched)))
