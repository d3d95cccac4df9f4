"""A case: everything that one run of the search is made of, ready to be written down, shortened and run again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lane.permits import decision_um
from lane.settings.reader import SettingsError, read_text
from sim.arguments import SEED_MAX
from sim.explore.corners import CORNERS, corner_faults, corner_of, corner_setup
from sim.explore.setup import Field, Setup, arrivals, config_of, draw_setup, goods_of
from sim.faults import CATALOGUE, STREAM_KINDS, Fault, FaultKind
from sim.streams.arrivals import DAY_US
from sim.streams.randoms import Keyed, key
from sim.streams.truth import ParcelTruth

SCHEMA = "sim-case/1"
CALM = 80
"""Parcels of the liveness phase: twenty or so come in its first minute, the rest is measured."""
PARCELS = 300
"""Parcels of one case."""
PARCELS_MAX = 3_000
"""Of a case file: ten times the usual, some seconds of work."""
FAULT_US_MAX, FAULT_UM_MAX = 60_000_000, 50_000_000
"""No fault need last longer, or happen further from the induct eye, to be seen on a lane."""
AGAIN = 30
"""A parcel that comes round again is this many places behind its first time: about the way by the bench."""
WAY_US = 22_000_000
"""A parcel's faults begin within this after the induct eye; the way takes 8 to 22 s."""


class Mode(StrEnum):
    """Which faults a case has."""

    CLEAN = "clean"  # none
    FEW = "few"  # one to eight kinds
    SWARM = "swarm"  # each kind with probability one half
    ALL_ON = "all-on"  # every kind
    CORNER = "corner"  # a handful of kinds, thick, on a lane at the edge of what it may be (sim.explore.corners)


MIX = (Mode.FEW, Mode.SWARM, Mode.FEW, Mode.ALL_ON, Mode.FEW, Mode.SWARM, Mode.CLEAN, Mode.ALL_ON)
"""Modes of a mixed search in turn."""
CORNER_PARCELS = 150
"""Parcels of one corner: half of the usual are enough, because faults come so thick."""
ALL_ON_PPM = 10_000
"""Rate of each kind per parcel when every kind is on."""


class CaseError(ValueError):
    """A case file that can't be read: names file, place and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``parcels`` of the stream arrive; ``kept``: only these numbers (empty: all). ``calm``: the last so many are the
    liveness phase, which begins when the first of them stands at the induct eye. ``plain``: these parcels are sound
    and in order, whatever their stream has. ``expects``: violations that a stored case must show (empty: none)."""

    seed: Annotated[int, Meta(ge=0, le=SEED_MAX)]
    mode: Mode
    setup: Setup
    parcels: Annotated[int, Meta(ge=1, le=PARCELS_MAX)] = PARCELS
    calm: Annotated[int, Meta(ge=0)] = CALM
    faults: tuple[Fault, ...] = ()
    kept: tuple[int, ...] = ()
    expects: tuple[Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]{1,20}$")], ...] = ()
    note: str = ""


def draw_case(seed: int, mode: Mode, field: Field, parcels: int = PARCELS) -> Case:
    """The case of a seed: configuration and materialised plan of faults."""
    if mode is Mode.CORNER:
        return corner_case(seed, corner_of(seed), field, parcels)
    setup = draw_setup(seed, field)
    calm = min(CALM, parcels // 3)
    return Case(
        seed=seed,
        mode=mode,
        setup=setup,
        parcels=parcels,
        calm=calm,
        faults=plan(seed, mode, parcels - calm),
    )


def corner_case(seed: int, number: int, field: Field, parcels: int = CORNER_PARCELS) -> Case:
    """The case of a seed in the ``number``-th corner."""
    setup = corner_setup(number, seed, field)
    calm = min(CALM, parcels // 3)
    faults = corner_faults(number, seed, setup, parcels - calm, WAY_US)
    note = CORNERS[number].name
    return Case(seed=seed, mode=Mode.CORNER, setup=setup, parcels=parcels, calm=calm, faults=faults, note=note)


def corner_in_turn(seed: int, turn: int, fields: Sequence[Field]) -> Case:
    """The ``turn``-th corner of a search, from 0: all corners, then all of them again with the next field each."""
    number, again = turn % len(CORNERS), turn // len(CORNERS)
    return corner_case(seed, number, fields[(number + again) % len(fields)])


def rates(seed: int, mode: Mode) -> dict[FaultKind, int]:
    """Faults per million parcels of each kind that is on (swarm: 10^U(-3, -0.7) per parcel)."""
    keyed = Keyed(seed, "kinds")
    kinds = list(FaultKind)
    match mode:
        case Mode.CLEAN | Mode.CORNER:
            return {}
        case Mode.ALL_ON:
            return dict.fromkeys(kinds, ALL_ON_PPM)
        case Mode.FEW:
            keyed.shuffle(kinds)
            chosen = kinds[: keyed.between(1, 8)]
        case Mode.SWARM:
            chosen = [kind for kind in kinds if keyed.permille(500)]
    return {kind: int(1_000_000 * 10.0 ** -(keyed.between(700, 3_000) / 1_000)) for kind in chosen}


def plan(seed: int, mode: Mode, parcels: int) -> tuple[Fault, ...]:
    """The faults of a case, from one keyed stream per kind: each belongs to a parcel of the safety phase."""
    faults = []
    for kind, ppm in rates(seed, mode).items():
        keyed, shape = Keyed(seed, "fault", kind), CATALOGUE[kind]
        for parcel in range(1, parcels + 1):
            if keyed.ppm(ppm):
                strength = keyed.between(*shape.strength)
                if kind is FaultKind.BODY_INSERTED and keyed.permille(500):
                    strength = 0
                faults.append(
                    Fault(
                        kind=kind,
                        at_us=keyed.between(0, WAY_US),
                        duration_us=keyed.between(*shape.duration_us),
                        position_um=keyed.between(200_000, 8_000_000),
                        parcel=parcel,
                        strength=strength,
                    )
                )
    return tuple(sorted(faults, key=lambda fault: (fault.parcel, fault.at_us, fault.kind)))


def case_seed(seed: int, number: int) -> int:
    """Seed of the ``number``-th case of a search."""
    return key(seed, "case", number) >> 12  # as a number that JSON keeps


def of_stream(case: Case) -> list[Fault]:
    """Faults that change the stream itself: they take effect before the run, where there is a parcel to repeat."""
    first = {FaultKind.DUPLICATE_WAYBILL: 2, FaultKind.INDUCTED_AGAIN: AGAIN + 1}
    return [fault for fault in case.faults if fault.kind in STREAM_KINDS and fault.parcel >= first[fault.kind]]


def stream_of(case: Case) -> list[ParcelTruth]:
    """The parcels of a case in order of arrival."""
    setup = case.setup
    goods, _ = goods_of(setup.goods, case.parcels, setup.planted_permille)
    times = arrivals(setup, case.parcels, case.seed)
    stream = [replace(parcel, arrival_us=at_us) for parcel, at_us in zip(goods, times, strict=True)]
    for fault in of_stream(case):
        place = fault.parcel - 1
        if fault.kind is FaultKind.DUPLICATE_WAYBILL:
            stream[place] = replace(stream[place], label=goods[place - 1].label)
        else:
            stream[place] = replace(goods[place - AGAIN], number=fault.parcel, arrival_us=times[place])
    if case.kept:
        kept = set(case.kept)
        stream = [parcel for parcel in stream if parcel.number in kept]
    return stream


# --- on paper


def to_text(case: Case) -> str:
    """A case as JSON text."""
    plain = {"schema": SCHEMA, **asdict(case)}
    plain["faults"] = [{name: value for name, value in asdict(fault).items() if value} for fault in case.faults]
    return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


def from_text(text: str, where: str) -> Case:
    """Read a case. Raises CaseError naming the key."""
    try:
        plain = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise CaseError(f"{where}: expected a case as JSON ({error})") from error
    if not isinstance(plain, dict) or plain.pop("schema", "") != SCHEMA:
        raise CaseError(f'{where}: expected "schema": "{SCHEMA}" (a case that `lane sim search` wrote)')
    _known(plain, Case, where)
    _known(plain.get("setup"), Setup, f"{where}: setup")
    faults = plain.get("faults")
    for place, fault in enumerate(faults if isinstance(faults, list) else ()):
        _known(fault, Fault, f"{where}: faults[{place}]")
        if isinstance(fault, dict):
            fault.setdefault("at_us", 0)  # a value that is 0 is not written
    try:
        case = msgspec.convert(plain, Case)
    except msgspec.ValidationError as error:
        what, _, key_path = str(error).partition(" - at `$")
        at = key_path.strip(".`") or "case"
        raise CaseError(f"{where}: {at}: {what[0].lower()}{what[1:]}; compare with tests/sim/explore/cases") from error
    for wrong in _wrong(case):
        raise CaseError(f"{where}: {wrong}")
    return case


def _known(plain: object, kind: Any, where: str) -> None:
    known = [field.name for field in fields(kind)]
    for name in plain if isinstance(plain, dict) else ():
        if name not in known:
            raise CaseError(f"{where}: unknown key {name!r}; expected one of {', '.join(known)}")


def _wrong(case: Case) -> Iterator[str]:
    """What can't be, though each value for itself could."""
    if case.calm > case.parcels:
        yield f"calm: expected at most parcels ({case.parcels}), was {case.calm}"
    if list(case.kept) != sorted(set(case.kept) & set(range(1, case.parcels + 1))):
        yield f"kept: expected numbers 1..{case.parcels}, rising"
    for place, fault in enumerate(case.faults):
        shape = CATALOGUE[fault.kind]
        for name, value, low, high in (
            ("parcel", fault.parcel, 0, case.parcels),
            ("at_us", fault.at_us, 0, DAY_US),
            ("duration_us", fault.duration_us, 0, max(FAULT_US_MAX, shape.duration_us[1])),
            ("position_um", fault.position_um, 0, FAULT_UM_MAX),
            ("strength", fault.strength, min(0, shape.strength[0]), max(0, shape.strength[1])),
        ):
            if not low <= value <= high:
                yield f"faults[{place}]: {name}: expected {low}..{high} of {fault.kind}, was {value}"
    config = config_of(case.setup)
    if min(decision_um(config), config.layout.second_reader_um) <= config.layout.tunnel_exit_um:
        yield "setup: run_um: decision point and second reader stand behind the tunnel; expected more of run_um"


def load_case(path: Path) -> Case:
    """Read a case file. Raises CaseError."""
    try:
        return from_text(read_text(path), str(path))
    except SettingsError as error:
        raise CaseError(str(error)) from error
