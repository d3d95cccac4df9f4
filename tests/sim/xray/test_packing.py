"""Goods lie inside their carton, and masses are those of the parcel."""

import numpy as np
import pytest

from sim.goods import CARTONS_MM, CATALOGUE, GOODS, carton_for, declared_masses, nominal_tare_mg, parcel_masses
from sim.xray.packing import WALL_MM, pack

LOADS = [
    (("MP-900", 2),), (("LP-35", 6), ("TP-120", 2)), (("SH-42", 2),), (("CH-300", 1), ("BK-300", 2), ("PF-100", 1)),
    (("TH-500", 1), ("FC-50", 4)),
]  # fmt: skip


@pytest.mark.parametrize("contents", LOADS)
def test_every_piece_lies_inside_the_carton(contents: tuple[tuple[str, int], ...]) -> None:
    for seed in range(12):
        carton = carton_for(contents)
        random = np.random.Generator(np.random.PCG64(seed))
        placed = pack(contents, parcel_masses(contents, carton, seed).pieces_mg, carton, random)
        assert sorted(piece.goods.sku for piece in placed) == sorted(s for s, count in contents for _ in range(count))
        for piece in placed:
            extent = np.abs(piece.turn).T @ np.array(piece.goods.size_mm)
            for axis, side in ((0, carton[1]), (1, carton[0])):
                assert abs(piece.centre_mm[axis]) + extent[axis] / 2 <= side / 2 - WALL_MM + 0.01
            assert piece.centre_mm[2] - extent[2] / 2 >= WALL_MM - 0.01
            assert piece.centre_mm[2] + extent[2] / 2 <= carton[2] - WALL_MM + 0.01


def test_goods_that_fit_no_place_are_an_error_that_names_them() -> None:
    with pytest.raises(ValueError, match="SH-42"):
        pack([("SH-42", 1)], [1], (200, 150, 120), np.random.Generator(np.random.PCG64(1)))


def test_every_goods_fits_a_carton_and_three_do() -> None:
    for goods in CATALOGUE:
        assert carton_for([(goods.sku, 1)]) in CARTONS_MM
        assert carton_for([(goods.sku, 1)], [(goods.sku, 3)]) in CARTONS_MM


def test_contents_too_large_for_all_cartons_are_refused() -> None:
    with pytest.raises(ValueError, match="fit the largest carton"):
        carton_for([("DP-54", 40)])


def test_masses_are_a_pure_function_and_spread_about_the_nominal_ones() -> None:
    contents, carton = (("MP-900", 2), ("LP-35", 1)), (400, 300, 200)
    assert parcel_masses(contents, carton, 5) == parcel_masses(contents, carton, 5)
    nominal = 2 * GOODS["MP-900"].unit_mg + GOODS["LP-35"].unit_mg + sum(nominal_tare_mg(carton))
    found = [parcel_masses(contents, carton, seed).gross_mg for seed in range(300)]
    assert np.mean(found) == pytest.approx(nominal, rel=0.003)
    assert 0.003 < np.std(found) / nominal < 0.02


def test_the_declared_gross_follows_the_declared_goods_in_ten_gram_steps() -> None:
    contents, carton = (("HN-500", 2),), (300, 220, 180)
    net, gross = declared_masses(contents, carton, 9)
    assert net == 1_000_000
    assert gross % 10_000 == 0
    assert gross == pytest.approx(parcel_masses(contents, carton, 9).gross_mg, rel=0.06)


def test_catalogue_entries_are_sound() -> None:
    assert len({goods.sku for goods in CATALOGUE}) == len(CATALOGUE) >= 16
    for goods in CATALOGUE:
        assert len(goods.hs_code) == 10
        assert goods.hs_code.isdigit()
        assert 0 < goods.net_mg <= goods.unit_mg
