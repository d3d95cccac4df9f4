"""Core twin: the real ``LaneController`` in virtual time, with the plant, people and a verdict model around it.

Order of things for one input, as on a live lane: the plant stamps it, the core handles it, input and events go to the
journal, and only then do the commands leave. ``driver`` picks what turns the clock: the SimPy kernel, or a bare heap
loop to compare it with; both write the same journal.
"""

import gc
import hashlib
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lane.codec import canonical, to_plain
from lane.controller.core import LaneController
from lane.declarations.tables import load_tables
from lane.inputs import AnyInput
from lane.journal.memory import MemoryJournal, MemoryMode
from lane.model.config import CoreConfig
from sim.coretwin.answers import Answers
from sim.coretwin.settings import TwinSettings
from sim.coretwin.station import Station
from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.plant.plant import Plant
from sim.referee import Referee
from sim.streams.truth import ParcelTruth

DRIVERS: dict[str, Callable[[], Kernel | HeapLoop]] = {
    "simpy": lambda: Kernel(integer_time=True),
    "heap": HeapLoop,
}
FLUSH_RECORDS = 40_000
"""Records held before they are canonicalised; the clock of the figures stands still meanwhile. Bounds memory: 8 MB,
little enough that records are made anew where the cache still has the memory of earlier ones."""
SEAL_PARCELS = 8
"""Sealed: after so many parcels their records are canonicalised, hashed and join the tree, some 400 at once."""
TIME_LIMIT_FACTOR = 4
"""A run ends by force at four times its last arrival plus a day: a lane that stands still must not run for ever."""
_HOUR_US = 3_600 * 1_000_000


@dataclass(slots=True)
class CoreTwinResult:
    """A finished run. ``figures`` is ready for JSON; ``inputs`` only with ``settings.keep_inputs``."""

    figures: dict[str, Any]
    journal: MemoryJournal
    referee: Referee
    inputs: list[AnyInput]


def run_core_twin(
    config: CoreConfig,
    stream: Sequence[ParcelTruth],
    seed: int,
    mode: str = "records",
    driver: str = "simpy",
    settings: TwinSettings | None = None,
    progress: Callable[[int], object] | None = None,
    make_controller: Callable[[CoreConfig], LaneController] = LaneController,
    *,
    judging: bool = True,
) -> CoreTwinResult:
    """Run ``stream`` through the lane to the end. ``progress`` hears now and then how many parcels have left.

    ``mode`` records: records are canonicalised and hashed outside the timed span; sealed: as they come, with the
    Merkle tree. ``make_controller`` lets a test put a faulty core in, which the referee must catch. ``judging``: the
    referee follows the run; without it the figures have no ``referee`` and nobody knows whether a rule was broken.
    The core's own assertions are always on.

    Raises ValueError for an unknown mode or driver, and whatever the controller raises.
    """
    if driver not in DRIVERS:
        raise ValueError(f"driver {driver!r}: expected one of {', '.join(DRIVERS)}")
    chosen = _with_faults_planned(settings or TwinSettings(), stream, seed)
    journal = MemoryJournal(MemoryMode(mode), keep=chosen.keep_records)
    answers = Answers(stream, load_tables())
    referee = Referee(
        stream, answers.status_class, gate_um=config.layout.gate_um, learn_zero=not chosen.faults, judging=judging
    )
    config_sha256 = hashlib.sha256(canonical(to_plain(config))).hexdigest()
    station = Station(
        config,
        Plant(config.layout, config.gate.travel_us, stream, seed=seed, options=chosen.plant),
        make_controller(config),
        journal,
        DRIVERS[driver](),
        referee,
        answers,
        chosen,
        seed=seed,
        config_sha256=config_sha256,
        until_us=stream[-1].arrival_us * TIME_LIMIT_FACTOR + 24 * _HOUR_US,
    )
    clock = _Clock(journal, progress)
    station.on_left = clock.left
    gc.collect()
    gc.disable()  # nothing here makes reference cycles in number; the collector would only walk live records
    try:
        clock.start()
        station.run()
        if journal.mode is MemoryMode.SEALED:
            journal.flush()
        clock.stop()
    finally:
        gc.enable()
    figures = _figures(config, station, journal, referee, clock)
    run = {"mode": str(journal.mode), "driver": driver, "referee": "on" if judging else "off"}
    figures["conditions"] = _conditions(run, chosen, seed, config_sha256)
    return CoreTwinResult(figures, journal, referee, station.inputs)


def _with_faults_planned(settings: TwinSettings, stream: Sequence[ParcelTruth], seed: int) -> TwinSettings:
    """The settings with the faults that their rates bring to this stream under this seed."""
    if settings.fault_rates is None:
        return settings
    planned = settings.fault_rates.plan(seed, [parcel.number for parcel in stream])
    return replace(settings, faults=(*settings.faults, *planned))


class _Clock:
    """Wall and processor seconds of the run, without the canonicalising that ``records`` mode leaves for later."""

    def __init__(self, journal: MemoryJournal, progress: Callable[[int], object] | None) -> None:
        self._journal = journal
        self._progress = progress
        self._since = self._cpu_since = 0.0
        self._flushed = 0
        self.seconds = self.cpu_seconds = 0.0

    def start(self) -> None:
        self._since, self._cpu_since = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self._since
        self.cpu_seconds += time.process_time() - self._cpu_since

    def left(self, parcels: int) -> None:
        if parcels % SEAL_PARCELS == 0 and self._journal.mode is MemoryMode.SEALED:
            self._journal.flush()
        if parcels % 200:
            return
        if self._journal.mode is MemoryMode.RECORDS and self._journal.size - self._flushed > FLUSH_RECORDS:
            self.stop()
            self._journal.flush()
            self._flushed = self._journal.size
            self.start()
        if self._progress is not None:
            self._progress(parcels)


def _figures(
    config: CoreConfig, station: Station, journal: MemoryJournal, referee: Referee, clock: _Clock
) -> dict[str, Any]:
    people, seconds = station.people, clock.seconds
    lane_us = max(1, station.last_left_us - station.first_fed_us)
    parcels = referee.bodies_fed
    return {
        "parcels": parcels,
        "parcels_per_s": round(parcels / seconds, 1),
        "times_real_time": round(lane_us / 1e6 / seconds, 1),
        "parcels_per_cpu_s": round(parcels / clock.cpu_seconds, 1),
        "wall_s": round(seconds, 3),
        "cpu_s": round(clock.cpu_seconds, 6),
        "lane_s": round(lane_us / 1e6, 3),
        "inputs": station.handled,
        "records": journal.size,
        "journal_sha256": journal.sha256(),
        "throughput_per_hour": round(parcels * _HOUR_US / lane_us, 1),
        "speed_um_s": config.speed_um_s,
        "routes": dict(sorted(people.routes.items())),
        "grounds": dict(sorted(people.grounds.items())),
        "findings": dict(sorted(people.findings.items())),
        "draw": {"n": referee.counts["draws"], "selected": referee.counts["drawn"], "rate": config.draw.rate},
        "ended": station.ended,
        **people.figures(),
    } | ({"referee": referee.report()} if referee.judging else {})


def _conditions(run: dict[str, str], settings: TwinSettings, seed: int, config_sha256: str) -> dict[str, Any]:
    """Where and how a run was made, without which its figures say nothing."""
    timed = "plant, core, people and journal; not the stream"
    if run["mode"] == MemoryMode.RECORDS:
        timed += ", canonical bytes and hash"
    return {
        "python": platform.python_version(),
        "cpu": _cpu(),
        **run,
        "timed": timed,
        "seed": seed,
        "config_sha256": config_sha256,
        "verdicts": to_plain(settings.verdicts),
        "bench": to_plain(settings.bench),
        "origin": "SYNTHETIC",
    }


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor() or "unknown"
    return platform.processor() or "unknown"
