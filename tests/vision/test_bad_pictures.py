"""Pictures that are none, or not of one whole parcel: a quality that says so, nothing counted, and no exception."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import asdict

from sim.goods import carton_for
from sim.xray.frames import frame
from sim.xray.render import render
from tests.vision.scenes import image, lines_of, pipeline
from vision.frame import ScanFrame
from vision.image_file import pack, unpack
from vision.item_count import Abstain, Acquisition, ItemCount
from vision.pipeline import Scales
from vision.service import answer

CONTENTS = [("HN-500", 1), ("TP-120", 1)]
WEIGHTS = Scales(scale_mg=1_200_000, error_mg=3_000, gross_mg=1_200_000)
AIR, FULL = 55_000, 65_535


@cache
def sound() -> ScanFrame:
    return frame(render(CONTENTS, carton_for(CONTENTS), 2))


def count(scan: ScanFrame) -> ItemCount:
    return pipeline().count(scan, lines_of(CONTENTS), WEIGHTS, "ab" * 32)[0]


def planes(change: Callable[[Any], Any]) -> ScanFrame:
    """The sound picture with both planes changed; the line counter follows."""
    low, high = change(sound().low.copy()), change(sound().high.copy())
    return replace(sound(), low=low, high=high, lines_expected=low.shape[0])


def filled(value: int) -> Callable[[Any], Any]:
    return lambda plane: np.full_like(plane, value)


def beside(plane: Any) -> Any:
    """Two small parcels side by side in one picture."""
    both = plane.copy()
    columns = plane.shape[1]
    narrow = plane[:, columns // 2 - 110 : columns // 2 + 110]
    both[:, : columns // 2] = both[:, columns // 2 :] = plane[0].mean()
    both[:, 60:280], both[:, 360:580] = narrow, narrow
    return both


def full_block(plane: Any) -> Any:
    plane[120:140, 300:320] = FULL
    return plane


def with_numbers(plane: Any, *places: Any) -> Any:
    changed = plane.astype(np.float32)
    for place, value in places:
        changed[place] = value
    return changed


BROKEN: dict[str, tuple[Callable[[], ScanFrame], Acquisition]] = {
    "no line at all": (lambda: planes(lambda plane: plane[:0]), Acquisition.INCOMPLETE),
    "one line": (lambda: planes(lambda plane: plane[:1]), Acquisition.INCOMPLETE),
    "too few lines": (lambda: planes(lambda plane: plane[:30]), Acquisition.INCOMPLETE),
    "empty belt": (lambda: planes(lambda plane: np.repeat(plane[:1], 300, axis=0)), Acquisition.INCOMPLETE),
    "all dark": (lambda: planes(filled(200)), Acquisition.INCOMPLETE),
    "all zero": (lambda: planes(filled(0)), Acquisition.INCOMPLETE),
    "all saturated": (lambda: planes(filled(FULL)), Acquisition.INCOMPLETE),
    "grey everywhere": (lambda: planes(filled(AIR // 2)), Acquisition.CUT),
    "half the lines": (lambda: planes(lambda plane: plane[: plane.shape[0] // 2]), Acquisition.CUT),
    "the second half": (lambda: planes(lambda plane: plane[plane.shape[0] // 2 :]), Acquisition.CUT),
    "half the columns shifted out": (lambda: planes(lambda plane: np.roll(plane, 320, axis=1)), Acquisition.OVERSIZE),
    "one behind the other": (lambda: planes(lambda plane: np.concatenate([plane, plane])), Acquisition.MERGED),
    "two side by side": (lambda: planes(beside), Acquisition.MERGED),
    "lines missing": (lambda: replace(sound(), lines_expected=sound().lines_expected + 1), Acquisition.SLIP),
    "lines too many": (lambda: replace(sound(), lines_expected=sound().lines_expected - 1), Acquisition.SLIP),
    "planes of two sizes": (lambda: replace(sound(), high=sound().high[:-4]), Acquisition.INCOMPLETE),
    "a row too narrow": (lambda: replace(sound(), air_low=sound().air_low[:-1]), Acquisition.INCOMPLETE),
    "a narrow picture": (
        lambda: replace(
            planes(lambda plane: plane[:, :60]),
            **{name: getattr(sound(), name)[:60] for name in ("dark_low", "dark_high", "air_low", "air_high")},
        ),
        Acquisition.INCOMPLETE,
    ),
    "three dimensions": (lambda: planes(lambda plane: plane[None]), Acquisition.INCOMPLETE),
    "a pitch that is no number": (lambda: replace(sound(), pitch_mm=float("nan")), Acquisition.INCOMPLETE),
    "a pitch of nothing": (lambda: replace(sound(), column_mm=0.0), Acquisition.INCOMPLETE),
    "air as dark as dark": (lambda: replace(sound(), air_high=sound().dark_high), Acquisition.INCOMPLETE),
    "calibration without a number": (
        lambda: replace(sound(), dark_low=sound().dark_low * np.float32("nan")), Acquisition.INCOMPLETE
    ),
    "pixels without a number": (
        lambda: planes(lambda plane: with_numbers(plane, (slice(100, 160), float("nan")))), Acquisition.OVERSIZE
    ),
    "infinite pixels": (
        lambda: planes(lambda plane: with_numbers(plane, ((slice(90, 120), slice(300, 340)), float("inf")))),
        Acquisition.SUCCESSFUL,
    ),
    "a block at full scale": (lambda: planes(full_block), Acquisition.SUCCESSFUL),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_bad_picture_has_a_quality_and_no_count(name: str) -> None:
    make, word = BROKEN[name]
    found = count(make())
    assert found.acquisition is word
    assert {line.abstain for line in found.lines} == {Abstain.LOW_QUALITY}
    assert found.p_declared_ppm == 0


def test_the_sound_picture_itself_is_counted() -> None:
    found = count(sound())
    assert found.acquisition is Acquisition.SUCCESSFUL
    assert {line.abstain for line in found.lines} == {Abstain.NONE}


def test_a_column_whose_calibration_carries_no_number_is_mended_like_a_dead_one() -> None:
    row = sound().air_low.copy()
    row[300] = float("nan")
    found = count(replace(sound(), air_low=row))
    assert found.acquisition is Acquisition.SUCCESSFUL
    assert {line.abstain for line in found.lines} == {Abstain.NONE}


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_never_a_parcel(seed: int) -> None:
    random = np.random.Generator(np.random.PCG64(seed))
    found = count(planes(lambda plane: random.integers(0, FULL, plane.shape, dtype=np.uint16)))
    assert found.p_declared_ppm == 0


def asked(tmp_path: Path, data: bytes) -> dict[str, Any]:
    path = tmp_path / "scan.lxi"
    path.write_bytes(data)
    request = {
        "image": str(path), "sha256": hashlib.sha256(data).hexdigest(),
        "lines": [asdict(line) for line in lines_of(CONTENTS)], "scale_mg": 1_200_000, "gross_mg": 1_200_000,
    }  # fmt: skip
    found: dict[str, Any] = answer(pipeline(), json.dumps(request))
    return found


@pytest.mark.parametrize("keep", [0, 3, 7, 100, 400, 5_000, 100_000, -2, -1])
def test_a_truncated_file_is_refused_with_what_is_missing(tmp_path: Path, keep: int) -> None:
    found = asked(tmp_path, image(CONTENTS, 21)[:keep])
    assert found["ok"] is False
    assert "expected" in found["reason"]


def test_a_file_of_another_detectors_size_is_answered_with_a_quality(tmp_path: Path) -> None:
    whole = unpack(image(CONTENTS, 21))
    columns, lines = 64, whole.header.lines
    header = replace(whole.header, columns=columns)
    size = 2 * columns * lines
    found = asked(tmp_path, pack(header, whole.low[:size], whole.high[:size], whole.calibration[: 8 * columns]))
    assert found["ok"] is True
    assert found["count"]["acquisition"] == "INCOMPLETE"
    assert found["count"]["p_declared_ppm"] == 0
