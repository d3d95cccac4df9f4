"""Experiment files (``config/experiments/*.toml``): which scenarios, how often, what is asked. Bad files name the line.

::

    schema = "sim-experiment/1"
    question = "How many officers does the bench need?"     # stands over the report
    base = "../scenarios/day.toml"                          # relative to this file
    parcels = 4000                                          # in each replication
    seed = 1
    replications = "auto"                                   # or a whole number, or "batches" of one long run
    [grid]                                                  # every combination of every list is a scenario
    "bench.officers" = [8, 10, 12]                          # grid_name = "{bench.officers} at the bench" names them

    [[scenario]]                                            # scenarios beside the grid, by name
    name = "two lanes' worth"
    set = { "stream.rate_per_hour" = 2400, "bench.officers" = 24 }
"""

import difflib
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lane.settings.reader import SettingsError, TomlFile
from sim.arguments import SEED_MAX
from sim.experiment.batches import OBSERVATIONS_MIN
from sim.experiment.digest import SERIES
from sim.experiment.figures import Horizon
from sim.experiment.meanings import FIGURES, GROUND_PREFIX, USUAL, meaning_of
from sim.experiment.replications import FIRST, PRECISION, STAYS
from sim.experiment.selection import ALPHA
from sim.experiment.selection import FIRST as SELECTION_FIRST

SCENARIOS_MAX = 500
BASE_NAME = "as it is"
"""Name of the only scenario of a file that varies nothing."""

Share = Annotated[float, Meta(gt=0, le=1)]


class Goal(StrEnum):
    """Which end of a figure is wanted."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One scenario of the study: its name and the keys that it sets, by dotted path."""

    name: str
    overrides: tuple[tuple[str, Any], ...] = ()


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any table of the file: an unknown key is an error."""


class Select(_Table, frozen=True, kw_only=True):
    """Find the scenario with the best ``figure``; differences below ``delta`` do not matter; risk ``alpha``."""

    figure: str
    goal: Goal
    delta: Annotated[float, Meta(gt=0)]
    alpha: Annotated[float, Meta(gt=0, lt=0.5)] = ALPHA
    first: Annotated[int, Meta(ge=3)] = SELECTION_FIRST


class Demand(_Table, frozen=True, kw_only=True):
    """The interval of ``figure`` must stay on this side of a bound; exactly one of the two is given."""

    figure: str
    at_most: float | None = None
    at_least: float | None = None


class Staffing(_Table, frozen=True, kw_only=True):
    """The fewest persons (sum of these keys of the scenario) that meet every demand."""

    persons: Annotated[list[str], Meta(min_length=1)]
    demand: Annotated[list[Demand], Meta(min_length=1)]


class _Named(_Table, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    set: dict[str, Any] = {}


class _File(_Table, frozen=True, kw_only=True):
    schema: Literal["sim-experiment/1"]
    base: str
    parcels: Annotated[int, Meta(ge=20, le=10_000_000)]
    question: str = ""
    seed: Annotated[int, Meta(ge=0, le=SEED_MAX)] = 1
    horizon: Horizon = Horizon.DAY
    replications: Literal["auto", "batches"] | Annotated[int, Meta(ge=1, le=10_000)] = "auto"
    parcels_max: Annotated[int, Meta(ge=20, le=10_000_000)] = 1_000_000
    replications_max: Annotated[int, Meta(ge=FIRST + STAYS, le=10_000)] = 100
    precision: Share = PRECISION
    precision_of: list[str] = []
    figures: list[str] = []
    compare: str = ""
    select: Select | None = None
    staffing: Staffing | None = None
    scenario: list[_Named] = []
    grid: dict[str, Annotated[list[Any], Meta(min_length=1)]] = {}
    grid_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment as read. ``replications`` 0: as many as ``precision`` of ``precision_of`` needs.

    ``batches``: one long run of each scenario instead, doubled up to ``parcels_max`` until its batch means settle.
    ``baseline``: the scenario that the others are compared with ("": none). Scenarios are read later.
    """

    path: Path
    question: str
    base: Path
    cases: tuple[Case, ...]
    parcels: int
    seed: int
    horizon: Horizon
    replications: int
    batches: bool
    parcels_max: int
    replications_max: int
    precision: float
    precision_of: tuple[str, ...]
    figures: tuple[str, ...]
    baseline: str
    select: Select | None
    staffing: Staffing | None


def load_plan(path: Path) -> Plan:
    """Read an experiment file. Raises ``SettingsError`` with one line per problem."""
    file = TomlFile.load(path)
    if file.data.get("schema") != _SCHEMA:
        file.complain("schema", f'expected "{_SCHEMA}" (an experiment, see config/experiments/)')
        file.finish()
    _expect_finite(file, file.data, "")
    file.finish()
    try:
        read = msgspec.convert(_floats(file.data), _File)
    except msgspec.ValidationError as error:
        where, text = _told(str(error))
        file.complain(where, text)
        file.finish()
        raise
    figures = tuple(read.figures) or USUAL
    plan = Plan(
        path=path,
        question=read.question,
        base=path.parent / read.base,
        cases=_cases(file, read),
        parcels=read.parcels,
        seed=read.seed,
        horizon=Horizon.STEADY if read.replications == "batches" else read.horizon,
        replications=read.replications if isinstance(read.replications, int) else 0,
        batches=read.replications == "batches",
        parcels_max=read.parcels_max,
        replications_max=read.replications_max,
        precision=read.precision,
        precision_of=tuple(read.precision_of) or figures[:1],
        figures=figures,
        baseline=read.compare,
        select=read.select,
        staffing=read.staffing,
    )
    _check(file, plan)
    file.finish()
    return plan


_SCHEMA = "sim-experiment/1"
_CHOICES = {"horizon": tuple(map(str, Horizon)), "goal": tuple(map(str, Goal))}
_KNOWN = sorted({field for kind in (_File, Select, Demand, Staffing, _Named) for field in kind.__struct_fields__})


def _expect_finite(file: TomlFile, value: Any, where: str) -> None:
    """TOML knows inf and nan; no key of a study takes them."""
    if isinstance(value, dict):
        for key, item in value.items():
            _expect_finite(file, item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _expect_finite(file, item, f"{where}[{place}]")
    elif isinstance(value, Decimal) and not math.isfinite(float(value)):
        file.complain(where, f"expected a finite number, was {value}")


def _floats(value: Any) -> Any:
    """TOML's decimal numbers as floats; a scenario's reader takes them as they were written."""
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _told(error: str) -> tuple[str, str]:
    """(key path, text) of a complaint of msgspec, with the nearest known key."""
    text, _, place = error.partition(" - at `$")
    where = place.removesuffix("`").removesuffix("[...]").lstrip(".")
    unknown = re.search(r"unknown field `(.*)`", text)
    if unknown:
        near = difflib.get_close_matches(unknown[1], _KNOWN, n=1)
        advice = f", did you mean {near[0]!r}?" if near else ""
        return ".".join(filter(None, (where, unknown[1]))), f"unknown key{advice}"
    choices = _CHOICES.get(where.rpartition(".")[2]) if "enum value" in text else None
    if choices:
        return where, f"expected {' or '.join(choices)}, was {text.partition('enum value ')[2]}"
    return where, text[:1].lower() + text[1:]


def _cases(file: TomlFile, read: _File) -> tuple[Case, ...]:
    """The named scenarios, then the grid; the base as it is when there are none."""
    cases = [Case(name=one.name, overrides=tuple(sorted(one.set.items()))) for one in read.scenario]
    count = 1
    for values in read.grid.values():
        count *= len(values)
    if count > SCENARIOS_MAX:
        file.complain("grid", f"expected at most {SCENARIOS_MAX} combinations, was {count}")
    elif read.grid:
        keys = list(read.grid)
        for chosen in itertools.product(*read.grid.values()):
            overrides = tuple(sorted(zip(keys, chosen, strict=True)))
            cases.append(Case(name=_grid_name(read.grid_name, overrides), overrides=overrides))
    names = [case.name for case in cases]
    for name in sorted({name for name in names if names.count(name) > 1}):
        file.complain("scenario", f"the name {name!r} stands twice")
    return tuple(cases) or (Case(name=BASE_NAME),)


def _grid_name(pattern: str, overrides: Sequence[tuple[str, Any]]) -> str:
    name = pattern or ", ".join(f"{key} {{{key}}}" for key, _ in overrides)
    for key, value in overrides:
        name = name.replace(f"{{{key}}}", str(value))
    return name


def _check(file: TomlFile, plan: Plan) -> None:
    if not plan.base.is_file():
        file.complain("base", f"expected a scenario file, {plan.base} is none; a relative path starts at this file")
    _check_figures(file, "figures", plan.figures)
    _check_figures(file, "precision_of", plan.precision_of)
    if plan.batches:
        if plan.baseline or plan.select or plan.staffing:
            file.complain("replications", '"batches" can\'t compare, select or staff: these need replications')
        if SERIES.keys().isdisjoint(plan.figures):
            known = ", ".join(SERIES)
            file.complain("figures", f"batches have intervals of means over parcels only, expected one of {known}")
        if plan.parcels < OBSERVATIONS_MIN:
            file.complain("parcels", f"expected at least {OBSERVATIONS_MIN} for batches, was {plan.parcels}")
    names = [case.name for case in plan.cases]
    if plan.baseline and plan.baseline not in names:
        near = difflib.get_close_matches(plan.baseline, names, n=1, cutoff=0) or names[:1]
        file.complain("compare", f"no scenario has the name {plan.baseline!r}, did you mean {near[0]!r}?")
    if plan.select is not None:
        _check_figures(file, "select.figure", [plan.select.figure])
        if len(plan.cases) < 2:
            file.complain("select", "expected two or more scenarios to select from")
    for place, demand in enumerate(plan.staffing.demand if plan.staffing else ()):
        where = f"staffing.demand[{place}]"
        _check_figures(file, f"{where}.figure", [demand.figure])
        if (demand.at_most is None) == (demand.at_least is None):
            file.complain(where, f"{demand.figure}: expected one of at_most and at_least")


def _check_figures(file: TomlFile, where: str, names: Sequence[str]) -> None:
    for name in names:
        try:
            meaning_of(name)
        except (KeyError, ValueError):
            near = difflib.get_close_matches(name, FIGURES, n=1)
            advice = f", did you mean {near[0]!r}?" if near else ";"
            known = ", ".join([*FIGURES, f"{GROUND_PREFIX}<GROUND>"])
            file.complain(where, f"{name!r} is no figure{advice} known: {known}")


__all__ = ["Case", "Demand", "Goal", "Plan", "Select", "SettingsError", "Staffing", "load_plan"]
