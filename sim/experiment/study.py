"""Runs an experiment: which replications are needed, in which order they are judged, never who runs them.

Every decision (cut, number of replications, who leaves a selection) reads replications in their own order, so results
are equal for any number of workers and any order of completion; runs made ahead are simply not used.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim.experiment.batches import BatchMeans
from sim.experiment.cache import Cache
from sim.experiment.digest import SERIES, Digest, WarmUp, batched_figures, digest, warm_up
from sim.experiment.figures import Horizon
from sim.experiment.plan import Goal, Plan
from sim.experiment.replications import FIRST, STAYS, replications_needed
from sim.experiment.selection import Selection, select_best
from sim.experiment.staffing import open_cases
from sim.experiment.task import Task, make_task, run_seed, unpacked
from sim.experiment.watch import Log
from sim.experiment.workers import Workers
from sim.scenario import Scenario, load_scenario

PILOTS = 5
"""Replications of every scenario that the cut is found from."""
AHEAD = 4
"""Replications asked for together once the first ones did not suffice."""

Place = tuple[int, int]
"""(scenario, replication), both from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """One long run of a scenario: its length and the batch means of the figures that have some."""

    parcels: int
    figures: dict[str, BatchMeans]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished experiment: ``digests[i]`` in replication order, only those that count.

    ``needed``: replications after which the precision held (None: not asked for, or never reached).
    ``batches``: what the single long runs gave, when replications were not wanted.
    """

    plan: Plan
    scenarios: tuple[Scenario, ...]
    digests: tuple[tuple[Digest, ...], ...]
    warm_up: WarmUp | None
    pilots: tuple[tuple[Log, ...], ...]
    needed: int | None
    selection: Selection | None
    warnings: tuple[str, ...]
    batches: tuple[Batched, ...] = ()


def load_scenarios(plan: Plan) -> tuple[Scenario, ...]:
    """Every scenario of the plan. Raises ``SettingsError``."""
    return tuple(load_scenario(plan.base, dict(case.overrides)) for case in plan.cases)


def at_least(plan: Plan) -> str:
    """What a selection runs whatever else the file says."""
    first = plan.select.first if plan.select else 0
    return (
        f"a selection decides itself how many replications it needs: at least {first} of each of the "
        f"{len(plan.cases)} scenarios (select.first), at most {max(first, plan.replications_max)} (replications_max)"
    )


class Study:
    """One experiment on some workers. ``tell(done, wanted)`` hears of every finished replication."""

    def __init__(
        self,
        plan: Plan,
        scenarios: Sequence[Scenario],
        workers: Workers,
        cache: Cache | None = None,
        tell: Callable[[int, int], object] | None = None,
    ) -> None:
        self._plan, self._scenarios = plan, tuple(scenarios)
        self._workers, self._cache, self._tell = workers, cache, tell
        self._digests: dict[Place, Digest] = {}
        self._cut = 0
        self._wanted = self._finished = 0
        self._warnings: list[str] = []

    def run(self) -> Done:
        """Run what is needed. Raises whatever a run raises."""
        plan = self._plan
        if plan.batches:
            return self._long_runs()
        first = self._first_stage()
        pilots, found = self._find_cut(min(first, PILOTS))
        self._ensure([(i, r) for r in range(first) for i in range(len(plan.cases))])
        selection, needed = None, None
        if plan.select is not None:
            selection = self._select()
            counts: Sequence[int] = selection.replications
        elif plan.replications:
            counts = [plan.replications] * len(plan.cases)
        else:
            needed, count = self._until_precise(first)
            counts = self._until_decided([count] * len(plan.cases))
        return Done(
            plan=plan,
            scenarios=self._scenarios,
            digests=tuple(tuple(self._digests[i, r] for r in range(count)) for i, count in enumerate(counts)),
            warm_up=found,
            pilots=pilots,
            needed=needed,
            selection=selection,
            warnings=tuple(self._warnings),
        )

    def _long_runs(self) -> Done:
        """One run of every scenario, each doubled until the batch means of its figures settle."""
        plan = self._plan
        lengths = dict.fromkeys(range(len(plan.cases)), plan.parcels)
        found: dict[int, Batched] = {}
        while lengths:
            for (i, _), log in self._logs([(i, 0) for i in lengths], lengths):
                figures = batched_figures(log, plan.figures)
                wanted = [name for name in plan.figures if name in SERIES]
                settled = all(name in figures and figures[name].settled for name in wanted)
                if not settled and 2 * lengths[i] <= plan.parcels_max:
                    continue
                if not settled:
                    name = plan.cases[i].name
                    self._warnings.append(f"{name}: batches unsettled after {lengths[i]} parcels; raise parcels_max")
                found[i] = Batched(parcels=lengths[i], figures=figures)
                cut = max((means.cut for means in figures.values()), default=0)
                self._digests[i, 0] = digest(log, plan.horizon, cut)
            lengths = {i: 2 * length for i, length in lengths.items() if i not in found}
        every = range(len(plan.cases))
        return Done(
            plan=plan,
            scenarios=self._scenarios,
            digests=tuple((self._digests[i, 0],) for i in every),
            warm_up=None,
            pilots=(),
            needed=None,
            selection=None,
            warnings=tuple(sorted(self._warnings)),
            batches=tuple(found[i] for i in every),
        )

    def _first_stage(self) -> int:
        plan = self._plan
        if plan.select is not None:
            return plan.select.first
        return plan.replications or FIRST + STAYS

    def _find_cut(self, count: int) -> tuple[tuple[tuple[Log, ...], ...], WarmUp | None]:
        """Pilots of every scenario and the cut they give (none for a day, whose beginning belongs to it)."""
        plan = self._plan
        if plan.horizon is Horizon.DAY:
            return (), None
        places = [(i, r) for r in range(count) for i in range(len(plan.cases))]
        logs = dict(self._logs(places))
        pilots = tuple(tuple(logs[i, r] for r in range(count)) for i in range(len(plan.cases)))
        found = warm_up(pilots)
        self._cut = found.parcels
        for i in found.short:
            self._warnings.append(f"{plan.cases[i].name}: the run is too short to settle; give it more parcels")
        for place, log in logs.items():
            self._digests[place] = digest(log, plan.horizon, self._cut)
        return pilots, found

    def _ensure(self, places: Sequence[Place]) -> None:
        missing = [place for place in places if place not in self._digests]
        for place, log in self._logs(missing):
            self._digests[place] = digest(log, self._plan.horizon, self._cut)

    def _logs(self, places: Sequence[Place], lengths: Mapping[int, int] | None = None) -> Iterator[tuple[Place, Log]]:
        """Logs of these replications, from cache or workers, in any order. ``lengths``: parcels by scenario."""
        plan = self._plan
        self._wanted += len(places)
        waiting: dict[str, list[Place]] = {}
        tasks: list[Task] = []
        for i, r in places:
            parcels = lengths[i] if lengths else plan.parcels
            task = make_task(self._scenarios[i], parcels, run_seed(plan.seed, r))
            log = self._cache.get(task.key) if self._cache else None
            if log is not None:
                yield (i, r), self._told(log)
            else:
                if task.key not in waiting:
                    tasks.append(task)
                waiting.setdefault(task.key, []).append((i, r))
        for key, data in self._workers.run(tasks) if tasks else ():
            if self._cache:
                self._cache.put(key, data)
            for place in waiting[key]:
                yield place, self._told(unpacked(data))

    def _told(self, log: Log) -> Log:
        self._finished += 1
        if self._tell:
            self._tell(self._finished, self._wanted)
        return log

    def _values(self, i: int, figure: str, count: int) -> list[float | None]:
        return [self._digests[i, r].value(figure) for r in range(count)]

    def _until_precise(self, count: int) -> tuple[int | None, int]:
        """(replications after which every wanted figure of every scenario was precise, replications to use)."""
        plan = self._plan
        everywhere = range(len(plan.cases))
        while True:
            found = [
                _needed(self._values(i, figure, count), plan.precision)
                for i in everywhere
                for figure in plan.precision_of
            ]
            known = [one for one in found if one is not None]
            if len(known) == len(found):
                needed = max(known)
                return needed, needed + STAYS
            if count >= plan.replications_max:
                self._warnings.append(
                    f"{len(found) - len(known)} of {len(found)} intervals were not narrowed to "
                    f"{plan.precision:.1%} within {count} replications"
                )
                return None, count
            count = min(count + AHEAD, plan.replications_max)
            self._ensure([(i, r) for r in range(count) for i in everywhere])

    def _until_decided(self, counts: list[int]) -> list[int]:
        """More replications of those scenarios alone that may be the answer of ``staffing``, while that is open."""
        plan = self._plan
        while plan.staffing is not None:
            digests = [[self._digests[i, r] for r in range(count)] for i, count in enumerate(counts)]
            more = {i: min(counts[i] + AHEAD, plan.replications_max) for i in open_cases(plan, digests)}
            if all(counts[i] == count for i, count in more.items()):
                break
            self._ensure([(i, r) for i, count in more.items() for r in range(counts[i], count)])
            counts = [more.get(i, count) for i, count in enumerate(counts)]
        return counts

    def _select(self) -> Selection:
        plan, wish = self._plan, self._plan.select
        assert wish is not None

        def value(i: int, r: int) -> float:
            if (i, r) not in self._digests:
                self._ensure([(i, ahead) for ahead in range(r, min(r + AHEAD, plan.replications_max))])
            found = self._digests[i, r].value(wish.figure)
            if found is None:
                raise ValueError(f"{plan.cases[i].name}: {wish.figure} has no value in replication {r + 1}")
            return found

        chosen = select_best(
            value, len(plan.cases), wish.delta, alpha=wish.alpha, first=wish.first,
            limit=max(wish.first, plan.replications_max), smallest=wish.goal is Goal.MIN,
        )  # fmt: skip
        if plan.replications:
            self._warnings.append(f"replications = {plan.replications} was not used: {at_least(plan)}")
        if not chosen.decided:
            self._warnings.append(f"selection: not decided within {plan.replications_max} replications")
        return chosen


def _needed(values: Sequence[float | None], precision: float) -> int | None:
    present = [value for value in values if value is not None]
    return replications_needed(present, precision) if len(present) == len(values) else None
