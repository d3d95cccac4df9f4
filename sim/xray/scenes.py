"""A scene: one parcel with a wanted overlap and a planted error, its picture, and the whole truth about both.

``make_scene`` is a pure function of its ``SceneSpec``. Contents are drawn from seed, classes, error and pool only, so a
ladder of severities or of gross stories is over the same goods, but where skewed pieces find no room and others come.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from sim.families import Pool, pool_goods
from sim.goods import Goods, ParcelMasses, masses_of, nominal_tare_mg
from sim.xray.contents import KINDS_MAX, OVERLAPS, Lines, Load, Overlap, PiecesClass, Planted, draw_load, overlap_class
from sim.xray.frames import frame
from sim.xray.packing import PlacedPiece
from sim.xray.placing import Placed, place
from sim.xray.rays import COLUMN_MM, COLUMNS, Plane, piece_planes
from sim.xray.realism import SEVERITY, Realism
from sim.xray.render import MARGIN_MM, Scan, carton_densities, exposed, lines_of, side_offset
from sim.xray.side import render_side
from vision.frame import ScanFrame
from vision.item_count import ExpectedLine

SHADOW_G_CM2 = 0.05
"""A pixel is seen through a piece when the piece alone holds this much there (both bases together)."""
WANTED: dict[Overlap, tuple[float, float]] = {
    Overlap.NONE: (0.0, 0.0), Overlap.LIGHT: (0.02, 0.085), Overlap.MIDDLE: (0.12, 0.27), Overlap.HEAVY: (0.35, 0.62),
}  # fmt: skip
"""Shares that the placing aims at: inside the class, away from its edges."""
LOADS = 8
PLACINGS = 6
"""Contents drawn, and placings tried of each, before a scene is taken as near to its class as it came."""
TEMPLATES_MG = (500_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000)
"""Gross masses that are typed in without weighing."""
DETECTORS = 8
"""Detectors of a fleet: a scene's seed picks one."""


class GrossStory(StrEnum):
    """Where the declared gross mass comes from: the declared goods' list masses, the packed parcel's scale, or a
    template value that has nothing to do with either."""

    DECLARED = "DECLARED"
    PACKED = "PACKED"
    TEMPLATE = "TEMPLATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSpec:
    """``pieces``: class of the declared count. ``kinds``: declared lines, 1..6 (0: drawn), never more than pieces.
    ``overlap``: class of the true contents' projection; one piece has none. ``severity``: 1..5, or ``realism`` in its
    place. ``views``: 1 from above, 2 with one from the side."""

    seed: int
    pieces: PiecesClass = PiecesClass.SOME
    kinds: int = 0
    overlap: Overlap = Overlap.NONE
    severity: int = 1
    planted: Planted = Planted.NONE
    pool: Pool = Pool.CATALOGUE
    gross: GrossStory = GrossStory.DECLARED
    views: int = 1
    realism: Realism | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceTruth:
    """One true piece in the picture from above, in the order of the contents.

    ``line_no``: its declared line (0: undeclared goods). ``centre_px``: mean (line, column) of its shadow in full
    resolution; ``box_px``: (top, left, bottom, right) of its shadow, half open; ``shadow_px``: its pixels;
    ``hidden_px``: how many of them other pieces cast a shadow on, too. ``c_g``, ``p_g``: noise-free integrals of
    polyethylene and iron in grams, as the picture shows them (magnified: pixels are sized in the reference plane).
    ``mass_mg``: true mass; ``height_mm``: height of its middle over the belt.
    """

    goods: Goods
    line_no: int
    centre_px: tuple[float, float]
    box_px: tuple[int, int, int, int]
    shadow_px: int
    hidden_px: int
    c_g: float
    p_g: float
    mass_mg: int
    height_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """``declared``: expected lines as vision gets them; ``contents``: (sku, pieces) that truly lie in the carton.
    ``goods``: all goods named, by sku. ``overlap_share``: measured on noise-free single pieces, ``overlap`` its class.
    ``masses``: true masses part by part; ``weight_mg``: their sum; ``declared_gross_mg`` as declared. ``placed``: where
    each piece lies over the middle of the carton's floor; ``side_mm``: that middle, across the belt. ``side_frame``:
    the view from the side, None with one view."""

    spec: SceneSpec
    declared: tuple[ExpectedLine, ...]
    contents: tuple[tuple[str, int], ...]
    goods: dict[str, Goods]
    carton_mm: tuple[int, int, int]
    masses: ParcelMasses
    declared_gross_mg: int
    scan: Scan
    frame: ScanFrame
    pieces: tuple[PieceTruth, ...]
    placed: tuple[PlacedPiece, ...]
    side_mm: float
    overlap_share: float
    side_frame: ScanFrame | None

    @property
    def weight_mg(self) -> int:
        """True mass on the scale."""
        return self.masses.gross_mg

    @property
    def overlap(self) -> Overlap:
        """Class of the measured share: the spec's, but where the goods do not allow it."""
        return overlap_class(self.overlap_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packed:
    """A load in its carton, with single-piece projections summed up."""

    load: Load
    carton_mm: tuple[int, int, int]
    masses: ParcelMasses
    side_mm: float
    placed: tuple[PlacedPiece, ...]
    c_plane: Plane
    p_plane: Plane
    pieces: tuple[PieceTruth, ...]
    share: float


def make_scene(spec: SceneSpec) -> Scene:
    """The scene of a spec. ValueError for a spec out of range, or a pool that holds no such goods."""
    if spec.views not in (1, 2) or not 0 <= spec.kinds <= KINDS_MAX:
        raise ValueError(f"expected 1 or 2 views and 0 to {KINDS_MAX} kinds, was {spec.views} and {spec.kinds}")
    realism = realism_of(spec)
    packed = _pack(spec, realism)
    load = packed.load
    random = _stream(spec, "exposure", spec.severity)
    planes = carton_densities(
        packed.carton_mm, (packed.side_mm, MARGIN_MM + packed.carton_mm[0] / 2), packed.c_plane.shape[0],
        packed.masses.carton_mg, packed.masses.filler_mg, random, realism,
    )  # fmt: skip
    c_plane, p_plane = (np.maximum(a + b, 0) for a, b in zip(planes, (packed.c_plane, packed.p_plane), strict=True))
    scan = exposed(c_plane, p_plane, random, 1 + spec.seed % DETECTORS, realism)
    return Scene(
        spec=spec,
        declared=tuple(
            ExpectedLine(
                line_no=number, sku=goods.sku, name=goods.name, count_lo=count, count_hi=count, unit_mg=goods.net_mg
            )
            for number, (goods, count) in enumerate(load.declared, start=1)
        ),
        contents=tuple((goods.sku, count) for goods, count in load.true),
        goods={goods.sku: goods for goods, _ in (*load.declared, *load.true)},
        carton_mm=packed.carton_mm,
        masses=packed.masses,
        declared_gross_mg=_gross_mg(spec, load.declared, packed.carton_mm, packed.masses.gross_mg),
        scan=scan,
        frame=frame(scan),
        pieces=packed.pieces,
        placed=packed.placed,
        side_mm=packed.side_mm,
        overlap_share=packed.share,
        side_frame=_side_frame(spec, packed, realism) if spec.views == 2 else None,
    )


def _side_frame(spec: SceneSpec, packed: _Packed, realism: Realism) -> ScanFrame:
    """The view from the side, by a detector of its own."""
    masses = (packed.masses.carton_mg, packed.masses.filler_mg)
    random = _stream(spec, "side", spec.severity)
    detector = 1 + DETECTORS + spec.seed % DETECTORS
    return frame(render_side(packed.placed, packed.carton_mm, packed.side_mm, masses, random, detector, realism))


def realism_of(spec: SceneSpec) -> Realism:
    """The spec's own realism, or that of its severity."""
    if spec.realism is not None:
        return spec.realism
    if spec.severity not in SEVERITY:
        raise ValueError(f"severity: expected one of {sorted(SEVERITY)}, was {spec.severity}")
    return SEVERITY[spec.severity]


def _stream(spec: SceneSpec, *words: str | int) -> np.random.Generator:
    """A stream of random numbers of its own for each use, the same everywhere."""
    key = "/".join(
        [spec.pieces, str(spec.kinds), spec.overlap, spec.planted, spec.pool, *(str(word) for word in words)]
    )
    return np.random.Generator(np.random.PCG64([spec.seed, zlib.crc32(key.encode())]))


def _pack(spec: SceneSpec, realism: Realism) -> _Packed:
    """Draw and place until the measured overlap is in its class; else the nearest that was found."""
    nearest: tuple[float, _Packed] | None = None
    pool = pool_goods(spec.pool)
    for drawn in range(LOADS):
        load = draw_load(pool, spec.pieces, spec.kinds, spec.overlap, spec.planted, _stream(spec, "contents", drawn))
        overlap = spec.overlap if load.pieces > 1 else Overlap.NONE
        (least, end), aim = OVERLAPS[overlap], WANTED[overlap]
        if load.stacked or load.hidden:
            # What lies on its like or hides behind metal adds to the share: there the class is a least one.
            end = OVERLAPS[Overlap.HEAVY][1]
        for tried in range(PLACINGS):
            random = _stream(spec, "placing", drawn, tried)
            # Small cartons first; the last try is for the largest.
            size = tried // 2 + int(random.integers(0, 2)) if tried < PLACINGS - 1 else len(load.cartons)
            carton = load.cartons[min(size, len(load.cartons) - 1)]
            masses = _masses(load, carton, int(random.integers(1 << 62)), realism)
            side = side_offset(random)
            wanted = float(aim[0] + (aim[1] - aim[0]) * random.random())
            placed = _place(load, masses, carton, side, wanted, random, realism)
            if placed is None or (nearest is not None and not least - 0.03 <= placed.share <= end + 0.05):
                continue
            packed = _measured(load, carton, masses, side, placed, realism)
            miss = max(least - packed.share, packed.share - end, 0.0)
            if least <= packed.share < end:
                return packed
            if nearest is None or miss < nearest[0]:
                nearest = (miss, packed)
    if nearest is None:
        raise ValueError(f"{spec}: expected goods that find room in a carton, found none in {LOADS} draws")
    return nearest[1]


def _masses(load: Load, carton_mm: tuple[int, int, int], seed: int, realism: Realism) -> ParcelMasses:
    """True masses; goods sent in the place of others are filled to exactly their mass."""
    units = [(goods.unit_mg, count) for goods, count in load.true]
    masses = masses_of(units, carton_mm, seed, (realism.board_factor, realism.filler_factor))
    if not load.exact_mg:
        return masses
    skus = [goods.sku for goods, count in load.true for _ in range(count)]
    own = sum(mass for sku, mass in zip(skus, masses.pieces_mg, strict=True) if sku in load.replaced)
    pieces = tuple(
        round(mass * load.exact_mg / own) if sku in load.replaced else mass
        for sku, mass in zip(skus, masses.pieces_mg, strict=True)
    )
    return ParcelMasses(pieces_mg=pieces, carton_mg=masses.carton_mg, filler_mg=masses.filler_mg)


def _place(
    load: Load, masses: ParcelMasses, carton_mm: tuple[int, int, int], side_mm: float, wanted: float,
    random: np.random.Generator, realism: Realism,
) -> Placed | None:  # fmt: skip
    bodies = [goods for goods, count in load.true for _ in range(count)]
    factors = [mass / goods.unit_mg for goods, mass in zip(bodies, masses.pieces_mg, strict=True)]
    return place(bodies, factors, _stacks(load, bodies, carton_mm[2]), carton_mm, side_mm, wanted, random, realism)


def _stacks(load: Load, bodies: Sequence[Goods], height_mm: int) -> list[list[int]]:
    """Which bodies lie exactly on one another: sheets in stacks as high as the carton, and the hidden on its cover."""
    stacks: list[list[int]] = []
    open_stack: dict[str, list[int]] = {}
    for i, goods in enumerate(bodies):
        if goods.sku in load.stacked:
            stack = open_stack.get(goods.sku)
            if stack is None or (len(stack) + 1) * goods.size_mm[2] > height_mm - 20:
                stack = open_stack[goods.sku] = []
                stacks.append(stack)
            stack.append(i)
        else:
            stacks.append([i])
    if load.hidden:
        cover, piece = (next(i for i, goods in enumerate(bodies) if goods.sku == sku) for sku in load.hidden)
        stacks = [stack for stack in stacks if stack not in ([cover], [piece])] + [[cover, piece]]
    return stacks


def _measured(
    load: Load, carton_mm: tuple[int, int, int], masses: ParcelMasses, side_mm: float, placed: Placed, realism: Realism
) -> _Packed:
    """Render all pieces one by one, sum them up, and measure their shadows."""
    lines = lines_of(carton_mm, realism)
    offset = (side_mm, MARGIN_MM + carton_mm[0] / 2)
    c_plane, p_plane = (np.zeros((lines, COLUMNS), dtype=np.float32) for _ in range(2))
    shadows = np.zeros((lines, COLUMNS), dtype=np.uint8)
    seen = []
    for piece in placed.pieces:
        window, c_own, p_own = piece_planes(piece, offset, lines, realism.line_mm)
        shadow = c_own + p_own > SHADOW_G_CM2
        c_plane[window] += c_own
        p_plane[window] += p_own
        shadows[window] += shadow
        seen.append((piece, window, shadow, float(c_own.sum()), float(p_own.sum())))
    pixel_cm2 = COLUMN_MM * realism.line_mm / 100
    several = shadows > 1
    numbers = {goods.sku: number for number, (goods, _) in enumerate(load.declared, start=1)}
    pieces = tuple(
        _truth(piece, numbers.get(piece.goods.sku, 0), window, shadow, several, (c * pixel_cm2, p * pixel_cm2), mass)
        for (piece, window, shadow, c, p), mass in zip(seen, masses.pieces_mg, strict=True)
    )
    cast = int((shadows > 0).sum())
    share = int(several.sum()) / cast if cast else 0.0
    return _Packed(
        load=load, carton_mm=carton_mm, masses=masses, side_mm=side_mm, placed=placed.pieces, c_plane=c_plane,
        p_plane=p_plane, pieces=pieces, share=share,
    )  # fmt: skip


def _truth(
    piece: PlacedPiece, line_no: int, window: tuple[slice, slice], shadow: npt.NDArray[np.bool_],
    several: npt.NDArray[np.bool_], grams: tuple[float, float], mass_mg: int,
) -> PieceTruth:  # fmt: skip
    rows, columns = shadow.sum(axis=1), shadow.sum(axis=0)
    across, along = np.flatnonzero(columns), np.flatnonzero(rows)
    top, left = window[0].start, window[1].start
    count = int(rows.sum())
    if count == 0:
        raise ValueError(f"{piece.goods.sku}: expected a shadow of at least {SHADOW_G_CM2} g/cm2, has none")
    return PieceTruth(
        goods=piece.goods,
        line_no=line_no,
        centre_px=(
            top + float((rows * np.arange(rows.size)).sum()) / count,
            left + float((columns * np.arange(columns.size)).sum()) / count,
        ),
        box_px=(top + int(along[0]), left + int(across[0]), top + int(along[-1]) + 1, left + int(across[-1]) + 1),
        shadow_px=count,
        hidden_px=int((several[window] & shadow).sum()),
        c_g=grams[0],
        p_g=grams[1],
        mass_mg=mass_mg,
        height_mm=piece.centre_mm[2],
    )


def _gross_mg(spec: SceneSpec, declared: Lines, carton_mm: tuple[int, int, int], weight_mg: int) -> int:
    """Declared gross mass in 10 g steps: 0.5 % and 5 g about the declared goods' or the true mass, or a template."""
    random = _stream(spec, "gross", spec.gross)
    if spec.gross is GrossStory.TEMPLATE:
        return TEMPLATES_MG[int(random.integers(len(TEMPLATES_MG)))]
    whole = weight_mg
    if spec.gross is GrossStory.DECLARED:
        whole = sum(goods.unit_mg * count for goods, count in declared) + sum(nominal_tare_mg(carton_mm))
    return round(whole * (1 + 0.005 * random.standard_normal()) / 10_000 + 0.5 * random.standard_normal()) * 10_000
