"""Scenes: the same from the same spec, of the wanted class, with the whole truth."""

import hashlib

import numpy as np
import pytest

from sim.families import Pool
from sim.xray.contents import PIECES, STONES, Overlap, PiecesClass, Planted, overlap_class
from sim.xray.rays import COLUMN_MM
from sim.xray.scenes import GrossStory, Scene, SceneSpec, make_scene


def fingerprint(scene: Scene) -> str:
    return hashlib.sha256(scene.scan.low.tobytes() + scene.scan.high.tobytes()).hexdigest()


def test_the_same_spec_gives_the_same_scene_and_another_seed_another() -> None:
    first, again, other = (make_scene(SceneSpec(seed=seed, overlap=Overlap.LIGHT)) for seed in (3, 3, 4))
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)
    assert first.pieces == again.pieces
    assert first.masses == again.masses


@pytest.mark.parametrize("overlap", list(Overlap))
@pytest.mark.parametrize("pieces", [PiecesClass.FEW, PiecesClass.MANY])
def test_the_measured_overlap_is_of_the_wanted_class(pieces: PiecesClass, overlap: Overlap) -> None:
    scene = make_scene(SceneSpec(seed=8, pieces=pieces, overlap=overlap))
    low, high = PIECES[pieces]
    assert low <= sum(line.count_lo for line in scene.declared) <= high
    assert overlap_class(scene.overlap_share) is overlap
    hidden = sum(piece.hidden_px for piece in scene.pieces)
    assert (hidden == 0) == (scene.overlap_share == 0.0)


@pytest.mark.parametrize("planted", list(Planted))
def test_contents_differ_from_the_declaration_as_planted(planted: Planted) -> None:
    scene = make_scene(SceneSpec(seed=5, pieces=PiecesClass.SOME, planted=planted))
    declared = {line.sku: line.count_lo for line in scene.declared}
    true = dict(scene.contents)
    assert sum(true.values()) == len(scene.pieces)
    changes = {sku: true.get(sku, 0) - declared.get(sku, 0) for sku in {*declared, *true}}
    moved = sorted(change for change in changes.values() if change)
    match planted:
        case Planted.NONE:
            assert moved == []
        case Planted.MISSING:
            assert moved == [-1]
        case Planted.EXTRA | Planted.HIDDEN:
            assert moved == [1]
        case Planted.SWAP | Planted.MOVED_UNIT:
            assert moved == [-1, 1]
        case Planted.STACKED_SHEETS:
            assert moved in ([-1], [1])
        case Planted.OTHER_GOODS:
            assert set(true) - set(declared)
            assert moved[0] < 0 < moved[-1]
        case Planted.EMPTY_STONE | Planted.STONE_EQUAL_WEIGHT:
            assert set(true) == {"STONE"}
    undeclared = {piece.goods.sku for piece in scene.pieces if piece.line_no == 0}
    assert undeclared == set(true) - set(declared)


@pytest.mark.parametrize("planted", [Planted.OTHER_GOODS, Planted.STONE_EQUAL_WEIGHT])
def test_goods_in_the_place_of_others_weigh_exactly_as_much(planted: Planted) -> None:
    scene = make_scene(SceneSpec(seed=6, planted=planted))
    declared = {line.sku: line.count_lo for line in scene.declared}
    true = dict(scene.contents)
    replaced = sum(scene.goods[s].unit_mg * (n - true.get(s, 0)) for s, n in declared.items())
    own = sum(piece.mass_mg for piece in scene.pieces if piece.line_no == 0)
    assert own == pytest.approx(replaced, abs=20)
    assert (planted in STONES) == ("STONE" in true)


def test_the_truth_of_a_piece_is_what_the_picture_shows() -> None:
    scene = make_scene(SceneSpec(seed=2, pieces=PiecesClass.FEW))
    lines, columns = scene.frame.low.shape
    for piece in scene.pieces:
        top, left, bottom, right = piece.box_px
        assert 0 <= top < piece.centre_px[0] < bottom <= lines
        assert 0 <= left < piece.centre_px[1] < right <= columns
        # Integrals are magnified in one direction: by a tenth less on the belt, by a fifth more under a high lid.
        assert 0.85 < (piece.c_g + piece.p_g) / (piece.mass_mg / 1000) < 1.25
        assert scene.frame.low[top:bottom, left:right].mean() < 0.95 * np.median(scene.frame.air_low)
    assert scene.frame.column_mm == COLUMN_MM


def test_severities_and_gross_stories_are_over_the_same_goods() -> None:
    scenes = [
        make_scene(SceneSpec(seed=9, severity=severity, gross=gross))
        for severity, gross in ((1, GrossStory.DECLARED), (5, GrossStory.DECLARED), (1, GrossStory.TEMPLATE))
    ]
    assert len({scene.contents for scene in scenes}) == 1
    assert len({scene.declared for scene in scenes}) == 1
    assert fingerprint(scenes[0]) == fingerprint(scenes[2]) != fingerprint(scenes[1])
    assert scenes[0].declared_gross_mg == pytest.approx(scenes[0].weight_mg, rel=0.1)
    assert scenes[2].declared_gross_mg % 500_000 == 0


def test_a_severity_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="severity: expected one of"):
        make_scene(SceneSpec(seed=1, severity=6))


@pytest.mark.parametrize(
    ("spec", "sha256"),
    [
        (
            SceneSpec(
                seed=21,
                pieces=PiecesClass.MANY,
                overlap=Overlap.MIDDLE,
                planted=Planted.SWAP,
                pool=Pool.HELD_OUT,
                views=2,
            ),
            "837e1f0d21cc308e4585dafea629107b0e847d253f12e62fe7cb612fdda48f7b",
        ),
        (
            SceneSpec(seed=22, pieces=PiecesClass.SOME, overlap=Overlap.HEAVY, severity=4, pool=Pool.TRAIN),
            "00dcc7ae38664b38f0bd9d5c082ad12eb682258318ce09549aacc74af9d35e69",
        ),
    ],
)
def test_scenes_stay_the_same_byte_for_byte(spec: SceneSpec, sha256: str) -> None:
    scene = make_scene(spec)
    whole = hashlib.sha256(scene.scan.low.tobytes() + scene.scan.high.tobytes())
    if scene.side_frame is not None:
        whole.update(scene.side_frame.low.tobytes())
    assert whole.hexdigest() == sha256


@pytest.mark.parametrize("severity", [1, 5])
def test_thirty_pieces_lie_apart_when_they_are_asked_to(severity: int) -> None:
    scene = make_scene(SceneSpec(seed=3, pieces=PiecesClass.BULK, severity=severity, pool=Pool.HELD_OUT))
    assert len(scene.pieces) > 20
    assert scene.overlap is Overlap.NONE


def test_the_hidden_piece_lies_in_the_shadow_of_its_cover() -> None:
    scene = make_scene(SceneSpec(seed=3, planted=Planted.HIDDEN, pool=Pool.HELD_OUT))
    hidden = next(piece for piece in scene.pieces if piece.line_no == 0)
    assert hidden.hidden_px > 0.8 * hidden.shadow_px


def test_sheets_that_are_stacked_lie_on_one_another() -> None:
    scene = make_scene(SceneSpec(seed=3, planted=Planted.STACKED_SHEETS))
    sheets = [piece for piece in scene.pieces if piece.goods.sku == scene.declared[0].sku]
    assert len(sheets) > 1
    assert max(piece.centre_px[0] for piece in sheets) - min(piece.centre_px[0] for piece in sheets) < 3
    assert len({piece.height_mm for piece in sheets}) == len(sheets)
