"""The search: case after case from one seed, on as many workers as there are cores; the same figures on any number.

``run_case`` runs one case, ``search`` many. Cases go to workers in chunks and their tallies are added up in order.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from lane.controller.core import LaneController
from sim.explore.case import MIX, PARCELS, Case, Mode, case_seed, draw_case
from sim.explore.residual import explained, releases, taken_back, unexplained
from sim.explore.run import CaseResult, Hook, MakeController, prepare, run_case
from sim.explore.setup import Field
from sim.faults import FaultKind
from sim.processes import processes

__all__ = ["CaseResult", "Finding", "Plan", "SearchResult", "case_of", "prepare", "run_case", "search"]

CHUNK = 8
"""Cases of one task: some seconds of work."""
COLLECT_EVERY = 4
"""Cases between two garbage collections."""
FINDINGS_MAX = 10_000
"""Findings kept: so many that are not explained, and so many that are. Figures count them all."""
TOLD_MAX = 5
UNEXPLAINED = "unexplained"
"""Name of the risk of releases that no residual risk explains."""
FIELDS = (Field.PLC, Field.IO, Field.PLAIN)
"""What a working site may have in the field; outputs held as levels (no H1) are searched only when asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to search: ``modes`` in turn, and after each round of them the next of ``fields``.

    ``without``: kinds of faults left out; the figures name them, because what is left out is not searched.
    """

    seed: int
    parcels: int
    modes: tuple[Mode, ...] = MIX
    fields: tuple[Field, ...] = FIELDS
    size: int = PARCELS
    without: tuple[FaultKind, ...] = ()

    @property
    def cases(self) -> int:
        """Cases needed for that many parcels."""
        return -(-self.parcels // self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A case in which a rule did not hold. ``known``: the residual risk that explains it ("": none does).
    ``told``: what is not explained, in words."""

    number: int
    seed: int
    mode: Mode
    field: Field
    rules: tuple[str, ...]
    releases: int
    known: str
    told: tuple[str, ...] = ()
    crash: str = ""


@dataclass(slots=True)
class SearchResult:
    """Sums over all cases; ``findings`` in order of their cases."""

    figures: Counter[str] = field(default_factory=Counter)
    goals: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "SearchResult") -> None:
        """Take in the next cases."""
        self.figures.update(other.figures)
        self.goals.update(other.goals)
        kept = Counter(bool(finding.known) for finding in self.findings)
        for finding in other.findings:
            kept[bool(finding.known)] += 1
            if kept[bool(finding.known)] <= FINDINGS_MAX:
                self.findings.append(finding)

    @property
    def unexplained(self) -> list[Finding]:
        """Findings that no known residual risk explains."""
        return [finding for finding in self.findings if not finding.known]


def case_of(plan: Plan, number: int) -> Case:
    """The ``number``-th case of a search, from 0."""
    mode = plan.modes[number % len(plan.modes)]
    place = plan.fields[number // len(plan.modes) % len(plan.fields)]
    case = draw_case(case_seed(plan.seed, number), mode, place, plan.size)
    if plan.without:
        case = replace(case, faults=tuple(fault for fault in case.faults if fault.kind not in plan.without))
    return case


def search(
    seed: int,
    parcels: int,
    *,
    plan: Plan | None = None,
    workers: int = 1,
    make_controller: MakeController = LaneController,
    hooks: Sequence[Hook] = (),
    until_found: bool = False,
    progress: Callable[[int], object] | None = None,
) -> SearchResult:
    """Search ``parcels`` parcels. ``until_found``: stop at the first finding that no known residual risk explains.

    ``progress`` hears how many parcels are done. With several workers ``make_controller`` and ``hooks`` must be
    importable by name.
    """
    wanted = plan or Plan(seed=seed, parcels=parcels)
    began = time.perf_counter()
    result = SearchResult()
    for part in _parts(wanted, workers, make_controller, tuple(hooks), until_found):
        result.add(part)
        if progress is not None:
            progress(result.figures["parcels"])
        if until_found and result.unexplained:
            break
    result.seconds = time.perf_counter() - began
    return result


def _parts(
    plan: Plan, workers: int, make_controller: MakeController, hooks: tuple[Hook, ...], until_found: bool
) -> Iterator[SearchResult]:
    chunk = 1 if until_found and workers == 1 else CHUNK
    starts = range(0, plan.cases, chunk)
    if workers == 1:
        for start in starts:
            yield _chunk(plan, start, min(start + chunk, plan.cases), make_controller, hooks)
        return
    with processes(workers) as pool:
        waiting = []
        for start in starts:
            end = min(start + chunk, plan.cases)
            waiting.append(pool.submit(_chunk, plan, start, end, make_controller, hooks))
            if len(waiting) > 4 * workers:
                yield waiting.pop(0).result()
        for task in waiting:
            yield task.result()


def _chunk(plan: Plan, start: int, end: int, make_controller: MakeController, hooks: tuple[Hook, ...]) -> SearchResult:
    """Cases ``start`` to ``end`` (not included)."""
    result = SearchResult()
    for number in range(start, end):
        found = run_case(case_of(plan, number), make_controller, hooks)
        result.figures.update(found.figures)
        result.goals.update(found.goals)
        if found.broken:
            finding = _finding(number, found)
            result.findings.append(finding)
            result.figures.update(f"rule {rule}" for rule in found.rules)
            result.figures["findings"] += 1
            result.figures["unexplained cases"] += not finding.known
            for risk, count in releases(found).items():
                result.figures[f"releases {finding.field} {risk or UNEXPLAINED}"] += count
            for risk, count in taken_back(found).items():
                result.figures[f"taken {finding.field} {risk or UNEXPLAINED}"] += count
        if number % COLLECT_EVERY == 0:
            gc.collect()
    return result


def _finding(number: int, found: CaseResult) -> Finding:
    case = found.case
    return Finding(
        number=number, seed=case.seed, mode=case.mode, field=case.setup.field, rules=found.rules,
        releases=releases(found).total(), known=explained(found), crash=found.crash,
        told=tuple(dict.fromkeys(f"{one.rule}: {one.text}" for one in unexplained(found)))[:TOLD_MAX],
    )  # fmt: skip
