"""How many replications are used, which scenario is chosen, where the beginning is cut: judged in replication order."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lane.controller.core import LaneController
from lane.settings.reader import SettingsError
from sim.experiment import task
from sim.experiment.digest import warm_up
from sim.experiment.figures import Horizon
from sim.experiment.plan import Plan
from sim.experiment.replications import STAYS
from sim.experiment.report.words import answer
from sim.experiment.results import results_of
from sim.experiment.study import PILOTS, Study, load_scenarios
from sim.experiment.workers import Workers
from tests.sim.experiment.studies import DAY, TINY, Made, made_log, tiny

SELECT = """
[select]
figure = "bench_wait_mean_s"
goal = "min"
delta = 20.0
"""


def _results(plan: Plan, workers: Workers | None = None) -> dict[str, Any]:
    return results_of(Study(plan, load_scenarios(plan), workers or Made()).run())


def test_replications_are_added_until_every_wanted_interval_is_narrow_and_stays_so(tmp_path: Path) -> None:
    text = TINY.replace("replications = 4", 'precision = 0.02\nprecision_of = ["throughput_per_hour"]')
    plan = replace(tiny(tmp_path, text), parcels=100)
    results = _results(plan)
    needed = results["precision"]["needed"]
    assert needed is not None
    assert 3 <= needed < 100
    for scenario in results["scenarios"]:
        figure = scenario["figures"]["throughput_per_hour"]
        assert scenario["replications"] == figure["n"] == needed + STAYS
        assert figure["half_width"] <= 0.02 * figure["mean"]
    assert results["warnings"] == []


def test_a_precision_that_is_never_reached_is_a_warning_not_a_secret(tmp_path: Path) -> None:
    text = TINY.replace(
        "replications = 4", 'precision = 0.0001\nprecision_of = ["bench_wait_mean_s"]\nreplications_max = 9'
    )
    results = _results(tiny(tmp_path, text))
    assert results["precision"]["needed"] is None
    assert [one["replications"] for one in results["scenarios"]] == [9, 9]
    assert "not narrowed to" in results["warnings"][0]


def test_the_selection_takes_the_shortest_wait_and_spends_little_on_the_hopeless(tmp_path: Path) -> None:
    text = TINY.replace("[2, 6]", "[1, 2, 3, 6]").replace("[staffing]", SELECT + "[staffing]")
    plan = replace(tiny(tmp_path, text), parcels=400)
    workers = Made()
    results = _results(plan, workers)
    chosen = results["selection"]
    assert results["warnings"] == [
        "replications = 4 was not used: a selection decides itself how many replications it needs: at least 10 of each "
        "of the 4 scenarios (select.first), at most 100 (replications_max)"
    ]
    assert chosen["decided"]
    assert chosen["best"] in ("3 at the bench", "6 at the bench")  # alike within delta
    hopeless = chosen["left_at"]["1 at the bench"]
    assert hopeless == chosen["replications"]["1 at the bench"] >= 10
    assert chosen["left_at"][chosen["best"]] == 0
    assert hopeless <= chosen["replications"][chosen["best"]]
    assert workers.asked <= 80


def test_in_the_long_run_all_scenarios_are_cut_alike_and_the_figures_are_of_the_rest(tmp_path: Path) -> None:
    day = replace(tiny(tmp_path), parcels=2_000)
    steady = replace(day, horizon=Horizon.STEADY)
    results, whole = _results(steady), _results(day)
    found = results["warm_up"]
    assert whole["warm_up"] is None
    assert found["pilots"] == min(PILOTS, steady.replications)
    assert 0 <= found["parcels"] <= 1_000
    assert [len(found["welch"][name]["values"]) > 50 for name in ("passage_s", "bench_wait_s")] == [True, True]
    cut, uncut = (one["scenarios"][0]["figures"]["bench_wait_mean_s"]["mean"] for one in (results, whole))
    assert cut >= uncut  # without the empty beginning nobody waits less


def test_a_queue_that_only_grows_is_told_to_be_too_short(tmp_path: Path) -> None:
    plan = replace(tiny(tmp_path, TINY.replace("[2, 6]", "[1, 6]").replace("2 at", "1 at")), parcels=1_000)
    results = _results(replace(plan, horizon=Horizon.STEADY))
    assert results["warm_up"]["short"] == ["1 at the bench"]
    assert "1 at the bench: the run is too short to settle; give it more parcels" in results["warnings"]


def test_the_cut_is_the_latest_of_all_scenarios() -> None:
    settled = [made_log(6, seed, 400) for seed in range(3)]
    growing = [made_log(1, seed, 400) for seed in range(3)]
    assert warm_up([settled]).parcels <= warm_up([settled, growing]).parcels == 200
    assert warm_up([settled, growing]).short == (1,)


def test_pairs_share_their_luck_and_the_report_says_how_much_that_saved(tmp_path: Path) -> None:
    results = _results(replace(tiny(tmp_path), parcels=600, replications=8))
    row = next(row for row in results["comparisons"] if row["figure"] == "throughput_per_hour")
    assert row["mean"] == 0  # the same parcels leave at the same times
    waits = next(row for row in results["comparisons"] if row["figure"] == "bench_wait_mean_s")
    assert waits["clear"]
    assert waits["mean"] < 0
    assert waits["level"] == pytest.approx(0.95)


def test_staffing_is_judged_by_the_unfavourable_end_of_the_interval(tmp_path: Path) -> None:
    plan = replace(tiny(tmp_path, TINY.replace("[2, 6]", "[1, 3, 6]").replace("2 at", "1 at")), parcels=600)
    staffing = _results(plan)["staffing"]
    assert [(row["persons"], row["meets"]) for row in staffing["rows"]] == [(1, "no"), (3, "yes"), (6, "yes")]
    assert staffing["fewest"] == ["3 at the bench"]
    enough = staffing["rows"][1]["demands"][0]
    assert enough["mean"] < enough["worst"] <= enough["bound"] == 60
    per_thousand = staffing["rows"][1]["per_thousand_per_hour"]
    assert per_thousand == pytest.approx(3_000 / 1_200, rel=0.05)  # three persons at some 1,200 parcels an hour


AUTO = """replications = "auto"
precision = 0.10
precision_of = ["throughput_per_hour"]
replications_max = 40
"""


@pytest.mark.parametrize(
    ("at_most", "replications", "meets"),
    [(60, [8, 12, 8], ["no", "yes", "yes"]), (100, [8, 8, 8], ["no", "yes", "yes"])],
)
def test_a_staffing_that_may_be_the_answer_is_replicated_until_that_is_decided(
    tmp_path: Path, at_most: int, replications: list[int], meets: list[str]
) -> None:
    """Two at the bench wait some 42 s: eight runs decide about 100 s, about 60 s four more of this scenario alone."""
    text = TINY.replace("[2, 6]", "[1, 2, 6]").replace("replications = 4\n", AUTO)
    plan = replace(tiny(tmp_path, text.replace("at_most = 60", f"at_most = {at_most}")), parcels=600)
    results = _results(plan)
    assert [one["replications"] for one in results["scenarios"]] == replications
    assert [row["meets"] for row in results["staffing"]["rows"]] == meets
    assert (results["staffing"]["fewest"], results["staffing"]["undecided"]) == (["2 at the bench"], [])


def test_a_staffing_that_stays_open_ends_with_the_most_replications_allowed(tmp_path: Path) -> None:
    text = TINY.replace("[2, 6]", "[1, 2, 6]").replace("replications = 4\n", AUTO.replace("40", "14"))
    plan = replace(tiny(tmp_path, text.replace("at_most = 60", "at_most = 42")), parcels=600)
    results = _results(plan)
    assert [one["replications"] for one in results["scenarios"]] == [8, 14, 8]
    assert results["staffing"]["undecided"] == ["2 at the bench"]


def test_a_run_that_breaks_a_rule_or_does_not_end_is_in_the_warnings(tmp_path: Path) -> None:
    plan = replace(tiny(tmp_path), replications=1)
    done = Study(plan, load_scenarios(plan), Made()).run()
    done.digests[0][0].single.update(ended="time limit", rule_violating_releases=2)
    warnings = results_of(done)["warnings"]
    assert any("ended with: time limit" in text for text in warnings)
    assert any("released 2 parcels against a rule" in text for text in warnings)


BATCHES = """schema = "sim-experiment/1"
base = "{base}"
parcels = 2000
replications = "batches"
parcels_max = {most}
figures = ["lane_time_mean_s", "feeder_wait_mean_s", "throughput_per_hour"]
[grid]
"bench.officers" = [3, 6]
"""


def test_one_long_run_gives_intervals_over_its_batches(tmp_path: Path) -> None:
    results = _results(tiny(tmp_path, BATCHES.format(base=DAY, most=8_000)))
    for scenario in results["scenarios"]:
        figure = scenario["figures"]["lane_time_mean_s"]
        assert (scenario["replications"], scenario["parcels"], figure["n"]) == (1, 2_000, 20)
        assert (figure["mean"], figure["half_width"], figure["settled"]) == (16.0, 0.0, True)
        assert scenario["figures"]["throughput_per_hour"]["half_width"] is None
    assert results["warnings"] == []
    assert "one long run of each, up to 2,000 parcels" in answer(results)[-1]


def test_a_long_run_is_doubled_until_its_batches_settle_or_the_limit_says_so(tmp_path: Path) -> None:
    text = BATCHES.format(base=DAY, most=16_000).replace('["lane_time_mean_s"', '["bench_wait_mean_s"')
    results = _results(tiny(tmp_path, text.replace("[3, 6]", "[2, 6]")))
    growing, settled = results["scenarios"]
    assert growing["parcels"] == 16_000  # two officers can't keep up: the queue only grows
    assert results["warnings"] == ["bench.officers 2: batches unsettled after 16000 parcels; raise parcels_max"]
    assert 8_000 <= settled["parcels"] <= 16_000  # every eighth parcel is opened, a thousand are needed
    assert settled["figures"]["bench_wait_mean_s"]["settled"]


def test_batches_can_not_compare_and_need_a_long_run(tmp_path: Path) -> None:
    text = BATCHES.format(base=DAY, most=8_000).replace("parcels = 2000", "parcels = 200")
    with pytest.raises(SettingsError) as error:
        tiny(tmp_path, 'compare = "x"\n' + text)
    assert "expected at least 1000 for batches, was 200" in str(error.value)
    assert "these need replications" in str(error.value)


def test_a_lane_that_nobody_enters_is_told_instead_of_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "watched", lambda watch: LaneController)  # nothing is ever heard
    with pytest.raises(ValueError, match="no parcel ever entered the lane"):
        task.run_log(task.make_task(load_scenarios(tiny(tmp_path))[0], 20, 1))
