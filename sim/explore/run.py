"""Run one case: the lane with its faults, watched at every input, then judged with what only the twin knows."""

import gc
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lane.controller.core import LaneController
from lane.model.config import CoreConfig
from lane.permits import way_um
from sim.coretwin.station import Station
from sim.explore.case import Case, stream_of
from sim.explore.judge import Judge, Passing
from sim.explore.quiet import QuietJournal
from sim.explore.setup import config_of, goods_of, settings_of
from sim.explore.watch import Broken
from sim.faults import Fault
from sim.heap import HeapLoop
from sim.plant.plant import Plant
from sim.referee import Referee

MakeController = Callable[[CoreConfig], LaneController]
Hook = Callable[[Station], object]
"""Called with the station before it runs: a deliberate bug of plant or devices, a recorder."""
LIMIT_US = 3_600_000_000
"""A case ends by force this long after its last arrival. A sound lane whose bench has four places and rests for minutes
needs more than half of it: 8 s a parcel."""
CRASH = "I24"
"""An exception in the core: some state did not know what to do with some input."""


@dataclass(slots=True, kw_only=True)
class CaseResult:
    """What one run showed. ``broken``: every rule that did not hold; ``faults``: those that took effect, with time.

    ``figures``: counts that a search adds up. ``goals``: how often each `sometimes` goal was reached. ``passed``: how
    each body that the blade let through passed it. ``moved``: where faults moved bodies last. ``released``: when each
    body's release by the gate was recorded. ``taken``: bodies that an officer took from behind the gate.
    """

    case: Case
    broken: list[Broken] = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    goals: Counter[str] = field(default_factory=Counter)
    passed: dict[int, Passing] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    released: dict[int, int] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    ended: str = ""
    crash: str = ""

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the broken rules."""
        return tuple(sorted({one.rule for one in self.broken}))


def run_case(case: Case, make_controller: MakeController = LaneController, hooks: Sequence[Hook] = ()) -> CaseResult:
    """Run a case once. An exception of the core is a broken rule like any other, with its traceback in ``crash``."""
    station, judge = prepare(case, make_controller)
    for hook in hooks:
        hook(station)
    return finished(case, station, judge)


def finished(case: Case, station: Station, judge: Judge) -> CaseResult:
    """Run a prepared station to its end and judge it."""
    collecting = gc.isenabled()
    gc.disable()  # a case is small; what it leaves is collected between cases
    crash = ""
    try:
        station.run()
    except Exception as error:  # noqa: BLE001  # whatever a faulty core raises is a finding
        crash = "".join(traceback.format_exception(error, limit=-6))
        judge.watch.at_us = station.now
        judge.watch.breaks(CRASH, f"{type(error).__name__}: {error}")
        station.ended = "crash"
    finally:
        if collecting:
            gc.enable()
    judge.conclude()
    return CaseResult(
        case=case,
        broken=[_with_body(broken, station) for broken in judge.watch.broken],
        faults=list(station.troubles.happened),
        figures=judge.figures,
        goals=judge.goals,
        passed=judge.passed,
        moved=station.troubles.moved,
        released=_released(station, judge),
        taken=judge.taken,
        ended=station.ended,
        crash=crash,
    )


def _released(station: Station, judge: Judge) -> dict[int, int]:
    """When each body's release by the gate was recorded."""
    passages = station.referee.passages
    return {passages[seq].number: at_us for seq, at_us in judge.watch.released_us.items() if seq in passages}


def _with_body(broken: Broken, station: Station) -> Broken:
    """A broken rule that names a lane number only, with the body that stood at the induct eye for it."""
    passage = station.referee.passages.get(broken.seq)
    return broken if broken.body or passage is None else replace(broken, body=passage.number)


def prepare(case: Case, make_controller: MakeController = LaneController) -> tuple[Station, Judge]:
    """The station of a case, watched, ready to run."""
    setup = case.setup
    config = config_of(setup)
    stream = stream_of(case)
    _, answers = goods_of(setup.goods, case.parcels, setup.planted_permille)
    settings = settings_of(setup, config, case.faults)
    journal = QuietJournal()
    station = Station(
        config,
        Plant(config.layout, config.gate.travel_us, stream, seed=case.seed, options=settings.plant),
        make_controller(config),
        journal,
        HeapLoop(),
        Referee(stream, answers.status_class, gate_um=config.layout.gate_um, learn_zero=False),
        answers,
        settings,
        seed=case.seed,
        config_sha256="",
        until_us=stream[-1].arrival_us + LIMIT_US,
    )
    judge = Judge(case, station, stream, slack_um=way_um(config, config.report_lag_us))
    journal.watch = judge.saw
    return station, judge
