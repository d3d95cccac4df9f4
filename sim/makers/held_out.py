"""Families that nothing of the lane was ever made with: for measuring only."""

import math
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


def _blister(source: Random) -> Draft:
    """Blister strips in a folding box: tablets in a grid, aluminium foil between the strips."""
    size = size_between(source, (85.0, 45.0, 14.0), (150.0, 80.0, 34.0))
    strips = source.randint(1, 3)
    columns, rows = source.randint(4, 6), 2
    pitch = (0.9 * size[0] / columns, 0.85 * size[1] / rows)
    edge = 0.7 * min(pitch)
    solids: list[Solid] = []
    for strip in range(strips):
        level = ((strip + 0.5) / strips - 0.5) * 0.8 * size[2]
        solids.append(solid(BOX, (0.95 * size[0], 0.92 * size[1], 0.35), "pvc", 1.3, (0.0, 0.0, level)))
        solids.append(solid(BOX, (0.95 * size[0], 0.92 * size[1], 0.03), "aluminium", 2.7, (0.0, 0.0, level - 1.0)))
    # All strips' tablets of one place are one column: they lie exactly over each other.
    thick = 0.48 * size[2]
    solids += [
        solid(
            CYL, (edge, edge, thick), "tablets", 1.1,
            ((column + 0.5 - columns / 2) * pitch[0], (row + 0.5 - rows / 2) * pitch[1], 0.0),
        )
        for column in range(columns) for row in range(rows)
    ]  # fmt: skip
    return Draft(size_mm=size, solids=boxed(size, 0.5, tuple(solids)), net_share=0.6, flat=True)


def _power_bank(source: Random) -> Draft:
    size = size_between(source, (100.0, 65.0, 20.0), (175.0, 92.0, 40.0))
    inner = shrunk(size, 10.0)
    x, y, z = inner
    inside = [*hollow(BOX, inner, "abs", 1.5)]
    if source.random() < 0.5:
        inside += [
            solid(BOX, (0.42 * x, 0.88 * y, 0.65 * z), "battery", 2.2, (at * x, 0.0, 0.0)) for at in (-0.25, 0.2)
        ]
    else:
        bore = min(18.5, z - 3.5, y / 3.4)
        inside += [
            solid(BOX, (0.8 * x, bore, bore), "battery", 2.1, (-0.04 * x, at * bore * 1.1, 0.0)) for at in (-1, 0, 1)
        ]
    inside.append(solid(BOX, (0.06 * x, 0.85 * y, 0.4 * z), "electronics", 1.6, (0.45 * x, 0.0, 0.0)))
    return Draft(size_mm=size, solids=boxed(size, 0.7, tuple(inside)), net_share=0.85, flat=True)


def _cable(source: Random) -> Draft:
    """A coil of cable: a ring of many turns, in a bag or a box."""
    width = between(source, 70.0, 140.0)
    height = between(source, 16.0, 40.0)
    size = (width + 6, width + 6, height + 4)
    ring = solid(CYL, (width, width, height), "copper wire", between(source, 0.9, 1.6))
    bore = width * between(source, 0.35, 0.6)
    hole = solid(CYL, (bore, bore, height), "copper wire", -ring.density)
    plug = solid(BOX, (28.0, 14.0, 10.0), "electronics", 1.6)
    walls = hollow(BOX, size, *source.choice((("film", 0.08), ("board", 0.6))))
    return Draft(size_mm=size, solids=(*walls, ring, hole, plug), net_share=0.95, flat=True)


def _flacon(source: Random) -> Draft:
    size = size_between(source, (48.0, 32.0, 80.0), (95.0, 60.0, 150.0))
    inner = (size[0] - 10, size[1] - 9, 0.8 * size[2])
    glass = vessel(BOX, inner, "glass", between(source, 3.0, 5.5), "oil", 0.85, 0.85, (0.0, 0.0, -0.08 * size[2]))
    cap = solid(CYL, (22.0, 22.0, 0.14 * size[2]), source.choice(("abs", "aluminium")), 1.0, (0.0, 0.0, 0.4 * size[2]))
    return Draft(size_mm=size, solids=boxed(size, 0.6, (*glass, cap)), net_share=0.35)


def _flask(source: Random) -> Draft:
    size = round_size(between(source, 58, 92), between(source, 140, 280))
    wall = between(source, 0.3, 0.5)
    inner = (size[0] - 9, size[1] - 9, 0.88 * size[2])
    lid = solid(CYL, (0.7 * size[0], 0.7 * size[1], 0.1 * size[2]), "hdpe", 0.6, (0.0, 0.0, 0.43 * size[2]))
    solids = (*hollow(CYL, size, "steel", wall), *hollow(CYL, inner, "steel", wall), lid)
    return Draft(size_mm=size, solids=solids, net_share=0.95)


def _sachets(source: Random) -> Draft:
    """Sheet-like sachets of wet paper or cream between foils: thin and flat."""
    size = size_between(source, (120.0, 85.0, 4.0), (210.0, 150.0, 16.0))
    walls = hollow(BOX, size, "film", 0.12)
    wet = solid(BOX, shrunk(size, 1.0), source.choice(("cream", "paper", "textile")), between(source, 0.6, 1.0))
    foil = solid(BOX, (size[0] - 2, size[1] - 2, 0.02 * source.randint(1, 4)), "aluminium", 2.7)
    return Draft(size_mm=size, solids=(*walls, wet, foil), net_share=0.9, flat=True)


def _tools(source: Random) -> Draft:
    """Solid steel: spanners, knives, weights. What lies behind it may not be seen."""
    size = size_between(source, (110.0, 50.0, 14.0), (260.0, 120.0, 46.0))
    bars = source.randint(1, 3)
    depth = size[1] / bars
    thick = between(source, 5.0, max(6.0, 0.75 * size[2]))
    steel = tuple(
        solid(BOX, (size[0] - 10, 0.62 * depth, thick), "steel", 7.85, (0.0, (bar + 0.5 - bars / 2) * depth, 0.0))
        for bar in range(bars)
    )
    return Draft(size_mm=size, solids=boxed(size, 0.8, steel), net_share=0.97, flat=True)


def _candle(source: Random) -> Draft:
    size = round_size(between(source, 60, 105), between(source, 70, 125))
    solids = vessel(CYL, size, "glass", between(source, 2.5, 4.0), "wax", 0.9, between(source, 0.6, 0.85))
    return Draft(size_mm=size, solids=solids, net_share=0.6)


def _leather(source: Random) -> Draft:
    """Belts and purses: leather with a metal buckle."""
    size = size_between(source, (95.0, 75.0, 18.0), (220.0, 150.0, 55.0))
    hide = solid(ELL, shrunk(size, 3.0), "leather", between(source, 0.45, 0.8))
    metal, density = source.choice((("brass", 4.0), ("steel", 4.0)))
    buckle = solid(BOX, (38.0, 30.0, 3.0), metal, density, (0.28 * size[0], 0.0, 0.0))
    return Draft(size_mm=size, solids=(*hollow(BOX, size, "film", 0.06), hide, buckle), net_share=0.95, flat=True)


def _mug(source: Random) -> Draft:
    size = round_size(between(source, 92, 125), between(source, 95, 125))
    outer = (size[0] - 18, size[1] - 18, size[2] - 12)
    wall = between(source, 3.5, 6.0)
    cup = solid(CYL, outer, "ceramic", 2.3)
    # Open at the top: the hollow reaches to the rim.
    hole = (outer[0] - 2 * wall, outer[1] - 2 * wall, outer[2] - wall)
    solids = boxed(size, 1.2, (cup, solid(CYL, hole, "ceramic", -2.3, (0.0, 0.0, wall / 2))))
    return Draft(size_mm=size, solids=solids, net_share=0.85)


def _headphones(source: Random) -> Draft:
    size = size_between(source, (110.0, 90.0, 45.0), (210.0, 190.0, 90.0))
    solids: list[Solid] = []
    cup = 0.42 * min(size[0], size[1])
    for side in (-0.24, 0.24):
        solids.append(solid(CYL, (cup, cup, 0.5 * size[2]), "abs", 0.45, (side * size[0], 0.0, 0.0)))
        solids.append(solid(CYL, (0.4 * cup, 0.4 * cup, 8.0), "steel", 3.0, (side * size[0], 0.0, 0.0)))
    solids.append(solid(BOX, (0.16 * size[0], 0.5 * size[1], 6.0), "battery", 2.0, (0.0, 0.22 * size[1], 0.0)))
    return Draft(size_mm=size, solids=boxed(size, 0.9, tuple(solids)), net_share=0.6, flat=True)


PARTS = (
    ("wax", 0.9), ("leather", 0.7), ("wood", 0.6), ("ceramic", 1.9), ("salt", 1.2), ("pvc", 1.3), ("water", 1.0),
    ("steel", 3.0), ("battery", 2.0), ("copper wire", 1.4), ("stone", 2.4),
)  # fmt: skip
"""(material, bulk density) of random assemblies."""


def _assembly(source: Random) -> Draft:
    """Three to six bodies of any shape scattered in an outer body of film or board."""
    sides = sorted((between(source, 40.0, 190.0) for _ in range(3)), reverse=True)
    scale = min(1.0, (1.2e6 / math.prod(sides)) ** (1 / 3))
    size: Size = (sides[0] * scale, sides[1] * scale, max(18.0, sides[2] * scale))
    walls = hollow(BOX, size, *source.choice((("film", 0.1), ("board", 0.7), ("abs", 1.2))))
    solids: list[Solid] = list(walls)
    for _ in range(source.randint(3, 6)):
        material, density = source.choice(PARTS)
        x, y, z = (between(source, 0.2, 0.6) * side for side in size)
        centre = tuple((source.random() - 0.5) * (side - own) * 0.95 for side, own in zip(size, (x, y, z), strict=True))
        part = solid(source.choice((BOX, CYL, ELL)), (x, y, z), material, density * between(source, 0.4, 1.0),
                     (centre[0], centre[1], centre[2]))  # fmt: skip
        solids.append(part)
    return Draft(size_mm=size, solids=tuple(solids), net_share=0.9, flat=True)


HELD_OUT_FAMILIES: tuple[Family, ...] = (
    Family(code="BLI", name="药片", name_en="blister packs", hs_code="2106909090", unit="140", make=_blister),
    Family(code="POW", name="移动电源", name_en="power banks", hs_code="8507600090", unit="007", make=_power_bank),
    Family(code="CAB", name="数据线", name_en="cables", hs_code="8544421900", unit="003", make=_cable),
    Family(code="FLA", name="香水", name_en="perfume", hs_code="3303000000", unit="142", make=_flacon),
    Family(code="FLK", name="保温杯", name_en="vacuum flasks", hs_code="9617001900", unit="007", make=_flask),
    Family(code="SAC", name="面膜", name_en="sachets", hs_code="3304990021", unit="125", make=_sachets),
    Family(code="TOO", name="手工具", name_en="hand tools", hs_code="8204110000", unit="016", make=_tools),
    Family(code="CAN", name="蜡烛", name_en="candles in glass", hs_code="3406000000", unit="007", make=_candle),
    Family(code="LEA", name="皮具", name_en="leather goods", hs_code="4202310090", unit="011", make=_leather),
    Family(code="MUG", name="陶瓷杯", name_en="mugs", hs_code="6912001000", unit="007", make=_mug),
    Family(code="HEA", name="耳机", name_en="headphones", hs_code="8518300000", unit="007", make=_headphones),
    Family(code="ASM", name="组合物品", name_en="random assemblies", hs_code="3926909090", unit="007", make=_assembly),
)
"""Families for measuring, in fixed order."""
