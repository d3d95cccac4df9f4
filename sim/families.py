"""Pools of goods that scenes draw from. Placeholder families follow."""

from enum import StrEnum

from sim.goods import CATALOGUE, Goods


class Pool(StrEnum):
    """Where a scene's goods come from."""

    CATALOGUE = "catalogue"
    TRAIN = "train"
    HELD_OUT = "held-out"


def pool_goods(pool: Pool) -> tuple[Goods, ...]:
    """The goods of a pool."""
    return CATALOGUE
