"""A study small enough for tests."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lane.model.grounds import Ground
from lane.model.words import State
from sim.experiment.plan import Plan, load_plan
from sim.experiment.results import encoded, results_of
from sim.experiment.study import Study, load_scenarios
from sim.experiment.task import Task, packed, run_task
from sim.experiment.watch import GROUND_BIT, NEVER, PLANTED_CODE, Log
from sim.experiment.workers import Workers
from sim.streams.truth import Planted

ROOT = Path(__file__).resolve().parents[3]
DAY = ROOT / "config" / "scenarios" / "day.toml"
TINY = f"""schema = "sim-experiment/1"
question = "Is a study the same for everybody?"
base = "{DAY}"
parcels = 30
replications = 4
compare = "2 at the bench"
grid_name = "{{bench.officers}} at the bench"

[staffing]
persons = ["bench.officers"]
[[staffing.demand]]
figure = "bench_wait_p95_s"
at_most = 60

[grid]
"bench.officers" = [2, 6]
"""
"""Eight runs of 30 parcels."""


def written(folder: Path, text: str = TINY) -> Path:
    """An experiment file."""
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def tiny(folder: Path, text: str = TINY) -> Plan:
    """The small study as read."""
    return load_plan(written(folder, text))


class Backwards(Workers):
    """Answers in the opposite of the order asked."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        """All tasks, last first."""
        yield from [run_task(task) for task in reversed(tasks)]


def results_by(plan: Plan, workers: Workers) -> bytes:
    """Canonical results of a study run by these workers."""
    with workers:
        return encoded(results_of(Study(plan, load_scenarios(plan), workers).run()))


def made_log(officers: int, seed: int, parcels: int) -> Log:
    """A log as of a lane with one parcel in 3 s, every eighth opened by one of ``officers`` for 20 s and more."""
    luck = np.random.Generator(np.random.Philox(seed))
    arrived = np.cumsum(2_000_000 + luck.exponential(1_000_000, parcels).astype(np.int64))
    left = arrived + 16_000_000
    opening = 20_000_000 + luck.exponential(20_000_000, parcels).astype(np.int64)
    started, opened = np.full(parcels, NEVER), np.full(parcels, NEVER)
    free = [0] * officers
    for place in range(0, parcels, 8):
        begin = max(int(left[place]), min(free))
        free[free.index(min(free))] = begin + int(opening[place])
        started[place], opened[place] = begin, begin + int(opening[place])
    inspected = np.arange(parcels) % 8 == 0
    draw = GROUND_BIT[Ground.RANDOM_DRAW]
    columns = {
        "arrived_us": arrived,
        "inducted_us": arrived,
        "length_um": np.full(parcels, 300_000),
        "left_us": left,
        "released": (~inspected).astype(np.int64),
        "looped": np.zeros(parcels, dtype=np.int64),
        "grounds": np.where(inspected, draw, 0),
        "planted": np.full(parcels, PLANTED_CODE[Planted.SOUND]),
        "asked_us": np.full(parcels, NEVER),
        "answered_us": np.full(parcels, NEVER),
        "started_us": started,
        "opened_us": opened,
    }
    single = {
        "gap_um": 300_000, "speed_um_s": 500_000, "bench_staff": [[0, officers]], "seed": seed, "journal_sha256": "",
        "ended": "complete", "rule_violating_releases": 0, "unaccounted": 0, "causes": ["ORDERED"],
        "people": dict.fromkeys(("review_wait_mean_s", "loop_sent")),
    }  # fmt: skip
    return Log(columns=columns, states=np.array([[0, int(State.EXECUTE), 0]]), single=single)


class Made(Workers):
    """Answers at once with made logs; ``asked`` counts the tasks."""

    asked = 0

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        """One made log for each."""
        for task in tasks:
            self.asked += 1
            yield task.key, packed(made_log(task.scenario.settings.bench.officers, task.seed, task.parcels))
