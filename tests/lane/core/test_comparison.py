"""Findings, one vector per rule and edge; grounds; weight check; refused counts."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lane.comparison import Comparison, compare, interval_finding, refused, weight_ground, weight_passes
from lane.model.config import ContentConfig
from lane.model.declared import DeclaredItem
from lane.model.grounds import Ground
from lane.model.words import FindingKind
from vision.item_count import Abstain, Acquisition, ItemCount, LineCount

CONTENT = ContentConfig()
SURE = 990_000


def item(number: int, lo: int, hi: int, **changes: Any) -> DeclaredItem:
    base = DeclaredItem(
        line_no=number, sku=f"S{number}", name="goods", hs_code="1", qty_e5=max(lo, 0) * 100_000, unit="007",
        count_lo=lo, count_hi=hi, rule="[q, q]",
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def line(number: int, lo: int, hi: int, p_ppm: int = SURE, abstain: Abstain = Abstain.NONE) -> LineCount:
    return LineCount(line_no=number, count_lo=lo, count_hi=hi, p_ppm=p_ppm, abstain=abstain)


def counted(*lines: LineCount, **changes: Any) -> ItemCount:
    base = ItemCount(
        image_sha256="i", lines=lines, p_declared_ppm=SURE, unexplained=0, total_lo=0, total_hi=0,
        acquisition=Acquisition.SUCCESSFUL, model_sha256="m", signatures="s",
    )  # fmt: skip
    return replace(base, **changes)


def judged(
    items: list[DeclaredItem], count: ItemCount, flags: tuple[str, ...] = (), scale_mg: int = 1_000_000
) -> Comparison:
    return compare(items, count, scale_mg=scale_mg, error_mg=0, gross_mg=1_000_000, flags=flags, content=CONTENT)


@pytest.mark.parametrize(
    ("finding", "expected", "seen"),
    [
        (FindingKind.MATCH, (6, 6), (6, 6)),
        (FindingKind.MATCH, (2, 4), (3, 3)),
        (FindingKind.MATCH, (3, 6), (3, 5)),
        (FindingKind.SHORT, (6, 6), (5, 5)),
        (FindingKind.SHORT, (2, 4), (1, 1)),
        (FindingKind.OVER, (6, 6), (7, 7)),
        (FindingKind.OVER, (2, 4), (5, 5)),
        (FindingKind.UNCERTAIN, (6, 6), (5, 6)),
        (FindingKind.UNCERTAIN, (6, 6), (6, 7)),
        (FindingKind.UNCERTAIN, (2, 4), (1, 2)),
        (FindingKind.UNCERTAIN, (2, 4), (2, 5)),
    ],
)
def test_finding_vectors_of_the_design(finding: FindingKind, expected: tuple[int, int], seen: tuple[int, int]) -> None:
    assert interval_finding(expected, seen, 0)[0] is finding
    result = judged([item(1, *expected)], counted(line(1, *seen)))
    assert result.finding is finding
    assert (result.lines[0].expected_lo, result.lines[0].seen_hi) == (expected[0], seen[1])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_match_means_inclusion_and_nothing_else_is_match(a: int, b: int, c: int, d: int) -> None:
    expected, seen = (min(a, b), max(a, b)), (min(c, d), max(c, d))
    finding, _ = interval_finding(expected, seen, 0)
    inside = set(range(seen[0], seen[1] + 1)) <= set(range(expected[0], expected[1] + 1))
    apart = not set(range(seen[0], seen[1] + 1)) & set(range(expected[0], expected[1] + 1))
    assert (finding is FindingKind.MATCH) == inside
    assert (finding in (FindingKind.SHORT, FindingKind.OVER)) == apart


def test_thirty_pieces_that_look_like_three_packs_of_ten_are_uncertain_not_short() -> None:
    result = judged([item(1, 30, 30, inner=10)], counted(line(1, 3, 3)))
    assert result.finding is FindingKind.UNCERTAIN
    assert "3 packs of 10" in result.lines[0].reason
    assert judged([item(1, 30, 30, inner=10)], counted(line(1, 4, 4))).finding is FindingKind.SHORT
    assert judged([item(1, 30, 30, inner=7)], counted(line(1, 4, 4))).finding is FindingKind.SHORT


def test_two_lines_of_one_sku_are_compared_as_a_sum_and_reported_each() -> None:
    items = [item(1, 2, 2, sku="A"), item(2, 3, 3, sku="A")]
    swapped = judged(items, counted(line(1, 3, 3), line(2, 2, 2)))
    assert [one.finding for one in swapped.lines] == [FindingKind.MATCH] * 2
    assert [(one.seen_lo, one.line_no) for one in swapped.lines] == [(3, 1), (2, 2)]
    short = judged(items, counted(line(1, 2, 2), line(2, 2, 2)))
    assert [one.finding for one in short.lines] == [FindingKind.SHORT] * 2
    assert "compared as a sum: expected 5..5, seen 4..4" in short.lines[0].reason


def test_over_and_short_are_never_merged_and_over_is_the_worse() -> None:
    result = judged([item(1, 2, 2), item(2, 2, 2)], counted(line(1, 1, 1), line(2, 3, 3)))
    assert result.finding is FindingKind.OVER
    assert set(result.grounds) == {Ground.COUNT_SHORT, Ground.COUNT_OVER}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((line(1, 2, 2, abstain=Abstain.TOO_THICK),), "abstains: TOO_THICK"),
        ((line(1, 2, 2, p_ppm=949_999),), "949999 ppm is below"),
        ((line(9, 2, 2),), "says nothing"),
    ],
)
def test_what_the_picture_does_not_know_is_uncertain(lines: tuple[LineCount, ...], reason: str) -> None:
    result = judged([item(1, 2, 2)], counted(*lines))
    assert result.finding is FindingKind.UNCERTAIN
    assert reason in result.lines[0].reason
    assert result.grounds == (Ground.COUNT_UNCERTAIN,)


def test_lines_that_match_but_a_list_that_is_unlikely_as_a_whole_are_uncertain() -> None:
    result = judged([item(1, 2, 2), item(2, -1, -1)], counted(line(1, 2, 2), p_declared_ppm=900_000))
    assert [one.finding for one in result.lines] == [FindingKind.UNCERTAIN, FindingKind.UNCOUNTABLE]


def test_an_unlikely_list_does_not_hide_a_short_line() -> None:
    result = judged([item(1, 2, 2), item(2, 2, 2)], counted(line(1, 1, 1), line(2, 2, 2), p_declared_ppm=10))
    assert [one.finding for one in result.lines] == [FindingKind.SHORT, FindingKind.MATCH]


def test_uncountable_line_is_carried_by_the_weight_and_by_nothing_else() -> None:
    items, count = [item(1, -1, -1)], counted(line(1, 0, 0))
    assert judged(items, count).grounds == ()
    assert judged(items, count).finding is FindingKind.UNCOUNTABLE
    assert judged(items, count, scale_mg=-1).grounds == (Ground.UNCOUNTABLE,)
    assert judged(items, count, scale_mg=2_000_000).grounds == (Ground.UNCOUNTABLE,)
    assert judged(items, count, flags=("NET_SUM",)).grounds == (Ground.UNCOUNTABLE,)
    assert judged([item(1, -1, -1, flags=("UNIT_MASS",))], count).grounds == (Ground.UNCOUNTABLE,)


def test_more_pieces_than_can_be_counted_are_uncountable() -> None:
    assert judged([item(1, 61, 61)], counted(line(1, 61, 61))).finding is FindingKind.UNCOUNTABLE


def test_unexplained_object_is_suspect_whatever_the_lines_say() -> None:
    result = judged([item(1, 2, 2)], counted(line(1, 2, 2), unexplained=1))
    assert (result.finding, result.grounds) == (FindingKind.MATCH, (Ground.CONTENT_SUSPECT,))


def test_total_alone_is_tested_against_the_sum_of_the_intervals() -> None:
    items = [item(1, 2, 2), item(2, 1, 3)]
    assert judged(items, counted(total_lo=5, total_hi=5)).finding is FindingKind.MATCH
    off = judged(items, counted(total_lo=6, total_hi=6))
    assert [one.finding for one in off.lines] == [FindingKind.UNCERTAIN] * 2
    assert judged([item(1, 2, 2), item(2, -1, -1)], counted(total_lo=2, total_hi=2)).grounds == (
        Ground.COUNT_UNCERTAIN,
    )
    assert judged(items, counted(total_lo=-1, total_hi=-1)).finding is FindingKind.UNCERTAIN


def test_a_list_without_lines_is_never_clear() -> None:
    for count in (counted(), counted(line(1, 1, 1))):
        assert judged([], count).grounds == (Ground.COUNT_UNCERTAIN,)


def test_weight_within_three_percent_or_fifty_grams_plus_the_scales_own_error() -> None:
    assert weight_passes(1_050_000, 0, 1_000_000, CONTENT)
    assert not weight_passes(1_050_001, 0, 1_000_000, CONTENT)
    assert weight_passes(1_053_000, 3_000, 1_000_000, CONTENT)
    assert weight_passes(10_300_000, 0, 10_000_000, CONTENT)
    assert not weight_passes(9_699_999, 0, 10_000_000, CONTENT)


def test_weight_ground_needs_both_weights() -> None:
    assert weight_ground(-1, 0, 1_000_000, CONTENT) == (Ground.WEIGHT_UNKNOWN,)
    assert weight_ground(1_000_000, 0, -1, CONTENT) == (Ground.WEIGHT_UNKNOWN,)
    assert weight_ground(2_000_000, 0, 1_000_000, CONTENT) == (Ground.WEIGHT_MISMATCH,)
    assert weight_ground(1_000_000, 0, 1_000_000, CONTENT) == ()


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (counted(p_declared_ppm=1_000_001), "p_declared_ppm"),
        (counted(unexplained=-1), "unexplained"),
        (counted(total_lo=3, total_hi=2), "total"),
        (counted(line(1, 1, 1), line(1, 2, 2)), "twice"),
        (counted(line(1, 2, 1)), "line 1 out of range"),
        (counted(line(1, 1, 20_000)), "line 1 out of range"),
        (counted(line(1, 1, 1, p_ppm=-5)), "line 1 out of range"),
        (counted(line(1, -1, -1)), "no count and no reason"),
    ],
)
def test_absurd_count_is_refused_with_its_reason(count: ItemCount, reason: str) -> None:
    assert reason in refused(count)


def test_a_region_that_fits_no_line_is_a_ground_beside_that_of_the_finding() -> None:
    result = judged([item(1, 6, 6)], counted(line(1, 5, 5), unexplained=1))
    assert result.finding is FindingKind.SHORT
    assert result.grounds == (Ground.COUNT_SHORT, Ground.CONTENT_SUSPECT)


def test_sound_count_is_not_refused() -> None:
    assert refused(counted(line(1, 1, 2), line(2, -1, -1, abstain=Abstain.NO_SIGNATURE))) == ""
