"""A study small enough for tests."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sim.experiment.plan import Plan, load_plan
from sim.experiment.results import encoded, results_of
from sim.experiment.study import Study, load_scenarios
from sim.experiment.task import Task, run_task
from sim.experiment.workers import Workers

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
