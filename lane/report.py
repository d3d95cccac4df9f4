"""Summary of a run or shift, folded from the journal: what rode, where it went, why, and how the draw stands.

The three sampling figures stay apart: drawn at random, ordered by customs, opened for other grounds.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lane.events import machine as m
from lane.events import parcel as p
from lane.model.grounds import Ground
from lane.model.words import BenchResult, Route, Via

OTHER_GROUNDS = frozenset({Ground.RANDOM_DRAW, Ground.INSPECTION_ORDERED})


@dataclass(slots=True)
class Report:
    """Feed it records in order with ``take``; ``plain`` gives the figures."""

    first_us: int = -1
    last_us: int = -1
    counts: Counter[str] = field(default_factory=Counter)
    grounds: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    alarms: Counter[int] = field(default_factory=Counter)
    states_us: Counter[str] = field(default_factory=Counter)
    _state: tuple[str, int] = ("STOPPED", -1)
    _drawn_open: set[int] = field(default_factory=set)

    def take_all(self, records: Iterable[Any]) -> "Report":
        """Take many records in."""
        for item in records:
            self.take(item)
        return self

    def take(self, item: Any) -> None:
        """Take one record (input or event) in."""
        at_us = item.at_us
        self.first_us = at_us if self.first_us < 0 else self.first_us
        self.last_us = max(self.last_us, at_us)
        match item:
            case p.ParcelInducted():
                self.counts["inducted"] += 1
            case p.ParcelDrawn():
                self._draw(item)
            case p.ContentCompared():
                self.findings[item.finding.value] += 1
            case p.DispositionDecided():
                self._decided(item)
            case p.ParcelReleased():
                self.counts["released_by_gate" if item.via is Via.GATE else "released_by_bench"] += 1
            case p.ParcelDiverted():
                self.counts["diverted"] += 1
            case p.CustodyUnproven():
                self.counts["custody_unproven"] += 1
            case p.RecallRaised():
                self.counts["recalled"] += 1
            case p.BenchRecorded():
                self.results[item.result.value] += 1
                if item.result is not BenchResult.RESCAN:
                    self._drawn_open.discard(item.seq)
            case m.AlarmRaised():
                self.alarms[item.number] += 1
            case m.StateChanged():
                self._enter(item.reached.name, at_us)
            case _:
                pass

    def _draw(self, item: p.ParcelDrawn) -> None:
        self.counts["drawn_counted"] += item.counts
        self.counts["drawn_selected"] += item.drawn and item.counts
        if item.effective:
            self._drawn_open.add(item.seq)

    def _decided(self, item: p.DispositionDecided) -> None:
        self.grounds.update(ground.value for ground in item.grounds)
        if item.route is Route.RELEASE:
            self.counts["decided_release"] += 1
            return
        self.counts["decided_inspect"] += 1
        self.counts["inspect_random_draw"] += Ground.RANDOM_DRAW in item.grounds
        self.counts["inspect_ordered"] += Ground.INSPECTION_ORDERED in item.grounds
        self.counts["inspect_other_grounds"] += not OTHER_GROUNDS & set(item.grounds)

    def _enter(self, state: str, at_us: int) -> None:
        name, since_us = self._state
        if since_us >= 0:
            self.states_us[name] += at_us - since_us
        self._state = (state, at_us)

    def plain(self) -> dict[str, Any]:
        """The figures as plain data. Seconds are lane time; the rate is in per mille (a whole number)."""
        drawn, selected = self.counts["drawn_counted"], self.counts["drawn_selected"]
        return {
            "lane_s": max(0, self.last_us - self.first_us) // 1_000_000,
            "counts": dict(sorted(self.counts.items())),
            "draw": {
                "n": drawn,
                "selected": selected,
                "rate_permille": selected * 1_000 // drawn if drawn else 0,
                "not_yet_opened": len(self._drawn_open),
            },
            "grounds": dict(self.grounds.most_common()),
            "findings": dict(self.findings.most_common()),
            "bench_results": dict(self.results.most_common()),
            "alarms": {str(number): count for number, count in sorted(self.alarms.items())},
            "state_s": {name: us // 1_000_000 for name, us in sorted(self.states_us.items())},
        }
