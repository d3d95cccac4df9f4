"""Make a failing case small: leave things out as long as the same rule breaks (ddmin on the materialised case).

Order: the end (nothing after the failure can be its cause), fault kinds, fault instances, parcels, durations and
strengths, and last the lane itself, setting by setting, towards the usual one.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from lane.controller.core import LaneController
from sim.explore.case import Case
from sim.explore.residual import unexplained
from sim.explore.run import CaseResult, Hook, MakeController, run_case
from sim.explore.setup import Setup
from sim.explore.watch import Broken

T = TypeVar("T")
SECONDS_MAX = 60.0
"""A story not found by then is told as long as it is."""
LIVENESS = ("L1", "L2", "L3", "L4", "L5")
_ROUNDS = 3
"""Leaving parcels out may make more faults unnecessary: the whole is done again while it helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """The small case, what it breaks, how many runs that took."""

    case: Case
    found: CaseResult
    rule: str
    runs: int
    seconds: float


class Shrinker:
    """Shrinks one failing case. ``wanted``: rules of which one must go on to break (default: the first broken)."""

    def __init__(
        self,
        case: Case,
        wanted: Sequence[str] = (),
        make_controller: MakeController = LaneController,
        hooks: Sequence[Hook] = (),
        seconds_max: float = SECONDS_MAX,
        progress: Callable[[Case], object] | None = None,
    ) -> None:
        self.case = case
        self._wanted, self._make, self._hooks = tuple(wanted), make_controller, hooks
        self._progress = progress
        self._began = time.perf_counter()
        self._until = self._began + seconds_max
        self._found: CaseResult | None = None
        self._strict: bool | None = None
        self.runs = 0

    def run(self) -> Shrunk | None:
        """The smallest case found; None when the given one breaks nothing (that is wanted)."""
        if not self._fails(self.case):
            return None
        assert self._found is not None
        if not self._wanted:
            self._wanted = (self._counted(self._found)[0].rule,)
        self._cut_end()
        for _ in range(_ROUNDS):
            before = self._size()
            self._kinds()
            self._instances()
            self._parcels()
            if self._size() == before:
                break
        self._lengths()
        self._lane()
        return Shrunk(
            case=replace(self.case, expects=self._wanted),
            found=self._found,
            rule=self._wanted[0],
            runs=self.runs,
            seconds=time.perf_counter() - self._began,
        )

    # --- steps

    def _size(self) -> tuple[int, int]:
        return len(self.case.faults), len(self.case.kept) or self.case.parcels

    def _cut_end(self) -> None:
        """Parcels that come after the failure, and their faults."""
        assert self._found is not None
        if set(self._wanted) & set(LIVENESS):
            return
        numbers = self._numbers()
        low, high = 1, len(numbers)
        while low < high and not self._over():
            middle = (low + high) // 2
            if self._try(self._with_parcels(numbers[:middle])):
                high = middle
            else:
                low = middle + 1

    def _kinds(self) -> None:
        kinds = sorted({fault.kind for fault in self.case.faults})
        self._minimise(
            kinds, lambda kept: replace(self.case, faults=tuple(f for f in self.case.faults if f.kind in set(kept)))
        )

    def _instances(self) -> None:
        self._minimise(list(self.case.faults), lambda kept: replace(self.case, faults=tuple(kept)))

    def _parcels(self) -> None:
        """Suffix, prefix, then whatever in the middle can be left out."""
        calm = self.case.parcels - self.case.calm
        needed = set(self._wanted) & set(LIVENESS)
        numbers = self._numbers()
        fixed = [number for number in numbers if number > calm] if needed else []
        free = [number for number in numbers if number not in set(fixed)]
        self._minimise(free, lambda kept: self._with_parcels([*kept, *fixed]), at_least=0 if fixed else 1)

    def _lengths(self) -> None:
        """Shorter and weaker faults."""
        for place in range(len(self.case.faults)):
            for name in ("duration_us", "strength"):
                while not self._over():
                    fault = self.case.faults[place]
                    value = getattr(fault, name)
                    smaller = value // 2 if value >= 0 else -(-value // 2)
                    if abs(smaller) < 1 or not self._try(self._with_fault(place, replace(fault, **{name: smaller}))):
                        break

    def _lane(self) -> None:
        usual = Setup()
        for item in fields(Setup):
            value = getattr(usual, item.name)
            if item.name in ("field", "goods") or getattr(self.case.setup, item.name) == value or self._over():
                continue
            self._try(replace(self.case, setup=replace(self.case.setup, **{item.name: value})))

    # --- tools

    def _numbers(self) -> list[int]:
        return list(self.case.kept) or list(range(1, self.case.parcels + 1))

    def _with_parcels(self, numbers: Iterable[int]) -> Case:
        kept = tuple(sorted(numbers))
        faults = tuple(fault for fault in self.case.faults if not fault.parcel or fault.parcel in kept)
        return replace(self.case, kept=kept, faults=faults)

    def _with_fault(self, place: int, fault: object) -> Case:
        faults = list(self.case.faults)
        faults[place] = fault  # type: ignore[call-overload]
        return replace(self.case, faults=tuple(faults))

    def _over(self) -> bool:
        return time.perf_counter() > self._until

    def _fails(self, case: Case) -> bool:
        self.runs += 1
        found = run_case(case, self._make, self._hooks)
        if not any(not self._wanted or broken.rule in self._wanted for broken in self._counted(found)):
            return False
        self._found = found
        return True

    def _counted(self, found: CaseResult) -> list[Broken]:
        """What counts: as long as something is unexplained, a known residual risk is no finding."""
        if self._strict is None:
            self._strict = bool(unexplained(found))
        return unexplained(found) if self._strict else found.broken

    def _try(self, case: Case) -> bool:
        """Take the smaller case when it fails in the same way."""
        if not (case.kept or case.parcels) or not self._fails(case):
            return False
        self.case = case
        if self._progress is not None:
            self._progress(case)
        return True

    def _minimise(self, items: list[T], make: Callable[[list[T]], Case], at_least: int = 0) -> None:
        """Zeller's ddmin: ever smaller parts are left out while the case goes on failing."""
        parts = 2
        if at_least == 0 and items and self._try(make([])):
            return
        while len(items) > at_least and not self._over():
            size = -(-len(items) // parts)
            for start in range(len(items) - 1 - (len(items) - 1) % size, -1, -size):
                rest = items[:start] + items[start + size :]
                if len(rest) >= at_least and self._try(make(rest)):
                    items = rest
                    parts = max(2, parts - 1)
                    break
                if self._over():
                    return
            else:
                if size == 1:
                    return
                parts = min(len(items), 2 * parts)
