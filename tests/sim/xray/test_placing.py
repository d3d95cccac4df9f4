"""Pieces lie inside their carton, and their shadows overlap as wanted."""

import numpy as np
import pytest

from sim.goods import GOODS, Goods
from sim.xray.packing import WALL_MM, extents
from sim.xray.placing import place
from sim.xray.realism import SEVERITY, STANDARD

LOAD = [GOODS[sku] for sku in ("FC-50", "HB-120", "LP-35", "TP-120", "PB-10", "HN-500", "LP-35", "FC-50")]
CARTON = (450, 350, 260)


def stacks_of(goods: list[Goods]) -> list[list[int]]:
    return [[i] for i in range(len(goods))]


@pytest.mark.parametrize("wanted", [0.0, 0.05, 0.2, 0.5])
def test_the_share_of_doubled_shadow_is_about_the_wanted_one(wanted: float) -> None:
    shares = []
    for seed in range(6):
        random = np.random.Generator(np.random.PCG64(seed))
        placed = place(LOAD, [1.0] * len(LOAD), stacks_of(LOAD), CARTON, 10.0, wanted, random, STANDARD)
        assert placed is not None
        shares.append(placed.share)
    if wanted == 0:
        assert max(shares) == 0
    assert np.mean(shares) == pytest.approx(wanted, abs=0.04)


@pytest.mark.parametrize("severity", [1, 5])
def test_every_piece_lies_inside_the_carton_and_in_the_order_given(severity: int) -> None:
    for seed in range(6):
        random = np.random.Generator(np.random.PCG64(seed))
        placed = place(LOAD, [1.0] * len(LOAD), stacks_of(LOAD), CARTON, -20.0, 0.4, random, SEVERITY[severity])
        assert placed is not None
        assert [piece.goods for piece in placed.pieces] == LOAD
        for piece in placed.pieces:
            size = extents(piece.goods.size_mm, piece.turn)
            for axis, side in ((0, CARTON[1]), (1, CARTON[0])):
                assert abs(piece.centre_mm[axis]) + size[axis] / 2 <= side / 2 - WALL_MM + 0.01
            assert piece.centre_mm[2] - size[2] / 2 >= WALL_MM - 0.01
            assert piece.centre_mm[2] + size[2] / 2 <= CARTON[2] - WALL_MM + 0.01


def test_a_stack_lies_exactly_on_itself() -> None:
    books = [GOODS["BK-300"]] * 3
    random = np.random.Generator(np.random.PCG64(1))
    placed = place(books, [1.0] * 3, [[0, 1, 2]], CARTON, 0.0, 0.0, random, STANDARD)
    assert placed is not None
    centres = [piece.centre_mm for piece in placed.pieces]
    assert len({centre[:2] for centre in centres}) == 1
    assert np.diff([centre[2] for centre in centres]).tolist() == pytest.approx([26.0, 26.0])
    # The upper ones are a little larger in the picture.
    assert 0.9 < placed.share < 1.0


def test_goods_that_find_no_room_are_not_placed() -> None:
    boxes = [GOODS["SH-42"]] * 3
    random = np.random.Generator(np.random.PCG64(1))
    assert place(boxes, [1.0] * 3, stacks_of(boxes), (350, 260, 200), 0.0, 0.0, random, STANDARD) is None
