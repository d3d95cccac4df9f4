"""The calibrated scenario run in the twin, read by the same code as the log."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sim.calibrate.figures import figures
from sim.calibrate.moments import Log
from sim.calibrate.own_journal import records_log
from sim.calibrate.predict import Compared
from sim.scenario import load_scenario


def run_in_twin(
    scenario: Path, parcels: int, seed: int, progress: Callable[[int], object] | None = None
) -> tuple[Log, str]:
    """(the twin's journal as a log, how the run ended). Raises ``SettingsError`` for a bad scenario."""
    from sim.twin import run_core_twin  # the whole lane: loaded only when it is asked

    plan = load_scenario(scenario)
    stream = plan.parcels(parcels, seed)
    result = run_core_twin(
        plan.config, stream, seed, settings=replace(plan.settings, keep_records=True), progress=progress
    )
    bodies = (body for _, body in result.journal.records())
    return records_log(bodies, f"twin, {scenario.name}", stream), str(result.figures["ended"])


def against(log: Log, twin: Log, *, reviewers: int, officers: int) -> list[Compared]:
    """Figures of the log beside those of one run of the twin."""
    own = figures(log, reviewers=reviewers, officers=officers)
    made = {one.name: one for one in figures(twin, reviewers=reviewers, officers=officers)}
    nan = float("nan")
    return [
        Compared(
            name=one.name, unit=one.unit, log=one.value, log_half=nan, model=made[one.name].value, half=nan,
            error=(made[one.name].value - one.value) / one.value if one.value else nan, jobs=made[one.name].jobs,
        )
        for one in own
        if one.name in made
    ]  # fmt: skip
