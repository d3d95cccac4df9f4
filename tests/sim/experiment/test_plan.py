"""Experiment files are read with their grids and names, and a wrong one names the line, the key and the way out."""

from pathlib import Path

import pytest

from lane.settings.reader import SettingsError
from sim.experiment.plan import BASE_NAME, load_plan
from sim.experiment.staffing import persons_of
from sim.experiment.study import load_scenarios
from tests.sim.experiment.studies import DAY, ROOT, TINY, tiny, written

HEAD = f'schema = "sim-experiment/1"\nbase = "{DAY}"\nparcels = 100\n'


def test_a_grid_gives_every_combination_a_name_and_its_settings(tmp_path: Path) -> None:
    plan = load_plan(
        written(tmp_path, HEAD + '[grid]\n"bench.officers" = [3, 5]\n"stream.rate_per_hour" = [900, 1200]\n')
    )
    assert [case.name for case in plan.cases] == [
        "bench.officers 3, stream.rate_per_hour 900",
        "bench.officers 3, stream.rate_per_hour 1200",
        "bench.officers 5, stream.rate_per_hour 900",
        "bench.officers 5, stream.rate_per_hour 1200",
    ]
    last = load_scenarios(plan)[3]
    assert (last.settings.bench.officers, last.stream.rate_per_hour) == (5, 1200)


def test_a_file_that_varies_nothing_has_the_base_alone(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, HEAD))
    assert [(case.name, case.overrides) for case in plan.cases] == [(BASE_NAME, ())]
    assert (plan.replications, plan.precision, plan.seed) == (0, 0.05, 1)  # 0: as many as the precision needs


def test_named_scenarios_stand_before_the_grid(tmp_path: Path) -> None:
    text = TINY + '\n[[scenario]]\nname = "many"\nset = { "bench.officers" = 30 }\n'
    plan = tiny(tmp_path, text)
    assert [case.name for case in plan.cases] == ["many", "2 at the bench", "6 at the bench"]
    assert persons_of(plan) == [30, 2, 6]


def test_persons_come_from_the_base_where_a_scenario_does_not_set_them(tmp_path: Path) -> None:
    rates = TINY.replace('"bench.officers" = [2, 6]', '"stream.rate_per_hour" = [900]')
    assert persons_of(tiny(tmp_path, rates.replace('compare = "2 at the bench"\n', ""))) == [12]
    with pytest.raises(SettingsError, match=r"staffing\.persons: expected a key that stands for persons"):
        persons_of(tiny(tmp_path, TINY.replace('persons = ["bench.officers"]', 'persons = ["stream"]')))


SELECT = '[select]\nfigure = "x"\ngoal = "max"\ndelta = 1\n[staffing]'
WRONG = [
    ('schema = "sim-experiment/1"', 'schema = "sim-scenario/1"', r':1: schema: expected "sim-experiment/1"'),
    ("parcels = 30", "parcels = 3", r":4: parcels: expected `int` >= 20"),
    ("parcels = 30", 'parcels = "30"', r":4: parcels: expected `int`, got `str`"),
    ("replications = 4", "replication = 4", r":5: replication: unknown key, did you mean 'replications'"),
    ("replications = 4", "precision = 7.5", r":5: precision: expected `float` <= 1"),
    ('compare = "2 at', 'compare = "3 at', r":6: compare: no scenario has the name '3 at the bench'"),
    ("at_most = 60", "at_mots = 60", r":13: staffing\.demand\[0\]\.at_mots: unknown key, did you mean 'at_most'"),
    ("at_most = 60", "", r"staffing\.demand\[0\]: bench_wait_p95_s: expected one of at_most and at_least"),
    (
        "at_most = 60",
        'at_most = 60\n[[staffing.demand]]\nfigure = "bench_wait_mean_s"',
        r":14: staffing\.demand\[1\]: bench_wait_mean_s: expected one of at_most and at_least",
    ),
    ("at_most = 60", "at_most = inf", r":13: staffing\.demand\[0\]\.at_most: expected a finite number, was Infinity"),
    ("at_most = 60", "at_most = 1e999", r":13: staffing\.demand\[0\]\.at_most: expected a finite number, was 1E"),
    ("parcels = 30", "parcels = 2000\nprecision = nan", r":5: precision: expected a finite number, was NaN"),
    (
        "replications = 4",
        'replications = "batches"\nfigures = ["throughput_per_hour"]',
        r":6: figures: batches have intervals of means over parcels only, expected one of feeder_wait_mean_s, ",
    ),
    ("bench_wait_p95_s", "bench_wait_p95", r"'bench_wait_p95' is no figure, did you mean 'bench_wait_p95_s'"),
    ("[2, 6]", "[2, 2]", r"the name '2 at the bench' stands twice"),
    ("[2, 6]", "[]", r":15: grid: expected `array` of length >= 1"),
    (str(DAY), "nowhere.toml", r":3: base: expected a scenario file, .*nowhere\.toml is none"),
    ("parcels = 30", "parcels = ", r":4: not valid TOML"),
    ("[staffing]", SELECT, r"select\.figure: 'x' is no figure"),
]


@pytest.mark.parametrize(("old", "new", "problem"), WRONG)
def test_a_wrong_file_names_line_key_and_way_out(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in TINY
    with pytest.raises(SettingsError, match=problem):
        tiny(tmp_path, TINY.replace(old, new, 1))


def test_a_key_that_no_scenario_has_is_refused_before_anything_runs(tmp_path: Path) -> None:
    plan = tiny(
        tmp_path,
        TINY.replace("bench.officers", "bench.oficers").replace('persons = ["bench.oficers"]', 'persons = ["x"]'),
    )
    with pytest.raises(SettingsError, match="unknown key"):
        load_scenarios(plan)


def test_every_study_in_config_reads_and_its_scenarios_exist() -> None:
    files = sorted((ROOT / "config" / "experiments").glob("*.toml"))
    assert files
    for file in files:
        plan = load_plan(file)
        assert len(load_scenarios(plan)) == len(plan.cases)
        if plan.staffing is not None:
            assert len(persons_of(plan)) == len(plan.cases)
