"""An evaluation gives the same figures for any number of processes, goes on where it ended, and writes its page."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from lane.model.config import ContentConfig
from sim.families import Pool
from sim.learning import cases
from sim.learning import evaluate as module
from sim.learning.ablations import Variant, attempts, declared_by_weight, scales_of
from sim.learning.cases import (
    PICTURES,
    SCALE_MG,
    STANDARD_ERRORS,
    STANDARD_PICTURES,
    TRICKS,
    Case,
    Part,
    counted,
    half_of,
    lane_case,
    standard_case,
    trick_case,
    two_in_one,
)
from sim.learning.cli import MODELS
from sim.learning.cli import evaluate as command
from sim.learning.evaluate import Plan, blocks_of, evaluate
from sim.learning.judging import Judge
from sim.learning.oracle import Witness
from sim.xray.contents import Overlap, PiecesClass, overlap_class
from sim.xray.render import TABLE
from sim.xray.scenes import Scene, SceneSpec, make_scene
from vision.basis import load_basis
from vision.cli import vision
from vision.pipeline import Pipeline, see, weighing

PARCELS = 6
STANDARD = Part(name="standard", mix="standard", seed=2, parcels=80)


def plan(**changes: Any) -> Plan:
    given: dict[str, Any] = {
        "parcels": PARCELS, "seed": 2, "mix": "lane", "pool": Pool.CATALOGUE, "signatures": MODELS,
        "bound_ppm": ContentConfig().bound_ppm, "ablations": 2,
    }  # fmt: skip
    return Plan(**(given | changes))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load(MODELS)


@pytest.fixture(scope="module")
def missing() -> Case:
    """The first case of the standard mix with a missing piece."""
    return next(
        case for number in range(20, 40) if (case := standard_case(STANDARD, number)).error == "MISSING"
    )  # fmt: skip


@pytest.mark.timeout(600)  # starts three processes: seconds on an idle machine, minutes on a busy one
def test_figures_are_the_same_for_any_number_of_processes_and_taken_up_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_CASES", 4)
    folders = [tmp_path / name for name in ("one", "two")]
    reports = []
    for workers, folder in enumerate(folders, start=1):
        folder.mkdir()
        report, outcomes = evaluate(plan(), folder, workers, lambda _: None)
        assert [one.number for one in outcomes] == list(range(PARCELS))
        reports.append(report)
    times = [report.pop("ms") for report in reports]
    assert json.dumps(reports[0]) == json.dumps(reports[1])
    assert times[0]["n"] == PARCELS

    def none_needed(_: int) -> None:
        raise AssertionError("a process was asked for although every block is done")

    monkeypatch.setattr(module, "processes", none_needed)
    told: list[int] = []
    again, _ = evaluate(plan(), folders[0], 2, told.append)
    assert told == [PARCELS]
    assert again.pop("ms") == times[0]
    assert again == reports[0]
    next(folders[0].glob("*.json")).write_text("[half a block", encoding="utf-8")
    with pytest.raises(AssertionError, match="a process was asked for"):
        evaluate(plan(), folders[0], 2, told.append)


def test_another_bound_or_seed_takes_no_block_of_this_one(tmp_path: Path) -> None:
    keys = {
        module._key(one, "code", next(blocks_of(one.parts()[0])))
        for one in (plan(), plan(seed=3), plan(bound_ppm=960_000), plan(ablations=0), plan(mix="standard"))
    }
    assert len(keys) == 5
    longer = [plan(mix="standard", parcels=parcels) for parcels in (40, 60)]
    assert len({module._key(one, "code", next(blocks_of(one.parts()[0]))) for one in longer}) == 1


def test_the_command_prints_targets_and_writes_figures_and_page(tmp_path: Path) -> None:
    out = {name: tmp_path / f"figures.{name}" for name in ("json", "html")}
    options = [word for name, path in out.items() for word in (f"--{name}", str(path))]
    done = CliRunner().invoke(
        command, ["--mix", "lane", "--parcels", "20", "--seed", "5", "--workers", "1", "--ablations", "1", *options]
    )
    assert done.exit_code == 0, done.output
    assert "SYNTHETIC - 20 parcels" in done.output
    figures = json.loads(out["json"].read_text(encoding="utf-8"))
    assert {"wrong_match", "auto_match_share", "exact_total", "detected", "named_rightly", "mass_error", "ece", "ms",
            "false_inspect", "ablations"} <= set(figures)  # fmt: skip
    assert figures["wrong_match"]["n"] == 10
    page = out["html"].read_text(encoding="utf-8")
    assert "SYNTHETIC" in page
    assert "<polygon" in page
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page), "the page asks for something from a network"


def test_the_lane_stream_knows_no_held_out_goods() -> None:
    done = CliRunner().invoke(command, ["--mix", "lane", "--goods", "held-out"])
    assert done.exit_code == 1
    assert "goods of the catalogue only" in done.output


def test_lane_vision_offers_the_command() -> None:
    assert "evaluate" in vision.list_commands(None)  # type: ignore[arg-type]


def test_forty_cases_hold_every_class_once_as_declared_and_once_with_an_error() -> None:
    specs = {module.MIXES["standard"](STANDARD, number).error for number in (0, 20, 21, 22, 23, 24)}
    assert specs == {"", *map(str, STANDARD_ERRORS)}


def test_a_case_of_the_standard_mix_tells_what_is_wrong_and_who_would_show_it(missing: Case) -> None:
    assert missing.differs
    assert sum(counted(missing.true).values()) == sum(counted(missing.declared).values()) - 1
    assert set(missing.shown_by) <= set(Witness)
    again = standard_case(STANDARD, missing.number)
    assert again.shown_by == missing.shown_by
    assert np.array_equal(again.frame.low, missing.frame.low)


def test_other_pictures_are_of_the_same_goods(missing: Case) -> None:
    finer = standard_case(replace(STANDARD, pictures="pitch 0.8 mm"), missing.number)
    assert (finer.true, finer.declared, finer.shown_by) == (missing.true, missing.declared, missing.shown_by)
    assert len(finer.frame.low) == pytest.approx(1.5 * len(missing.frame.low), abs=2)
    assert finer.pictures == "pitch 0.8 mm"
    assert scales_of(finer, Variant.WHOLE) == scales_of(missing, Variant.WHOLE)


def test_the_parts_of_a_plan_are_named_apart() -> None:
    parts = plan(mix="standard", ladder=20, adversarial=10).parts()
    assert len({part.name for part in parts}) == len(parts) == len(PICTURES) + 1
    assert parts[0].pictures == STANDARD_PICTURES
    assert [part.parcels for part in parts if part.spoiled] == [10]
    assert [part.name for part in plan().parts()] == ["standard"]


def test_goods_that_find_no_room_are_drawn_again(monkeypatch: pytest.MonkeyPatch, missing: Case) -> None:
    asked: list[int] = []
    make = make_scene

    def third(spec: SceneSpec) -> Scene:
        asked.append(spec.seed)
        if len(asked) < 3:
            raise ValueError("no room")
        return make(spec)

    monkeypatch.setattr(cases, "make_scene", third)
    case = standard_case(STANDARD, missing.number)
    assert len(set(asked)) == 3
    assert case.error == missing.error


def test_tricks_of_equal_mass_are_not_shown_by_the_mass() -> None:
    part = Part(name="adversarial", mix="tricks", seed=2, parcels=10)
    cases = [trick_case(part, number) for number in range(len(TRICKS))]
    assert [case.error for case in cases] == [str(trick) for trick in TRICKS]
    stone = cases[0]
    assert stone.error == "STONE_EQUAL_WEIGHT"
    assert Witness.MASS not in stone.shown_by


def test_each_way_of_judging_gets_its_own_weights_by_the_same_luck(pipeline: Pipeline, missing: Case) -> None:
    basis = load_basis(TABLE)
    tried = {one.variant: one for one in attempts(pipeline, basis, missing, all_variants=True)}
    assert set(tried) == set(Variant)
    assert tried[Variant.PICTURE].scales.scale_mg == -1
    assert tried[Variant.NO_GROSS].scales.gross_mg == -1
    assert not {line.sku for line in missing.lines} & set(tried[Variant.COLD].pipeline.signatures.goods)
    near = tried[Variant.WHOLE].scales.scale_mg - missing.weight_mg
    far = tried[Variant.SCALE_25].scales.scale_mg - missing.weight_mg
    assert tried[Variant.SCALE_25].scales.error_mg == 25_000
    assert far == pytest.approx(near * 25_000 / SCALE_MG, abs=10)
    assert [one.variant for one in attempts(pipeline, basis, missing, all_variants=False)] == [Variant.WHOLE]


def test_weight_alone_believes_the_weight_and_nothing_without_signatures(pipeline: Pipeline) -> None:
    sound = lane_case(Part(name="standard", mix="lane", seed=4, parcels=8), 3)
    basis = load_basis(TABLE)
    cue = weighing(scales_of(sound, Variant.WHOLE), see(sound.frame, basis))
    believed = declared_by_weight(pipeline.signatures, sound.lines, cue)
    assert 0 <= believed <= 1_000_000
    cold = next(one for one in attempts(pipeline, basis, sound, all_variants=True) if one.variant is Variant.COLD)
    assert declared_by_weight(cold.pipeline.signatures, sound.lines, cue) == -1


def test_two_parcels_in_a_picture_and_half_of_one_never_match(pipeline: Pipeline) -> None:
    part = Part(name="adversarial", mix="lane", seed=4, parcels=8, spoiled=True)
    case = lane_case(part, 3)
    assert len(two_in_one(case.frame, case.frame).low) == 2 * len(case.frame.low)
    assert half_of(case.frame).lines_expected == len(case.frame.low) // 2
    outcome = Judge(pipeline, load_basis(TABLE), ContentConfig()).judge(case, spoil=True)
    assert outcome.caught == {"two parcels in one picture": True, "half a parcel": True}
    assert not any(answer.matched for answer in outcome.spoiled.values())


def test_overlap_of_a_case_is_of_the_measured_class() -> None:
    case = standard_case(STANDARD, 4 + tuple(Overlap).index(Overlap.MIDDLE))
    assert overlap_class(case.overlap_permille / 1_000) is Overlap.MIDDLE
    assert sum(counted(case.declared).values()) in range(3, 6)
    assert list(PiecesClass)[1] == "3-5"
