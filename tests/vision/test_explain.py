"""The shared forward pass against trying every way, and the hypotheses it serves."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vision.explain
from vision.explain import Explanation, TooManyWays
from vision.hypotheses import Kind, Pieces, enumerate_hypotheses
from vision.likelihood import RegionLikelihood, _single, prepare
from vision.measure import Region
from vision.signatures import LaneKnowledge, Signature

KNOWLEDGE = LaneKnowledge(
    tare_noise_mg=10_000, gross_ppm=10_000, tare_base_ppm=0, tare_ground_ppm=1_000_000, tare_length_ppm=0,
    tare_width_ppm=0, tare_spread_ppm=100_000, pile_spread_ppm=60_000,
    pile_shift_ppm=30_000,
)  # fmt: skip


def signature(c_g: float, p_g: float, area_cm2: float, major_mm: float, seed: int) -> Signature:
    random = np.random.Generator(np.random.PCG64(seed))
    scans = tuple(
        tuple(int(value * factor) for value, factor in zip(
            (c_g * 1000, p_g * 1000, area_cm2 * 100, major_mm * 1000), 1 + 0.02 * random.standard_normal(4), strict=True
        ))
        for _ in range(20)
    )  # fmt: skip
    return Signature(unit_mg=int(1100 * (c_g + p_g)), lot_ppm=10_000, piece_ppm=10_000, scans=scans)  # type: ignore[arg-type]


REFERENCES = [
    prepare(signature(100, 10, 60, 120, 1)),
    prepare(signature(150, 60, 80, 150, 2)),
    prepare(signature(90, 40, 50, 90, 3)),
]


def region(c_g: float, p_g: float, area_cm2: float, major_mm: float) -> Region:
    return Region(
        number=1, c_g=c_g, p_g=p_g, area_cm2=area_cm2, major_mm=major_mm, minor_mm=major_mm / 2, box=(0, 0, 4, 4),
        outline=((0, 0), (4, 0), (4, 4)),
    )  # fmt: skip


def totals_of(declared: Pieces) -> list[Pieces]:
    return [item.pieces for item in enumerate_hypotheses(declared)]


def by_trying(likelihood: RegionLikelihood, regions: int, pieces: Pieces) -> float | None:
    """Best total over every way to share out the pieces."""
    kinds = len(pieces)
    best: float | None = None
    for split in product(*(list(_compositions(count, regions)) for count in pieces)):
        handfuls = np.array([[split[kind][place] for kind in range(kinds)] for place in range(regions)])
        if (handfuls.sum(axis=1) == 0).any():
            continue
        scores = []
        for place in range(regions):
            row = handfuls[place : place + 1]
            if not likelihood.near(place, row)[0]:
                break
            scores.append(float(likelihood.log_densities(place, row)[0]))
        if len(scores) == regions and (best is None or sum(scores) > best):
            best = sum(scores)
    return best


def _compositions(count: int, parts: int) -> list[tuple[int, ...]]:
    return [way for way in product(range(count + 1), repeat=parts) if sum(way) == count]


@settings(derandomize=True, max_examples=25, deadline=None)
@given(data=st.data())
def test_the_forward_pass_finds_the_best_way(data: st.DataObject) -> None:
    declared = (data.draw(st.integers(1, 2)), data.draw(st.integers(0, 2)), 0)
    truth = [0] * declared[0] + [1] * declared[1]
    cuts = data.draw(st.integers(1, len(truth)))
    groups = [truth[i::cuts] for i in range(cuts)]
    regions = []
    for group in groups:
        c, p = sum((REFERENCES[kind].mean for kind in group), start=np.zeros(2))
        factor = data.draw(st.floats(0.96, 1.06))
        area = sum(REFERENCES[kind].area_mean for kind in group)
        regions.append(region(c * factor, p * factor, area, 120.0 * len(group)))
    likelihood = RegionLikelihood(regions, REFERENCES, KNOWLEDGE)
    explanation = Explanation(likelihood, len(regions), totals_of(declared))
    found = explanation.score(declared)
    expected = by_trying(likelihood, len(regions), declared)
    assert expected is not None
    assert found == pytest.approx(expected, abs=1e-6)
    parts = explanation.parts(declared)
    assert tuple(np.sum(parts, axis=0)) == declared
    assert all(sum(part) for part in parts)


def test_one_piece_is_best_explained_by_itself() -> None:
    point = np.array([np.log(100.0), 10 / 110, np.log(60.0), np.log(120.0)])
    own, other, third = (_single(point, reference) for reference in REFERENCES)
    assert own > other + 20
    assert own > third + 20


def test_an_empty_picture_is_explained_by_no_pieces_only() -> None:
    explanation = Explanation(RegionLikelihood([], REFERENCES, KNOWLEDGE), 0, totals_of((1, 0, 0)))
    assert explanation.score((0, 0, 0)) == 0.0
    assert explanation.score((1, 0, 0)) is None


def test_hypotheses_are_the_declared_list_and_its_small_deviations() -> None:
    found = enumerate_hypotheses((2, 0, 1))
    assert sum(item.prior for item in found) == pytest.approx(0.99)
    assert {item.pieces for item in found if item.kind is Kind.MISSING} == {(1, 0, 1), (2, 0, 0)}
    assert {item.pieces for item in found if item.kind is Kind.EXTRA} == {(3, 0, 1), (2, 0, 2), (2, 1, 1)}
    assert {item.pieces for item in found if item.kind is Kind.SWAPPED} == {
        (1, 1, 1), (1, 0, 2), (3, 0, 0), (2, 1, 0),
    }  # fmt: skip


def pile(pieces: Pieces, factor: float = 1.0) -> Region:
    c, p = factor * sum(
        (count * reference.mean for count, reference in zip(pieces, REFERENCES, strict=True)), start=np.zeros(2)
    )
    return region(
        c, p, sum(count * reference.area_mean for count, reference in zip(pieces, REFERENCES, strict=True)) / 2, 400.0
    )


def test_thirty_pieces_that_all_touch_are_explained_as_declared_and_as_every_deviation() -> None:
    declared = (12, 11, 7)
    totals = totals_of(declared)
    explanation = Explanation(RegionLikelihood([pile(declared)], REFERENCES, KNOWLEDGE), 1, totals)
    assert all(explanation.score(total) is not None for total in totals)
    assert explanation.parts(declared) == (declared,)
    assert explanation.missed == np.inf


def test_what_the_search_leaves_out_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = (6, 6, 6)
    regions = [pile((3, 3, 3)), pile((3, 3, 2)), pile((0, 0, 1))]
    whole = Explanation(RegionLikelihood(regions, REFERENCES, KNOWLEDGE), 3, totals_of(declared))
    monkeypatch.setattr(vision.explain, "HANDFULS_MAX", 3)
    narrow = Explanation(RegionLikelihood(regions, REFERENCES, KNOWLEDGE), 3, totals_of(declared))
    assert whole.missed == np.inf
    assert 0 <= narrow.missed < 10


def test_a_region_with_too_many_possible_handfuls_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    regions = [pile((3, 3, 3)), pile((3, 3, 2))]
    monkeypatch.setattr(vision.explain, "PARTIAL_MAX", 20)
    with pytest.raises(TooManyWays, match="expected at most 20 handfuls"):
        Explanation(RegionLikelihood(regions, REFERENCES, KNOWLEDGE), 2, totals_of((6, 6, 6)))


def test_densities_integrate_to_about_one() -> None:
    random = np.random.Generator(np.random.PCG64(5))
    low = np.array([np.log(60.0), -0.05, np.log(25.0), np.log(60.0)])
    high = np.array([np.log(180.0), 0.25, np.log(140.0), np.log(240.0)])
    points = low + (high - low) * random.random((60_000, 4))
    whole = float(np.mean([np.exp(_single(point, REFERENCES[0])) for point in points]) * np.prod(high - low))
    assert whole == pytest.approx(1.0, abs=0.15)
