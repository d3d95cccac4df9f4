"""``[stream.goods]`` of a scenario: where contents, sizes and weights come from.

``source = "catalogue"`` (default): the twin's own goods, which the X-ray renderer can draw. ``source = "fitted"``:
lognormal weight and longest side with a Gaussian copula; keys (defaults): ``weight_mu`` ("6.726", of ln g),
``weight_sigma`` ("1.349"), ``side_mu`` ("3.381", of ln cm), ``side_sigma`` ("0.474"), ``rho`` ("0.768"),
``side_mm_min`` (120), ``side_mm_max`` (600), ``weight_g_max`` (30000), ``counted_only`` (false: all units; true: only
goods declared by the piece or pack).
"""

from enum import StrEnum

from lane.settings.reader import Table
from sim.streams.fitted import MILLI, FittedGoods

SIDE_MM = (10, 5_000)
WEIGHT_G = (1, 1_000_000)
"""Bounds of what a lane may take."""


class GoodsSource(StrEnum):
    """Words for ``source``."""

    CATALOGUE = "catalogue"
    FITTED = "fitted"


def parse_goods(table: Table) -> FittedGoods | None:
    """Read the table and close it; None: the catalogue. Problems are noted in the table's file."""
    source = table.word("source", GoodsSource, GoodsSource.CATALOGUE)
    if source is GoodsSource.CATALOGUE:
        table.close()
        return None
    usual = FittedGoods()
    fit = {
        f"{name}_milli": table.scaled(name, low, high, MILLI, quoted=True)
        for name, low, high in (
            ("weight_mu", 0, 12), ("weight_sigma", 0, 5), ("side_mu", 0, 7), ("side_sigma", 0, 3), ("rho", 0, 1),
        )
        if table.has(name)
    }  # fmt: skip
    low_mm = table.scaled("side_mm_min", *SIDE_MM, default=usual.side_mm_min, unit="mm")
    high_mm = table.scaled("side_mm_max", *SIDE_MM, default=usual.side_mm_max, unit="mm")
    weight_g = table.scaled("weight_g_max", *WEIGHT_G, default=usual.weight_g_max, unit="g")
    counted = table.boolean("counted_only", usual.counted_only)
    table.close()
    if low_mm >= high_mm:
        table.complain("side_mm_max", f"expected more than side_mm_min ({low_mm}), was {high_mm}")
        return usual
    return FittedGoods(side_mm_min=low_mm, side_mm_max=high_mm, weight_g_max=weight_g, counted_only=counted, **fit)
