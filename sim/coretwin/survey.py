"""What a run says of the lane as a place of work: how long parcels wait and ride, how often it stops and why.

Fed with the lane's own events; only the time at which a parcel came to the feeder is ground truth.
"""

from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lane.events.machine import StateChanged
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    ParcelDiverted,
    ParcelInducted,
    ParcelReleased,
    TrackingLost,
)
from lane.model.grounds import Ground
from lane.model.words import Via
from lane.permits import decision_um
from sim.world.meter import SECOND_US, quantile, seconds
from sim.world.states import StateTimes

if TYPE_CHECKING:
    from sim.coretwin.station import Station

LATE = frozenset({Ground.VISION_TIMEOUT, Ground.REVIEW_UNANSWERED, Ground.DECISION_LATE})
"""Decisions for want of time: no count, no answer at the screen, or past the point where the gate could still open."""

_GATE = Via.GATE


class Survey:
    """Figures of one station's lane. ``listeners``: what it wants to hear."""

    def __init__(self, station: "Station") -> None:
        self._station = station
        self._inducted_us: dict[int, int] = {}
        self._ride_us = array("q")
        self._wait_us = array("q")
        self._decisions = self._late = 0
        self.states = StateTimes()
        self.listeners: dict[type, Callable[[Any], None]] = {
            ParcelInducted: self._inducted,
            DispositionDecided: self._decided,
            ParcelReleased: self._released,
            ParcelDiverted: self._left,
            CustodyUnproven: self._forget,
            TrackingLost: self._forget,
            StateChanged: self.states.changed,
        }

    def _inducted(self, event: ParcelInducted) -> None:
        self._inducted_us[event.seq] = event.at_us
        truth = self._station.referee.body_of(event.seq)
        if truth is not None:
            self._wait_us.append(max(0, event.at_us - truth.arrival_us))

    def _decided(self, event: DispositionDecided) -> None:
        self._decisions += 1
        self._late += not LATE.isdisjoint(event.grounds)

    def _released(self, event: ParcelReleased) -> None:
        if event.via is _GATE:
            self._left(event)

    def _left(self, event: ParcelReleased | ParcelDiverted) -> None:
        since_us = self._inducted_us.pop(event.seq, None)
        if since_us is not None:
            self._ride_us.append(event.at_us - since_us)

    def _forget(self, event: CustodyUnproven | TrackingLost) -> None:
        """It may have been taken off the belt: its ride tells nothing."""
        self._inducted_us.pop(event.seq, None)

    def figures(self, until_us: int) -> dict[str, object]:
        """Figures of the whole run. Percent of the time refers to the planned time (``StateTimes``)."""
        ride, wait = sorted(self._ride_us), sorted(self._wait_us)
        config = self._station.config
        way_um = decision_um(config) - config.layout.tunnel_exit_um
        return {
            "lane_time_mean_s": _mean_s(ride),
            **{f"lane_time_p{p}_s": seconds(quantile(ride, p)) for p in (50, 95)},
            "feeder_wait_mean_s": _mean_s(wait),
            "feeder_wait_p95_s": seconds(quantile(wait, 95)),
            "belt_after_tunnel_mm": (config.layout.divert_um - config.layout.tunnel_exit_um) // 1_000,
            "review_time_s": round(way_um / config.speed_um_s, 3),
            "late_decisions": self._late,
            "late_per_thousand": round(1_000 * self._late / max(1, self._decisions), 3),
            **self.states.figures(until_us, self._decisions),
        }


def together(*tables: dict[type, Callable[[Any], None]]) -> dict[type, Callable[[Any], None]]:
    """One listener per kind of event: of several, one that calls them in order."""
    kinds = dict.fromkeys(kind for table in tables for kind in table)
    return {kind: _in_turn([table[kind] for table in tables if kind in table]) for kind in kinds}


def _in_turn(listeners: list[Callable[[Any], None]]) -> Callable[[Any], None]:
    first, *others = listeners
    if not others:
        return first
    rest = _in_turn(others)

    def hear(event: Any) -> None:
        first(event)
        rest(event)

    return hear


def _mean_s(values: list[int]) -> float | None:
    return round(sum(values) / len(values) / SECOND_US, 3) if values else None
