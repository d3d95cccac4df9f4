"""Figures of one replication, worked out by hand on runs of a few parcels."""

from typing import Any

import numpy as np
import pytest

from lane.errors import Cause
from lane.model.grounds import Ground
from lane.model.words import State
from sim.experiment.digest import SERIES, digest
from sim.experiment.figures import Horizon, figures_of, queue_levels, weighted_quantile
from sim.experiment.meanings import FIGURES, GROUND_PREFIX, STOPPED_PREFIX, meaning_of
from sim.experiment.staffing import upper_escape
from sim.experiment.watch import GROUND_BIT, NEVER, PLANTED_CODE, Log
from sim.streams.truth import Planted

SECOND = 1_000_000
SOUND, SHORT = PLANTED_CODE[Planted.SOUND], PLANTED_CODE[Planted.SHORT]
DRAW, LATE = GROUND_BIT[Ground.RANDOM_DRAW], GROUND_BIT[Ground.DECISION_LATE]


def _log(**changes: Any) -> Log:
    """Four parcels, 10 s apart, 20 s on the lane; the second and third go to one officer, who needs 30 s each."""
    seconds = {
        "arrived_us": [0, 8, 20, 28],
        "inducted_us": [0, 10, 20, 30],
        "left_us": [20, 30, 40, 50],
        "started_us": [NEVER, 30, 60, NEVER],
        "opened_us": [NEVER, 60, 90, NEVER],
        "asked_us": [NEVER, 12, NEVER, 32],
        "answered_us": [NEVER, NEVER, NEVER, 36],
    }
    columns = {
        name: np.array([one if one == NEVER else one * SECOND for one in values]) for name, values in seconds.items()
    }
    plain = {
        "length_um": [200_000] * 4,
        "released": [1, 0, 0, 1],
        "looped": [0] * 4,
        "grounds": [0, DRAW, DRAW | LATE, 0],
        "planted": [SOUND, SOUND, SHORT, SHORT],
    }
    columns |= {name: np.array(values) for name, values in plain.items()}
    single = {
        "gap_um": 300_000, "speed_um_s": 500_000, "bench_staff": [[0, 1]], "seed": 1, "ended": "complete",
        "causes": ["ORDERED"], "people": {"review_wait_mean_s": None, "loop_sent": None},
    }  # fmt: skip
    return Log(columns=columns | changes, states=np.array([[0, int(State.EXECUTE), 0]]), single=single)


def test_the_figures_of_four_parcels() -> None:
    figures = figures_of(_log(), Horizon.DAY)
    expected = {
        "throughput_per_hour": 4 * 3_600 / 50,
        "belt_used_percent": 100 * 4 / 50,  # a slot of 0.5 m a second
        "feeder_wait_mean_s": 1.0,
        "lane_time_mean_s": 20.0,
        "inspected_percent": 50.0,
        "sound_inspected_percent": 50.0,
        "escaped_permille": 500.0,
        "escapes_per_million": 250_000.0,
        "late_per_thousand": 250.0,
        "bench_wait_mean_s": 10.0,
        "bench_queue_mean": 10 / 50,  # the third waits from 40 s on; the day ends at 50 s
        "bench_busy": 20 / 50,
        "bench_utilisation_percent": 40.0,
        "overtime_min": 40 / 60,
        "review_asked_percent": 50.0,
        "review_answered_percent": 50.0,
        "available_percent": 100.0,
        "ground.RANDOM_DRAW": 50.0,
        "ground.DECISION_LATE": 25.0,
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_every_figure_has_a_meaning_and_every_meaning_a_figure() -> None:
    figures = figures_of(_log(), Horizon.DAY)
    optional = {name for name in FIGURES if name.startswith("review_")}
    assert set(FIGURES) - optional <= figures.keys()
    for name in figures:
        assert meaning_of(name).title
    assert meaning_of(GROUND_PREFIX + "NO_READ").title == "Inspected for NO_READ"
    with pytest.raises(ValueError, match="NOWHERE"):
        meaning_of(GROUND_PREFIX + "NOWHERE")


def test_in_the_long_run_what_came_before_the_cut_and_after_the_last_induction_is_left_out() -> None:
    figures = figures_of(_log(), Horizon.STEADY, cut=1)
    assert figures["throughput_per_hour"] == pytest.approx(2 * 3_600 / 20)  # leaving at 20 s and 30 s, of 10..30 s
    assert figures["feeder_wait_mean_s"] == pytest.approx(4 / 3)
    assert figures["bench_queue_mean"] == 0.0
    assert figures["escaped_permille"] == 500.0


def test_a_parcel_sent_round_is_no_exit_and_no_inspection() -> None:
    figures = figures_of(_log(looped=np.array([0, 1, 0, 0])), Horizon.DAY)
    assert figures["throughput_per_hour"] == pytest.approx(3 * 3_600 / 50)
    assert figures["inspected_percent"] == pytest.approx(100 / 3)


def test_bounds_and_batches_leave_out_a_parcel_sent_round_as_the_figures_do() -> None:
    log = _log(looped=np.array([0, 1, 0, 0]), left_us=np.array([20, 30, 40, NEVER]))
    found = digest(log, Horizon.DAY, 0)
    assert (found.left, found.wrong) == (2, 1)
    assert SERIES["inspected_percent"](log).mean() == found.figures["inspected_percent"] == 50.0


def test_time_stands_by_state_and_by_cause_until_the_lane_runs_again() -> None:
    log = _log()
    log.single["causes"] = ["ORDERED", str(Cause.PROVEN), "BENCH_FULL"]
    rows = [(0, State.EXECUTE, 0), (10, State.SUSPENDING, 2), (15, State.SUSPENDED, 1), (30, State.EXECUTE, 1)]
    log.states = np.array([[at * SECOND, int(state), cause] for at, state, cause in rows])
    figures = figures_of(log, Horizon.DAY)
    assert figures["available_percent"] == pytest.approx(60.0)
    assert figures["suspended_percent"] == figures[STOPPED_PREFIX + "BENCH_FULL"] == pytest.approx(40.0)
    assert figures["stops_per_thousand"] == 250.0


def test_officers_who_come_later_are_counted_from_then_on() -> None:
    log = _log()
    log.single["bench_staff"] = [[0, 0], [25 * SECOND, 2]]
    figures = figures_of(log, Horizon.DAY)
    assert figures["bench_staff_mean"] == pytest.approx(1.0)
    assert figures["bench_utilisation_percent"] == pytest.approx(40.0)


def test_nothing_measured_is_nothing_said() -> None:
    nobody = np.full(4, NEVER)
    figures = figures_of(_log(opened_us=nobody, started_us=nobody, planted=np.full(4, SOUND)), Horizon.DAY)
    assert figures["bench_wait_mean_s"] is None
    assert figures["escaped_permille"] is None
    assert figures["bench_queue_mean"] == 0.0


def test_queue_levels_cover_the_window_exactly() -> None:
    level, spent = queue_levels(np.array([1, 2, 5]), np.array([3, 4, 5]), 0, 6)
    assert list(zip(level.tolist(), spent.tolist(), strict=True)) == [
        (0, 1),
        (1, 1),
        (2, 1),
        (1, 1),
        (0, 1),
        (1, 0),
        (0, 1),
    ]
    assert weighted_quantile(level, spent, 0.5) == 0.0
    assert weighted_quantile(level, spent, 0.9) == 2.0
    assert weighted_quantile(np.array([1]), np.array([0]), 0.5) is None


def test_curves_have_one_value_a_minute() -> None:
    curves = digest(_log(), Horizon.DAY, 0).curves
    assert curves["arrived"].tolist() == [4.0]
    assert curves["left"].tolist() == [4.0]
    assert curves["bench_queue"].tolist() == pytest.approx([20 / 60])
    assert curves["feeder_queue"].tolist() == pytest.approx([4 / 60])


def test_escapes_that_were_never_seen_still_have_a_bound() -> None:
    runs = [digest(_log(released=np.array([1, 0, 0, 0])), Horizon.DAY, 0)] * 50
    assert sum(run.escaped for run in runs) == 0
    assert upper_escape("escaped_permille", runs) == pytest.approx(29.5, abs=0.1)  # 3 in 100
    assert upper_escape("escapes_per_million", runs) == pytest.approx(14_870, abs=10)  # 3 in 200
