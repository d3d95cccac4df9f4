"""Reference scans repeat, their spreads are right, and the bound keeps the miss ceiling."""

import pytest
from click.testing import CliRunner

from sim.learn import learn
from sim.learning.bound import (
    BOUND_PPM_MAX,
    BOUND_PPM_MIN,
    Evaluation,
    Judged,
    choose_bound,
    expected_lines,
    match_score,
)
from sim.learning.references import _scan_single, _weigh_lots
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth
from sim.xray.render import TABLE
from vision.basis import load_basis
from vision.item_count import Abstain, Acquisition, ItemCount, LineCount

SPEC = StreamSpec(
    seed=3, parcels=200, short_permille=200, over_permille=200, swapped_permille=100, no_read_permille=0,
    no_declaration_permille=0, bad_status_permille=0,
)  # fmt: skip


def answer(
    count_lo: int, count_hi: int, p_ppm: int, *, abstain: Abstain = Abstain.NONE, unexplained: int = 0
) -> ItemCount:
    line = LineCount(line_no=1, count_lo=count_lo, count_hi=count_hi, p_ppm=p_ppm, abstain=abstain)
    return ItemCount(
        image_sha256="", lines=(line,), p_declared_ppm=980_000, unexplained=unexplained, total_lo=count_lo,
        total_hi=count_hi, acquisition=Acquisition.SUCCESSFUL, model_sha256="", signatures="",
    )  # fmt: skip


def judged(parcel: ParcelTruth, score_ppm: int) -> Judged:
    return Judged(parcel=parcel, count=answer(1, 1, score_ppm), score_ppm=score_ppm, wall_us=10)


def test_reference_scans_repeat_for_their_seed_and_differ_for_another() -> None:
    basis = load_basis(TABLE)
    first = _scan_single("FC-50", 12, 8, basis)
    assert first == _scan_single("FC-50", 12, 8, basis)
    assert first != _scan_single("FC-50", 13, 8, basis)
    assert len(first) == 8
    assert all(min(scan) > 0 for scan in first)


def test_weighed_lots_show_the_spread_of_the_goods() -> None:
    unit_mg, lot, piece = _weigh_lots("HN-500", 4)
    assert unit_mg == pytest.approx(719_000, rel=0.02)
    assert 0.004 < lot < 0.02
    assert 0.004 < piece < 0.02


@pytest.mark.parametrize("allowed", [0.0, 0.01, 0.05])
def test_no_more_planted_errors_pass_than_allowed(allowed: float) -> None:
    parcels = make_stream(SPEC)
    cases = [
        judged(parcel, 1_000 * number if parcel.planted in CONTENT_ERRORS else 999_990)
        for number, parcel in enumerate(parcels, start=799)
    ]
    chosen = choose_bound(Evaluation(judged=cases), allowed)
    missed, planted = chosen.figures["missed_of_planted"]
    assert BOUND_PPM_MIN <= chosen.bound_ppm <= BOUND_PPM_MAX
    assert missed <= allowed * planted
    assert chosen.figures["match_share"] == 1.0


def test_without_misses_the_bound_stays_at_its_floor() -> None:
    cases = [judged(parcel, 0 if parcel.planted in CONTENT_ERRORS else 999_990) for parcel in make_stream(SPEC)]
    assert choose_bound(Evaluation(judged=cases), 0.04).bound_ppm == BOUND_PPM_MIN


def test_a_match_rests_on_its_weakest_probability() -> None:
    parcel = next(parcel for parcel in make_stream(SPEC) if parcel.declared and len(parcel.declared.lines) == 1)
    lines = expected_lines(parcel)
    seen = lines[0].count_lo
    assert match_score(answer(seen, seen, 990_000), lines) == 980_000
    assert match_score(answer(seen, seen, 970_000), lines) == 970_000
    assert match_score(answer(seen, seen + 1, 990_000), lines) == 0
    assert match_score(answer(seen, seen, 990_000, unexplained=1), lines) == 0
    assert match_score(answer(seen, seen, 990_000, abstain=Abstain.AMBIGUOUS), lines) == 0


def test_the_commands_explain_themselves() -> None:
    done = CliRunner().invoke(learn, ["bound", "--help"])
    assert done.exit_code == 0
    assert "--check-seed" in done.output
