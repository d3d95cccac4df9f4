"""Figures of one replication, computed from its log; ``meanings`` says what each means.

Two horizons. ``day``: a terminating study, from the first parcel at the induct eye to the last one off the belt.
``steady``: the long run; parcels before the cut are left out, and time counts from the first parcel after it to the
last induction, so that neither the empty beginning nor the emptying end is in the figures.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lane.machine import BUCKETS, Bucket
from lane.model.grounds import Ground
from lane.model.words import State
from sim.experiment.meanings import GROUND_PREFIX, STOPPED_PREFIX
from sim.experiment.watch import GROUND_BIT, NEVER, PLANTED_CODE, Column, Log
from sim.streams.truth import CONTENT_ERRORS, Planted
from sim.world.states import STOPS

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
_COUNTED = (Bucket.OWN_FAULT, Bucket.WAITING, Bucket.SAFETY)
LATE = (Ground.VISION_TIMEOUT, Ground.DECISION_LATE, Ground.REVIEW_UNANSWERED)


class Horizon(StrEnum):
    """What a run stands for."""

    DAY = "day"
    STEADY = "steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Parcels ``first``.. count, and time from ``from_us`` to ``to_us``."""

    first: int
    from_us: int
    to_us: int

    @property
    def span_us(self) -> int:
        """Length, at least one microsecond."""
        return max(1, self.to_us - self.from_us)


def window_of(log: Log, horizon: Horizon, cut: int) -> Window:
    """What counts of this run. ``cut``: parcels to leave out in front (steady horizon only)."""
    inducted = log.columns["inducted_us"]
    if horizon is Horizon.DAY:
        return Window(first=0, from_us=int(inducted[0]), to_us=int(log.columns["left_us"].max()))
    first = min(cut, len(inducted) - 2)
    return Window(first=first, from_us=int(inducted[first]), to_us=int(inducted[-1]))


def figures_of(log: Log, horizon: Horizon, cut: int = 0) -> dict[str, float | None]:
    """All figures of one replication; None: nothing to measure (nobody was sent to the bench, say)."""
    window = window_of(log, horizon, cut)
    rows = {name: column[window.first :] for name, column in log.columns.items()}
    return {
        **_lane(log, rows, window),
        **_content(rows),
        **_bench(log, rows, window),
        **_review(log, rows),
        **_states(log, rows, window),
    }


def _lane(log: Log, rows: dict[str, Column], window: Window) -> dict[str, float | None]:
    left, arrived, inducted = rows["left_us"], rows["arrived_us"], rows["inducted_us"]
    gone = left != NEVER
    known = arrived != NEVER
    wait_s = np.maximum(0, inducted - arrived)[known] / SECOND_US
    every = np.where(log.columns["looped"] == 1, NEVER, log.columns["left_us"])
    exits = int(((every > window.from_us) & (every <= window.to_us)).sum())
    slots_us = (rows["length_um"] + log.single["gap_um"]).sum() * SECOND_US / log.single["speed_um_s"]
    return {
        "throughput_per_hour": exits * HOUR_US / window.span_us,
        "belt_used_percent": 100 * float(slots_us) / window.span_us,
        "feeder_wait_mean_s": _mean(wait_s),
        "feeder_wait_p95_s": _quantile(wait_s, 0.95),
        "lane_time_mean_s": _mean((left - inducted)[gone] / SECOND_US),
    }


def _content(rows: dict[str, Column]) -> dict[str, float | None]:
    planted, released = rows["planted"], rows["released"] == 1
    decided = rows["left_us"] != NEVER
    gone = decided & (rows["looped"] == 0)
    inspected = gone & ~released
    sound = gone & (planted == PLANTED_CODE[Planted.SOUND])
    wrong = gone & np.isin(planted, [PLANTED_CODE[kind] for kind in sorted(CONTENT_ERRORS)])
    late = sum(GROUND_BIT[ground] for ground in LATE)
    escaped = int((wrong & released).sum())
    all_of_them = int(gone.sum())
    figures: dict[str, float | None] = {
        "inspected_percent": _share(int(inspected.sum()), all_of_them, 100),
        "sound_inspected_percent": _share(int((sound & inspected).sum()), int(sound.sum()), 100),
        "escaped_permille": _share(escaped, int(wrong.sum()), 1_000),
        "escapes_per_million": _share(escaped, all_of_them, 1_000_000),
        "late_per_thousand": _share(int((decided & (rows["grounds"] & late != 0)).sum()), int(decided.sum()), 1_000),
    }
    for ground, bit in GROUND_BIT.items():
        having = int(((rows["grounds"] & bit != 0) & inspected).sum())
        if having:
            figures[GROUND_PREFIX + ground] = _share(having, all_of_them, 100)
    return figures


def _bench(log: Log, rows: dict[str, Column], window: Window) -> dict[str, float | None]:
    came, started, opened = _at_bench(log.columns)
    mine = rows["opened_us"] != NEVER
    wait_s = (rows["started_us"] - rows["left_us"])[mine] / SECOND_US
    level, held_us = queue_levels(came, started, window.from_us, window.to_us)
    busy_us = np.clip(opened, window.from_us, window.to_us) - np.clip(started, window.from_us, window.to_us)
    busy = float(busy_us.sum()) / window.span_us
    staff = _present(log.single["bench_staff"], window)
    last_opened = int(opened.max()) if len(opened) else window.to_us
    return {
        "bench_queue_mean": float((level * held_us).sum()) / window.span_us,
        **{f"bench_queue_p{p}": weighted_quantile(level, held_us, p / 100) for p in (50, 95, 99)},
        "bench_wait_mean_s": _mean(wait_s),
        **{f"bench_wait_p{p}_s": _quantile(wait_s, p / 100) for p in (50, 95, 99)},
        "bench_busy": busy,
        "bench_staff_mean": staff,
        "bench_utilisation_percent": 100 * busy / staff if staff else None,
        "overtime_min": max(0, last_opened - int(log.columns["left_us"].max())) / (60 * SECOND_US),
    }


def _present(staff: list[list[int]], window: Window) -> float:
    """Mean number of persons in the window; ``staff``: [[from this time, persons], ...]."""
    times = np.array([time for time, _ in staff] + [max(window.to_us, staff[-1][0])])
    spent = np.diff(np.clip(times, window.from_us, window.to_us))
    return float((spent * np.array([persons for _, persons in staff])).sum()) / window.span_us


def _review(log: Log, rows: dict[str, Column]) -> dict[str, float | None]:
    asked, answered = rows["asked_us"] != NEVER, rows["answered_us"] != NEVER
    people = log.single["people"]
    sent = people["loop_sent"]
    return {
        "review_asked_percent": _share(int(asked.sum()), len(asked), 100),
        "review_answered_percent": _share(int((asked & answered).sum()), int(asked.sum()), 100),
        **{name: people[name] for name in people if name.startswith("review_")},
        "loop_sent_percent": None if sent is None else _share(sent, len(log.columns["left_us"]), 100),
    }


def _states(log: Log, rows: dict[str, Column], window: Window) -> dict[str, float | None]:
    """Shares of the window by what a state means (``lane.machine.BUCKETS``); a stop lasts until the lane runs again."""
    begun, spent, stops = False, Counter[str](), 0
    cause = ""
    ends = [int(time) for time in log.states[1:, 0]] + [max(window.to_us, int(log.states[-1, 0]))]
    for (time, state, place), end in zip(log.states.tolist(), ends, strict=True):
        bucket = BUCKETS[State(state)]
        if State(state) in STOPS and begun:
            cause = log.single["causes"][place]
            stops += window.from_us < time <= window.to_us
        begun = begun or bucket is Bucket.RUNNING
        if bucket is Bucket.NOT_PLANNED and cause:  # reset and start after a stop belong to it
            bucket = Bucket.SAFETY
        passed = min(max(end, window.from_us), window.to_us) - min(max(time, window.from_us), window.to_us)
        spent[bucket] += passed
        if bucket in _COUNTED and cause:
            spent[STOPPED_PREFIX + cause] += passed

    def percent(name: str) -> float:
        return 100 * spent[name] / window.span_us

    return {
        "available_percent": percent(Bucket.RUNNING),
        "held_percent": percent(Bucket.OWN_FAULT),
        "suspended_percent": percent(Bucket.WAITING),
        "aborted_percent": percent(Bucket.SAFETY),
        "stops_per_thousand": _share(stops, len(rows["left_us"]), 1_000),
        **{name: percent(name) for name in sorted(spent) if name.startswith(STOPPED_PREFIX)},
    }


def _at_bench(columns: dict[str, Column]) -> tuple[Column, Column, Column]:
    """(came, started, opened) of every parcel that was opened."""
    done = columns["opened_us"] != NEVER
    return columns["left_us"][done], columns["started_us"][done], columns["opened_us"][done]


def queue_levels(came: Column, started: Column, from_us: int, to_us: int) -> tuple[Column, Column]:
    """Number waiting, and for how long within the window, between each two changes; shapes (changes + 1,)."""
    times = np.concatenate((came, started))
    steps = np.concatenate((np.ones(len(came), dtype=np.int64), -np.ones(len(started), dtype=np.int64)))
    order = np.argsort(times, kind="stable")  # at one instant: coming before starting, so no level below zero
    times, level = times[order], np.concatenate(([0], np.cumsum(steps[order])))
    edges = np.concatenate(([from_us], np.clip(times, from_us, to_us), [to_us]))
    return level, np.diff(edges)


def weighted_quantile(values: Column, weights: Column, share: float) -> float | None:
    """Smallest value that is not passed for at least ``share`` of the weight."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    if not len(reached) or reached[-1] <= 0:
        return None
    return float(values[order][int(np.searchsorted(reached, share * reached[-1]))])


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _quantile(values: NDArray[np.float64], share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def _share(part: int, whole: int, scale: int) -> float | None:
    return scale * part / whole if whole else None
