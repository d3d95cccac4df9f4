"""One replication as a task for any worker: everything it needs goes with it, a small log comes back.

Replication r of every scenario has the same seed, from which every keyed stream of the run follows: parcel i brings
the same contents, luck and opening time to each scenario, which is what makes paired differences narrow. A worker
refuses a task whose code version or configuration hash is not its own.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from sim.experiment.watch import Log, Watch, watched
from sim.officers import BenchSpec, opening_us
from sim.scenario import Scenario
from sim.sources import code_version
from sim.streams.randoms import key
from sim.twin import run_core_twin

SEED_BITS = 48
"""Run seeds fit into every program that reads JSON: `lane sim run --seed` repeats a replication."""
WHOLE_RUN = (
    "review_wait_mean_s", "review_wait_p95_s", "review_queue_mean", "review_utilisation_percent", "review_staff_mean",
    "loop_sent",
)  # fmt: skip
"""Figures that the run itself gives, of its whole time; only they know what was withdrawn from a review officer."""


class RefusedTaskError(RuntimeError):
    """This worker has other code, or understands the configuration differently, than the one who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One replication of one scenario."""

    scenario: Scenario
    parcels: int
    seed: int
    config_sha256: str
    code_version: str

    @property
    def key(self) -> str:
        """Name of the result in a cache: equal for equal code, configuration, size and seed."""
        parts = (self.code_version, self.config_sha256, str(self.parcels), str(self.seed))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def run_seed(seed: int, replication: int) -> int:
    """Seed of all streams of one replication; the same in every scenario."""
    return key("replication", seed, replication) >> (64 - SEED_BITS)


def scenario_sha256(scenario: Scenario) -> str:
    """Hash over everything that the scenario says, lane included."""
    return hashlib.sha256(msgspec.json.encode(scenario, enc_hook=_as_text, order="deterministic")).hexdigest()


def _as_text(value: object) -> str:
    """A file that the scenario names counts by its content, wherever it lies."""
    if isinstance(value, Path):
        return f"{value.name} {hashlib.sha256(value.read_bytes()).hexdigest()}"
    raise TypeError(f"scenario: expected plain values and paths, was {type(value).__name__}")


def make_task(scenario: Scenario, parcels: int, seed: int) -> Task:
    """A task with the hashes of this process."""
    return Task(
        scenario=scenario, parcels=parcels, seed=seed, config_sha256=scenario_sha256(scenario),
        code_version=code_version(),
    )  # fmt: skip


def run_task(task: Task) -> tuple[str, bytes]:
    """(key, packed log) of one replication. Raises ``RefusedTaskError``, and ValueError for an impossible stream."""
    if task.code_version != code_version():
        raise RefusedTaskError(
            f"this worker runs code {code_version()}, the experiment code {task.code_version}: install the same "
            f"version on every worker and start it again"
        )
    if task.config_sha256 != scenario_sha256(task.scenario):
        raise RefusedTaskError(
            f"this worker reads the configuration as {scenario_sha256(task.scenario)[:16]}, the experiment as "
            f"{task.config_sha256[:16]}: install the same Python and packages on every worker"
        )
    return task.key, packed(run_log(task))


def run_log(task: Task) -> Log:
    """Run one replication. Raises ValueError when no parcel ever entered the lane: there is nothing to measure."""
    scenario, watch = task.scenario, Watch()
    stream = scenario.parcels(task.parcels, task.seed)
    result = run_core_twin(
        scenario.config, stream, task.seed, settings=scenario.settings, make_controller=watched(watch)
    )
    figures = result.figures
    if not watch.rows:
        raise ValueError(
            f"seed {task.seed}: no parcel ever entered the lane ({figures['ended']}); look at the scenario with "
            f"lane sim run"
        )
    referee = figures["referee"]
    single = {
        "gap_um": scenario.config.layout.gap_um_min,
        "speed_um_s": scenario.config.speed_um_s,
        "bench_staff": _staff(scenario.settings.bench, watch.states[-1][0] if watch.states else 0),
        "seed": task.seed,
        "journal_sha256": figures["journal_sha256"],
        "ended": figures["ended"],
        "rule_violating_releases": referee["rule_violating_releases"],
        "unaccounted": referee["unaccounted"],
        "content_errors": referee["content_errors"],
        "missed_content": referee["missed_content"],
        "people": {name: figures.get(name) for name in WHOLE_RUN},
    }
    bench = scenario.settings.bench
    return watch.log(result.referee, lambda seq: opening_us(bench, task.seed, seq), single)


def _staff(bench: BenchSpec, until_us: int) -> list[list[int]]:
    """Officers at the bench from each time on: [[time, officers], ...]."""
    if bench.calendar is None:
        return [[0, bench.officers]]
    staff, now_us = [[0, bench.calendar.level(0)]], 0
    while (now_us := bench.calendar.next_change_us(now_us)) <= until_us:
        staff.append([now_us, bench.calendar.level(now_us)])
    return staff


def packed(log: Log) -> bytes:
    """A log as the bytes of an .npz file."""
    file = io.BytesIO()
    single = np.frombuffer(msgspec.json.encode(log.single, order="deterministic"), dtype=np.uint8)
    np.savez_compressed(file, states=log.states, single=single, **log.columns)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked(data: bytes) -> Log:
    """The log that ``packed`` made. For other bytes it raises what numpy, zipfile and zlib do."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in arrays.files}
    states, single = columns.pop("states"), columns.pop("single")
    return Log(columns=columns, states=states, single=msgspec.json.decode(single.tobytes()))
