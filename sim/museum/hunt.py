"""Searches one deliberate bug with the fault search's own cases and oracles, and says which of them names it.

The same cases run with the bug and without it. A rule that the sound core breaks now and then too (a residual risk of
a plainer field) names a bug only when it breaks again and again in cases where the sound core keeps it. Bugs that only
cost throughput or sampling show in the efficiency oracles: figures of the cases without faults, bug against sound.
"""

import gc
import hashlib
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from sim.coretwin.station import Station
from sim.explore.case import PARCELS, Case, Mode, case_seed, corner_in_turn, draw_case, stream_of
from sim.explore.residual import unexplained
from sim.explore.run import CRASH, CaseResult, run_case
from sim.explore.search import FIELDS, Plan
from sim.explore.setup import Field
from sim.museum.bug import Bug
from sim.museum.patching import applied

ORDER = (Mode.ALL_ON, Mode.SWARM, Mode.CLEAN, Mode.FEW)
"""Modes of a mixed hunt in turn: where most goes wrong comes first; fields change with every case."""
PLANS: dict[str, tuple[Mode, ...]] = {"mixed": ORDER, "swarm": (Mode.SWARM,), "all-on": (Mode.ALL_ON,)}
"""Modes of the search that a bug is hunted in."""
AGAIN = 6
"""Cases in which a rule that the sound core breaks elsewhere must break, and never the other way round: by luck alone
once in 64."""
CASE_S_MAX = 300
"""A case takes seconds; one that takes minutes runs in a circle."""
LANE = "/lane/"
"""Part of the path of every file of the controller."""
TWIN = "T0"
"""The twin itself stumbled: no merit of its oracles."""
HANG = "L0"
"""The core runs in a circle."""
LUCK = 3
"""Parcels by which two runs without faults may differ."""
MANY, SHARE_PERMILLE = 20, 150
"""With faults: parcels, stops or unproven ones by which two runs may differ, and share of the releases."""
FAMILIES = ("tracking", "identity", "device")
"""Families of grounds that may cost at most 0.5 % of the sound parcels when nothing is wrong."""


@dataclass(slots=True, kw_only=True)
class Hunt:
    """What became of one bug in one kind of search. ``rule`` "": not found within ``parcels``."""

    bug: str
    mode: str
    seed: int
    parcels: int
    rule: str = ""
    text: str = ""
    changed: bool = False
    """Whether the records of any case differed from the sound core's: else the bug was never awake."""


@dataclass(slots=True)
class Shown:
    """What one case showed: broken rules with the parcels fed until then, and figures."""

    rules: dict[str, tuple[int, str]]
    figures: Counter[str]
    field: Field
    weak: frozenset[str] = frozenset()
    """Rules of which a known residual risk explains every break."""
    books: str = ""
    """Hash over number of records and every parcel's way and grounds."""


@dataclass(slots=True)
class Sound:
    """The sound core's own cases, kept while a worker lives."""

    seed: int
    cases: dict[tuple[str, int, str], Shown] = field(default_factory=dict)

    def case(self, mode: str, plan: Plan, number: int, bug: Bug) -> Shown:
        """The case without the bug (and without the line of defence that would mask it)."""
        key = (mode, number, repr(bug.without))
        known = self.cases.get(key)
        if known is None:
            with applied(bug.without):
                known = self.cases[key] = shown(case_at(plan, number))
        return known


def case_at(plan: Plan, number: int) -> Case:
    """The ``number``-th case of a hunt, from 0. A mixed one takes a case of the modes and two corners in turn."""
    seed, turn = case_seed(plan.seed, number), number
    if plan.modes == ORDER:
        turn, rest = divmod(number, 3)
        if rest:
            return corner_in_turn(seed, 2 * turn + rest - 1, FIELDS)
    return draw_case(seed, plan.modes[turn % len(plan.modes)], FIELDS[turn % len(FIELDS)], PARCELS)


def shown(case: Case) -> Shown:
    """Run a case as the code stands at this moment."""
    try:
        stations: list[Station] = []
        with _time_limit():
            found = run_case(case, hooks=(stations.append,))
    except _Circle:
        return Shown({HANG: (case.parcels, f"the case took more than {CASE_S_MAX} s")}, Counter(), case.setup.field)
    if found.crash and LANE not in found.crash.rpartition('File "')[2]:
        return Shown({TWIN: (case.parcels, found.crash[-200:])}, Counter(), case.setup.field)
    found.figures["moved blade"] = stations[0].referee.report()["moved_blade_under_body"]
    strong = {one.rule for one in unexplained(found)}
    weak = frozenset(found.rules) - strong
    return Shown(_rules(case, found), found.figures, case.setup.field, weak, _books(stations[0]))


def _books(station: Station) -> str:
    ways = [(one.seq, one.route, one.grounds, one.diverted) for one in station.referee.passages.values()]
    return hashlib.sha256(f"{station.journal.size} {ways}".encode()).hexdigest()


def _rules(case: Case, found: CaseResult) -> dict[str, tuple[int, str]]:
    if not found.broken:
        return {}
    arrivals = [parcel.arrival_us for parcel in stream_of(case)]
    rules: dict[str, tuple[int, str]] = {}
    for one in found.broken:
        fed = sum(at_us <= one.at_us for at_us in arrivals)
        if one.rule not in rules:
            rules[one.rule] = (max(1, fed), one.text)
    return rules


def hunt(
    bug: Bug, mode: str, seed: int, parcels: int, sound: Sound, progress: Callable[[int], object] | None = None
) -> Hunt:
    """Search for the bug in up to ``parcels`` parcels of this mode."""
    plan = Plan(seed=seed, parcels=parcels, modes=PLANS[mode])
    scales = Scales()
    changed = False
    number = done = 0
    while done < parcels:
        case = case_at(plan, number)
        clean = sound.case(mode, plan, number, bug)
        with applied((*bug.without, *bug.parts)):
            ill = shown(case)
        changed = changed or ill.books != clean.books
        named = scales.weigh(ill, clean)
        if named is not None:
            rule, fed, text = named
            return Hunt(bug=bug.name, mode=mode, seed=seed, parcels=done + fed, rule=rule, text=text, changed=True)
        number, done = number + 1, done + case.parcels
        if number % 4 == 0:
            gc.collect()
        if progress is not None:
            progress(case.parcels)
    return Hunt(bug=bug.name, mode=mode, seed=seed, parcels=done, changed=changed)


class Scales:
    """Weighs a case with the bug against the same case without it."""

    def __init__(self) -> None:
        self._only_ill: Counter[tuple[Field, str]] = Counter()
        self._only_clean: Counter[tuple[Field, str]] = Counter()
        self._noisy: set[tuple[Field, str]] = set()
        self._all_ill: Counter[str] = Counter()
        self._all_clean: Counter[str] = Counter()
        self._ill: Counter[str] = Counter()
        self._clean: Counter[str] = Counter()

    def weigh(self, ill: Shown, clean: Shown) -> tuple[str, int, str] | None:
        """(rule, parcels fed, text) that names the bug, or None."""
        field = clean.field
        self._noisy.update((field, rule) for rule in clean.rules)
        self._only_clean.update((field, rule) for rule in clean.rules.keys() - ill.rules.keys())
        named = []
        for rule in ill.rules.keys() - clean.rules.keys():
            self._only_ill[field, rule] += 1
            if self._proves(field, rule, weak=rule in ill.weak):
                named.append((ill.rules[rule][0], rule))
        if named:
            fed, rule = min(named)
            return rule, fed, ill.rules[rule][1]
        return self._efficiency(ill, clean)

    def _proves(self, field: Field, rule: str, *, weak: bool) -> bool:
        """Whether one more case with this broken rule names the bug."""
        if rule == TWIN:
            return False
        if rule in (CRASH, HANG) or (not weak and rule not in NOISY and (field, rule) not in self._noisy):
            return True
        return self._only_ill[field, rule] >= AGAIN and not self._only_clean[field, rule]

    def _efficiency(self, ill: Shown, clean: Shown) -> tuple[str, int, str] | None:
        """Figures added up: of all cases, and more narrowly of those without faults."""
        self._all_ill.update(_with_stops(ill.figures))
        self._all_clean.update(_with_stops(clean.figures))
        for name, worse, bound in self._under_faults():
            if worse > bound:
                text = f"{worse} worse than the sound core, {bound} are allowed"
                return name, ill.figures["parcels"] or PARCELS, text
        if not clean.figures["cases clean"]:
            return None
        self._ill.update(_with_stops(ill.figures))
        self._clean.update(_with_stops(clean.figures))
        sound, missed = self._clean["sound"], self._clean["missed content"]
        for name, more, bound in (
            ("E1 sound parcels opened", self._more(FAMILIES), LUCK + sound // 200),
            ("E2 opened for content", self._more(("content", "declaration", "order")), LUCK + sound // 50),
            ("E3 rate of the draw", abs(self._more(("draw",))), 2 * LUCK + sound // 100),
            ("E4 stops without a fault", self._ill["stops"] - self._clean["stops"], 2 * self._clean["cases clean"]),
            (
                "E5 content errors passed",
                self._ill["missed content"] - missed,
                LUCK + missed // 4,
            ),
            ("E6 not proven", self._ill["unproven"] - self._clean["unproven"], 0),
            ("E8 blade moved under a body", self._ill["moved blade"] - self._clean["moved blade"], LUCK),
            ("E7 fewer released", self._clean["released by gate"] - self._ill["released by gate"], LUCK + sound // 20),
        ):
            if more > bound:
                text = f"{more} more than the sound core, {bound} are allowed ({sound} sound parcels)"
                return name, ill.figures["parcels"] or PARCELS, text
        return None

    def _under_faults(self) -> tuple[tuple[str, int, int], ...]:
        """With faults two runs differ by more: shares of what the sound core does."""
        ill, clean = self._all_ill, self._all_clean
        released, stops, unproven = clean["released by gate"], clean["stops"], clean["unproven"]
        return (
            ("E7 fewer released", released - ill["released by gate"], MANY + released * SHARE_PERMILLE // 1_000),
            ("E4 more stops", ill["stops"] - stops, MANY + stops // 2),
            ("E6 more not proven", ill["unproven"] - unproven, MANY + unproven // 2),
        )

    def _more(self, families: tuple[str, ...]) -> int:
        return sum(self._ill[f"sound inspected {name}"] - self._clean[f"sound inspected {name}"] for name in families)


NOISY = frozenset({"L1", "L2", "L3", "L4", "L5"})
"""Liveness: a lane at another moment of its faults may take a little longer; one broken case proves nothing. Rules that
the sound core broke in an earlier case of the same field, and breaks that a known residual risk explains
(``sim.explore.residual``), prove nothing by one case either."""


def _with_stops(figures: Counter[str]) -> Counter[str]:
    """The figures, with the stops of all modes added up."""
    stops = sum(number for name, number in figures.items() if name.startswith("stops"))
    return figures | Counter({"stops": stops})


class _Circle(Exception):
    """A case that does not end."""


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _Circle

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(CASE_S_MAX)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
