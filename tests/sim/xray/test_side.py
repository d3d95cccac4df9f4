"""The view from the side shows the same parcel, turned."""

import numpy as np
import pytest

from sim.goods import GOODS
from sim.xray.contents import PiecesClass
from sim.xray.packing import PlacedPiece
from sim.xray.rays import COLUMN_MM, COLUMNS, LINE_MM, piece_planes
from sim.xray.scenes import SceneSpec, make_scene
from sim.xray.side import BEAM_MM, BELT_MM, side_piece

UPRIGHT = np.eye(3, dtype=np.float32)


def tin(x: float, z: float) -> PlacedPiece:
    return PlacedPiece(goods=GOODS["MP-900"], centre_mm=(x, 0.0, z), turn=UPRIGHT, mass_factor=1.0)


def test_a_standing_tin_is_a_disc_from_above_and_a_rectangle_from_the_side() -> None:
    # In the middle of the beam and in the reference plane of the side view nothing is magnified there.
    piece = tin(100.0 - BELT_MM, BEAM_MM)
    _, c_top, p_top = piece_planes(piece, (0.0, 200.0), 400, LINE_MM)
    _, c_side, p_side = piece_planes(side_piece(piece, 0.0), (0.0, 200.0), 400, LINE_MM)
    width, _, height = piece.goods.size_mm
    shadow = c_side + p_side > 0.05
    assert np.ptp(np.flatnonzero(shadow.any(axis=0))) * COLUMN_MM == pytest.approx(height, rel=0.15)
    assert np.ptp(np.flatnonzero(shadow.any(axis=1))) * LINE_MM == pytest.approx(width, rel=0.03)
    assert float(c_top.sum() + p_top.sum()) == pytest.approx(float(c_side.sum() + p_side.sum()), rel=0.15)


def test_what_lies_higher_is_seen_in_columns_further_out_from_the_side() -> None:
    windows = [piece_planes(side_piece(tin(0.0, z), 0.0), (0.0, 200.0), 400, LINE_MM)[0] for z in (80.0, 300.0)]
    assert windows[0][1].stop < COLUMNS // 2 < windows[1][1].start


def test_a_second_view_leaves_the_first_as_it_is() -> None:
    one, two = (make_scene(SceneSpec(seed=4, pieces=PiecesClass.FEW, views=views)) for views in (1, 2))
    assert np.array_equal(one.frame.low, two.frame.low)
    assert one.side_frame is None
    assert two.side_frame is not None
    assert two.side_frame.low.shape == two.frame.low.shape
    shadow = two.side_frame.low < 0.9 * two.side_frame.air_low
    assert shadow.any()
    top = two.frame.low < 0.9 * two.frame.air_low
    first, second = (np.flatnonzero(seen.sum(axis=1) > 8) for seen in (top, shadow))
    assert abs(int(first[0]) - int(second[0])) <= 12


def test_three_views_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 or 2 views"):
        make_scene(SceneSpec(seed=1, views=3))
