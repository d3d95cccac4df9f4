"""The shared forward pass against trying every way, and the hypotheses it serves."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vision.explain
from vision.explain import Explanation, TooManyWays
from vision.hypotheses import Kind, Pieces, enumerate_hypotheses
from vision.likelihood import BANDWIDTH, UNKNOWN_DENSITY, RegionLikelihood, prepare
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
            if not likelihood.near(place, row @ likelihood.means)[0]:
                break
            scores.append(float(likelihood.judge(place, row)[0][0]))
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
    explanation = Explanation(regions, REFERENCES, KNOWLEDGE, totals_of(declared))
    found = explanation.score(declared)
    expected = by_trying(likelihood, len(regions), declared)
    assert expected is not None
    assert found == pytest.approx(expected, abs=1e-6)
    parts = explanation.parts(declared)
    assert tuple(np.sum(parts, axis=0)) == declared
    assert all(sum(part) for part in parts)


def test_one_piece_is_best_explained_by_itself() -> None:
    likelihood = RegionLikelihood([region(100.0, 10.0, 60.0, 120.0)], REFERENCES, KNOWLEDGE)
    gains, misfits = likelihood.judge(0, np.eye(3, dtype=np.int64))
    assert gains[0] > max(gains[1:]) + 20
    assert misfits[0] < 3 < min(misfits[1:])


def test_an_empty_picture_is_explained_by_no_pieces_only() -> None:
    explanation = Explanation([], REFERENCES, KNOWLEDGE, totals_of((1, 0, 0)))
    assert explanation.score((0, 0, 0)) == 0.0
    assert explanation.score((1, 0, 0)) is None


def test_hypotheses_are_the_declared_list_and_its_small_deviations() -> None:
    found = enumerate_hypotheses((2, 0, 1))
    assert sum(item.prior for item in found) == pytest.approx(0.98)
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
    explanation = Explanation([pile(declared)], REFERENCES, KNOWLEDGE, totals)
    assert all(explanation.score(total) is not None for total in totals)
    assert explanation.parts(declared) == (declared,)
    assert explanation.missed == np.inf


def test_what_the_search_leaves_out_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = (6, 6, 6)
    regions = [pile((3, 3, 3)), pile((3, 3, 2)), pile((0, 0, 1))]
    whole = Explanation(regions, REFERENCES, KNOWLEDGE, totals_of(declared))
    monkeypatch.setattr(vision.explain, "HANDFULS_MAX", 3)
    narrow = Explanation(regions, REFERENCES, KNOWLEDGE, totals_of(declared))
    assert 0 <= narrow.missed < whole.missed


def test_a_region_with_too_many_possible_handfuls_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    regions = [pile((3, 3, 3)), pile((3, 3, 2))]
    monkeypatch.setattr(vision.explain, "PARTIAL_MAX", 20)
    with pytest.raises(TooManyWays, match="expected at most 20 handfuls"):
        Explanation(regions, REFERENCES, KNOWLEDGE, totals_of((6, 6, 6)))


def test_densities_integrate_to_about_one() -> None:
    """By importance sampling: points are drawn from wide bells around the scans and weighed by their density."""
    random = np.random.Generator(np.random.PCG64(5))
    scans, width = REFERENCES[0].points, 4 * BANDWIDTH
    points = scans[random.integers(0, len(scans), 4_000)] + width * random.standard_normal((4_000, 4))
    squares = (((points[:, None, :] - scans[None, :, :]) / width) ** 2).sum(axis=2)
    drawn = np.exp(-0.5 * squares).mean(axis=1) / np.prod(width * np.sqrt(2 * np.pi))
    bodies = [
        region(np.exp(c), np.exp(c) * share / (1 - share), np.exp(area), np.exp(major))
        for c, share, area, major in points.tolist()
    ]
    likelihood = RegionLikelihood(bodies, REFERENCES, KNOWLEDGE)
    alone = np.array([[1, 0, 0]])
    gains = [float(likelihood.judge(place, alone)[0][0]) for place in range(len(bodies))]
    whole = float(np.mean(np.exp(np.array(gains) + UNKNOWN_DENSITY) / drawn))
    assert whole == pytest.approx(1.0, abs=0.1)


def alone(kind: int, major_mm: float) -> Region:
    """A body that looks like one piece."""
    reference = REFERENCES[kind]
    c, p = reference.mean.tolist()
    return region(c, p, reference.area_mean, major_mm)


def parted(declared: Pieces, bridge: float) -> Explanation:
    """A pile of the first two kinds that may be cut into its pieces."""
    whole = replace(pile(declared), halves=(alone(0, 120.0), alone(1, 150.0)), bridge=bridge)
    return Explanation([whole], REFERENCES, KNOWLEDGE, totals_of(declared))


def lead(explanation: Explanation, over: Pieces) -> float:
    own, other = explanation.score((1, 1, 0)), explanation.score(over)
    assert own is not None
    return own - (other if other is not None else -100.0)


def test_touching_pieces_are_told_apart_where_they_can_be_cut() -> None:
    declared, swapped = (1, 1, 0), (1, 0, 1)
    plain = Explanation([pile(declared)], REFERENCES, KNOWLEDGE, totals_of(declared))
    assert parted(declared, 0.0).parts(declared) == (declared,)
    assert lead(parted(declared, 0.0), swapped) > lead(plain, swapped) + 5


def test_a_cut_through_dense_goods_costs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = (1, 1, 0)
    monkeypatch.setattr(vision.explain, "BRIDGE_COST", 30.0)
    free, dense = (parted(declared, bridge).score(declared) for bridge in (0.0, 1.0))
    plain = Explanation([pile(declared)], REFERENCES, KNOWLEDGE, totals_of(declared)).score(declared)
    assert free is not None
    assert dense is not None
    assert free > dense
    assert dense == plain


def test_other_goods_of_the_same_mass_are_told_by_shape_and_hardly_in_a_pile() -> None:
    units = np.array([reference.unit_g for reference in REFERENCES])
    apart = Explanation([alone(0, 120.0), alone(0, 121.0)], REFERENCES, KNOWLEDGE, totals_of((2, 0, 0)))
    together = Explanation([pile((2, 0, 0))], REFERENCES, KNOWLEDGE, totals_of((2, 0, 0)))
    leads = []
    for explanation in (apart, together):
        own, other = explanation.score((2, 0, 0)), explanation.replaced((2, 0, 0), units)
        assert own is not None
        assert other.shape == (1,)
        leads.append(own - float(other[0]))
    assert leads[0] > leads[1] + 10
    assert leads[1] > 0
