"""Physical catalogue of the twin: what goods look like inside, what they weigh, and in which cartons they travel.

Pure Python (no numpy): parcel streams draw from it, the X-ray renderer turns its solids into path lengths. Vision never
reads it; it learns goods by scanning single ones. Sizes are millimetres, masses milligrams, densities g/cm3.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """Kinds of solid the renderer can intersect. A cylinder's axis is its local z."""

    BOX = "BOX"
    CYLINDER = "CYLINDER"
    ELLIPSOID = "ELLIPSOID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """One convex body of one material. ``density`` may be negative: a hollow is a solid taken away.

    ``size_mm``: full extents along the local axes; ``centre_mm``: offset from the goods' own centre.
    """

    shape: Shape
    size_mm: tuple[float, float, float]
    centre_mm: tuple[float, float, float]
    material: str
    density: float

    @property
    def mass_mg(self) -> float:
        """Signed mass: volume times density."""
        x, y, z = self.size_mm
        part = {Shape.BOX: 1.0, Shape.CYLINDER: math.pi / 4, Shape.ELLIPSOID: math.pi / 6}[self.shape]
        return x * y * z * part * self.density


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One catalogue item as declared and as it lies in a parcel.

    ``unit``, ``legal_unit``: JGS-20 codes. ``net_mg``: declared net mass of one unit. ``unit_mg``: nominal gross mass
    of one visible piece with its retail pack. ``pieces_visible``: pieces that one declared unit shows in a picture.
    ``size_mm``: outer size, z up when standing. ``flat``: it lies on a broad side rather than standing on its end.
    """

    sku: str
    name: str
    name_en: str
    hs_code: str
    unit: str
    legal_unit: str
    spec: str
    net_mg: int
    unit_mg: int
    size_mm: tuple[float, float, float]
    solids: tuple[Solid, ...]
    pieces_visible: int = 1
    flat: bool = False


WALL_DENSITY = {
    "steel": 7.85, "aluminium": 2.70, "glass": 2.50, "hdpe": 0.95, "board": 0.60, "film": 0.90,
    "abs": 1.05, "ceramic": 2.30, "pvc": 1.35, "leather": 0.95,
}  # fmt: skip
"""Densities of wall materials; fillings take theirs from net mass and volume."""

Size = tuple[float, float, float]
CENTRE = (0.0, 0.0, 0.0)


def shell(shape: Shape, size: Size, wall: str, wall_mm: float) -> tuple[tuple[Solid, ...], Size]:
    """A hollow body: its two signed solids and the size of the hollow."""
    inner = (size[0] - 2 * wall_mm, size[1] - 2 * wall_mm, size[2] - 2 * wall_mm)
    density = WALL_DENSITY[wall]
    return (
        Solid(shape=shape, size_mm=size, centre_mm=CENTRE, material=wall, density=density),
        Solid(shape=shape, size_mm=inner, centre_mm=CENTRE, material=wall, density=-density),
    ), inner


def body(shape: Shape, size: Size, material: str, mass_g: float, centre: Size = CENTRE) -> Solid:
    """A full body of a given mass."""
    unit = Solid(shape=shape, size_mm=size, centre_mm=centre, material=material, density=1.0)
    return Solid(shape=shape, size_mm=size, centre_mm=centre, material=material, density=mass_g * 1000 / unit.mass_mg)


def filled(
    shape: Shape, size: Size, wall: str, wall_mm: float, filling: str, fill_g: float, level: float = 0.92
) -> tuple[Solid, ...]:
    """A vessel filled to ``level`` of its height."""
    wall_solids, inner = shell(shape, size, wall, wall_mm)
    height = inner[2] * level
    return (
        *wall_solids,
        body(shape, (inner[0], inner[1], height), filling, fill_g, (0.0, 0.0, (height - inner[2]) / 2)),
    )


def boxed(size: Size, contents: Iterable[Solid], board_mm: float = 0.6) -> tuple[Solid, ...]:
    """Contents in a retail box of folding board."""
    walls, _ = shell(Shape.BOX, size, "board", board_mm)
    return (*walls, *contents)


def _goods(
    sku: str, name: str, name_en: str, hs_code: str, unit: str, spec: str, net_g: int, size: Size,
    solids: tuple[Solid, ...], *, flat: bool = False,
) -> Goods:  # fmt: skip
    mass = round(sum(solid.mass_mg for solid in solids))
    return Goods(
        sku=sku, name=name, name_en=name_en, hs_code=hs_code, unit=unit, legal_unit="035", spec=spec,
        net_mg=net_g * 1000, unit_mg=mass, size_mm=size, solids=solids, flat=flat,
    )  # fmt: skip


BOX, CYL, ELL = Shape.BOX, Shape.CYLINDER, Shape.ELLIPSOID


def _health_and_beauty() -> tuple[Goods, ...]:
    tin, small_tin = (127.0, 127.0, 160.0), (100.0, 100.0, 125.0)
    vitamins, oil = (62.0, 62.0, 115.0), (78.0, 78.0, 140.0)
    return (
        _goods("MP-900", "婴幼儿配方奶粉", "infant milk powder", "1901101000", "122", "900g/罐", 900, tin,
               filled(CYL, tin, "steel", 0.22, "powder", 900, 0.90)),
        _goods("MP-400", "成人奶粉", "milk powder, small tin", "0402210000", "122", "400g/罐", 400, small_tin,
               filled(CYL, small_tin, "steel", 0.20, "powder", 400, 0.85)),
        _goods("HB-120", "复合维生素片", "vitamin tablets", "2106909090", "142", "120粒/瓶", 180, vitamins,
               filled(CYL, vitamins, "hdpe", 1.3, "tablets", 180, 0.75)),
        _goods("FO-200", "深海鱼油软胶囊", "fish oil capsules", "2106909090", "142", "200粒/瓶", 300, oil,
               filled(CYL, oil, "hdpe", 1.4, "oil", 300, 0.80)),
        _goods("LP-35", "唇膏", "lipstick", "3304100000", "012", "3.5g/支", 30, (24.0, 24.0, 84.0),
               boxed((24.0, 24.0, 84.0), (
                   *shell(CYL, (20.0, 20.0, 80.0), "aluminium", 0.6)[0],
                   body(CYL, (18.0, 18.0, 22.0), "brass", 14.0, (0.0, 0.0, -26.0)),
                   body(CYL, (12.0, 12.0, 30.0), "cream", 8.0, (0.0, 0.0, 4.0))), 0.5), flat=True),
        _goods("FC-50", "面霜", "face cream", "3304990099", "142", "50g/瓶", 50, (74.0, 74.0, 62.0),
               boxed((74.0, 74.0, 62.0), filled(CYL, (66.0, 66.0, 54.0), "glass", 5.0, "cream", 50))),
        _goods("PF-100", "香水", "perfume", "3303000000", "142", "100ml/瓶", 90, (80.0, 44.0, 122.0),
               boxed((80.0, 44.0, 122.0), filled(BOX, (68.0, 34.0, 104.0), "glass", 4.0, "oil", 90))),
    )  # fmt: skip


def _apparel_and_electronics() -> tuple[Goods, ...]:
    return (
        _goods("SH-42", "运动鞋", "sports shoes", "6404110000", "025", "42码", 780, (320.0, 200.0, 118.0),
               boxed((320.0, 200.0, 118.0), (
                   body(BOX, (285.0, 85.0, 28.0), "rubber", 250.0, (0.0, -47.0, -40.0)),
                   body(ELL, (275.0, 82.0, 70.0), "textile", 140.0, (0.0, -47.0, 8.0)),
                   body(BOX, (285.0, 85.0, 28.0), "rubber", 250.0, (0.0, 47.0, -40.0)),
                   body(ELL, (275.0, 82.0, 70.0), "textile", 140.0, (0.0, 47.0, 8.0))), 1.2), flat=True),
        _goods("PH-128", "智能手机", "smartphone", "8517130000", "001", "128GB/台", 290, (166.0, 90.0, 48.0),
               boxed((166.0, 90.0, 48.0), (
                   body(BOX, (150.0, 72.0, 1.4), "glass", 37.0, (0.0, 0.0, 16.0)),
                   body(BOX, (148.0, 70.0, 5.0), "electronics", 95.0, (0.0, 0.0, 12.0)),
                   body(BOX, (85.0, 55.0, 4.5), "battery", 58.0, (-20.0, 0.0, 7.0)),
                   body(BOX, (45.0, 45.0, 26.0), "electronics", 62.0, (-45.0, -15.0, -8.0)),
                   body(BOX, (70.0, 60.0, 14.0), "copper wire", 32.0, (35.0, 5.0, -14.0))), 1.0), flat=True),
        _goods("PB-10", "移动电源", "power bank", "8507600090", "007", "10000mAh", 230, (156.0, 84.0, 30.0),
               boxed((156.0, 84.0, 30.0), (
                   *shell(BOX, (144.0, 70.0, 17.0), "abs", 1.5)[0],
                   body(BOX, (60.0, 62.0, 11.0), "battery", 92.0, (-34.0, 0.0, 0.0)),
                   body(BOX, (60.0, 62.0, 11.0), "battery", 92.0, (30.0, 0.0, 0.0)),
                   body(BOX, (10.0, 60.0, 8.0), "electronics", 12.0, (65.0, 0.0, 0.0))), 0.7), flat=True),
    )  # fmt: skip


def _household() -> tuple[Goods, ...]:
    coffee, honey, thermos = (80.0, 80.0, 150.0), (75.0, 75.0, 105.0), (72.0, 72.0, 230.0)
    thermos_inner = (62.0, 62.0, 200.0)
    return (
        _goods("BK-300", "儿童图书", "picture book", "4901990000", "131", "16开/册", 620, (210.0, 148.0, 26.0),
               (body(BOX, (210.0, 148.0, 26.0), "paper", 620.0),), flat=True),
        _goods("CH-300", "巧克力", "chocolate", "1806900000", "140", "300g/盒", 300, (240.0, 165.0, 32.0),
               boxed((240.0, 165.0, 32.0), tuple(
                   body(BOX, (66.0, 68.0, 20.0), "chocolate", 50.0, (x, y, -3.0))
                   for x in (-76.0, 0.0, 76.0) for y in (-38.0, 38.0))), flat=True),
        _goods("DP-54", "纸尿裤", "diapers", "9619001100", "125", "54片/包", 1650, (310.0, 210.0, 120.0),
               (*shell(BOX, (310.0, 210.0, 120.0), "film", 0.08)[0],
                body(BOX, (304.0, 204.0, 116.0), "textile", 1650.0)), flat=True),
        _goods("TP-120", "牙膏", "toothpaste", "3306101090", "012", "120g/支", 120, (190.0, 46.0, 38.0),
               boxed((190.0, 46.0, 38.0), (
                   body(ELL, (150.0, 42.0, 34.0), "toothpaste", 120.0, (-12.0, 0.0, 0.0)),
                   body(CYL, (28.0, 28.0, 22.0), "hdpe", 9.0, (78.0, 0.0, 0.0)))), flat=True),
        _goods("FM-10", "面膜", "face masks", "3304990021", "140", "10片/盒", 310, (168.0, 124.0, 40.0),
               boxed((168.0, 124.0, 40.0), (
                   body(BOX, (158.0, 112.0, 30.0), "cream", 300.0),
                   body(BOX, (160.0, 116.0, 0.6), "aluminium", 28.0))), flat=True),
        _goods("CF-200", "速溶咖啡", "instant coffee", "2101110000", "142", "200g/瓶", 200, coffee,
               filled(CYL, coffee, "glass", 2.6, "powder", 200, 0.90)),
        _goods("HN-500", "蜂蜜", "honey", "0409000000", "142", "500g/瓶", 500, honey,
               filled(CYL, honey, "glass", 2.8, "honey", 500, 0.88)),
        _goods("TH-500", "真空保温杯", "vacuum flask", "9617001900", "007", "500ml/个", 300, thermos,
               (*shell(CYL, thermos, "steel", 0.35)[0], *shell(CYL, thermos_inner, "steel", 0.35)[0],
                body(CYL, (50.0, 50.0, 24.0), "hdpe", 26.0, (0.0, 0.0, 100.0)))),
        _goods("TY-200", "积木玩具", "toy bricks", "9503008900", "140", "200块/盒", 430, (252.0, 180.0, 62.0),
               boxed((252.0, 180.0, 62.0), (body(BOX, (236.0, 166.0, 46.0), "abs", 430.0, (0.0, 0.0, -5.0)),), 0.8),
               flat=True),
        _goods("TB-30", "电动牙刷", "electric toothbrush", "8509809000", "016", "1支/盒", 260, (232.0, 102.0, 62.0),
               boxed((232.0, 102.0, 62.0), (
                   body(CYL, (28.0, 28.0, 34.0), "electronics", 60.0, (-60.0, 20.0, 0.0)),
                   body(BOX, (180.0, 26.0, 26.0), "electronics", 105.0, (0.0, -22.0, 0.0)),
                   body(BOX, (70.0, 60.0, 30.0), "abs", 75.0, (60.0, 18.0, -6.0)))), flat=True),
    )  # fmt: skip


CATALOGUE: tuple[Goods, ...] = (*_health_and_beauty(), *_apparel_and_electronics(), *_household())
"""Every goods of the twin, in fixed order (streams index into it)."""

GOODS: dict[str, Goods] = {goods.sku: goods for goods in CATALOGUE}
"""The catalogue by sku."""

CARTONS_MM: tuple[tuple[int, int, int], ...] = (
    (200, 150, 120), (260, 200, 150), (300, 220, 180), (350, 260, 200), (360, 240, 240), (400, 300, 200),
    (400, 300, 280), (450, 350, 260), (500, 400, 300), (550, 400, 350), (600, 400, 400),
)  # fmt: skip
"""Standard cartons (length along the belt, width across, height), smallest volume first."""

CARTON_FILL_MAX = 0.42
"""Share of a carton's volume that goods' bounding boxes may take: the packer drops pieces at random places."""

CARTON_PLAY_MM = 20
"""What two walls and the packer's play take from each inner side."""

FLOOR_SHARE_MAX = 1.15
"""Goods' footprints over carton floor: above 1 pieces lie on each other in the picture."""

BOARD_MG_MM2 = 0.48
"""Corrugated single-wall board, 480 g/m2; with flaps the sheet is 1.35 times the box's surface."""

FLAP_SHARE = 1.35
FILLER_MG_MM3 = 0.0022
"""Loose paper and air cushions: 2.2 kg per cubic metre of carton."""

LOT_SPREAD = 0.01
PIECE_SPREAD = 0.01
CARTON_SPREAD = 0.05
FILLER_SPREAD_MG = 8_000
"""Spreads (one sigma) of unit mass per lot and per piece, of carton mass and of filler mass."""

Contents = Sequence[tuple[str, int]]
"""(sku, pieces) pairs."""


def carton_for(*contents: Contents, catalogue: Mapping[str, Goods] = GOODS) -> tuple[int, int, int]:
    """Smallest standard carton (mm) that holds each of the given contents; ValueError when none does."""
    for carton in CARTONS_MM:
        if all(_fits(content, carton, catalogue) for content in contents):
            return carton
    raise ValueError(f"expected contents that fit the largest carton {CARTONS_MM[-1]} mm, was {contents}")


def _fits(contents: Contents, carton: tuple[int, int, int], catalogue: Mapping[str, Goods]) -> bool:
    length, width, height = (side - CARTON_PLAY_MM for side in carton)
    volume = floor = 0.0
    for sku, pieces in contents:
        size = catalogue[sku].size_mm
        if size[2] > height or max(size[:2]) > max(length, width) or min(size[:2]) > min(length, width):
            return False
        volume += pieces * size[0] * size[1] * size[2]
        floor += pieces * size[0] * size[1]
    return volume <= CARTON_FILL_MAX * carton[0] * carton[1] * carton[2] and floor <= FLOOR_SHARE_MAX * carton[
        0
    ] * carton[1] * max(1.0, carton[2] / 250)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelMasses:
    """What one packed parcel truly weighs, part by part (mg). ``pieces_mg``: in the order of the contents."""

    pieces_mg: tuple[int, ...]
    carton_mg: int
    filler_mg: int

    @property
    def gross_mg(self) -> int:
        """Everything on the scale."""
        return sum(self.pieces_mg) + self.carton_mg + self.filler_mg


def parcel_masses(
    contents: Contents, carton_mm: tuple[int, int, int], seed: int, tare_factors: tuple[float, float] = (1.0, 1.0)
) -> ParcelMasses:
    """True masses of a parcel: a pure function of its arguments; the renderer shows exactly these masses.

    ``tare_factors``: how much heavier than nominal this lane's cartons and fillers are.
    """
    return masses_of([(GOODS[sku].unit_mg, count) for sku, count in contents], carton_mm, seed, tare_factors)


def masses_of(
    units: Sequence[tuple[int, int]], carton_mm: tuple[int, int, int], seed: int,
    tare_factors: tuple[float, float] = (1.0, 1.0),
) -> ParcelMasses:  # fmt: skip
    """The same for goods outside the catalogue. ``units``: (nominal mass of one piece in mg, pieces) per line."""
    source = random.Random(seed)
    pieces: list[int] = []
    for unit_mg, count in units:
        lot = 1 + LOT_SPREAD * source.gauss()
        pieces += [round(unit_mg * lot * (1 + PIECE_SPREAD * source.gauss())) for _ in range(count)]
    carton, filler = nominal_tare_mg(carton_mm)
    return ParcelMasses(
        pieces_mg=tuple(pieces),
        carton_mg=round(carton * tare_factors[0] * (1 + CARTON_SPREAD * source.gauss())),
        filler_mg=max(1_000, round(filler * tare_factors[1] + FILLER_SPREAD_MG * source.gauss())),
    )


def nominal_tare_mg(carton_mm: tuple[int, int, int]) -> tuple[int, int]:
    """Nominal mass of the carton and of its filler."""
    length, width, height = carton_mm
    surface = 2 * (length * width + length * height + width * height)
    return round(surface * FLAP_SHARE * BOARD_MG_MM2), round(FILLER_MG_MM3 * length * width * height + 10_000)


def declared_masses(contents: Contents, carton_mm: tuple[int, int, int], seed: int) -> tuple[int, int]:
    """(net, gross) of a declaration of these contents: gross as a warehouse states it, 0.5 % + 5 g, 10 g steps."""
    source = random.Random(seed ^ 0x5DEECE66D)
    net = sum(GOODS[sku].net_mg * count // GOODS[sku].pieces_visible for sku, count in contents)
    gross = sum(GOODS[sku].unit_mg * count for sku, count in contents) + sum(nominal_tare_mg(carton_mm))
    return net, round(gross * (1 + 0.005 * source.gauss()) / 10_000 + 0.5 * source.gauss()) * 10_000
