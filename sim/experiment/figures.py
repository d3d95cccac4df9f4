"""Figures of one replication, computed from its log; one table says what each means, in which unit, and what is good.

Two horizons. ``day``: a terminating study, from the first parcel at the induct eye to the last one off the belt.
``steady``: the long run; parcels before the cut are left out, and time counts from the first parcel after it to the
last induction, so that neither the empty beginning nor the emptying end is in the figures.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lane.model.grounds import Ground
from lane.model.words import State
from sim.experiment.watch import GROUND_BIT, NEVER, PLANTED_CODE, Column, Log
from sim.streams.truth import CONTENT_ERRORS, Planted

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
GROUND_PREFIX = "ground."
"""``ground.RANDOM_DRAW``: percent of all parcels that were inspected with this ground (a parcel may have several)."""
LATE = (Ground.VISION_TIMEOUT, Ground.DECISION_LATE, Ground.REVIEW_UNANSWERED)
STOPPED = (State.HELD, State.SUSPENDED, State.ABORTED)


class Horizon(StrEnum):
    """What a run stands for."""

    DAY = "day"
    STEADY = "steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One figure in a person's words. ``digits``: decimals shown."""

    title: str
    unit: str
    digits: int = 1


FIGURES: dict[str, Meaning] = {
    "throughput_per_hour": Meaning(title="Throughput", unit="parcels/h", digits=0),
    "belt_used_percent": Meaning(title="Belt used (of what speed, lengths and gap allow)", unit="%"),
    "feeder_wait_mean_s": Meaning(title="Wait before the lane, mean", unit="s"),
    "feeder_wait_p95_s": Meaning(title="Wait before the lane, 95 of 100 below", unit="s"),
    "lane_time_mean_s": Meaning(title="Time on the lane, mean", unit="s"),
    "inspected_percent": Meaning(title="Parcels sent to the bench", unit="%"),
    "sound_inspected_percent": Meaning(title="Sound parcels sent to the bench", unit="%"),
    "escaped_permille": Meaning(title="Wrong contents released, of all wrong contents", unit="per thousand"),
    "escapes_per_million": Meaning(title="Wrong contents released, of all parcels", unit="per million", digits=0),
    "late_per_thousand": Meaning(title="Decisions that came too late", unit="per 1,000 parcels", digits=2),
    "bench_queue_mean": Meaning(title="Queue before the bench, mean", unit="parcels"),
    "bench_queue_p50": Meaning(title="Queue before the bench, half of the time below", unit="parcels"),
    "bench_queue_p95": Meaning(title="Queue before the bench, 95 % of the time below", unit="parcels"),
    "bench_queue_p99": Meaning(title="Queue before the bench, 99 % of the time below", unit="parcels"),
    "bench_wait_mean_s": Meaning(title="Wait before the bench, mean", unit="s"),
    "bench_wait_p50_s": Meaning(title="Wait before the bench, half of the parcels below", unit="s"),
    "bench_wait_p95_s": Meaning(title="Wait before the bench, 95 of 100 below", unit="s"),
    "bench_wait_p99_s": Meaning(title="Wait before the bench, 99 of 100 below", unit="s"),
    "bench_busy": Meaning(title="Bench officers at work, mean", unit="persons", digits=2),
    "bench_utilisation_percent": Meaning(title="Bench officers' utilisation", unit="%"),
    "review_asked_percent": Meaning(title="Parcels shown to a review officer", unit="%"),
    "review_answered_percent": Meaning(title="Reviews answered in time", unit="%"),
    "review_answer_mean_s": Meaning(title="Time to a review answer, mean", unit="s"),
    "available_percent": Meaning(title="Lane running", unit="% of the time"),
    "held_percent": Meaning(title="Lane held", unit="% of the time", digits=2),
    "suspended_percent": Meaning(title="Lane suspended (a full bench or exit)", unit="% of the time", digits=2),
    "aborted_percent": Meaning(title="Lane aborted", unit="% of the time", digits=2),
    "stops_per_thousand": Meaning(title="Stops", unit="per 1,000 parcels", digits=2),
    "overtime_min": Meaning(title="Bench work after the last parcel", unit="min"),
}
"""Every figure that a study may report, in the order of the report."""

USUAL = (
    "throughput_per_hour", "belt_used_percent", "feeder_wait_mean_s", "lane_time_mean_s", "inspected_percent",
    "sound_inspected_percent", "escaped_permille", "bench_queue_mean", "bench_queue_p95", "bench_wait_mean_s",
    "bench_wait_p95_s", "bench_utilisation_percent", "available_percent", "suspended_percent",
)  # fmt: skip


def meaning_of(figure: str) -> Meaning:
    """Title and unit of a figure. Raises KeyError for one that there is none of."""
    if figure.startswith(GROUND_PREFIX):
        ground = Ground(figure.removeprefix(GROUND_PREFIX))
        return Meaning(title=f"Inspected for {ground}", unit="% of all parcels", digits=2)
    return FIGURES[figure]


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
        **_review(rows),
        **_states(log, rows, window),
    }


def _lane(log: Log, rows: dict[str, Column], window: Window) -> dict[str, float | None]:
    left, arrived, inducted = rows["left_us"], rows["arrived_us"], rows["inducted_us"]
    gone = left != NEVER
    known = arrived != NEVER
    wait_s = np.maximum(0, inducted - arrived)[known] / SECOND_US
    exits = int(((log.columns["left_us"] > window.from_us) & (log.columns["left_us"] <= window.to_us)).sum())
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
    gone = rows["left_us"] != NEVER
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
        "late_per_thousand": _share(int((rows["grounds"] & late != 0).sum()), all_of_them, 1_000),
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
    last_opened = int(opened.max()) if len(opened) else window.to_us
    return {
        "bench_queue_mean": float((level * held_us).sum()) / window.span_us,
        **{f"bench_queue_p{p}": weighted_quantile(level, held_us, p / 100) for p in (50, 95, 99)},
        "bench_wait_mean_s": _mean(wait_s),
        **{f"bench_wait_p{p}_s": _quantile(wait_s, p / 100) for p in (50, 95, 99)},
        "bench_busy": busy,
        "bench_utilisation_percent": 100 * busy / log.single["bench_officers"],
        "overtime_min": max(0, last_opened - int(log.columns["left_us"].max())) / (60 * SECOND_US),
    }


def _review(rows: dict[str, Column]) -> dict[str, float | None]:
    asked, answered = rows["asked_us"] != NEVER, rows["answered_us"] != NEVER
    took_s = (rows["answered_us"] - rows["asked_us"])[asked & answered] / SECOND_US
    return {
        "review_asked_percent": _share(int(asked.sum()), len(asked), 100),
        "review_answered_percent": _share(int((asked & answered).sum()), int(asked.sum()), 100),
        "review_answer_mean_s": _mean(took_s),
    }


def _states(log: Log, rows: dict[str, Column], window: Window) -> dict[str, float | None]:
    times, states = log.states[:, 0], log.states[:, 1]
    ends = np.append(times[1:], max(window.to_us, int(times[-1])))
    spent = np.clip(ends, window.from_us, window.to_us) - np.clip(times, window.from_us, window.to_us)
    inside = (times > window.from_us) & (times <= window.to_us)
    stops = int((inside & np.isin(states, [int(state) for state in STOPPED])).sum())

    def percent(state: State) -> float:
        return 100 * float(spent[states == int(state)].sum()) / window.span_us

    return {
        "available_percent": percent(State.EXECUTE),
        "held_percent": percent(State.HELD),
        "suspended_percent": percent(State.SUSPENDED),
        "aborted_percent": percent(State.ABORTED),
        "stops_per_thousand": _share(stops, len(rows["left_us"]), 1_000),
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
