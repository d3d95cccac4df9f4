"""How families of goods are described: a maker draws sizes and returns solids; the goods' masses follow from them.

Sizes mm, masses g where not said otherwise, densities g/cm3.
"""

import math
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from sim.goods import CENTRE, WALL_DENSITY, Goods, Shape, Size, Solid


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a maker draws: outer size, solids (outermost first) and the share of the mass that is declared as net."""

    size_mm: Size
    solids: tuple[Solid, ...]
    net_share: float
    flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of goods. ``code`` begins its skus; ``make`` is a pure function of the stream it is given."""

    code: str
    name: str
    name_en: str
    hs_code: str
    unit: str
    make: Callable[[random.Random], Draft]


def goods_of(family: Family, number: int) -> Goods:
    """The goods of a number: always the same."""
    draft = family.make(random.Random(zlib.crc32(f"{family.code}/{number}".encode())))
    unit_mg = round(sum(solid.mass_mg for solid in draft.solids))
    net_mg = max(5_000, round(unit_mg * draft.net_share / 5_000) * 5_000)
    return Goods(
        sku=f"{family.code}-{number:03d}", name=family.name, name_en=family.name_en, hs_code=family.hs_code,
        unit=family.unit, legal_unit="035", spec=f"{net_mg // 1000}g", net_mg=min(net_mg, unit_mg), unit_mg=unit_mg,
        size_mm=draft.size_mm, solids=draft.solids, flat=draft.flat,
    )  # fmt: skip


def between(source: random.Random, low: float, high: float) -> float:
    """A size or ratio, evenly on a logarithmic scale."""
    return low * math.exp(source.random() * math.log(high / low))


def size_between(source: random.Random, low: Size, high: Size) -> Size:
    """Three sizes with a common factor and a little of their own, each inside its bounds."""
    common = source.random()
    shares = [min(1.0, max(0.0, common + 0.25 * (source.random() - 0.5))) for _ in range(3)]
    x, y, z = (a + share * (b - a) for a, b, share in zip(low, high, shares, strict=True))
    return x, y, z


def solid(shape: Shape, size: Size, material: str, density: float, centre: Size = CENTRE) -> Solid:
    """A full body of a density."""
    return Solid(shape=shape, size_mm=size, centre_mm=centre, material=material, density=density)


def round_size(width: float, height: float) -> Size:
    """Outer size of an upright round body."""
    return width, width, height


def hollow(shape: Shape, size: Size, wall: str, wall_mm: float, centre: Size = CENTRE) -> tuple[Solid, Solid]:
    """A closed wall around nothing."""
    inner = (size[0] - 2 * wall_mm, size[1] - 2 * wall_mm, size[2] - 2 * wall_mm)
    density = WALL_DENSITY[wall]
    return solid(shape, size, wall, density, centre), solid(shape, inner, wall, -density, centre)


def vessel(
    shape: Shape,
    size: Size,
    wall: str,
    wall_mm: float,
    filling: str,
    density: float,
    level: float,
    centre: Size = CENTRE,
) -> tuple[Solid, ...]:
    """A closed wall, filled to ``level`` of its height with a filling of a density."""
    x, y, z = (side - 2 * wall_mm for side in size)
    height = z * level
    middle = (centre[0], centre[1], centre[2] + (height - z) / 2)
    return (*hollow(shape, size, wall, wall_mm, centre), solid(shape, (x, y, height), filling, density, middle))


def boxed(size: Size, board_mm: float, contents: tuple[Solid, ...]) -> tuple[Solid, ...]:
    """A retail box of folding board around contents."""
    return (*hollow(Shape.BOX, size, "board", board_mm), *contents)


def shrunk(size: Size, by_mm: float) -> Size:
    """A size with so much less on every axis."""
    return size[0] - by_mm, size[1] - by_mm, size[2] - by_mm
