"""E2: the same seed gives the same journal, whatever turns the clock."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from lane.journal.memory import MemoryMode
from sim.heap import HeapLoop
from sim.kernel import Kernel
from sim.scenario import Scenario, load_scenario
from sim.streams.make import make_stream
from sim.twin import DRIVERS, CoreTwinResult, run_core_twin
from tests.sim.equalities.drivers import AsyncioLoop, StockSimPy

SCENARIOS = Path(__file__).parents[3] / "config" / "scenarios"
PARCELS = 60
MORE: dict[str, Callable[[], Any]] = {"stock": lambda: StockSimPy(integer_time=True), "asyncio": AsyncioLoop}


def _run(day: Scenario, driver: str, seed: int, mode: MemoryMode = MemoryMode.RECORDS) -> CoreTwinResult:
    settings = replace(day.settings, bench=replace(day.settings.bench, officers=3))
    with patch.dict(DRIVERS, MORE):
        return run_core_twin(day.config, make_stream(day.sized(PARCELS, seed)), seed, mode, driver, settings)


def _outcome(result: CoreTwinResult) -> dict[str, Any]:
    """Everything that does not depend on the machine's speed."""
    machine = {"parcels_per_s", "parcels_per_cpu_s", "times_real_time", "wall_s", "cpu_s", "conditions"}
    return {name: value for name, value in result.figures.items() if name not in machine}


@pytest.mark.parametrize("seed", [1, 2])
def test_heap_loop_kernel_stock_simpy_and_asyncio_write_the_same_journal(day: Scenario, seed: int) -> None:
    assert set(DRIVERS) >= {"simpy", "heap"}
    assert isinstance(DRIVERS["simpy"](), Kernel)
    assert isinstance(DRIVERS["heap"](), HeapLoop)
    reference = _run(day, "heap", seed)
    assert reference.figures["ended"] == "complete"
    for driver in ("simpy", "stock", "asyncio"):
        assert _outcome(_run(day, driver, seed)) == _outcome(reference), driver


@pytest.mark.parametrize(
    ("name", "overrides", "drivers"),
    [
        ("capacity", {}, ("heap", "simpy", "stock", "asyncio")),
        ("peak-1111", {}, ("simpy", "stock")),  # officers who come and go are SimPy processes
        ("day", {"faults.kinds": "ALL", "faults.each_permille": 10}, ("heap", "simpy", "stock", "asyncio")),
    ],
)
def test_people_faults_and_other_belts_keep_the_equality(
    name: str, overrides: dict[str, object], drivers: tuple[str, ...]
) -> None:
    plan = load_scenario(SCENARIOS / f"{name}.toml", overrides)
    outcomes = []
    with patch.dict(DRIVERS, MORE):
        for driver in drivers:
            result = run_core_twin(plan.config, plan.parcels(PARCELS, 5), 5, "records", driver, plan.settings)
            outcomes.append(_outcome(result))
    assert outcomes[0]["parcels"] >= PARCELS
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_sealing_the_journal_as_it_grows_changes_nothing_on_any_clock(day: Scenario) -> None:
    reference = _outcome(_run(day, "heap", 1))
    assert _outcome(_run(day, "asyncio", 1, MemoryMode.SEALED)) == reference
    assert _outcome(_run(day, "simpy", 1, MemoryMode.SEALED)) == reference


def test_a_clock_that_swaps_two_calls_of_one_instant_is_found_out(day: Scenario) -> None:
    """The equality can fail: people before the core's deadlines, and deadlines before inputs, make another journal."""

    class Careless(HeapLoop):
        def call_at(self, at: int, target: Callable[[Any], object], arg: Any = None, priority: int = 1) -> None:
            super().call_at(at + (priority == 1), target, arg, priority)

    with patch.dict(DRIVERS, {"careless": Careless}):
        settings = replace(day.settings, bench=replace(day.settings.bench, officers=3))
        careless = run_core_twin(day.config, make_stream(day.sized(PARCELS, 1)), 1, "records", "careless", settings)
    assert careless.figures["journal_sha256"] != _run(day, "heap", 1).figures["journal_sha256"]
