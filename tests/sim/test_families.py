"""Families of goods: repeatable, sound, and split for good."""

import hashlib
import re

import pytest

from sim.families import Pool, pool_goods
from sim.goods import CARTONS_MM, Goods
from sim.makers.held_out import HELD_OUT_FAMILIES
from sim.makers.making import goods_of
from sim.makers.train import TRAIN_FAMILIES
from sim.xray.materials import BASIS_SHARES


def test_no_family_is_on_both_sides_of_the_split() -> None:
    train, held_out = ({family.code for family in families} for families in (TRAIN_FAMILIES, HELD_OUT_FAMILIES))
    assert len(train) == len(TRAIN_FAMILIES) == 18
    assert len(held_out) == len(HELD_OUT_FAMILIES) == 12
    assert not train & held_out
    assert not {goods.sku for goods in pool_goods(Pool.TRAIN)} & {goods.sku for goods in pool_goods(Pool.HELD_OUT)}


@pytest.mark.parametrize("pool", [Pool.TRAIN, Pool.HELD_OUT])
def test_the_goods_of_a_pool_are_sound(pool: Pool) -> None:
    goods_all = pool_goods(pool)
    assert len({goods.sku for goods in goods_all}) == len(goods_all)
    for goods in goods_all:
        assert re.fullmatch(r"[A-Z]{3}-\d{3}", goods.sku)
        assert re.fullmatch(r"\d{10}", goods.hs_code)
        assert 0 < goods.net_mg <= goods.unit_mg
        assert 8_000 < goods.unit_mg < 4_000_000, goods.sku
        assert max(goods.size_mm) < CARTONS_MM[-1][0]
        assert all(solid.material in BASIS_SHARES for solid in goods.solids)
        assert all(min(solid.size_mm) > 0 for solid in goods.solids), goods.sku


@pytest.mark.parametrize("pool", [Pool.TRAIN, Pool.HELD_OUT])
def test_every_body_lies_inside_the_outer_size(pool: Pool) -> None:
    for goods in pool_goods(pool):
        for solid in goods.solids:
            for axis in range(3):
                reach = abs(solid.centre_mm[axis]) + solid.size_mm[axis] / 2
                assert reach <= goods.size_mm[axis] / 2 + 1.0, (goods.sku, axis, solid)


def test_goods_are_a_pure_function_of_family_and_number() -> None:
    again = goods_of(TRAIN_FAMILIES[0], 3)
    assert again == pool_goods(Pool.TRAIN)[3]
    assert again != goods_of(TRAIN_FAMILIES[0], 4)


def test_the_pools_stay_what_they_are() -> None:
    assert digest(pool_goods(Pool.TRAIN)) == "a6029e4819789610"
    assert digest(pool_goods(Pool.HELD_OUT)) == "1ebc32ec86cacdf5"


def digest(goods_all: tuple[Goods, ...]) -> str:
    whole = ";".join(
        f"{goods.sku} {goods.unit_mg} " + " ".join(f"{size:.3f}" for size in goods.size_mm) for goods in goods_all
    )
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
