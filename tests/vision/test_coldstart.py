"""Goods without a signature: sure only where every piece lies free and everything agrees."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from sim.goods import GOODS, carton_for, declared_masses, parcel_masses
from tests.vision.scenes import Contents, judge, lines_of
from vision.coldstart import ColdLine, Showing, judge_cold
from vision.item_count import Abstain, ExpectedLine, ItemCount
from vision.likelihood import Weighing
from vision.measure import Region
from vision.signatures import LaneKnowledge

BOUND_PPM = 950_000
KNOWLEDGE = LaneKnowledge(
    tare_noise_mg=10_000, gross_ppm=10_000, tare_base_ppm=0, tare_ground_ppm=1_000_000, tare_length_ppm=0,
    tare_width_ppm=0, tare_spread_ppm=50_000, pile_spread_ppm=60_000, pile_shift_ppm=0,
)  # fmt: skip
SHOWING = Showing(mean=-0.1, spread=0.08)
LINES = [
    ColdLine(sku="A", pieces=2, net_g=250.0, reference=None),
    ColdLine(sku="B", pieces=1, net_g=60.0, reference=None),
]


def new(declared: Contents) -> list[ExpectedLine]:
    """The declared lines as goods that nobody knows, with the net mass that the list says."""
    return [
        changed(line, sku=f"NEW-{line.line_no}", unit_mg=GOODS[line.sku].net_mg) for line in lines_of(declared)
    ]  # fmt: skip


def cold(declared: Contents, true: Contents, seed: int, **weights: int) -> ItemCount:
    return judge(declared, true, seed, lines=new(declared), **weights)[0]


@pytest.mark.parametrize("declared", [[("HN-500", 1)], [("MP-400", 1)], [("BK-300", 1)], [("CF-200", 1)]])
def test_one_new_piece_that_agrees_with_all_that_is_declared_is_found(declared: Contents) -> None:
    count = cold(declared, declared, 3)
    assert [(line.count_lo, line.count_hi, line.abstain) for line in count.lines] == [(1, 1, Abstain.NONE)]
    assert count.p_declared_ppm > BOUND_PPM


@pytest.mark.parametrize(
    ("declared", "true"),
    [
        ([("HN-500", 1)], [("HN-500", 2)]),
        ([("HN-500", 2)], [("HN-500", 1)]),
        ([("HN-500", 1)], [("FO-200", 1)]),
        ([("HN-500", 1)], [("HN-500", 1), ("LP-35", 1)]),
        ([("HN-500", 1)], []),
    ],
)
def test_new_goods_that_differ_from_the_list_are_never_a_match(declared: Contents, true: Contents) -> None:
    for seed in range(3):
        assert cold(declared, true, seed).p_declared_ppm < BOUND_PPM


def test_new_goods_without_a_weight_have_no_opinion() -> None:
    for weights in ({"scale_mg": -1}, {"gross_mg": -1}):
        count = cold([("HN-500", 1)], [("HN-500", 1)], 3, **weights)
        assert [line.abstain for line in count.lines] == [Abstain.NO_SIGNATURE]


def test_a_stone_of_the_right_weight_is_no_new_goods() -> None:
    """A tin of milk powder where a lipstick is declared: it holds far more than the declared mass lets expect."""
    declared, true = [("LP-35", 1)], [("MP-900", 1)]
    gross = declared_masses(declared, carton_for(declared, true), 3)[1]
    assert cold(declared, true, 3, scale_mg=gross, gross_mg=gross).p_declared_ppm < BOUND_PPM


def body(grams: float, iron: float = 0.1, **more: object) -> Region:
    return replace(
        Region(
            number=1, c_g=grams * (1 - iron), p_g=grams * iron, area_cm2=50.0, major_mm=90.0, minor_mm=70.0,
            box=(0, 0, 4, 4), outline=((0, 0), (4, 0), (4, 4)),
        ),
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def weighed(goods_g: float, gross_g: float | None = None) -> Weighing:
    """A carton of 100 g around the goods."""
    gross = goods_g + 100 if gross_g is None else gross_g
    return Weighing(
        scale_g=goods_g + 100, scale_error_g=3.0, gross_g=gross, ground_g=100.0, length_mm=1.0, width_mm=1.0
    )  # fmt: skip


BODIES = [body(290.0), body(280.0), body(80.0, 0.4)]


def test_bodies_that_agree_are_shared_out_to_their_lines() -> None:
    found = judge_cold(BODIES, LINES, weighed(720.0), KNOWLEDGE, SHOWING)
    assert found.parts == ((1, 0), (1, 0), (0, 1))
    assert found.sure > 0.97


def test_a_region_with_an_empty_border_counts_as_its_halves() -> None:
    joined = body(570.0, halves=tuple(BODIES[:2]), bridge=0.1)
    assert judge_cold([joined, BODIES[2]], LINES, weighed(720.0), KNOWLEDGE, SHOWING).parts == ((2, 0), (0, 1))
    dense = replace(joined, bridge=0.5)
    assert judge_cold([dense, BODIES[2]], LINES, weighed(720.0), KNOWLEDGE, SHOWING).sure == 0.0


@pytest.mark.parametrize(
    ("bodies", "weighing"),
    [
        (BODIES[:2], weighed(630.0)),
        ([*BODIES, body(20.0)], weighed(740.0)),
        ([body(290.0), body(150.0), body(80.0, 0.4)], weighed(575.0)),
        ([body(290.0), body(280.0, 0.4), body(80.0, 0.4)], weighed(720.0)),
        (BODIES, weighed(1_400.0)),
        (BODIES, weighed(720.0, gross_g=1_100.0)),
        (BODIES, weighed(-50.0)),
    ],
    ids=["missing", "one more", "unlike", "other iron", "too light in the picture", "other gross", "no goods"],
)
def test_whatever_does_not_agree_is_not_sure(bodies: list[Region], weighing: Weighing) -> None:
    assert judge_cold(bodies, LINES, weighing, KNOWLEDGE, SHOWING).sure < 0.95


def test_known_goods_beside_new_ones_are_held_to_their_signature() -> None:
    declared: Contents = [("HN-500", 1), ("BK-300", 1)]
    lines = lines_of(declared)
    lines[0] = changed(lines[0], sku="NEW-1", unit_mg=GOODS["HN-500"].net_mg)
    carton = carton_for(declared, [("HN-500", 1), ("CH-300", 1)])
    weight = parcel_masses(declared, carton, 4).gross_mg
    other, _, _ = judge(declared, [("HN-500", 1), ("CH-300", 1)], 4, lines=lines, scale_mg=weight)
    assert other.p_declared_ppm < BOUND_PPM
