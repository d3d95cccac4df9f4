"""What a study remembers of one run: times of every parcel and the lane's states, taken from the lane's own records.

The controller is the real one; ``watched`` only reads the events of each step. Ground truth (when a body arrived, what
was wrong with it) is joined to them after the run by the referee's own matching.
"""

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
    "arrived_us", "inducted_us", "length_um", "left_us", "released", "grounds", "planted", "asked_us", "answered_us",
    "started_us", "opened_us",
)  # fmt: skip
"""One entry per lane parcel in each, by lane number; NEVER where it did not happen. ``left_us``: an exit proved it;
``released``: 1 through the gate; ``asked_us``, ``answered_us``: review; ``started_us``, ``opened_us``: at the bench."""


@dataclass(slots=True, kw_only=True)
class Log:
    """One finished run: ``columns`` as named above, ``states`` as rows of (time, state), and single values."""

    columns: dict[str, Column]
    states: Column
    single: dict[str, Any]


@dataclass(slots=True)
class _Row:
    inducted_us: int = NEVER
    length_um: int = 0
    left_us: int = NEVER
    released: int = 0
    grounds: int = 0
    asked_us: int = NEVER
    answered_us: int = NEVER
    started_us: int = NEVER
    opened_us: int = NEVER


@dataclass(slots=True)
class Watch:
    """Collects while the lane runs."""

    rows: dict[int, _Row] = field(default_factory=dict)
    states: list[tuple[int, int]] = field(default_factory=list)
    _free_us: dict[str, int] = field(default_factory=dict)

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
        """An officer has opened it. He began when it came, or when he was done with the one before."""
        row = self._row(event.seq)
        row.opened_us = event.at_us
        row.started_us = max(row.left_us, self._free_us.get(event.person, NEVER))
        self._free_us[event.person] = event.at_us

    def state(self, event: StateChanged) -> None:
        """The lane's state."""
        self.states.append((event.at_us, int(event.reached)))

    def log(self, referee: Referee, single: dict[str, Any]) -> Log:
        """The finished run; ``single``: values that hold for the whole of it."""
        seqs = sorted(self.rows)
        bodies = [referee.body_of(seq) for seq in seqs]
        columns = {
            name: np.array([getattr(self.rows[seq], name) for seq in seqs], dtype=np.int64)
            for name in COLUMNS
            if name not in ("arrived_us", "planted")
        }
        columns["arrived_us"] = np.array([body.arrival_us if body else NEVER for body in bodies], dtype=np.int64)
        columns["planted"] = np.array([PLANTED_CODE[body.planted] if body else -1 for body in bodies], dtype=np.int64)
        return Log(columns=columns, states=np.array(self.states, dtype=np.int64).reshape(-1, 2), single=single)


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
