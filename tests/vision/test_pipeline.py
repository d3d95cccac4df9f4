"""Whole pictures through the whole pipeline: what is declared passes, what is not does not."""

import dataclasses

import numpy as np
import pytest
from msgspec.structs import replace

import vision.explain
from sim.goods import GOODS, carton_for, declared_masses
from sim.xray.frames import frame
from sim.xray.render import render
from tests.vision.scenes import Contents, judge, lines_of, pipeline
from vision.frame import ScanFrame
from vision.hypotheses import Kind
from vision.item_count import Abstain, Acquisition, ItemCount
from vision.pipeline import Scales

BOUND_PPM = 950_000
SOUND: list[Contents] = [
    [("MP-900", 2)], [("LP-35", 3)], [("SH-42", 1)], [("TH-500", 1), ("FC-50", 2)], [("BK-300", 3)],
    [("PH-128", 1), ("PB-10", 1), ("TP-120", 2)],
]  # fmt: skip


def is_match(count: ItemCount, declared: Contents) -> bool:
    exact = [(line.count_lo, line.count_hi) for line in count.lines] == [(pieces, pieces) for _, pieces in declared]
    sure = min(count.p_declared_ppm, *(line.p_ppm for line in count.lines)) >= BOUND_PPM
    return exact and sure and not count.unexplained


@pytest.mark.parametrize("declared", SOUND)
def test_the_declared_goods_are_found(declared: Contents) -> None:
    count, _, verdict = judge(declared, declared, 11)
    assert is_match(count, declared)
    assert verdict.explanation is Kind.DECLARED
    assert count.total_lo <= sum(pieces for _, pieces in declared) <= count.total_hi
    assert {stage for stage, _ in count.timings} >= {"calibrate", "basis", "ground", "segment", "measure", "verify"}


def test_one_missing_is_short_on_its_own_line() -> None:
    count, _, verdict = judge([("MP-400", 2), ("FC-50", 1)], [("MP-400", 1), ("FC-50", 1)], 5)
    assert [(line.count_lo, line.count_hi) for line in count.lines] == [(1, 1), (1, 1)]
    assert count.lines[0].p_ppm > BOUND_PPM
    assert verdict.explanation is Kind.MISSING


def test_one_extra_is_over() -> None:
    count, _, verdict = judge([("HN-500", 2)], [("HN-500", 3)], 5)
    assert (count.lines[0].count_lo, count.lines[0].count_hi) == (3, 3)
    assert verdict.explanation is Kind.EXTRA


def test_other_goods_beside_the_declared_ones_are_unexplained() -> None:
    count, _, _ = judge([("HN-500", 1)], [("HN-500", 1), ("TP-120", 1)], 5)
    assert count.unexplained == 1
    assert count.p_declared_ppm < 50_000


def test_swapped_goods_are_seen_even_at_equal_weight() -> None:
    declared, true = [("FO-200", 1)], [("FM-10", 1)]
    gross = declared_masses(declared, carton_for(declared, true), 5)[1]
    count, _, _ = judge(declared, true, 5, scale_mg=gross)
    assert not is_match(count, declared)
    assert count.p_declared_ppm < 50_000


@pytest.mark.parametrize("seed", range(4))
def test_an_unknown_body_of_the_right_weight_is_no_match(seed: int) -> None:
    """A stone, as it were: glass jars declared as tins, with the scale showing exactly the declared gross weight."""
    declared, true = [("MP-900", 1)], [("CF-200", 2)]
    gross = declared_masses(declared, carton_for(declared, true), seed)[1]
    count, _, _ = judge(declared, true, seed, scale_mg=gross, gross_mg=gross)
    assert not is_match(count, declared)


def test_an_empty_carton_of_the_right_weight_is_no_match() -> None:
    declared = [("HN-500", 1)]
    gross = declared_masses(declared, carton_for(declared), 3)[1]
    count, seen, _ = judge(declared, [], 3, scale_mg=gross, gross_mg=gross)
    assert seen.regions == []
    assert not is_match(count, declared)


def test_without_any_weight_the_picture_still_answers() -> None:
    declared = [("CH-300", 1)]
    count, _, _ = judge(declared, declared, 7, scale_mg=-1, gross_mg=-1)
    assert count.lines[0].abstain is Abstain.NONE
    assert count.lines[0].count_lo <= 1 <= count.lines[0].count_hi


def test_goods_without_signature_abstain_and_leave_the_others_ambiguous() -> None:
    lines = [replace(lines_of([("X", 1)])[0], sku="NEW-1"), *lines_of([("X", 1), ("HN-500", 1)])[1:]]
    count, _, _ = judge([("HN-500", 1)], [("HN-500", 1)], 5, lines=lines)
    assert [line.abstain for line in count.lines] == [Abstain.NO_SIGNATURE, Abstain.AMBIGUOUS]
    assert count.p_declared_ppm == 0


def test_a_pair_in_one_box_is_inside_its_interval_and_a_second_box_is_over() -> None:
    interval = [replace(lines_of([("SH-42", 1)])[0], count_hi=2)]
    right, _, _ = judge([("SH-42", 1)], [("SH-42", 1)], 4, lines=interval)
    over, _, _ = judge([("SH-42", 1)], [("SH-42", 2)], 4, lines=interval)
    assert 1 <= right.lines[0].count_lo <= right.lines[0].count_hi <= 2
    assert over.lines[0].count_lo > 2


def test_two_lines_of_one_goods_are_judged_as_their_sum() -> None:
    lines = [replace(line, line_no=number) for number, line in enumerate(lines_of([("HN-500", 1)]) * 2, start=1)]
    count, _, _ = judge([("HN-500", 2)], [("HN-500", 2)], 6, lines=lines)
    assert [(line.count_lo, line.count_hi) for line in count.lines] == [(1, 1), (1, 1)]
    assert count.p_declared_ppm > BOUND_PPM


def test_the_same_picture_gives_the_same_answer() -> None:
    first, again = (judge([("LP-35", 4)], [("LP-35", 4)], 9)[0] for _ in range(2))
    assert replace(first, timings=()) == replace(again, timings=())


def scan_of(contents: Contents, seed: int) -> ScanFrame:
    return frame(render(contents, carton_for(contents), seed))


def acquisition(scan: ScanFrame) -> ItemCount:
    scales = Scales(scale_mg=1_000_000, error_mg=3_000, gross_mg=1_000_000)
    return pipeline().count(scan, lines_of([("HN-500", 1)]), scales, "")[0]


def test_pictures_unfit_for_counting_say_so() -> None:
    scan = scan_of([("HN-500", 1)], 2)
    half = scan.low.shape[0] // 2
    cut = dataclasses.replace(scan, low=scan.low[:half], high=scan.high[:half], lines_expected=half)
    slipped = dataclasses.replace(scan, lines_expected=scan.lines_expected + 3)
    empty = dataclasses.replace(
        scan, low=np.repeat(scan.low[:1], 200, axis=0), high=np.repeat(scan.high[:1], 200, axis=0), lines_expected=200
    )
    double = dataclasses.replace(
        scan,
        low=np.concatenate([scan.low] * 2),
        high=np.concatenate([scan.high] * 2),
        lines_expected=2 * scan.lines_expected,
    )
    for broken, word in (
        (cut, Acquisition.CUT),
        (slipped, Acquisition.SLIP),
        (empty, Acquisition.INCOMPLETE),
        (double, Acquisition.MERGED),
    ):
        count = acquisition(broken)
        assert count.acquisition is word
        assert [line.abstain for line in count.lines] == [Abstain.LOW_QUALITY]
        assert count.p_declared_ppm == 0


def test_goods_behind_thick_steel_are_too_thick() -> None:
    scan = scan_of([("BK-300", 1)], 2)
    low, high = scan.low.copy(), scan.high.copy()
    rows = slice(scan.low.shape[0] // 2 - 30, scan.low.shape[0] // 2 + 30)
    low[rows, 290:350] = high[rows, 290:350] = 205
    count = acquisition(dataclasses.replace(scan, low=low, high=high))
    assert [line.abstain for line in count.lines] == [Abstain.TOO_THICK]


def test_learned_masses_agree_with_the_goods() -> None:
    for sku, signature in pipeline().signatures.goods.items():
        assert signature.unit_mg == pytest.approx(GOODS[sku].unit_mg, rel=0.02)


def test_a_deviation_that_the_search_left_out_may_win_and_then_explains_no_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vision.explain, "HANDFULS_MAX", 1)
    declared, true = [("FC-50", 6), ("HB-120", 4)], [("FC-50", 6), ("HB-120", 3)]
    for seed in range(3):
        count, seen, verdict = judge(declared, true, seed)
        assert not is_match(count, declared)
        assert len(verdict.parts) == len(seen.regions)


@pytest.mark.parametrize("declared", [[("HN-500", 41)], [(sku, 1) for sku in sorted(GOODS)[:9]], [("HN-500", 10**7)]])
def test_more_pieces_or_kinds_than_can_be_told_apart_are_out_of_range(declared: Contents) -> None:
    lines = lines_of(declared)
    count, _, _ = judge([("HN-500", 1)], [("HN-500", 1)], 5, lines=lines)
    assert {line.abstain for line in count.lines} == {Abstain.OUT_OF_RANGE}


def test_nothing_declared_is_no_match_with_something() -> None:
    count, _, _ = judge([("HN-500", 1)], [("HN-500", 1)], 5, lines=lines_of([("HN-500", 0)]))
    assert count.lines[0].count_lo >= 1 or count.p_declared_ppm < BOUND_PPM


def test_thirty_pieces_of_six_kinds_are_judged() -> None:
    declared = [("LP-35", 12), ("FC-50", 6), ("TP-120", 4), ("HB-120", 4), ("PF-100", 2), ("TH-500", 2)]
    count, _, _ = judge(declared, declared, 5)
    assert {line.abstain for line in count.lines} == {Abstain.NONE}
    assert all(
        line.count_lo <= pieces <= line.count_hi for line, (_, pieces) in zip(count.lines, declared, strict=True)
    )
