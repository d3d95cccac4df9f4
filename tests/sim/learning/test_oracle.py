"""What can be shown is decided from true contents, by limits that do not know how vision works."""

from dataclasses import replace

import pytest

from sim.goods import GOODS
from sim.learning.oracle import Contents, Witness, content_g, witnesses

SMALL, LARGE = (200, 150, 120), (600, 400, 400)


def contents(declared: dict[str, int], true: dict[str, int], *, free: bool = False) -> Contents:
    return Contents(declared=declared, true=true, goods=GOODS, carton_mm=SMALL, free=free, scale_mg=3_000)


def test_what_is_as_declared_has_nothing_to_show() -> None:
    assert witnesses(contents({"FC-50": 2}, {"FC-50": 2}, free=True)) == ()


def test_one_missing_jar_is_shown_by_mass_and_by_the_parcel() -> None:
    assert witnesses(contents({"FC-50": 2}, {"FC-50": 1})) == (Witness.MASS, Witness.PARCEL)


def test_one_missing_lipstick_among_heavy_tins_is_shown_only_where_it_would_lie_free() -> None:
    many = contents({"MP-900": 8, "LP-35": 1}, {"MP-900": 8})
    many = replace(many, carton_mm=LARGE)
    assert witnesses(many) == ()
    assert witnesses(replace(many, free=True)) == (Witness.OBJECT,)


def test_equal_weight_of_other_stuff_is_shown_by_the_picture_alone() -> None:
    honey, flask = GOODS["HN-500"], GOODS["TH-500"]
    equal = replace(flask, unit_mg=honey.unit_mg)  # filled to the other's mass
    case = replace(contents({"HN-500": 1}, {"TH-500": 1}, free=True), goods={"HN-500": honey, "TH-500": equal})
    assert Witness.MASS not in witnesses(case)
    assert Witness.OBJECT in witnesses(case)


def test_goods_of_equal_weight_and_stuff_can_not_be_shown() -> None:
    twin = replace(GOODS["HN-500"], sku="TWIN")
    case = replace(contents({"HN-500": 1}, {"TWIN": 1}, free=True), goods={"HN-500": GOODS["HN-500"], "TWIN": twin})
    assert witnesses(case) == ()


@pytest.mark.parametrize("scale_mg", [3_000, 200_000])
def test_a_worse_scale_shows_less(scale_mg: int) -> None:
    case = replace(contents({"FC-50": 2}, {"FC-50": 1}), scale_mg=scale_mg)
    assert (Witness.MASS in witnesses(case)) == (scale_mg == 3_000)


def test_contents_of_a_steel_flask_are_mostly_iron_and_of_a_book_are_none() -> None:
    c_g, p_g = content_g(GOODS["TH-500"])
    assert p_g > 5 * c_g > 0
    paper_c, paper_p = content_g(GOODS["BK-300"])
    assert paper_c == pytest.approx(620 * 0.8848)
    assert paper_p == pytest.approx(620 * 0.0400)
