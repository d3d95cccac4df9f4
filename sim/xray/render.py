"""From true contents, carton and seed to the two 16-bit planes a line detector would deliver."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.goods import GOODS, Contents, Goods, Shape, Solid, masses_of
from sim.xray.detector import DETECTOR_SEED, Calibration, Counts, calibration, expose
from sim.xray.materials import BASIS_SHARES
from sim.xray.packing import WALL_MM, PlacedPiece, pack
from sim.xray.rays import COLUMNS, LINE_MM, Plane, add_piece, blocks, solid_chords
from sim.xray.realism import STANDARD, Realism

TABLE = Path(__file__).resolve().parents[2] / "config" / "models" / "basis.npz"
"""The demo lane's table, of 150 kV; those of other spectra lie beside it as ``basis-KILOVOLT.npz``."""
MARGIN_MM = 36.0
"""Empty belt before and behind the parcel, as a scan window has it."""
SIDE_SPREAD_MM = 12.0
"""How far from the belt's middle a parcel rides (one sigma, cut at 25 mm)."""
SIDE_MM_MAX = 25.0
DETECTORS_KEPT = 32
"""Calibrations kept in memory: a fleet's, while training makes a new detector for every scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One rendered scan. ``low``, ``high``: uint16 (lines, 640). ``head_line``: first line of the parcel's head.

    Lines follow the belt: line ``i`` was taken when the head was ``(i - head_line) x line_mm`` past the detector.
    """

    low: Counts
    high: Counts
    calibration: Calibration
    head_line: int
    line_mm: float = LINE_MM


def render(
    contents: Contents, carton_mm: tuple[int, int, int], seed: int, detector_seed: int = DETECTOR_SEED,
    lift_mm: float = 0.0, realism: Realism = STANDARD, catalogue: Mapping[str, Goods] = GOODS,
) -> Scan:  # fmt: skip
    """Render one parcel. The same arguments give the same counts; masses are those of ``goods.parcel_masses``
    (with the same factors of carton and filler as ``realism`` has).

    ``lift_mm``: height of an unseen support under the goods (reference scans). ``catalogue``: the goods by sku.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    units = [(catalogue[sku].unit_mg, count) for sku, count in contents]
    masses = masses_of(units, carton_mm, seed, (realism.board_factor, realism.filler_factor))
    pieces = pack(contents, masses.pieces_mg, carton_mm, random, lift_mm, realism, catalogue)
    side = side_offset(random)
    lines = lines_of(carton_mm, realism)
    offset = (side, MARGIN_MM + carton_mm[0] / 2)
    c_plane, p_plane = areal_densities(
        pieces, carton_mm, offset, lines, masses.carton_mg, masses.filler_mg, random, realism
    )
    return exposed(c_plane, p_plane, random, detector_seed, realism)


def lines_of(carton_mm: tuple[int, int, int], realism: Realism) -> int:
    """Lines of a scan window: the carton's length and a margin on both sides."""
    return round((carton_mm[0] + 2 * MARGIN_MM) / realism.line_mm)


def side_offset(random: np.random.Generator) -> float:
    """Where across the belt a parcel rides, mm from the middle."""
    return float(np.clip(random.normal(0.0, SIDE_SPREAD_MM), -SIDE_MM_MAX, SIDE_MM_MAX))


def exposed(c_plane: Plane, p_plane: Plane, random: np.random.Generator, detector_seed: int, realism: Realism) -> Scan:
    """The scan that a detector makes of areal densities (g/cm2 of both bases, (lines, columns))."""
    low, high = expose(*log_attenuation(c_plane, p_plane, realism.kilovolt), random, detector_seed, realism)
    return Scan(
        low=low, high=high, calibration=_calibration(detector_seed, realism),
        head_line=round(MARGIN_MM / realism.line_mm), line_mm=realism.line_mm,
    )  # fmt: skip


def areal_densities(
    pieces: list[PlacedPiece], carton_mm: tuple[int, int, int], offset: tuple[float, float], lines: int, carton_mg: int,
    filler_mg: int, random: np.random.Generator, realism: Realism = STANDARD,
) -> tuple[Plane, Plane]:  # fmt: skip
    """Noise-free areal densities (g/cm2 of polyethylene and of iron), float32 (lines, 640)."""
    c_plane, p_plane = carton_densities(carton_mm, offset, lines, carton_mg, filler_mg, random, realism)
    for piece in pieces:
        add_piece(c_plane, p_plane, piece, offset, BASIS_SHARES, realism.line_mm)
    return np.maximum(c_plane, 0), np.maximum(p_plane, 0)


def carton_densities(
    carton_mm: tuple[int, int, int], offset: tuple[float, float], lines: int, carton_mg: int, filler_mg: int,
    random: np.random.Generator, realism: Realism,
) -> tuple[Plane, Plane]:  # fmt: skip
    """Noise-free areal densities of a carton with its filler and nothing else, on the belt and seen from above."""
    length, width, height = carton_mm
    return box_densities(
        (width, length, height), (offset[0], offset[1], height / 2), lines, (carton_mg, filler_mg), random, realism
    )


def box_densities(
    size_mm: tuple[int, int, int], centre_mm: tuple[float, float, float], lines: int, masses_mg: tuple[int, int],
    random: np.random.Generator, realism: Realism,
) -> tuple[Plane, Plane]:  # fmt: skip
    """The same of a carton anywhere in the beam: sizes and centre are across the columns, along the belt, and along
    the beam towards the source. ``masses_mg``: of the carton and of its filler."""
    c_plane = np.zeros((lines, COLUMNS), dtype=np.float32)
    p_plane = np.zeros_like(c_plane)
    window, board = _carton(size_mm, centre_mm, lines, masses_mg[0], realism.line_mm)
    board[:] += _filler(board.shape, size_mm, masses_mg[1], random, realism) * (board > 0)
    c_share, p_share = BASIS_SHARES["board"]
    c_plane[window] += board * np.float32(c_share)
    p_plane[window] += board * np.float32(p_share)
    return c_plane, p_plane


def log_attenuation(c_plane: Plane, p_plane: Plane, kilovolt: int = 150) -> tuple[Plane, Plane]:
    """Low and high log attenuation by bilinear look-up on the square-root-spaced table of a spectrum."""
    tables = _table(kilovolt)
    used = (c_plane > 0) | (p_plane > 0)
    columns = _span(used.any(axis=0))
    # Empty belt is most of many pictures: the look-up is for the rest.
    both = [np.full(c_plane.shape, table[0, 0], dtype=np.float32) for table in tables[:2]]
    for rows in blocks(c_plane.shape[0]):
        for plane, seen in zip(both, _looked_up(c_plane[rows, columns], p_plane[rows, columns], tables), strict=True):
            plane[rows, columns] = seen
    return both[0], both[1]


def _span(used: npt.ArrayLike) -> slice:
    at = np.flatnonzero(used)
    return slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0)


def _looked_up(
    c_plane: Plane, p_plane: Plane, tables: tuple[Plane, Plane, np.float32, np.float32]
) -> tuple[Plane, Plane]:
    low, high, c_max, p_max = tables
    c_at = np.sqrt(np.minimum(c_plane / c_max, np.float32(0.9999))) * np.float32(low.shape[0] - 1)
    p_at = np.sqrt(np.minimum(p_plane / p_max, np.float32(0.9999))) * np.float32(low.shape[1] - 1)
    c_index, p_index = c_at.astype(np.int32), p_at.astype(np.int32)
    # Interpolate in C and P themselves, not in their roots: the table is nearly linear in them.
    c_part = _part(c_at, c_index)
    p_part = _part(p_at, p_index)
    corner = c_index * low.shape[1] + p_index
    both = []
    for table in (low.ravel(), high.ravel()):
        near = table.take(corner) * (1 - p_part) + table.take(corner + 1) * p_part
        far = table.take(corner + low.shape[1]) * (1 - p_part) + table.take(corner + low.shape[1] + 1) * p_part
        both.append(near * (1 - c_part) + far * c_part)
    return both[0], both[1]


def _part(position: Plane, index: npt.NDArray[np.int32]) -> Plane:
    """Where between two nodes a value lies, linear in the value (nodes are at index squared)."""
    part: Plane = ((position * position - index * index) / (2 * index + 1)).astype(np.float32)
    return part


def _carton(
    size_mm: tuple[int, int, int], centre_mm: tuple[float, float, float], lines: int, carton_mg: int, line_mm: float
) -> tuple[tuple[slice, slice], Plane]:
    """Board seen through an empty carton, g/cm2; its density carries the true mass, flaps included."""
    size = (float(size_mm[0]), float(size_mm[1]), float(size_mm[2]))
    inner = (size[0] - 2 * WALL_MM, size[1] - 2 * WALL_MM, size[2] - 2 * WALL_MM)
    volume = size[0] * size[1] * size[2] - inner[0] * inner[1] * inner[2]
    centre = np.array(centre_mm, dtype=np.float32)
    upright = np.eye(3, dtype=np.float32)

    def body(extent: tuple[float, float, float]) -> Solid:
        return Solid(shape=Shape.BOX, size_mm=extent, centre_mm=(0.0, 0.0, 0.0), material="board", density=1.0)

    window, whole = solid_chords(body(size), centre, upright, lines, line_mm)
    hollow_window, hollow = solid_chords(body(inner), centre, upright, lines, line_mm)
    rows = slice(hollow_window[0].start - window[0].start, hollow_window[0].stop - window[0].start)
    columns = slice(hollow_window[1].start - window[1].start, hollow_window[1].stop - window[1].start)
    whole[rows, columns] -= hollow
    return window, np.maximum(whole, 0) * np.float32(carton_mg / volume / 10)


def _filler(
    shape: tuple[int, ...], size_mm: tuple[int, int, int], filler_mg: int, random: np.random.Generator,
    realism: Realism,
) -> Plane:  # fmt: skip
    """Loose filler over the carton's face: its mass with low-frequency roughness, g/cm2."""
    mean = filler_mg / 1000 / (size_mm[0] * size_mm[1] / 100)
    nodes = realism.filler_cells + 1
    rough = np.maximum(0.2, 1 + realism.filler_roughness * random.standard_normal((nodes, nodes)))
    weights = [_ramp(count, realism.filler_cells) for count in shape]
    along = weights[0] @ rough / rough.mean()
    field = np.empty((shape[0], shape[1]), dtype=np.float32)
    # In blocks small enough that the matrix library starts no threads: those cost more than the product.
    for rows in blocks(shape[0]):
        field[rows] = mean * (along[rows] @ weights[1].T)
    return field


def _ramp(count: int, cells: int) -> npt.NDArray[np.float64]:
    """Linear interpolation from ``cells`` + 1 nodes to ``count`` pixels, as a matrix."""
    at = np.linspace(0, cells, count)
    ramp: npt.NDArray[np.float64] = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells + 1)[None, :]))
    return ramp


@cache
def _table(kilovolt: int) -> tuple[Plane, Plane, np.float32, np.float32]:
    path = TABLE if kilovolt == 150 else TABLE.with_name(f"basis-{kilovolt}.npz")
    if not path.exists():
        made = sorted(int(found.stem.partition("-")[2]) for found in TABLE.parent.glob("basis-*.npz"))
        raise ValueError(f"kilovolt {kilovolt}: expected one of {[150, *made]}; make_tables.py makes {path.name}")
    with np.load(path) as table:
        return table["low"], table["high"], np.float32(table["c_max"]), np.float32(table["p_max"])


@lru_cache(maxsize=DETECTORS_KEPT)
def _calibration(detector_seed: int, realism: Realism) -> Calibration:
    return calibration(detector_seed, realism)
