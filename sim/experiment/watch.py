"""What a study remembers of one run: times of every parcel and the lane's states, taken from the lane's own records.

The controller is the real one; ``watched`` only reads the events of each step. Ground truth (when a body arrived, what
was wrong with it) is joined to them after the run by the referee's own matching.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lane.commands import Step
from lane.controller.core import LaneController
from lane.events.machine import StateChanged
from lane.events.parcel import (
    BenchRecorded,
    DispositionDecided,
    ParcelDiverted,
    ParcelInducted,
    ParcelMeasured,
    ParcelReleased,
    ReviewAnswered,
    ReviewRequested,
)
from lane.inputs import AnyInput
from lane.model.config import CoreConfig
from lane.model.grounds import Ground
from lane.model.words import Route, Via
from sim.referee import Referee
from sim.streams.truth import Planted

GROUND_BIT = {ground: 1 << place for place, ground in enumerate(Ground)}
"""A parcel's grounds as one integer; the order is that of the table of grounds."""
PLANTED_CODE = {planted: code for code, planted in enumerate(Planted)}
NEVER = -1
"""Time of what did not happen."""
assert len(GROUND_BIT) < 63

Column = NDArray[np.int64]
COLUMNS = (
    "arrived_us", "inducted_us", "length_um", "left_us", "released", "looped", "grounds", "planted", "asked_us",
    "answered_us", "opened_us",
)  # fmt: skip
"""One entry per lane parcel in each, by lane number; NEVER where it did not happen. ``left_us``: an exit proved it;
``released``: 1 through the gate; ``looped``: 1 when it went round instead of to the bench; ``asked_us``,
``answered_us``: review; ``opened_us``: at the bench. ``started_us`` (when opening began) is added at the end."""
LOOP_PERSON = "twin-loop"
"""Who records that a parcel went round."""


@dataclass(slots=True, kw_only=True)
class Log:
    """One finished run: ``columns`` as named above, ``states`` as rows of (time, state, place of the cause in
    ``single["causes"]``), and single values."""

    columns: dict[str, Column]
    states: Column
    single: dict[str, Any]


@dataclass(slots=True)
class _Row:
    inducted_us: int = NEVER
    length_um: int = 0
    left_us: int = NEVER
    released: int = 0
    looped: int = 0
    grounds: int = 0
    asked_us: int = NEVER
    answered_us: int = NEVER
    opened_us: int = NEVER


@dataclass(slots=True)
class Watch:
    """Collects while the lane runs."""

    rows: dict[int, _Row] = field(default_factory=dict)
    states: list[tuple[int, int, int]] = field(default_factory=list)
    causes: dict[str, int] = field(default_factory=dict)

    def _row(self, seq: int) -> _Row:
        row = self.rows.get(seq)
        if row is None:
            row = self.rows[seq] = _Row()
        return row

    def inducted(self, event: ParcelInducted) -> None:
        """It got its lane number."""
        self._row(event.seq).inducted_us = event.at_us

    def measured(self, event: ParcelMeasured) -> None:
        """Its length."""
        self._row(event.seq).length_um = event.length_um

    def decided(self, event: DispositionDecided) -> None:
        """Its grounds at the decision point."""
        if event.route is Route.INSPECT:
            self._row(event.seq).grounds = _bits(event.grounds)

    def released(self, event: ParcelReleased) -> None:
        """The gate let it go, and the exit eye saw it."""
        if event.via is Via.GATE:
            row = self._row(event.seq)
            row.left_us, row.released = event.at_us, 1

    def diverted(self, event: ParcelDiverted) -> None:
        """It is on its way to the bench; its grounds are complete."""
        row = self._row(event.seq)
        row.left_us, row.grounds = event.at_us, _bits(event.grounds)

    def asked(self, event: ReviewRequested) -> None:
        """An officer at the screen is asked."""
        row = self._row(event.seq)
        if row.asked_us == NEVER:
            row.asked_us = event.at_us

    def answered(self, event: ReviewAnswered) -> None:
        """An officer at the screen has answered."""
        self._row(event.seq).answered_us = event.at_us

    def opened(self, event: BenchRecorded) -> None:
        """An officer has opened it, or it goes round."""
        row = self._row(event.seq)
        if event.person == LOOP_PERSON:
            row.looped = 1
        elif row.opened_us == NEVER:  # a second record of one opening says only that its code must be read first
            row.opened_us = event.at_us

    def state(self, event: StateChanged) -> None:
        """The lane's state and why."""
        cause = self.causes.setdefault(str(event.cause), len(self.causes))
        self.states.append((event.at_us, int(event.reached), cause))

    def log(self, referee: Referee, opening_us: Callable[[int], int], single: dict[str, Any]) -> Log:
        """The finished run; ``opening_us``: how long opening a lane parcel takes; ``single``: values of the whole."""
        seqs = sorted(self.rows)
        bodies = [referee.body_of(seq) for seq in seqs]
        columns = {
            name: np.array([getattr(self.rows[seq], name) for seq in seqs], dtype=np.int64)
            for name in COLUMNS
            if name not in ("arrived_us", "planted")
        }
        columns["arrived_us"] = np.array([body.arrival_us if body else NEVER for body in bodies], dtype=np.int64)
        columns["planted"] = np.array([PLANTED_CODE[body.planted] if body else -1 for body in bodies], dtype=np.int64)
        opened = [self.rows[seq].opened_us for seq in seqs]
        begun = [done - opening_us(seq) if done != NEVER else NEVER for seq, done in zip(seqs, opened, strict=True)]
        columns["started_us"] = np.array(begun, dtype=np.int64)
        states = np.array(self.states, dtype=np.int64).reshape(-1, 3)
        return Log(columns=columns, states=states, single=single | {"causes": list(self.causes)})


def _bits(grounds: tuple[Ground, ...]) -> int:
    bits = 0
    for ground in grounds:
        bits |= GROUND_BIT[ground]
    return bits


def watched(watch: Watch) -> type[LaneController]:
    """The real controller, whose events ``watch`` hears."""
    readers = {
        ParcelInducted: watch.inducted,
        ParcelMeasured: watch.measured,
        DispositionDecided: watch.decided,
        ParcelReleased: watch.released,
        ParcelDiverted: watch.diverted,
        ReviewRequested: watch.asked,
        ReviewAnswered: watch.answered,
        BenchRecorded: watch.opened,
        StateChanged: watch.state,
    }

    class Watched(LaneController):
        """Hands every step on unchanged."""

        def __init__(self, config: CoreConfig) -> None:
            super().__init__(config)

        def handle(self, item: AnyInput) -> Step:
            step = super().handle(item)
            for event in step.events:
                reader = readers.get(type(event))
                if reader is not None:
                    reader(event)  # type: ignore[operator]
            return step

    return Watched
