"""Pictures to learn proposals from: random cartons of goods of random sizes, and where each piece lies in the picture.

Every picture is a pure function of (seed, number). Goods are those of the twin's catalogue, stretched at random; whole
families are kept out of training, so that a model can be judged on goods it never saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sim.goods import CARTONS_MM, CATALOGUE, GOODS, Goods, nominal_tare_mg
from sim.xray.detector import calibration, expose
from sim.xray.frames import frame
from sim.xray.packing import CELL_MM, CLEARANCE_MM, WALL_MM, PlacedPiece, _drop
from sim.xray.rays import COLUMN_MM, COLUMNS, LINE_MM, magnification, solid_chords
from sim.xray.realism import STANDARD, Realism
from sim.xray.render import MARGIN_MM, SIDE_MM_MAX, SIDE_SPREAD_MM, Scan, areal_densities, log_attenuation
from vision.basis import Basis
from vision.calibrate import attenuate
from vision.frame import Plane
from vision.ground import find_carton, remove_ground

HELD_OUT = frozenset({"HN-500", "PF-100", "CH-300", "TB-30", "TP-120"})
"""Families no training picture shows: a jar, a flat bottle, a tray, a mixed box, a tube."""
PIECES: tuple[tuple[int, int], ...] = ((1, 2), (3, 5), (6, 10), (11, 20), (21, 30))
"""Piece classes (least, most), drawn in equal parts."""
KINDS_MAX = 6
STRETCH = (0.70, 1.35)
"""Common factor of a goods' three sizes; each axis varies by ``STRETCH_AXIS`` more."""
STRETCH_AXIS = (0.88, 1.14)
DENSITY = (0.8, 1.25)
FLOOR_SHARES = (0.2, 0.35, 0.5, 0.8, 1.4)
"""Wanted footprint of the goods over the carton's floor, drawn in equal parts: from well apart to piled up."""
VOLUME_SHARE_MAX = 0.5
DETECTORS = 64
"""Detectors with gains and dead columns of their own."""
PHOTONS = (0.3, 1.2)
"""Factor of the demo lane's photons: noise from half again to nearly twice as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One training picture, cut to the carton.

    ``planes``: float16 (2, lines, columns), C and P of the goods at half resolution in g/cm2. ``centres``: float32
    (pieces, 3): line and column in quarter-resolution pixels of the cut, and the piece's smaller extent in them.
    ``overlap``: share of the goods' shadow that two or more pieces cast.
    """

    planes: npt.NDArray[np.float16]
    centres: Plane
    overlap: float


def make_picture(seed: int, number: int, basis: Basis, *, held_out: bool = False) -> Picture:
    """Render picture ``number`` of ``seed``; ``held_out``: of the families kept out of training, else of the others."""
    attempt = 0
    while True:
        random = np.random.Generator(np.random.PCG64([seed, number, int(held_out), attempt]))
        found = _picture(random, basis, held_out=held_out)
        if found is not None:
            return found
        attempt += 1


def _picture(random: np.random.Generator, basis: Basis, *, held_out: bool) -> Picture | None:
    goods = _contents(random, held_out=held_out)
    carton = _carton_for(goods, float(random.choice(FLOOR_SHARES)))
    realism = _realism(random)
    pieces = _pack(goods, carton, random, realism)
    if pieces is None:
        return None
    lines = round((carton[0] + 2 * MARGIN_MM) / LINE_MM)
    side = float(np.clip(random.normal(0.0, SIDE_SPREAD_MM), -SIDE_MM_MAX, SIDE_MM_MAX))
    offset = (side, MARGIN_MM + carton[0] / 2)
    board, filler = nominal_tare_mg(carton)
    tare = round(board * realism.board_factor), round(filler * realism.filler_factor)
    c_plane, p_plane = areal_densities(pieces, carton, offset, lines, *tare, random, realism)
    detector = int(random.integers(1, DETECTORS + 1))
    low, high = expose(*log_attenuation(c_plane, p_plane), random, detector, realism)
    head = round(MARGIN_MM / LINE_MM)
    scan = Scan(low=low, high=high, calibration=calibration(detector, realism), head_line=head)
    attenuation = attenuate(frame(scan))
    found = find_carton(attenuation.high)
    if found is None:
        return None
    planes = basis.densities(attenuation.low, attenuation.high)
    c_goods, p_goods, _ = remove_ground(*planes, found, 2 * LINE_MM, 2 * COLUMN_MM)
    top, left = found.top // 2 * 2, found.left // 2 * 2
    cut = np.stack([plane[top : found.bottom, left : found.right] for plane in (c_goods, p_goods)])
    centres = np.array([_centre(piece, offset) for piece in pieces], dtype=np.float32)
    centres[:, :2] -= np.array([top / 2, left / 2], dtype=np.float32)
    return Picture(planes=cut.astype(np.float16), centres=centres, overlap=_overlap(pieces, offset, lines))


def _contents(random: np.random.Generator, *, held_out: bool) -> list[Goods]:
    """The goods of every piece, kinds together."""
    least, most = PIECES[int(random.integers(len(PIECES)))]
    pieces = int(random.integers(least, most + 1))
    kinds = int(random.integers(1, min(KINDS_MAX, pieces) + 1))
    pool = [goods for goods in CATALOGUE if (goods.sku in HELD_OUT) == held_out]
    # Small goods are likelier where there are many pieces: thirty shoe boxes fit no carton.
    volumes = np.array([np.prod(goods.size_mm) for goods in pool])
    weights = volumes ** (-min(0.8, pieces / 20))
    chosen = [_varied(pool[int(i)], random) for i in random.choice(len(pool), size=kinds, p=weights / weights.sum())]
    shares = np.sort(random.integers(0, pieces - kinds + 1, kinds - 1))
    counts = np.diff(np.concatenate([[0], shares, [pieces - kinds]])) + 1
    return [goods for goods, count in zip(chosen, counts, strict=True) for _ in range(int(count))]


def _realism(random: np.random.Generator) -> Realism:
    """A detector, a packer and a filler somewhat like the demo lane's. Its pitch and its spectrum stay."""
    photons = float(random.uniform(*PHOTONS))
    return replace(
        STANDARD,
        photons_air=(STANDARD.photons_air[0] * photons, STANDARD.photons_air[1] * photons),
        noise_counts=float(random.uniform(4, 14)),
        blur_side=float(random.uniform(0.12, 0.2)),
        gain_drift=float(random.uniform(0.0002, 0.001)),
        dead_columns=int(random.integers(0, 4)),
        filler_cells=int(random.integers(5, 9)),
        filler_roughness=float(random.uniform(0.2, 0.5)),
        filler_factor=float(random.uniform(0.3, 1.6)),
        board_factor=float(random.uniform(0.85, 1.25)),
        lying_share=float(random.uniform(0.05, 0.3)),
        skew_share=float(random.uniform(0.1, 0.7)),
    )


def _varied(goods: Goods, random: np.random.Generator) -> Goods:
    """The same kind of thing in another size and another density."""
    axes = random.uniform(*STRETCH) * random.uniform(*STRETCH_AXIS, 3)
    density = float(random.uniform(*DENSITY))
    x, y, z = (float(factor) for factor in axes)

    def stretched(size: tuple[float, float, float]) -> tuple[float, float, float]:
        return size[0] * x, size[1] * y, size[2] * z

    solids = tuple(
        replace(
            solid,
            size_mm=stretched(solid.size_mm),
            centre_mm=stretched(solid.centre_mm),
            density=solid.density * density,
        )
        for solid in goods.solids
    )
    return replace(goods, size_mm=stretched(goods.size_mm), solids=solids)


def _carton_for(goods: Sequence[Goods], floor_share: float) -> tuple[int, int, int]:
    """Smallest carton with the wanted room on its floor; the largest one when none has it."""
    floor = sum(item.size_mm[0] * item.size_mm[1] for item in goods)
    volume = sum(float(np.prod(item.size_mm)) for item in goods)
    for carton in CARTONS_MM:
        length, width, height = carton
        if floor <= floor_share * length * width and volume <= VOLUME_SHARE_MAX * length * width * height:
            return carton
    return CARTONS_MM[-1]


def _pack(
    goods: Sequence[Goods], carton_mm: tuple[int, int, int], random: np.random.Generator, realism: Realism
) -> list[PlacedPiece] | None:
    """Drop all pieces, broad ones first; None when one of them does not fit."""
    room = (carton_mm[1] - 2 * WALL_MM - CLEARANCE_MM, carton_mm[0] - 2 * WALL_MM - CLEARANCE_MM)
    heights = np.full(tuple(int(np.ceil(side / CELL_MM)) for side in room), WALL_MM, dtype=np.float32)
    order = np.argsort([-item.size_mm[0] * item.size_mm[1] * random.uniform(0.9, 1.1) for item in goods])
    try:
        return [
            _drop(
                goods[int(i)], float(random.normal(1.0, 0.015)), room, carton_mm[2] - WALL_MM, heights, random, realism
            )
            for i in order
        ]
    except ValueError:
        return None


def _centre(piece: PlacedPiece, offset: tuple[float, float]) -> tuple[float, float, float]:
    """Line, column and smaller extent of a piece's shadow, in quarter-resolution pixels of the whole picture."""
    x, y, z = piece.centre_mm
    stretch = magnification(z)
    line = (y + offset[1]) / LINE_MM - 0.5
    column = (x + offset[0]) * stretch / COLUMN_MM + (COLUMNS - 1) / 2
    wide, long, _ = np.abs(piece.turn).T @ np.array(piece.goods.size_mm)
    return (line - 1.5) / 4, (column - 1.5) / 4, min(wide * stretch / COLUMN_MM, long / LINE_MM) / 4


def _overlap(pieces: Sequence[PlacedPiece], offset: tuple[float, float], lines: int) -> float:
    """Share of the goods' shadow that two or more pieces cast, from noise-free rays."""
    shadows: npt.NDArray[np.uint8] = np.zeros((lines, COLUMNS), dtype=np.uint8)
    for piece in pieces:
        centre = (np.array(piece.centre_mm) + np.array([*offset, 0.0])).astype(np.float32)
        own = np.zeros(shadows.shape, dtype=bool)
        for solid in piece.goods.solids:
            if solid.density > 0:
                window, chords = solid_chords(solid, centre, piece.turn, lines)
                own[window] |= chords > 0
        shadows += own
    return float((shadows > 1).sum() / max(1, int((shadows > 0).sum())))


def known_families() -> list[str]:
    """Families that training pictures are made of, sorted."""
    return sorted(set(GOODS) - HELD_OUT)
