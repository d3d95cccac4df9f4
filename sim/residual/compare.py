"""Run the cases of the fault search on several builds of a lane and count what left by the release exit against a rule.

Every build meets the same cases: the same seed draws layout, speed, stream and faults, so that a difference is that of
the build. Nothing is left out: every kind of the catalogue is drawn, as in ``lane sim search``.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sim.coretwin.fault_rates import FaultRates
from sim.coretwin.station import Station
from sim.explore.case import MIX, PARCELS, Case, case_seed, draw_case
from sim.explore.residual import RELEASES, releases, taken_back
from sim.explore.run import run_case
from sim.explore.setup import Field
from sim.intervals import share_at_most
from sim.processes import processes
from sim.residual.directed import AtGate

CHUNK = 4
"""Cases of one task."""
MILLION = 1_000_000
UNEXPLAINED = "no reason known to the search"


class Vary(StrEnum):
    """What the builds differ in."""

    FIELD = "field"
    SECOND_READER = "second-reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One way to build the lane."""

    name: str
    field: Field
    second_reader: bool


def builds_of(vary: Vary, place: Field) -> tuple[Build, ...]:
    """The builds to compare; ``place``: the lane I/O where it is not what differs.

    Duties: remote I/O with level outputs H0, with pulses H0 H1 (watchdogs of a whole second, then of 300 ms), lane I/O
    (of our device manual) H0 H1 H4, lane PLC H0 to H5.
    """
    if vary is Vary.SECOND_READER:
        return (
            Build(name="one reader", field=place, second_reader=False),
            Build(name="two readers", field=place, second_reader=True),
        )
    return (
        Build(name="remote I/O, level", field=Field.LEVEL, second_reader=True),
        Build(name="remote I/O, pulse", field=Field.SECOND, second_reader=True),
        Build(name="the same, 300 ms", field=Field.PLAIN, second_reader=True),
        Build(name="lane I/O", field=Field.IO, second_reader=True),
        Build(name="lane PLC", field=Field.PLC, second_reader=True),
    )


@dataclass(slots=True)
class Tally:
    """Sums over the cases of one build; ``wrong``: numbers of the cases with a rule-violating release; ``rules``,
    ``reasons``: cases in which a release broke the rule, or had this known reason. ``taken`` among the counts: bodies
    that the blade let pass against a rule and that an officer took from behind it."""

    counts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    wrong: list[int] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in the next cases."""
        self.counts.update(other.counts)
        self.rules.update(other.rules)
        self.reasons.update(other.reasons)
        self.wrong += other.wrong

    def figures(self) -> dict[str, Any]:
        """Figures for JSON. The upper end is that of Clopper and Pearson, 95 % one-sided."""
        counts = self.counts
        parcels, wrong = counts["parcels"], counts["wrong"]
        return {
            "parcels": parcels,
            "faults": counts["faults"],
            "rule_violating_releases": wrong,
            "per_million": round(MILLION * wrong / max(1, parcels), 1),
            "per_million_at_most": round(MILLION * share_at_most(wrong, parcels), 1) if parcels else None,
            "taken_back": counts["taken"],
            "rules": dict(sorted(self.rules.items())),
            "reasons": dict(sorted(self.reasons.items())),
            "released_percent": round(100 * counts["released"] / max(1, parcels), 2),
            "stops_per_thousand": round(1_000 * counts["stops"] / max(1, parcels), 2),
            "cases": counts["cases"],
            "cases_wrong": len(self.wrong),
        }


Rates = FaultRates | AtGate | None
"""Which faults: the search's mix (None), kinds by rate, or kinds that meet at the gate."""


def case_of(seed: int, number: int, build: Build, rates: Rates) -> Case:
    """The ``number``-th case on a build: with the search's own mix of faults, or with the asked kinds only."""
    case = draw_case(case_seed(seed, number), MIX[number % len(MIX)], build.field, PARCELS)
    setup = replace(case.setup, second_reader=build.second_reader)
    if rates is None:
        return replace(case, setup=setup)
    parcels = case.parcels - case.calm
    if isinstance(rates, AtGate):
        return replace(case, setup=setup, faults=rates.plan(case.seed, setup, parcels))
    return replace(case, setup=setup, faults=rates.plan(case.seed, range(1, parcels + 1)))


def nobody_looks(station: Station) -> None:
    """The officer takes a stopped lane up again without bringing what lies behind the gate to the bench."""
    station.settings = replace(station.settings, branch_cleared=False)


def run_chunk(builds: Sequence[Build], seed: int, numbers: range, rates: Rates, looks: bool = True) -> list[Tally]:
    """One tally per build over these cases; ``looks``: the officer looks behind the gate after a stop."""
    tallies = [Tally() for _ in builds]
    for number in numbers:
        for build, tally in zip(builds, tallies, strict=True):
            found = run_case(case_of(seed, number, build, rates), hooks=() if looks else (nobody_looks,))
            risks = releases(found)
            tally.rules.update({one.rule for one in found.broken if one.rule in RELEASES} if risks else ())
            tally.counts.update(
                parcels=found.figures["parcels"], faults=len(found.faults), wrong=risks.total(), cases=1,
                taken=taken_back(found).total(),
                released=found.figures["bodies released"],
                stops=sum(count for name, count in found.figures.items() if name.startswith("stops ")),
            )  # fmt: skip
            if risks:
                tally.wrong.append(number)
                tally.reasons.update(risk or UNEXPLAINED for risk in risks)
        gc.collect()
    return tallies


def compare(
    builds: Sequence[Build],
    seed: int,
    parcels: int,
    *,
    rates: Rates = None,
    looks: bool = True,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Figures of every build over at least ``parcels`` parcels each; the same on any number of workers.

    ``rates``: only these kinds of faults, at this rate, instead of the search's mix of all. ``looks``: after a stop the
    officer brings what lies behind the gate to the bench.
    ``progress`` hears how many parcels each build has had.
    """
    began = time.perf_counter()
    cases = -(-parcels // PARCELS)
    chunks = [range(start, min(start + CHUNK, cases)) for start in range(0, cases, CHUNK)]
    sums = [Tally() for _ in builds]
    for part in _parts(builds, seed, chunks, rates, looks, workers):
        for total, tally in zip(sums, part, strict=True):
            total.add(tally)
        if progress is not None:
            progress(sums[0].counts["parcels"])
    both = set(sums[0].wrong).intersection(*(set(tally.wrong) for tally in sums[1:]))
    return {
        "seed": seed,
        "officer_looks_behind_the_gate": looks,
        "seconds": round(time.perf_counter() - began, 1),
        "builds": {build.name: total.figures() for build, total in zip(builds, sums, strict=True)},
        "cases_wrong_in_all": sorted(both),
    }


def _parts(
    builds: Sequence[Build], seed: int, chunks: Sequence[range], rates: Rates, looks: bool, workers: int
) -> Iterator[list[Tally]]:
    if workers == 1 or len(chunks) == 1:
        for chunk in chunks:
            yield run_chunk(builds, seed, chunk, rates, looks)
        return
    with processes(workers) as pool:
        for task in [pool.submit(run_chunk, builds, seed, chunk, rates, looks) for chunk in chunks]:
            yield task.result()
