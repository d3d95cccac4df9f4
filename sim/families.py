"""The pools of goods that scenes draw from, and the split between training and measuring.

The split is fixed: models and signatures of the lane may be made with the catalogue and the training families; those
held out (with them their shapes and some of their materials) are for measuring only. A pool's goods are always the
same, in the same order.
"""

from enum import StrEnum
from functools import cache

from sim.goods import CATALOGUE, Goods
from sim.makers.held_out import HELD_OUT_FAMILIES
from sim.makers.making import Family, goods_of
from sim.makers.train import TRAIN_FAMILIES

TRAIN_EACH = 12
HELD_OUT_EACH = 6
"""Goods of each family in its pool."""


class Pool(StrEnum):
    """Where a scene's goods come from."""

    CATALOGUE = "catalogue"
    TRAIN = "train"
    HELD_OUT = "held-out"


@cache
def pool_goods(pool: Pool) -> tuple[Goods, ...]:
    """The goods of a pool."""
    match pool:
        case Pool.CATALOGUE:
            return CATALOGUE
        case Pool.TRAIN:
            return family_goods(TRAIN_FAMILIES, TRAIN_EACH)
        case Pool.HELD_OUT:
            return family_goods(HELD_OUT_FAMILIES, HELD_OUT_EACH)


def family_goods(families: tuple[Family, ...], each: int, first: int = 0) -> tuple[Goods, ...]:
    """``each`` goods of every family, from number ``first`` on."""
    return tuple(goods_of(family, number) for family in families for number in range(first, first + each))
