"""The second view: a source beside the belt, its detector line upright on the other side.

The same fan as from above, turned: its columns look at heights, its beam runs across the belt. Coordinates of the view
are height over ``BEAM_MM`` (in the place of across), along the belt, and towards the source (in the place of up).
"""

import numpy as np

from sim.xray.packing import PlacedPiece
from sim.xray.rays import piece_planes
from sim.xray.realism import Realism
from sim.xray.render import MARGIN_MM, Scan, box_densities, exposed, lines_of

BEAM_MM = 200.0
"""Height over the belt that the middle column looks at."""
BELT_MM = 225.0
"""The belt's middle, towards the source from the plane in which the view's coordinates begin."""


def side_piece(piece: PlacedPiece, side_mm: float) -> PlacedPiece:
    """A piece in the side view's coordinates. ``side_mm``: the carton's middle across the belt."""
    x, y, z = piece.centre_mm
    return PlacedPiece(
        goods=piece.goods, centre_mm=(z - BEAM_MM, y, x + side_mm + BELT_MM),
        turn=np.ascontiguousarray(piece.turn[:, ::-1]), mass_factor=piece.mass_factor,
    )  # fmt: skip


def render_side(
    pieces: tuple[PlacedPiece, ...], carton_mm: tuple[int, int, int], side_mm: float, masses_mg: tuple[int, int],
    random: np.random.Generator, detector_seed: int, realism: Realism,
) -> Scan:  # fmt: skip
    """The scan of a packed carton from the side; lines are those of the view from above.

    ``masses_mg``: true masses of carton and filler.
    """
    length, width, height = carton_mm
    lines = lines_of(carton_mm, realism)
    along = MARGIN_MM + length / 2
    centre = (height / 2 - BEAM_MM, along, side_mm + BELT_MM)
    c_plane, p_plane = box_densities((height, length, width), centre, lines, masses_mg, random, realism)
    for piece in pieces:
        window, c_own, p_own = piece_planes(side_piece(piece, side_mm), (0.0, along), lines, realism.line_mm)
        c_plane[window] += c_own
        p_plane[window] += p_own
    return exposed(np.maximum(c_plane, 0), np.maximum(p_plane, 0), random, detector_seed, realism)
