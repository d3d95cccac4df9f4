"""The report answers in words, shows every figure with its interval, needs no network, and is the same bytes again."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sim.experiment.cli import experiment
from sim.experiment.figures import Horizon
from sim.experiment.meanings import FIGURES, meaning_of
from sim.experiment.report.page import _answer, _figures, _selection, _stops, page
from sim.experiment.report.words import answer, number, shown
from sim.experiment.results import results_of
from sim.experiment.study import Study, load_scenarios
from tests.sim.experiment.studies import TINY, Made, tiny, written

STAFFING = TINY.replace("[2, 6]", "[1, 3, 6]").replace("2 at", "1 at")
DEMANDS = TINY[TINY.index("[staffing]") : TINY.index("[grid]")]
PLAIN = TINY.replace('compare = "2 at the bench"\n', "").replace(DEMANDS, "")


def _results(folder: Path, text: str, **changes: Any) -> dict[str, Any]:
    plan = replace(tiny(folder, text), parcels=600, **changes)
    return results_of(Study(plan, load_scenarios(plan), Made()).run())


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _results(tmp_path_factory.mktemp("study"), STAFFING)


@pytest.fixture(scope="module")
def text(staffed: dict[str, Any]) -> str:
    return page(staffed)


class _Page(HTMLParser):
    """What a browser would load, and the text that a person reads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.read: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data") and value
            and not value.startswith("#")
        ]  # fmt: skip

    def handle_data(self, data: str) -> None:
        self.read.append(data)


def test_the_opening_paragraph_answers_the_question_with_the_fewest_persons(staffed: dict[str, Any]) -> None:
    sentences = answer(staffed)
    assert sentences[0] == "3 persons are enough: 3 at the bench."
    assert re.match(
        r"With them 95 of 100 parcels wait at most [0-9.]+ s before the bench \(60 s is allowed\)", sentences[1]
    )
    assert re.search(r"2\.[0-9] persons per 1,000 parcels an hour, at 1,\d\d\d ± \d+ parcels/h", sentences[2])
    assert sentences[3].startswith("1 are not (1 at the bench): 95 of 100 parcels wait ")
    assert "3 scenarios, each simulated 4 times with 600 parcels" in sentences[-1]


def test_the_page_shows_every_figure_of_every_scenario_and_says_synthetic(staffed: dict[str, Any], text: str) -> None:
    read = " ".join(_Page(text).read)
    assert read.index("SYNTHETIC") < read.index("Is a study the same for everybody?", read.index("SYNTHETIC"))
    for name in staffed["figures"]:
        meaning = meaning_of(name)
        assert meaning.title in read
        for scenario in staffed["scenarios"]:
            assert shown(scenario["figures"][name], meaning.digits) in read
    for scenario in staffed["scenarios"]:
        assert f"{scenario['name']} (n 4)" in read
        assert scenario["config_sha256"][:16] in read
    assert staffed["versions"]["code"] in read
    assert "RANDOM_DRAW" in read


def test_the_page_loads_nothing_and_two_pages_of_equal_results_are_equal(staffed: dict[str, Any], text: str) -> None:
    seen = _Page(text)
    assert seen.loads == []
    assert seen.open.count("svg") == 3
    assert "script" not in seen.open
    assert "@import" not in text
    assert "url(http" not in text
    assert page(staffed) == text


def test_a_page_of_the_long_run_shows_the_cut(tmp_path: Path) -> None:
    results = _results(tmp_path, PLAIN, horizon=Horizon.STEADY)
    text = " ".join(_Page(page(results)).read)
    assert "The beginning that was left out" in text
    assert f"cut at parcel {results['warm_up']['parcels']}" in text
    assert answer(results)[0].startswith("2 at the bench: throughput ")


def test_an_answer_that_is_not_proven_says_so(tmp_path: Path) -> None:
    results = _results(tmp_path, STAFFING.replace("at_most = 60", "at_most = 0.001").replace(", 6]", "]"))
    assert answer(results)[0] == "No staffing of this study is proven to be enough."
    assert "With the most persons, 3 (3 at the bench), 95 of 100 parcels wait at most" in answer(results)[1]


def test_a_selection_names_the_best_and_the_risk(tmp_path: Path) -> None:
    select = '[select]\nfigure = "bench_wait_mean_s"\ngoal = "min"\ndelta = 20.0\n[grid]'
    results = _results(tmp_path, PLAIN.replace("[grid]", select).replace("[2, 6]", "[1, 6]"))
    assert answer(results)[0].startswith("6 at the bench has the lowest wait before the bench, mean: ")
    assert "with 95 % confidence, or no more than 20 s from the best" in answer(results)[0]
    assert answer(results)[1] == answer(results)[-1]  # nobody is near: the next sentence says what it rests on
    assert "out of the race" in "".join(_selection(results))


def test_a_comparison_names_the_difference_or_says_that_there_is_none(tmp_path: Path) -> None:
    text = STAFFING.replace(DEMANDS, "")
    same = _results(tmp_path, text)
    assert "makes no difference that these runs can show" in " ".join(answer(same))
    waits = _results(tmp_path, 'figures = ["bench_wait_mean_s"]\n' + text)
    assert re.search(r"6 at the bench has [0-9,.]+ ± [0-9,.]+ s less", " ".join(answer(waits)))


def test_warnings_stand_on_the_first_screen_of_the_page(staffed: dict[str, Any]) -> None:
    warned = "".join(_answer(staffed | {"warnings": ["8 & more runs are <missing>"]}))
    assert "<li>8 &amp; more runs are &lt;missing&gt;</li>" in warned


def test_numbers_are_written_as_people_write_them() -> None:
    assert number(12_345.678, 1) == "12,345.7"
    assert number(None) == "–"
    assert shown({"mean": 2.0, "half_width": None, "n": 1}, 1) == "2.0"


def test_the_command_writes_results_report_and_json_and_refuses_a_wrong_file(tmp_path: Path) -> None:
    file = written(tmp_path, PLAIN.replace("replications = 4", "replications = 1"))
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    ran = CliRunner().invoke(experiment, [str(file), "--out", str(out), "--workers", "1", "--json", str(figures)])
    assert ran.exit_code == 0, ran.output
    assert "SYNTHETIC" in ran.output
    assert {path.name for path in out.iterdir()} == {"results.json", "report.html", "runs"}
    assert '"wall_s"' in figures.read_text(encoding="utf-8")
    assert '"wall_s"' not in (out / "results.json").read_text(encoding="utf-8")

    wrong = CliRunner().invoke(experiment, [str(written(tmp_path, PLAIN.replace("parcels", "parsels")))])
    assert wrong.exit_code != 0
    assert "did you mean 'parcels'" in wrong.output
    listed = CliRunner().invoke(experiment, ["--list-figures"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == [*FIGURES, "ground.<GROUND>", "stopped.<CAUSE>"]
    horizon = CliRunner().invoke(experiment, [str(written(tmp_path, 'horizon = "night"\n' + PLAIN))])
    assert "horizon: expected day or steady, was 'night'" in horizon.output
    nowhere = CliRunner().invoke(experiment, [str(file), "--json", str(tmp_path / "none" / "x.json")])
    assert nowhere.exit_code != 0
    assert "expected an existing folder" in nowhere.output


def test_replications_from_outside_are_refused_where_a_selection_decides_on_them(tmp_path: Path) -> None:
    select = '[select]\nfigure = "bench_wait_mean_s"\ngoal = "min"\ndelta = 20.0\n[grid]'
    file = written(tmp_path, PLAIN.replace("[grid]", select))
    refused = CliRunner().invoke(experiment, [str(file), "--out", str(tmp_path / "out"), "--replications", "3"])
    assert refused.exit_code == 1
    assert "--replications: a selection decides itself how many replications it needs: at least 10" in refused.output
    assert not (tmp_path / "out").exists()


def test_grounds_can_be_figures_and_what_never_occurs_is_zero(tmp_path: Path) -> None:
    lead = 'figures = ["ground.NO_READ", "ground.RANDOM_DRAW"]\n'
    results = _results(tmp_path, lead + STAFFING.replace("bench_wait_p95_s", "ground.NO_READ"))
    never, drawn = (results["scenarios"][0]["figures"][name] for name in results["figures"])
    assert (never["mean"], never["half_width"]) == (0.0, 0.0)
    assert drawn["mean"] == 12.5
    assert {row["meets"] for row in results["staffing"]["rows"]} == {"yes"}
    assert "Inspected for RANDOM_DRAW" in "".join(_figures(results))


def test_causes_of_stops_have_a_table_when_there_were_stops(staffed: dict[str, Any]) -> None:
    assert list(_stops(staffed)) == []
    stopped = {"stopped": {"BENCH_FULL": {"mean": 1.25, "half_width": 0.5, "n": 4}}}
    scenarios = [staffed["scenarios"][0] | stopped, *staffed["scenarios"][1:]]
    told = "".join(_stops(staffed | {"scenarios": scenarios}))
    assert "BENCH_FULL" in told
    assert "1.25 ± 0.50" in told
    assert "0.00 ± 0.00" in told  # the others never stood
