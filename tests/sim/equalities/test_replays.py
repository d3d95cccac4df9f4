"""E1: recorded inputs through the bare core give the recorded journal, byte for byte."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lane.codec import INPUT_KINDS, decode, encode
from lane.controller.core import LaneController
from lane.inputs import AnyInput, EpochOpened
from lane.journal.memory import RunHash
from lane.replay import replay
from sim.demo.summary import journal_sha256
from sim.scenario import load_scenario
from sim.twin import run_core_twin
from tests.acceptance.conftest import FinishedRun
from tests.sim.equalities.conftest import DAY

PARCELS, SEED = 60, 3


@pytest.mark.parametrize("faults", [{}, {"faults.kinds": "ALL", "faults.each_permille": 10}], ids=["sound", "faulty"])
def test_bytes_of_a_twin_run_through_the_bare_core_give_its_journal(faults: dict[str, object]) -> None:
    """Through the codec and back: what is not in the bytes (but for the draw's secret) can't have mattered."""
    day = load_scenario(DAY, faults)
    settings = replace(day.settings, keep_records=True, keep_inputs=True)
    result = run_core_twin(day.config, day.parcels(PARCELS, SEED), SEED, settings=settings)
    keys = {item.epoch: item for item in result.inputs if isinstance(item, EpochOpened)}
    core, replayed = LaneController(day.config), RunHash()
    bodies = [body for _, body in result.journal.records()]
    at = 0
    while at < len(bodies):
        item = decode(bodies[at])
        assert type(item).__name__ in INPUT_KINDS, f"record {at}: expected an input, was {item}"
        handled: AnyInput = keys[item.epoch] if isinstance(item, EpochOpened) else item  # type: ignore[assignment]
        replayed.add(bodies[at])
        for event in core.handle(handled).events:
            at += 1
            assert encode(event) == bodies[at], f"record {at}"
            replayed.add(bodies[at])
        at += 1
    assert replayed.hexdigest() == result.figures["journal_sha256"]


@pytest.mark.slow
def test_a_real_time_recording_of_the_wire_twin_through_the_bare_core_gives_its_journal(
    finished: FinishedRun,
) -> None:
    """The finished run went through sockets, ptys, polls and processes at four times real time."""
    progress: list[int] = []
    report = replay(finished.run, progress.append)
    assert report.difference is None
    figures = json.loads((finished.root / "figures.json").read_text(encoding="utf-8"))
    assert report.replayed_sha256 == report.recorded_sha256 == figures["journal_sha256"]
    assert journal_sha256(finished.run) == report.replayed_sha256
    assert report.inputs > 300
    assert report.events > 100
    assert Path(finished.run / "journal.db").stat().st_size > 0
