"""Path lengths through solids against geometry one can do by hand."""

import math

import numpy as np
import pytest

from sim.goods import CATALOGUE, GOODS, Shape, Solid
from sim.xray.materials import BASIS_SHARES
from sim.xray.packing import PlacedPiece
from sim.xray.rays import COLUMN_MM, COLUMNS, LINE_MM, add_piece, magnification, solid_chords

UPRIGHT = np.eye(3, dtype=np.float32)
CENTRE = np.array([0.0, 120.0, 100.0], dtype=np.float32)


def solid(shape: Shape, size: tuple[float, float, float]) -> Solid:
    return Solid(shape=shape, size_mm=size, centre_mm=(0.0, 0.0, 0.0), material="hdpe", density=1.0)


@pytest.mark.parametrize("shape", list(Shape))
def test_the_middle_ray_passes_the_whole_height(shape: Shape) -> None:
    _, chords = solid_chords(solid(shape, (60.0, 60.0, 80.0)), CENTRE, UPRIGHT, 200)
    assert float(chords.max()) == pytest.approx(80.0, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "volume"), [(Shape.BOX, 1.0), (Shape.CYLINDER, math.pi / 4), (Shape.ELLIPSOID, math.pi / 6)]
)
def test_chords_sum_up_to_the_volume(shape: Shape, volume: float) -> None:
    size = (60.0, 50.0, 20.0)
    _, chords = solid_chords(solid(shape, size), CENTRE, UPRIGHT, 200)
    # At the reference height a column is as wide as its spacing.
    found = float(chords.astype(np.float64).sum()) * COLUMN_MM * LINE_MM
    assert found == pytest.approx(volume * size[0] * size[1] * size[2], rel=0.03)


def test_a_solid_outside_the_lines_leaves_an_empty_window() -> None:
    _, chords = solid_chords(solid(Shape.BOX, (60.0, 60.0, 80.0)), CENTRE, UPRIGHT, 10)
    assert chords.size == 0


def test_higher_objects_look_wider() -> None:
    assert magnification(0.0) == pytest.approx(0.909, abs=0.001)
    assert magnification(400.0) == pytest.approx(1.429, abs=0.001)


@pytest.mark.parametrize("sku", [goods.sku for goods in CATALOGUE])
def test_the_picture_holds_the_mass_of_the_goods(sku: str) -> None:
    goods = GOODS[sku]
    shares = dict.fromkeys(BASIS_SHARES, (1.0, 0.0))
    grams = []
    # Rays sample thin upright walls now on, now beside them: the mean over places counts.
    for place in range(16):
        centre = (0.31 * place, 200.0 + 0.083 * place, 100.0)
        piece = PlacedPiece(goods=goods, centre_mm=centre, turn=UPRIGHT, mass_factor=1.0)
        mass, other = (np.zeros((400, COLUMNS), dtype=np.float32) for _ in range(2))
        add_piece(mass, other, piece, (0.0, 0.0), shares)
        grams.append(float(mass.astype(np.float64).sum()) * COLUMN_MM * LINE_MM / 100)
        assert float(other.max()) == 0.0
    assert np.mean(grams) == pytest.approx(goods.unit_mg / 1000, rel=0.05)
