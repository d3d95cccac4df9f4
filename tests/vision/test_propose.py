"""Proposals of a known network: the mean of 2 x 2 pixels of the first plane, as a height over a threshold."""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from vision.frame import Plane
from vision.ground import Carton
from vision.propose import (
    CARD_FILE,
    MODEL_FILE,
    SCHEMA,
    Proposal,
    ProposalError,
    Proposer,
    load_proposer,
    peaks,
    prepared,
    split,
)
from vision.segment import Segmentation

NETWORK = base64.b64decode(
    "CAg6wAEKLgoGcGxhbmVzCgF3CgFiEgZsb2dpdHMiBENvbnYqEAoHc3RyaWRlc0ACQAKgAQcSBHRpbnkqLwgBCAIIAggCEAEiIAAAAEAAAABAAAAA"
    "QAAAAEAAAAAAAAAAAAAAAAAAAAAAQgF3Kg0IARABIgQAACDBQgFiWiMKBnBsYW5lcxIZChcIARITCgMSAW4KAggCCgMSAWwKAxIBY2IjCgZsb2dp"
    "dHMSGQoXCAESEwoDEgFuCgIIAQoDEgFpCgMSAWpCBAoAEBE="
)
"""One convolution with stride 2: twice the sum of four pixels of the first input plane, less ten."""
PITCH_MM, COLUMN_MM = 2.4, 2.5


def stored(folder: Path, network: bytes = NETWORK, **changed: object) -> Path:
    """A model with its card beside it."""
    model = folder / MODEL_FILE
    model.write_bytes(network)
    card = {"schema": SCHEMA, "sha256": hashlib.sha256(network).hexdigest(), "least_sure": 0.5} | changed
    (folder / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
    return model


def proposer(folder: Path) -> Proposer:
    loaded = load_proposer(stored(folder))
    assert loaded is not None
    return loaded


def blobs(shape: tuple[int, int], places: list[tuple[float, float]], width: float = 4.0) -> Plane:
    """Half-resolution plane with a bell of goods around each (line, column)."""
    lines, columns = np.mgrid[: shape[0], : shape[1]]
    plane = np.zeros(shape)
    for line, column in places:
        plane += 3 * np.exp(-((lines - line) ** 2 + (columns - column) ** 2) / (2 * width**2))
    return plane.astype(np.float32)


def carton(shape: tuple[int, int], top: int = 0, left: int = 0) -> Carton:
    return Carton(top=top, bottom=shape[0], left=left, right=shape[1], cut=False, wide=False, bodies=1)


def test_a_lane_without_a_model_has_no_proposer(tmp_path: Path) -> None:
    assert load_proposer(tmp_path / MODEL_FILE) is None


def test_a_model_of_another_hash_than_its_card_says_is_refused(tmp_path: Path) -> None:
    model = stored(tmp_path)
    model.write_bytes(NETWORK[:-1] + b"\x12")
    with pytest.raises(ProposalError, match=r"proposals\.onnx: expected sha256 .* of its card, was .*; train it again"):
        load_proposer(model)


def test_a_model_without_a_card_is_refused(tmp_path: Path) -> None:
    model = stored(tmp_path)
    (tmp_path / CARD_FILE).unlink()
    with pytest.raises(ProposalError, match=r"proposals\.json: expected the model card"):
        load_proposer(model)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"schema": "lane-proposals/0"}, "expected schema lane-proposals/1"),
        ({"least_sure": 1.0}, r"least_sure: expected 0\.\.1, was 1\.0"),
        ({"least_sure": "0.5"}, r"least_sure: expected 0\.\.1, was '0\.5'"),
    ],
)
def test_a_card_that_is_none_is_refused(tmp_path: Path, changed: dict[str, object], words: str) -> None:
    with pytest.raises(ProposalError, match=words):
        load_proposer(stored(tmp_path, NETWORK, **changed))


def test_a_file_that_is_no_network_is_refused_though_its_card_fits(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match=r"proposals\.onnx: expected an ONNX network"):
        load_proposer(stored(tmp_path, b"not a network"))


def test_centres_are_places_in_the_whole_picture_at_full_resolution(tmp_path: Path) -> None:
    # Half-resolution pixel (40.5, 60.5) is the middle of quarter pixel (20, 30): full-resolution place (81.5, 121.5).
    plane = blobs((128, 144), [(40.5, 60.5), (90.5, 100.5)])
    found = proposer(tmp_path).propose(plane, plane * 0, carton((128, 144), 16, 8), PITCH_MM, COLUMN_MM)
    assert sorted((one.line, one.column) for one in found) == [(81.5, 121.5), (181.5, 201.5)]
    assert all(0.5 <= one.sure <= 1 for one in found)


def test_a_carton_that_begins_at_an_odd_pixel_moves_no_centre(tmp_path: Path) -> None:
    plane = blobs((128, 144), [(40.5, 60.5)])
    (one,) = proposer(tmp_path).propose(plane, plane * 0, carton((127, 143), 17, 9), PITCH_MM, COLUMN_MM)
    assert (one.line, one.column) == (81.5, 121.5)


def test_another_line_pitch_gives_the_same_places(tmp_path: Path) -> None:
    plane = blobs((100, 144), [(30.5, 60.5)])
    (one,) = proposer(tmp_path).propose(plane, plane * 0, carton((100, 144)), 3.2, COLUMN_MM)
    assert abs(one.line - 61.5) <= 4
    assert abs(one.column - 121.5) <= 4


def test_numbers_that_are_none_and_pictures_without_goods_propose_nothing(tmp_path: Path) -> None:
    empty = np.zeros((64, 64), dtype=np.float32)
    broken = empty.copy()
    broken[:8], broken[8:16], broken[16:24] = np.nan, np.inf, -np.inf
    network = proposer(tmp_path)
    for plane in (empty, broken):
        assert network.propose(plane, plane, carton((64, 64)), PITCH_MM, COLUMN_MM) == ()
    assert network.propose(empty, empty, carton((1, 64)), PITCH_MM, COLUMN_MM) == ()


def test_the_input_is_padded_with_empty_belt() -> None:
    whole = prepared(np.ones((17, 16), dtype=np.float32), np.ones((17, 16), dtype=np.float32))
    assert whole.shape == (2, 32, 16)
    assert whole.dtype == np.float32
    assert not whole[:, 17:].any()
    assert np.all(whole[1, :17] > whole[0, :17])


def test_peaks_come_highest_first_and_only_above_the_threshold() -> None:
    heat = np.zeros((9, 9), dtype=np.float32)
    heat[1, 1], heat[1, 2], heat[6, 6], heat[7, 2] = 0.625, 0.5625, 0.875, 0.25
    assert peaks(heat, 0.5) == [(6, 6, 0.875), (1, 1, 0.625)]


def touching() -> tuple[Segmentation, Plane]:
    """Two discs that touch as body 1, a third one as body 2, at quarter resolution; and their half-resolution plane."""
    lines, columns = np.mgrid[:30, :60]
    labels = np.zeros((30, 60), dtype=np.int32)
    for middle in (12, 25):
        labels[(lines - 15) ** 2 + (columns - middle) ** 2 <= 49] = 1
    labels[(lines - 15) ** 2 + (columns - 48) ** 2 <= 49] = 2
    return Segmentation(labels=labels, regions=2), np.kron(labels > 0, np.ones((2, 2))).astype(np.float32)


def at(line: int, column: int) -> Proposal:
    return Proposal(line=4 * line + 1.5, column=4 * column + 1.5, sure=0.9)


def test_a_body_with_two_centres_is_cut_between_them_and_no_pixel_is_lost() -> None:
    bodies, plane = touching()
    cut = split(bodies, plane, plane * 0, (at(15, 25), at(15, 12), at(15, 48)))
    assert cut.regions == 3
    assert np.array_equal(cut.labels > 0, bodies.labels > 0)
    left, right, third = (int(cut.labels[15, column]) for column in (12, 25, 48))
    assert len({left, right, third}) == 3
    sizes = np.bincount(cut.labels.ravel())
    assert abs(int(sizes[left]) - int(sizes[right])) <= 15
    assert np.array_equal(cut.labels == third, bodies.labels == 2)


def test_bodies_with_one_centre_or_none_stay_whole_and_centres_beside_bodies_count_for_nothing() -> None:
    bodies, plane = touching()
    cut = split(bodies, plane, plane * 0, (at(15, 12), at(2, 2), at(100, 5), at(15, 12)))
    assert cut.regions == 2
    assert np.array_equal(cut.labels, bodies.labels)


def test_a_part_of_a_body_that_no_centre_reaches_is_kept() -> None:
    # Two islands with one label, as fragments that belong to a body have: both centres lie in the first.
    bodies, plane = touching()
    labels = np.minimum(bodies.labels, 1)
    cut = split(Segmentation(labels=labels, regions=1), plane, plane * 0, (at(15, 12), at(15, 25)))
    assert cut.regions == 2
    assert np.array_equal(cut.labels > 0, labels > 0)
