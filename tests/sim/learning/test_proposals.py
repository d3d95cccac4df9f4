"""What the proposal network learns from, and how it is judged; PyTorch is needed only where a test says so."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.families import Pool, pool_goods
from sim.learning import pictures, proposing
from sim.learning.pictures import Picture, make_picture
from sim.learning.train_command import MODEL, train
from sim.makers.held_out import HELD_OUT_FAMILIES
from sim.xray.contents import Overlap, Planted
from sim.xray.render import TABLE
from vision.basis import Basis, load_basis
from vision.frame import Plane
from vision.propose import CARD_FILE, load_proposer, read_card


@cache
def basis() -> Basis:
    return load_basis(TABLE)


@cache
def shown(number: int, *, held_out: bool = False) -> Picture:
    return make_picture(3, number, basis(), held_out=held_out)


def plain(pieces: int, overlap: Overlap = Overlap.NONE) -> Picture:
    """Truth without a picture worth the name."""
    centres = np.array([(4.0, 4.0 + 8 * piece, 3.0) for piece in range(pieces)], dtype=np.float32).reshape(-1, 3)
    return Picture(planes=np.zeros((2, 16, 16 * pieces), dtype=np.float16), centres=centres, overlap=overlap)


def heat_of(picture: Picture, heights: list[float]) -> Plane:
    """A map with a peak of the given height at each centre, the first ones first."""
    heat = np.zeros((8, 8 * max(1, len(picture.centres))), dtype=np.float32)
    for (line, column, _), height in zip(picture.centres.tolist(), heights, strict=False):
        heat[round(line), round(column)] = height
    return heat


def test_a_picture_is_a_function_of_seed_and_number() -> None:
    again = make_picture(3, 0, basis())
    assert np.array_equal(again.planes, shown(0).planes)
    assert np.array_equal(again.centres, shown(0).centres)
    assert not np.array_equal(shown(1).centres, shown(0).centres)


def test_centres_lie_on_goods() -> None:
    weights = []
    for number in range(8):
        picture = shown(number)
        rows, columns = (np.rint(picture.centres[:, axis] * 2 + 0.5).astype(int) for axis in (0, 1))
        c_plane, p_plane = picture.planes.astype(np.float32)
        weights += (c_plane + 5 * p_plane)[rows, columns].tolist()
    assert np.mean(np.array(weights) > 0.28) > 0.95


def test_training_pictures_show_no_family_that_is_held_out() -> None:
    pools: dict[bool, set[Pool]] = {}
    for held_out in (False, True):
        random = np.random.Generator(np.random.PCG64(5))
        pools[held_out] = {pictures._spec(random, held_out=held_out).pool for _ in range(60)}
    assert pools == {False: {Pool.CATALOGUE, Pool.TRAIN}, True: {Pool.HELD_OUT}}
    shown_skus = {goods.sku for pool in pools[False] for goods in pool_goods(pool)}
    assert not {sku for sku in shown_skus if sku.startswith(tuple(f"{family.code}-" for family in HELD_OUT_FAMILIES))}
    assert not shown_skus & {goods.sku for goods in pool_goods(Pool.HELD_OUT)}


def test_specs_draw_every_class_of_pieces_and_overlap_and_no_planted_error() -> None:
    random = np.random.Generator(np.random.PCG64(6))
    specs = [pictures._spec(random, held_out=False) for _ in range(300)]
    assert len({(spec.pieces, spec.overlap) for spec in specs}) == 20
    assert {spec.planted for spec in specs} == {Planted.NONE}
    assert len({spec.seed for spec in specs}) == 300


def test_exact_totals_are_counted_by_overlap_and_by_pieces() -> None:
    truth = [plain(2), plain(2, Overlap.LIGHT), plain(4, Overlap.HEAVY), plain(30, Overlap.HEAVY)]
    found = proposing.figures([2, 3, 4, 20], truth)
    assert found["exact"] == [0.5, 2, 4]
    assert found["within_one"] == [0.75, 3, 4]
    assert found["mean_off"] == 2.75
    assert found["exact_by_overlap"] == {"none": [1.0, 1, 1], "1-10": [0.0, 0, 1], "over 30": [0.5, 1, 2]}
    assert found["exact_by_pieces"] == {"1-2": [0.5, 1, 2], "3-5": [1.0, 1, 1], "21-30": [0.0, 0, 1]}


def test_the_threshold_is_the_one_with_most_exact_totals() -> None:
    truth = [plain(2), plain(3)]
    # The third peak of the first picture is none; all three of the second are.
    maps = [heat_of(plain(3), [0.9, 0.8, 0.3]), heat_of(plain(3), [0.9, 0.8, 0.5])]
    threshold = proposing.best_threshold(maps, truth)
    assert 0.3 < threshold <= 0.5
    assert proposing.totals(maps, threshold) == [2, 3]


def test_each_piece_is_found_at_most_once() -> None:
    picture = plain(2)
    heat = heat_of(picture, [0.9])
    heat[4, 6] = 0.8
    assert proposing.centre_figures([heat], 0.5, [picture]) == {"found": 0.5, "right": 0.5}


def test_regions_are_counted_on_the_same_pictures() -> None:
    planes = np.zeros((2, 80, 80), dtype=np.float16)
    planes[0, 10:30, 10:30] = planes[0, 50:70, 50:70] = 2.0
    picture = Picture(planes=planes, centres=plain(2).centres, overlap=Overlap.NONE)
    assert proposing.region_totals([picture]) == [2]
    heat = np.zeros((40, 40), dtype=np.float32)
    heat[8, 8] = heat[12, 12] = heat[20, 20] = 0.9
    # Two centres cut the first body, the third lies in none, the second body has none.
    assert proposing.cut_totals([heat], 0.5, [picture]) == [3]


def test_the_shipped_network_fits_its_card_and_finds_most_pieces_of_families_it_was_not_trained_on() -> None:
    shipped = load_proposer(MODEL)
    assert shipped is not None
    card = read_card(MODEL.with_name(CARD_FILE))
    assert card["recipe"]["command"].startswith("lane vision train --seed ")
    assert {family.name_en for family in HELD_OUT_FAMILIES} == set(card["families"]["held_out"])
    unseen = [shown(number, held_out=True) for number in range(12)]
    maps, _ = proposing.heats(shipped, unseen)
    assert proposing.centre_figures(maps, shipped.least_sure, unseen)["found"] > 0.5


def test_training_without_pytorch_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = CliRunner().invoke(train, ["--out", str(tmp_path / "proposals.onnx")])
    assert answer.exit_code == 1
    assert "xray-lane[train]" in answer.output
    assert not list(tmp_path.iterdir())


def test_a_training_gives_the_same_network_again_and_when_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra train")
    from sim.learning import train as training

    def course(steps: int) -> training.Course:
        return training.Course(seed=3, pictures=4, steps=steps)

    def quiet(what: str, done: int, whole: int) -> None:
        """Nobody watches."""

    some = [shown(number) for number in range(4)]
    whole = training.train(course(3), some, None, quiet).state_dict()
    again = training.train(course(3), some, None, quiet).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    monkeypatch.setattr(training, "KEEP_STEPS", 2)
    training.train(course(2), some, tmp_path, quiet)
    resumed = training.train(course(3), some, tmp_path, quiet).state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_exported_network_answers_as_the_trained_one() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra train")
    from sim.learning.export import exported
    from sim.learning.network import CentreNetwork
    from vision.propose import Proposer, prepared, session_of

    torch.manual_seed(1)
    network = CentreNetwork().eval()
    planes = shown(0).planes.astype(np.float32)
    with torch.no_grad():
        wanted = torch.sigmoid(network(torch.from_numpy(prepared(planes[0], planes[1])[None])))[0, 0].numpy()
    found = Proposer(session_of(exported(network), Path("proposals.onnx")), "", 0.5).heat(planes[0], planes[1])
    assert found.shape == (planes.shape[1] // 2, planes.shape[2] // 2)
    assert np.allclose(found, wanted[: found.shape[0], : found.shape[1]], atol=1e-5)
