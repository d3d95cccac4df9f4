"""Families that models and signatures may be made with."""

from random import Random

from sim.goods import Shape, Size, Solid
from sim.makers.making import (
    Draft,
    Family,
    between,
    boxed,
    hollow,
    round_size,
    shrunk,
    size_between,
    solid,
    vessel,
)  # fmt: skip

BOX, CYL, ELL = Shape.BOX, Shape.CYLINDER, Shape.ELLIPSOID


def _tin(source: Random) -> Draft:
    size = round_size(between(source, 55, 130), between(source, 60, 175))
    wall, material = source.choice(((0.22, "steel"), (0.20, "steel"), (0.30, "aluminium")))
    filling, density = source.choice((("powder", 0.5), ("powder", 0.62), ("water", 1.0), ("oil", 0.92)))
    level = between(source, 0.75, 0.96)
    return Draft(size_mm=size, solids=vessel(CYL, size, material, wall, filling, density, level), net_share=0.85)


def _bottle(source: Random) -> Draft:
    size = round_size(between(source, 42, 90), between(source, 80, 210))
    filling, density = source.choice((("tablets", 0.7), ("oil", 0.6), ("cream", 1.0), ("water", 1.0), ("oil", 0.92)))
    solids = vessel(CYL, size, "hdpe", between(source, 0.9, 1.8), filling, density, between(source, 0.6, 0.95))
    return Draft(size_mm=size, solids=solids, net_share=0.88)


def _jar(source: Random) -> Draft:
    size = round_size(between(source, 50, 95), between(source, 55, 160))
    filling, density = source.choice((("cream", 1.0), ("honey", 1.4), ("powder", 0.45), ("oil", 0.95)))
    solids = vessel(CYL, size, "glass", between(source, 2.0, 4.5), filling, density, between(source, 0.7, 0.92))
    lid = solid(CYL, (size[0] * 0.9, size[1] * 0.9, 1.0), "steel", 7.85, (0.0, 0.0, size[2] / 2 - 0.6))
    return Draft(size_mm=size, solids=(*solids, lid), net_share=0.6)


def _boxed_jar(source: Random) -> Draft:
    size = round_size(between(source, 50, 90), between(source, 45, 90))
    inner = shrunk(size, 8.0)
    wall = between(source, 3.0, 6.0)
    return Draft(
        size_mm=size, solids=boxed(size, 0.6, vessel(CYL, inner, "glass", wall, "cream", 1.0, 0.85)), net_share=0.4
    )


def _tube(source: Random) -> Draft:
    size = size_between(source, (110.0, 32.0, 26.0), (210.0, 62.0, 48.0))
    filling, density = source.choice((("toothpaste", 1.35), ("cream", 1.0)))
    inside = (
        solid(ELL, (size[0] * 0.8, size[1] - 4, size[2] - 4), filling, density, (-0.06 * size[0], 0.0, 0.0)),
        solid(CYL, (22.0, 22.0, 18.0), "hdpe", 0.95, (0.42 * size[0], 0.0, 0.0)),
    )
    return Draft(size_mm=size, solids=boxed(size, 0.5, inside), net_share=0.85, flat=True)


def _lipstick(source: Random) -> Draft:
    size = round_size(between(source, 18, 30), between(source, 68, 98))
    bore = size[0] - 4
    inside = (
        *hollow(CYL, (bore, bore, size[2] - 4), source.choice(("aluminium", "abs")), between(source, 0.5, 1.0)),
        solid(
            CYL, (bore - 2, bore - 2, 0.28 * size[2]), "brass", between(source, 1.6, 3.0), (0.0, 0.0, -0.3 * size[2])
        ),
        solid(CYL, (bore - 6, bore - 6, 0.34 * size[2]), "cream", 0.95, (0.0, 0.0, 0.04 * size[2])),
    )
    return Draft(size_mm=size, solids=boxed(size, 0.5, inside), net_share=0.3, flat=True)


def _shoes(source: Random) -> Draft:
    size = size_between(source, (250.0, 150.0, 95.0), (350.0, 225.0, 130.0))
    sole, upper = source.choice((("rubber", "textile"), ("rubber", "leather"), ("abs", "leather")))
    length, width = 0.9 * size[0], 0.42 * size[1]
    heel = between(source, 16, 30)
    pair: list[Solid] = []
    for side in (-0.235 * size[1], 0.235 * size[1]):
        pair.append(solid(BOX, (length, width, heel), sole, 0.38, (0.0, side, (heel - size[2]) / 2 + 5)))
        pair.append(solid(ELL, (length, width, 0.55 * size[2]), upper, 0.20, (0.0, side, 0.1 * size[2])))
    return Draft(size_mm=size, solids=boxed(size, 1.2, tuple(pair)), net_share=0.85, flat=True)


def _phone(source: Random) -> Draft:
    size = size_between(source, (140.0, 76.0, 28.0), (185.0, 100.0, 58.0))
    x, y, z = size
    inside = [
        solid(BOX, (x - 16, y - 16, 1.2), "glass", 2.5, (0.0, 0.0, 0.34 * z)),
        solid(BOX, (x - 18, y - 18, 5.0), "electronics", 1.8, (0.0, 0.0, 0.25 * z)),
        solid(BOX, (0.5 * x, 0.6 * y, 4.0), "battery", 2.6, (-0.12 * x, 0.0, 0.12 * z)),
    ]
    if source.random() < 0.6:
        inside.append(solid(BOX, (44.0, 42.0, 0.42 * z), "electronics", 1.1, (-0.25 * x, -0.15 * y, -0.22 * z)))
    return Draft(size_mm=size, solids=boxed(size, 1.0, tuple(inside)), net_share=0.75, flat=True)


def _book(source: Random) -> Draft:
    size = size_between(source, (150.0, 100.0, 9.0), (290.0, 205.0, 42.0))
    return Draft(
        size_mm=size, solids=(solid(BOX, size, "paper", between(source, 0.65, 1.0)),), net_share=1.0, flat=True
    )


def _chocolate(source: Random) -> Draft:
    size = size_between(source, (120.0, 80.0, 14.0), (260.0, 190.0, 40.0))
    rows, columns = source.randint(1, 3), source.randint(1, 4)
    cell = (size[0] / columns, size[1] / rows)
    bars = tuple(
        solid(
            BOX, (cell[0] - 8, cell[1] - 8, size[2] - 10), "chocolate", 1.05,
            ((column + 0.5) * cell[0] - size[0] / 2, (row + 0.5) * cell[1] - size[1] / 2, -2.0),
        )
        for row in range(rows) for column in range(columns)
    )  # fmt: skip
    return Draft(size_mm=size, solids=boxed(size, 0.6, bars), net_share=0.85, flat=True)


def _clothing(source: Random) -> Draft:
    size = size_between(source, (160.0, 120.0, 22.0), (340.0, 260.0, 85.0))
    density = between(source, 0.16, 0.34)
    solids = (*hollow(BOX, size, "film", 0.06), solid(ELL, shrunk(size, 3.0), "textile", 1.4 * density))
    return Draft(size_mm=size, solids=solids, net_share=0.95, flat=True)


def _powder_bag(source: Random) -> Draft:
    size = size_between(source, (110.0, 80.0, 30.0), (240.0, 170.0, 75.0))
    filling, density = source.choice((("powder", 0.55), ("powder", 0.75), ("tablets", 0.8), ("salt", 1.1)))
    film = hollow(BOX, size, "film", 0.10)
    return Draft(
        size_mm=size, solids=(*film, solid(ELL, shrunk(size, 3.0), filling, density)), net_share=0.95, flat=True
    )


def _toy(source: Random) -> Draft:
    size = size_between(source, (110.0, 80.0, 35.0), (300.0, 220.0, 85.0))
    inner = shrunk(size, 10.0)
    share = between(source, 0.45, 0.95)
    toys = solid(BOX, (inner[0], inner[1], inner[2] * share), "abs", between(source, 0.2, 0.4),
                 (0.0, 0.0, (share - 1) / 2 * inner[2]))  # fmt: skip
    return Draft(size_mm=size, solids=boxed(size, 0.8, (toys,)), net_share=0.8, flat=True)


def _nappies(source: Random) -> Draft:
    size = size_between(source, (180.0, 120.0, 80.0), (320.0, 220.0, 130.0))
    film = hollow(BOX, size, "film", 0.08)
    stuff = solid(BOX, shrunk(size, 5.0), "textile", between(source, 0.14, 0.26))
    return Draft(size_mm=size, solids=(*film, stuff), net_share=0.97, flat=True)


def _soap(source: Random) -> Draft:
    size = size_between(source, (70.0, 48.0, 26.0), (115.0, 80.0, 48.0))
    material, density = source.choice((("cream", 1.05), ("wax", 0.92), ("oil", 1.0)))
    bar = solid(source.choice((BOX, ELL)), shrunk(size, 5.0), material, density)
    return Draft(size_mm=size, solids=boxed(size, 0.5, (bar,)), net_share=0.9, flat=True)


def _tea(source: Random) -> Draft:
    size = size_between(source, (80.0, 60.0, 50.0), (200.0, 130.0, 110.0))
    leaves = solid(BOX, shrunk(size, 6.0), source.choice(("wood", "powder")), between(source, 0.12, 0.4))
    return Draft(size_mm=size, solids=boxed(size, 0.6, (leaves,)), net_share=0.85)


def _hardware(source: Random) -> Draft:
    size = size_between(source, (60.0, 45.0, 28.0), (150.0, 100.0, 60.0))
    inner = shrunk(size, 4.0)
    level = between(source, 0.4, 0.9)
    parts = solid(BOX, (inner[0], inner[1], inner[2] * level), source.choice(("steel", "brass", "aluminium")),
                  between(source, 0.5, 1.6), (0.0, 0.0, (level - 1) / 2 * inner[2]))  # fmt: skip
    return Draft(size_mm=size, solids=boxed(size, 0.6, (parts,)), net_share=0.95, flat=True)


BLOCK_MATERIALS = (
    ("cream", 1.0), ("powder", 0.5), ("abs", 0.6), ("paper", 0.8), ("oil", 0.9), ("textile", 0.3), ("rubber", 0.9),
    ("tablets", 0.7), ("aluminium", 0.9), ("electronics", 0.9), ("glass", 1.2), ("steel", 0.8),
)  # fmt: skip
"""(material, bulk density) of random shapes."""


def _block(source: Random) -> Draft:
    """One or two random bodies, now and then in a box."""
    size = _any_size(source, 30.0, 220.0)
    material, density = source.choice(BLOCK_MATERIALS)
    outer = solid(source.choice((BOX, CYL, ELL)), size, material, density * between(source, 0.6, 1.4))
    solids: tuple[Solid, ...] = (outer,)
    if source.random() < 0.5:
        material, density = source.choice(BLOCK_MATERIALS)
        part = (size[0] * between(source, 0.2, 0.6), size[1] * between(source, 0.2, 0.6), size[2] * 0.5)
        solids = (outer, solid(source.choice((BOX, CYL, ELL)), part, material, density))
    return Draft(size_mm=size, solids=solids, net_share=0.95, flat=True)


def _any_size(source: Random, low: float, high: float) -> Size:
    """Any proportions, the lowest side up, at most 1.2 litres."""
    sides = sorted((between(source, low, high) for _ in range(3)), reverse=True)
    scale = min(1.0, (1.2e6 / (sides[0] * sides[1] * sides[2])) ** (1 / 3))
    return sides[0] * scale, sides[1] * scale, max(12.0, sides[2] * scale)


TRAIN_FAMILIES: tuple[Family, ...] = (
    Family(code="TIN", name="罐装食品", name_en="tinned food", hs_code="2106909090", unit="122", make=_tin),
    Family(
        code="BOT", name="瓶装保健品", name_en="bottled supplements", hs_code="2106909090", unit="142", make=_bottle
    ),
    Family(code="JAR", name="玻璃瓶装食品", name_en="food in glass jars", hs_code="0409000000", unit="142", make=_jar),
    Family(code="CRM", name="面霜", name_en="face cream", hs_code="3304990099", unit="142", make=_boxed_jar),
    Family(code="TUB", name="软管膏体", name_en="tubes of paste", hs_code="3306101090", unit="012", make=_tube),
    Family(code="LIP", name="唇膏", name_en="lipstick", hs_code="3304100000", unit="012", make=_lipstick),
    Family(code="SHO", name="鞋", name_en="boxed shoes", hs_code="6404110000", unit="025", make=_shoes),
    Family(code="PHO", name="手机", name_en="phones", hs_code="8517130000", unit="001", make=_phone),
    Family(code="BOO", name="图书", name_en="books", hs_code="4901990000", unit="131", make=_book),
    Family(code="CHO", name="巧克力", name_en="chocolate", hs_code="1806900000", unit="140", make=_chocolate),
    Family(code="CLO", name="服装", name_en="clothing", hs_code="6109100010", unit="011", make=_clothing),
    Family(code="BAG", name="袋装粉", name_en="bags of powder", hs_code="1901101000", unit="125", make=_powder_bag),
    Family(code="TOY", name="玩具", name_en="toys", hs_code="9503008900", unit="140", make=_toy),
    Family(code="NAP", name="纸尿裤", name_en="nappies", hs_code="9619001100", unit="125", make=_nappies),
    Family(code="SOA", name="香皂", name_en="soap", hs_code="3401110000", unit="140", make=_soap),
    Family(code="TEA", name="茶叶", name_en="tea", hs_code="0902109000", unit="140", make=_tea),
    Family(code="HAR", name="五金件", name_en="small hardware", hs_code="7318159090", unit="140", make=_hardware),
    Family(
        code="BLK", name="其他物品", name_en="articles of random shape", hs_code="3926909090", unit="007", make=_block
    ),
)
"""Families for training, in fixed order."""
