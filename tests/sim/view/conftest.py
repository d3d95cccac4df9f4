"""One short recorded twin run for all tests of view and export."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sim.recording import write_recording
from sim.scenario import load_scenario
from sim.streams.make import make_stream
from sim.twin import run_core_twin

DAY = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"
PARCELS, SEED = 40, 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording file and what the run said of itself."""

    path: Path
    figures: dict[str, Any]
    bodies: list[bytes]


def record(path: Path) -> Recorded:
    """Run and record."""
    day = load_scenario(DAY)
    settings = replace(day.settings, keep_records=True)
    result = run_core_twin(day.config, make_stream(day.sized(PARCELS, SEED)), SEED, settings=settings)
    bodies = [body for _, body in result.journal.records()]
    facts = {"scenario": "day.toml", "seed": SEED, "journal_sha256": result.figures["journal_sha256"]}
    write_recording(path, day.config, bodies, facts)
    return Recorded(path=path, figures=result.figures, bodies=bodies)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The recording."""
    return record(tmp_path_factory.mktemp("recorded") / "day.jsonl")
