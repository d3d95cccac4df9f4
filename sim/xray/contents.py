"""What lies in a scene's carton: the declared goods, the true ones, and how a planted error makes them differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from sim.goods import CARTON_FILL_MAX, CARTON_PLAY_MM, CARTONS_MM, Goods, Shape, Solid
from sim.xray.materials import BASIS_SHARES


class PiecesClass(StrEnum):
    """How many pieces are declared."""

    FEW = "1-2"
    SOME = "3-5"
    MANY = "6-10"
    HEAP = "11-20"
    BULK = "21-30"


PIECES: dict[PiecesClass, tuple[int, int]] = {
    PiecesClass.FEW: (1, 2), PiecesClass.SOME: (3, 5), PiecesClass.MANY: (6, 10), PiecesClass.HEAP: (11, 20),
    PiecesClass.BULK: (21, 30),
}  # fmt: skip
"""Least and most declared pieces of a class."""
KINDS_MAX = 6


class Overlap(StrEnum):
    """Share of the goods' projected area that is seen through two or more pieces, in per cent."""

    NONE = "none"
    LIGHT = "1-10"
    MIDDLE = "10-30"
    HEAVY = "over 30"


OVERLAPS: dict[Overlap, tuple[float, float]] = {
    Overlap.NONE: (0.0, 0.01), Overlap.LIGHT: (0.01, 0.10), Overlap.MIDDLE: (0.10, 0.30), Overlap.HEAVY: (0.30, 1.01),
}  # fmt: skip
"""Least share of a class, and the share from which the next one begins."""


def overlap_class(share: float) -> Overlap:
    """The class of a measured share."""
    return next(overlap for overlap, (_, end) in OVERLAPS.items() if share < end)


class Planted(StrEnum):
    """How the true contents differ from the declared ones.

    ``OTHER_GOODS``: one line or all of them replaced by undeclared goods of the same mass. ``EMPTY_STONE``: nothing
    but a stone of any mass. Adversarial ones: ``STONE_EQUAL_WEIGHT``: a stone of exactly the declared goods' mass;
    ``MOVED_UNIT``: one unit less of one line and one more of another of about equal unit mass; ``STACKED_SHEETS``: one
    piece too few or too many in stacks of flat goods lying exactly on each other; ``HIDDEN``: an undeclared piece in
    the shadow of the goods with the most iron.
    """

    NONE = "NONE"
    MISSING = "MISSING"
    EXTRA = "EXTRA"
    SWAP = "SWAP"
    OTHER_GOODS = "OTHER_GOODS"
    EMPTY_STONE = "EMPTY_STONE"
    STONE_EQUAL_WEIGHT = "STONE_EQUAL_WEIGHT"
    MOVED_UNIT = "MOVED_UNIT"
    STACKED_SHEETS = "STACKED_SHEETS"
    HIDDEN = "HIDDEN"


ADVERSARIAL = (Planted.STONE_EQUAL_WEIGHT, Planted.MOVED_UNIT, Planted.STACKED_SHEETS, Planted.HIDDEN)
STONES = (Planted.EMPTY_STONE, Planted.STONE_EQUAL_WEIGHT)

Lines = tuple[tuple[Goods, int], ...]
"""(goods, pieces) per line."""

MASS_G_MAX = 30_000
EQUAL_MASS_SHARE = 0.08
"""Goods sent in the place of others weigh as much to within this share of their own nominal mass; they are then filled
to the exact mass."""
SAME_UNIT_SHARE = 0.03
"""Units that count as equally heavy."""
SHEET_MM_MAX = 30.0
SHEET_STACK_MM = 330.0
FLOOR_SHARES = {Overlap.NONE: 0.44, Overlap.LIGHT: 0.58, Overlap.MIDDLE: 0.85, Overlap.HEAVY: 1.6}
"""Most of a carton's floor that the goods' footprints may take side by side."""
FEW_PIECES, FEW_FLOOR_FACTOR = 3, 1.4
"""Few pieces can use more of it: they leave no gaps that nothing fits in."""
DRAWS = 60
TIGHTEST = 0.4
"""How much smaller than usual the goods of the last draw are, by footprint and volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """``declared`` and ``true`` goods. ``exact_mg``: mass that the goods of ``replaced`` have together (0: as they
    come). ``stacked``: skus whose pieces lie on one another. ``hidden``: (sku of the cover, sku of the piece on it)."""

    declared: Lines
    true: Lines
    exact_mg: int = 0
    replaced: frozenset[str] = frozenset()
    stacked: frozenset[str] = frozenset()
    hidden: tuple[str, str] | None = None
    cartons: tuple[tuple[int, int, int], ...] = field(default=())

    @property
    def pieces(self) -> int:
        """True pieces."""
        return sum(count for _, count in self.true)


def draw_load(
    pool: Sequence[Goods], pieces: PiecesClass, kinds: int, overlap: Overlap, planted: Planted,
    random: np.random.Generator,
) -> Load:  # fmt: skip
    """Draw declared goods of a class and plant an error. ``kinds`` 0: drawn, never more than pieces.

    ValueError when the pool holds nothing that fits.
    """
    for draw in range(DRAWS):
        tight = 1 - (1 - TIGHTEST) * draw / DRAWS
        declared = _declared(pool, pieces, kinds, overlap, planted, random, tight)
        load = _plant(declared, pool, planted, random) if declared else None
        if load is None:
            continue
        cartons = _cartons((load.declared, load.true), overlap, load)
        if cartons and sum(goods.unit_mg * count for goods, count in load.true) <= MASS_G_MAX * 1000:
            return Load(
                declared=load.declared, true=load.true, exact_mg=load.exact_mg, replaced=load.replaced,
                stacked=load.stacked, hidden=load.hidden, cartons=cartons,
            )  # fmt: skip
    raise ValueError(f"expected goods for {pieces} pieces with overlap {overlap} and {planted}, found none in the pool")


def stone(mass_mg: int, random: np.random.Generator) -> Goods:
    """A rounded stone of granite of a given mass."""
    squash = 0.6 + 0.4 * random.random(3)
    edge = (mass_mg / 2.65 / (np.pi / 6) / float(np.prod(squash))) ** (1 / 3)
    size = (float(edge * squash[0]), float(edge * squash[1]), float(edge * squash[2]))
    solid = Solid(shape=Shape.ELLIPSOID, size_mm=size, centre_mm=(0.0, 0.0, 0.0), material="stone", density=2.65)
    return Goods(
        sku="STONE", name="石头", name_en="stone", hs_code="2517100000", unit="035", legal_unit="035", spec="",
        net_mg=mass_mg, unit_mg=round(solid.mass_mg), size_mm=size, solids=(solid,),
    )  # fmt: skip


def iron_g_cm2(goods: Goods) -> float:
    """Mean areal density of iron (g/cm2) that a resting piece shows."""
    iron_mg = sum(solid.mass_mg * BASIS_SHARES[solid.material][1] for solid in goods.solids)
    return iron_mg / 1000 / (goods.size_mm[0] * goods.size_mm[1] / 100)


def basis_grams(goods: Goods) -> tuple[float, float]:
    """What one nominal piece holds of both bases, grams of polyethylene and of iron, without magnification."""
    c_mg, p_mg = (
        sum(solid.mass_mg * BASIS_SHARES[solid.material][basis] for solid in goods.solids) for basis in (0, 1)
    )
    return c_mg / 1000, p_mg / 1000


def _declared(
    pool: Sequence[Goods], pieces: PiecesClass, kinds: int, overlap: Overlap, planted: Planted,
    random: np.random.Generator, tight: float,
) -> Lines:  # fmt: skip
    low, high = PIECES[pieces]
    fewest = 2 if planted in (Planted.MISSING, Planted.MOVED_UNIT, Planted.STACKED_SHEETS) else 1
    if planted not in STONES and overlap is not Overlap.NONE:
        fewest = 2
    count = int(random.integers(max(low, fewest), high + 1))
    wanted = min(kinds or int(random.integers(1, KINDS_MAX + 1)), count)
    fitting = _fitting(pool, count, overlap, wanted, tight)
    chosen = _seeds(fitting, pool, planted, random)
    if planted is Planted.MOVED_UNIT:
        wanted = max(2, wanted)
    others = [goods for goods in fitting if goods not in chosen]
    more = max(0, min(wanted - len(chosen), len(others), count - len(chosen)))
    chosen += [others[i] for i in random.choice(len(others), more, replace=False)] if more else []
    cuts = np.sort(random.choice(count - 1, len(chosen) - 1, replace=False)) + 1 if len(chosen) > 1 else np.array([])
    counts = np.diff(np.concatenate([[0], cuts, [count]])).astype(int)
    if planted is Planted.STACKED_SHEETS and counts[0] < 2:
        return ()
    return tuple((goods, int(part)) for goods, part in zip(chosen, counts, strict=True))


def _fitting(pool: Sequence[Goods], count: int, overlap: Overlap, kinds: int, tight: float) -> list[Goods]:
    """Goods small enough that about so many find room in the largest carton; ``tight`` below 1: smaller ones."""
    length, width, height = CARTONS_MM[-1]
    floor = 1.5 * tight * FLOOR_SHARES[overlap] * length * width / count
    volume = 2.0 * tight * CARTON_FILL_MAX * length * width * height / count
    small = [g for g in pool if g.size_mm[0] * g.size_mm[1] < floor and _volume(g) < volume]
    if len(small) < kinds + 2:
        small = sorted(pool, key=lambda g: (g.size_mm[0] * g.size_mm[1], g.sku))[: kinds + 4]
    return small


def _seeds(
    fitting: Sequence[Goods], pool: Sequence[Goods], planted: Planted, random: np.random.Generator
) -> list[Goods]:
    """Goods that a planted error needs among the declared ones."""
    match planted:
        case Planted.MOVED_UNIT:
            pairs = sorted(
                ((abs(a.unit_mg - b.unit_mg) / max(a.unit_mg, b.unit_mg), i, j)
                 for i, a in enumerate(fitting) for j, b in enumerate(fitting[:i])),
            )  # fmt: skip
            near = [pair for pair in pairs if pair[0] < SAME_UNIT_SHARE] or pairs[:3]
            _, i, j = near[int(random.integers(len(near)))]
            return [fitting[i], fitting[j]] if random.random() < 0.5 else [fitting[j], fitting[i]]
        case Planted.STACKED_SHEETS:
            flat = sorted(pool, key=lambda g: (g.size_mm[2] / max(g.size_mm[:2]), g.sku))
            thin = [g for g in flat if g.size_mm[2] <= SHEET_MM_MAX][: max(1, len(flat) // 4)]
            return [thin[int(random.integers(len(thin)))]]
        case Planted.HIDDEN:
            covers = [g for g in fitting if _smaller(g, pool)] or [g for g in pool if _smaller(g, pool)]
            heavy = sorted(covers, key=lambda g: (-iron_g_cm2(g), g.sku))[: max(1, len(covers) // 5)]
            return [heavy[int(random.integers(len(heavy)))]]
        case _:
            return []


def _plant(declared: Lines, pool: Sequence[Goods], planted: Planted, random: np.random.Generator) -> Load | None:
    """The load with its error; None when these goods do not allow it."""
    line = int(random.integers(len(declared)))
    undeclared = [goods for goods in pool if all(goods is not own for own, _ in declared)]
    match planted:
        case Planted.NONE:
            return Load(declared=declared, true=declared)
        case Planted.MISSING:
            return Load(declared=declared, true=_changed(declared, line, -1))
        case Planted.EXTRA:
            return Load(declared=declared, true=_changed(declared, line, 1))
        case Planted.SWAP:
            other = undeclared[int(random.integers(len(undeclared)))]
            return Load(declared=declared, true=(*_changed(declared, line, -1), (other, 1)))
        case Planted.OTHER_GOODS:
            return _other_goods(declared, undeclared, line, random)
        case Planted.EMPTY_STONE | Planted.STONE_EQUAL_WEIGHT:
            mass = sum(goods.unit_mg * count for goods, count in declared)
            if planted is Planted.EMPTY_STONE:
                mass = max(50_000, round(mass * (0.3 + 1.2 * random.random())))
            rock = stone(mass, random)
            return Load(declared=declared, true=((rock, 1),), exact_mg=mass, replaced=frozenset({rock.sku}))
        case Planted.MOVED_UNIT:
            return Load(declared=declared, true=_changed(_changed(declared, 1, 1), 0, -1))
        case Planted.STACKED_SHEETS:
            change = -1 if declared[0][1] > 2 and random.random() < 0.5 else 1
            return Load(declared=declared, true=_changed(declared, 0, change), stacked=frozenset({declared[0][0].sku}))
        case Planted.HIDDEN:
            cover = declared[0][0]
            small = _smaller(cover, undeclared)
            if not small:
                return None
            piece = small[int(random.integers(len(small)))]
            return Load(declared=declared, true=(*declared, (piece, 1)), hidden=(cover.sku, piece.sku))


def _smaller(cover: Goods, pool: Sequence[Goods]) -> list[Goods]:
    """Goods that lie wholly in the shadow of the cover."""
    return [g for g in pool if all(g.size_mm[i] < 0.9 * cover.size_mm[i] for i in (0, 1))]


def _changed(lines: Lines, place: int, change: int) -> Lines:
    counted = [(goods, count + (change if i == place else 0)) for i, (goods, count) in enumerate(lines)]
    return tuple((goods, count) for goods, count in counted if count > 0)


def _other_goods(declared: Lines, undeclared: list[Goods], line: int, random: np.random.Generator) -> Load:
    """Undeclared goods in the place of one line, or of all, filled to exactly their mass."""
    whole = random.random() < 0.5
    replaced = declared if whole else (declared[line],)
    kept = () if whole else tuple(entry for i, entry in enumerate(declared) if i != line)
    mass = sum(goods.unit_mg * count for goods, count in replaced)
    options = []
    for goods in undeclared:
        count = min(30, max(1, round(mass / goods.unit_mg)))
        options.append((abs(count * goods.unit_mg / mass - 1), count, goods))
    near = [option for option in options if option[0] < EQUAL_MASS_SHARE]
    _, count, goods = near[int(random.integers(len(near)))] if near else min(options, key=lambda o: (o[0], o[2].sku))
    return Load(declared=declared, true=(*kept, (goods, count)), exact_mg=mass, replaced=frozenset({goods.sku}))


def _volume(goods: Goods) -> float:
    return goods.size_mm[0] * goods.size_mm[1] * goods.size_mm[2]


def _cartons(contents: Sequence[Lines], overlap: Overlap, load: Load) -> tuple[tuple[int, int, int], ...]:
    """Standard cartons that hold each of the contents, smallest first."""
    return tuple(carton for carton in CARTONS_MM if all(_fits(lines, carton, overlap, load) for lines in contents))


def _fits(lines: Lines, carton: tuple[int, int, int], overlap: Overlap, load: Load) -> bool:
    length, width, height = (side - CARTON_PLAY_MM for side in carton)
    volume = floor = 0.0
    for goods, count in lines:
        size = goods.size_mm
        if size[2] > height or max(size[:2]) > max(length, width) or min(size[:2]) > min(length, width):
            return False
        per_stack = max(1, int(min(height, SHEET_STACK_MM) / size[2])) if goods.sku in load.stacked else 1
        volume += count * _volume(goods)
        floor += -(-count // per_stack) * size[0] * size[1]
    if load.hidden:
        pair = [goods.size_mm[2] for goods, _ in load.true if goods.sku in load.hidden]
        if sum(pair) > height:
            return False
    room = CARTON_FILL_MAX * carton[0] * carton[1] * carton[2]
    share = FLOOR_SHARES[overlap] * (FEW_FLOOR_FACTOR if sum(count for _, count in lines) <= FEW_PIECES else 1.0)
    return volume <= room and floor <= share * length * width
