"""Calibration to lines of other makers: parameters, predictions within five per cent, the scenario, the page."""

import json
import math
import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lane.journal.log import JOURNAL_NAME
from sim.calibrate.cli import calibrate
from sim.calibrate.figures import figures
from sim.calibrate.fit import Fit, begun_with, fit_line
from sim.calibrate.in_twin import run_in_twin
from sim.calibrate.line import Line
from sim.calibrate.log_file import Naming
from sim.calibrate.moments import Log, Moment, log_of
from sim.calibrate.own_journal import journal_log
from sim.calibrate.predict import Compared, batch_halves, predict, replayed, too_short, with_replay
from sim.calibrate.scenario_file import scenario_toml
from sim.cli import sim
from sim.scenario import load_scenario
from sim.streamlab.arrivals_fit import fit_arrivals
from sim.streams.arrivals import Arrivals, Poisson
from sim.streams.files import read_parcels, write_parcels
from sim.twin import run_core_twin
from tests.sim.calibrate.sources import CIW_WORDS, HAND_WORDS, Row, ciw_network, hand_written, write_csv

ROOT = Path(__file__).resolve().parents[3]
LANE = ROOT / "config" / "lanes" / "demo.toml"
SECOND_US = 1_000_000


def _log(rows: list[Row], words: dict[str, str]) -> Log:
    moments = Naming(events=words).moments()
    return log_of(((str(n), event, round(at * 1e6), "") for n, event, at in rows), moments, "source")


def _by_name(compared: list[Compared]) -> dict[str, Compared]:
    return {one.name: one for one in compared}


def _one_officer(seed: int, parcels: int) -> list[Row]:
    """Poisson parcels on a moving belt; a third of them to one officer with lognormal times, half to a gamma screen.

    Its waits have closed forms: both queues are M/G/1.
    """
    dice = random.Random(seed)
    at = free = 0.0
    rows: list[Row] = []
    to_bench: list[tuple[float, int]] = []
    for number in range(parcels):
        at += dice.expovariate(1 / 5.0)
        rows.append((number, "come", at))
        if number % 2:
            begins = max(at, free)
            free = begins + dice.gammavariate(4.0, 1.25)
            rows += [(number, "ask", at), (number, "clear", free)]
        leaves = at + 12.0
        if dice.random() < 1 / 3:
            to_bench.append((leaves, number))
        else:
            rows.append((number, "out", leaves))
    free = 0.0
    for leaves, number in to_bench:
        free = max(leaves, free) + dice.lognormvariate(math.log(6.5), 0.5)
        rows += [(number, "opened", leaves), (number, "closed", free)]
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_waits_of_a_foreign_bench_are_predicted_within_five_per_cent_of_theory(seed: int) -> None:
    """One officer, lognormal times, Poisson parcels: Pollaczek-Khinchine gives the source's true mean wait."""
    log = _log([row for row in _one_officer(seed, 60_000) if row[1] not in ("ask", "clear")], HAND_WORDS)
    fit = fit_line(log)
    assert fit.line.bench is not None
    assert (fit.line.bench.servers, fit.line.bench.service.name) == (1, "lognormal")
    found = _by_name(predict(fit, log, seed=seed, replications=20)[0])
    mean = 6.5 * math.exp(0.125)
    square = mean * mean * math.exp(0.25)
    rate = 1 / 15.0
    wait = rate * square / (2 * (1 - rate * mean))
    assert found["wait for bench"].model == pytest.approx(wait, rel=0.05)
    assert found["throughput"].model == pytest.approx(720, rel=0.02)
    assert found["share to bench"].model == pytest.approx(1 / 3, rel=0.02)
    assert abs(found["throughput"].error) < 0.01


def test_a_hand_written_line_is_read_whole(hand: tuple[Log, Fit]) -> None:
    log, fit = hand
    line = fit.line
    assert line.review is not None
    assert line.bench is not None
    assert line.cycle is not None
    assert line.verdict is not None
    assert line.exit is not None
    assert line.after_review is not None
    assert (line.review.servers, line.bench.servers) == (2, 3)
    assert (line.review.service.name, line.bench.service.name, line.verdict.name) == ("lognormal", "gamma", "lognormal")
    assert line.review.service.mean_us == pytest.approx(20e6 * math.exp(0.18), rel=0.05)
    assert line.bench.service.mean_us == pytest.approx(30e6, rel=0.05)
    assert line.cycle.mean_us == pytest.approx((1.2 + 3.2 + 1.8) / 3 * 1e6, rel=0.03)
    assert line.after_review.mean_us == pytest.approx(5e6, rel=0.001)
    assert line.bench.share == pytest.approx(0.30, abs=0.02)
    assert fit.remarks == ()
    assert fit.arrivals.recommended == "renewal"
    assert log.parcels == 12_000


@pytest.fixture(scope="module")
def hand() -> tuple[Log, Fit]:
    log = _log(hand_written(3, 12_000, batches=False), HAND_WORDS)
    return log, fit_line(log)


def test_a_prediction_says_how_sure_it_is_and_meets_the_second_half(hand: tuple[Log, Fit]) -> None:
    """Fitted to the first half, the model meets the second within both intervals, and throughput within 2 %."""
    log = hand[0]
    fit = fit_line(log.part(0, 6_000))
    found = _by_name(predict(fit, log.part(6_000, 12_000), seed=1, replications=20)[0])
    assert abs(found["throughput"].error) < 0.03
    for name in ("wait at the feeder", "wait for review", "wait for bench", "time from entry to exit"):
        one = found[name]
        assert 0 < one.half < one.model
        assert abs(one.model - one.log) < 2 * (one.half * math.sqrt(20) + one.log_half), name


def test_a_replay_of_the_logs_own_arrivals_differs_by_chance_only(hand: tuple[Log, Fit]) -> None:
    log, fit = hand
    replay = replayed(fit, log, 1, 3)
    pairs, model = replay.pairs, replay.first
    assert (model.of(Moment.ARRIVED) == log.of(Moment.ARRIVED)).all()
    assert ((model.of(Moment.BENCH_DONE) >= 0) == (log.of(Moment.BENCH_DONE) >= 0)).all()
    assert [one.name for one in pairs][:2] == ["induction after arrival", "image after induction"]
    for one in pairs:
        assert abs(one.difference_s) <= max(3 * one.half_s, 1e-5), one


def test_a_ciw_network_is_predicted(tmp_path: Path) -> None:
    """Its induct: throughput within 1 %, wait within 5 % of Ciw's own log; the bench within Ciw's own interval."""
    log = _log(ciw_network(1, 12.0), CIW_WORDS)
    fit = fit_line(log)
    assert fit.line.bench is not None
    assert fit.line.bench.servers == 4
    assert fit.line.bench.service.name == "lognormal"
    found = _by_name(predict(fit, log, seed=1, replications=30)[0])
    assert abs(found["throughput"].error) < 0.01
    assert abs(found["wait at the feeder"].error) < 0.05
    assert abs(found["time from entry to exit"].error) < 0.05
    assert abs(found["wait for bench"].model - found["wait for bench"].log) < found["wait for bench"].log_half
    again = _by_name(with_replay(list(found.values()), replayed(fit, log, 1, 4)))
    assert abs(again["throughput"].replay_error) < 0.001  # the log's own arrivals
    assert abs(again["wait at the feeder"].replay_error) < 0.05
    assert abs(again["wait for bench"].replay_error) < found["wait for bench"].log_half / found["wait for bench"].log
    remarks = too_short(list(found.values()))
    assert any("wait for bench: the log is one run of its source and tells this mean to ±" in text for text in remarks)


def test_a_log_tells_its_own_figures_as_well_as_further_logs_agree_on_them() -> None:
    """The half-widths that stand beside a log's figures hold the mean of further logs of the same source."""
    logs = [_log(hand_written(seed, 4_000, batches=False), HAND_WORDS) for seed in range(20, 40)]
    line = fit_line(logs[0]).line
    runs = [{one.name: one.value for one in figures(log, reviewers=2, officers=3)} for log in logs]
    halves = [batch_halves(log, line) for log in logs]
    for name in ("throughput", "wait at the feeder", "wait for review", "share to bench"):
        mean = sum(run[name] for run in runs) / len(runs)
        held = sum(abs(run[name] - mean) <= half[name] for run, half in zip(runs, halves, strict=True))
        assert held >= 15, name


def test_parcels_that_arrive_at_once_stand_in_the_order_in_which_the_lane_took_them() -> None:
    """Another order would send the opened ones of a batch to the bench together, and a replay would wait longer."""
    rows = [
        (1, "come", 5.0),
        (2, "come", 5.0),
        (2, "taken", 6.0),
        (1, "taken", 8.0),
        (3, "come", 2.0),
        (3, "taken", 2.0),
    ]
    log = _log(rows, HAND_WORDS)
    assert log.of(Moment.INDUCTED).tolist() == [2_000_000, 6_000_000, 8_000_000]
    assert log.of(Moment.ARRIVED).tolist() == [2_000_000, 5_000_000, 5_000_000]


def test_what_a_log_lacks_is_left_out_and_told() -> None:
    rows = [row for row in hand_written(5, 3_000, batches=False) if row[1] in ("taken", "opened", "closed")]
    fit = fit_line(_log(rows, HAND_WORDS))
    line = fit.line
    assert (line.cycle, line.way, line.verdict, line.review) == (None, None, None, None)
    assert line.bench is not None
    assert any("arrivals at the feeder are not logged" in remark for remark in fit.remarks)


def test_the_clock_of_a_dated_log_is_that_of_its_model() -> None:
    begin = 26 * 3600 + 45 * 60.0 + 1.0  # the second day, a quarter to three
    rows = [
        (number, "taken", begin + at) for number, word, at in hand_written(6, 400, batches=False) if word == "taken"
    ]
    assert fit_line(_log(rows, HAND_WORDS)).line.arrivals.start_us == pytest.approx(2.75 * 3_600e6, abs=40e6)


def test_the_calibrated_scenario_runs_in_the_twin_as_the_log_did(hand: tuple[Log, Fit], tmp_path: Path) -> None:
    log, fit = hand
    path = tmp_path / "own.toml"
    written = scenario_toml(fit, LANE, tmp_path, "own.csv")
    path.write_text(written.text, encoding="utf-8")
    assert any("without reviews" in remark for remark in written.remarks)
    plan = load_scenario(path)
    assert fit.line.bench is not None
    assert (plan.settings.bench.officers, plan.config.draw.rate) == (3, f"{fit.line.bench.share:.6f}")
    twin, ended = run_in_twin(path, 250, 2)
    assert ended == "complete"
    found = {one.name: one.value for one in figures(twin, officers=3)}
    own = {one.name: one.value for one in figures(log, officers=3)}
    assert found["throughput"] == pytest.approx(own["throughput"], rel=0.15)
    assert found["share to bench"] == pytest.approx(own["share to bench"], abs=0.09)
    assert twin.between(Moment.INDUCTED, Moment.BENCH_QUEUED).mean() / SECOND_US == pytest.approx(14, rel=0.1)


def test_a_part_of_a_log_still_tells_what_was_left_out() -> None:
    rows = [(str(n), word, n, "") for n in range(9) for word in ("arrived", "arrived", "weighed")]
    part = log_of(rows, Naming().moments(), "source").part(0, 5)
    assert (part.parcels, part.repeats, part.other) == (5, 9, {"weighed": 9})


def test_what_is_predicted_has_its_busy_hours_where_the_log_has_them() -> None:
    hour_us = 3_600 * SECOND_US
    rates = (1_200_000,) * 12 + (120_000,) * 12
    steady = Line(
        arrivals=Arrivals(model=Poisson(rates_milli=rates)), cycle=None, way=None, verdict=None, exit=None,
        after_review=None, review=None, bench=None,
    )  # fmt: skip
    fit = Fit(line=steady, arrivals=fit_arrivals(np.arange(0, 60 * SECOND_US, SECOND_US)), remarks=())
    evening = Log(times={Moment.INDUCTED: np.arange(13 * hour_us, 23 * hour_us, 30 * SECOND_US)})
    compared, _ = predict(begun_with(fit, evening, 0), evening, seed=1, replications=3)
    assert _by_name(compared)["throughput"].error == pytest.approx(0.0, abs=0.1)


def test_the_command_writes_scenario_page_and_figures(tmp_path: Path) -> None:
    log = write_csv(tmp_path / "export.csv", _one_officer(4, 1_500))
    words = [f"--event={theirs}={ours}" for theirs, ours in HAND_WORDS.items()]
    names = [f"--column={pair}" for pair in ("parcel=case", "event=activity", "time=at")]
    files = {name: tmp_path / f"c.{name}" for name in ("toml", "html", "json")}
    done = CliRunner().invoke(
        calibrate,
        [str(log), *names, *words, "--time-unit=s", "--holdout=0.4", "--replications=4", f"--lane={LANE}",
         f"--out={files['toml']}", f"--report={files['html']}", f"--json={files['json']}"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(files["json"].read_text(encoding="utf-8"))
    assert (told["fitted_parcels"], told["predicted_parcels"]) == (900, 600)
    assert {"throughput", "wait for bench"} <= {one["name"] for one in told["figures"]}
    assert load_scenario(files["toml"]).settings.bench.officers == 1
    page = files["html"].read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "SYNTHETIC" in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["{log}"], "expected columns parcel, event, time"),
        (["{log}", "--column", "parcel"], "expected NAME=NAME, was parcel"),
        (["{folder}"], "expected a run directory with journal.db"),
        (["{log}", "--twin-parcels", "5"], "expected --out too"),
        (["{log}", "--out", "nowhere/x.toml"], "expected an existing folder"),
        (["{short}"], "at least 50 parcels"),
        (["{plain}", "--holdout", "0.001"], "--holdout keeps too few parcels to compare with: expected at least 20"),
        (["{half}"], "at least 50 parcels, was 1; 59 parcels without the event arrived were left out"),
        (["{plain}", "--against", "{short}"], "--against has too few parcels to compare with: expected at least 20"),
    ],
)
def test_a_calibration_that_can_not_be_ends_with_one_clear_line(
    arguments: list[str], text: str, tmp_path: Path
) -> None:
    log = write_csv(tmp_path / "export.csv", [(1, "come", 1.0)])
    short = tmp_path / "short.csv"
    short.write_text("parcel,event,time\n1,inducted,1\n", encoding="utf-8")
    plain = tmp_path / "plain.csv"
    plain.write_text("parcel,event,time\n" + "".join(f"{n},inducted,{n}000000\n" for n in range(60)), encoding="utf-8")
    half = tmp_path / "half.csv"
    half.write_text(plain.read_text(encoding="utf-8") + "7,arrived,6000000\n", encoding="utf-8")
    places = {"log": log, "folder": tmp_path, "short": short, "plain": plain, "half": half}
    done = CliRunner().invoke(calibrate, [one.format(**places) for one in arguments])
    assert done.exit_code == 1
    assert text in " ".join(done.output.split())
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", ["export.csv", 'a "log"\n\\ of\x7f 包裹.csv'])
@pytest.mark.parametrize("headway_s", [0.4, 5.0, 400.0])
def test_whatever_scenario_is_written_the_twin_runs_it(name: str, headway_s: float, tmp_path: Path) -> None:
    rows = [(n, word, at * headway_s / 5) for n, word, at in _one_officer(3, 120)]
    words = ["--time-unit=s", *(f"--event={theirs}={ours}" for theirs, ours in HAND_WORDS.items())]
    words += [f"--column={pair}" for pair in ("parcel=case", "event=activity", "time=at")]
    out = tmp_path / "c.toml"
    made = CliRunner().invoke(sim, ["calibrate", str(write_csv(tmp_path / name, rows)), *words, "--replications=2",
                                    f"--lane={LANE}", f"--out={out}"])  # fmt: skip
    assert made.exit_code == 0, made.output
    ran = CliRunner().invoke(sim, ["run", str(out), "--parcels", "12", "--json", str(tmp_path / "c.json")])
    assert (tmp_path / "c.json").is_file(), ran.output


def test_a_log_that_makes_no_scenario_is_told_with_the_key_and_leaves_no_file(tmp_path: Path) -> None:
    rows = [(n, word, at * 4_000 if word in ("opened", "closed") else at) for n, word, at in _one_officer(3, 120)]
    words = ["--time-unit=s", *(f"--event={theirs}={ours}" for theirs, ours in HAND_WORDS.items())]
    words += [f"--column={pair}" for pair in ("parcel=case", "event=activity", "time=at")]
    log, out = write_csv(tmp_path / "log.csv", rows), tmp_path / "c.toml"
    done = CliRunner().invoke(calibrate, [str(log), *words, "--replications=2", f"--lane={LANE}", f"--out={out}"])
    assert done.exit_code == 1
    assert f"{out}: not written, the log makes no scenario of this lane:" in done.output
    assert "bench." in done.output
    assert ".part" not in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["log.csv"]


def test_a_journal_of_ours_is_a_log_of_the_lane_that_wrote_it(tmp_path: Path) -> None:
    """The twin's day: officers, opening times, belt and verdicts come back as its scenario has them."""
    plan = load_scenario(ROOT / "config" / "scenarios" / "day.toml", {"bench.officers": 6})
    stream = plan.parcels(160, 3)
    write_parcels(tmp_path / "stream.csv", stream)
    result = run_core_twin(plan.config, stream, 3, settings=replace(plan.settings, keep_records=True))
    database = sqlite3.connect(tmp_path / JOURNAL_NAME)
    database.execute("CREATE TABLE record (idx INTEGER PRIMARY KEY, leaf BLOB, body BLOB)")
    rows = [(index, b"", body) for index, body in result.journal.records()]
    database.executemany("INSERT INTO record VALUES (?, ?, ?)", rows)
    database.commit()
    database.close()
    log = journal_log(tmp_path, read_parcels(tmp_path / "stream.csv"))
    assert log.parcels == 160
    assert len(log.persons[Moment.BENCH_DONE]) == 6
    assert (log.of(Moment.BENCH_QUEUED) >= 0).sum() == result.figures["routes"]["INSPECT"]
    line = fit_line(log).line
    assert line.bench is not None
    assert line.way is not None
    assert line.verdict is not None
    assert (line.bench.servers, line.bench.told) == (6, "names")
    assert line.bench.service.mean_us == pytest.approx(45e6, rel=0.2)
    assert line.verdict.mean_us == pytest.approx(180_000, rel=0.15)
    way_um = plan.config.layout.detector_um + sum(parcel.length_um for parcel in stream) / 160
    assert line.way.mean_us == pytest.approx(way_um / plan.config.speed_um_s * 1e6, rel=0.1)
    (tmp_path / JOURNAL_NAME).write_bytes(b"")
    with pytest.raises(ValueError, match="can't be read"):
        journal_log(tmp_path)


def test_a_run_directory_without_a_journal_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"journal\.db"):
        journal_log(tmp_path)
