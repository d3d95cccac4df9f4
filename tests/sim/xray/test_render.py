"""Rendered scans: repeatable, marked, calibrated like a real detector's."""

import hashlib

import numpy as np
import pytest

from sim.xray.detector import FULL_SCALE, OFFSET, calibration, gains
from sim.xray.frames import frame, picture
from sim.xray.realism import SEVERITY, Realism
from sim.xray.render import log_attenuation, render
from vision.image_file import unpack
from vision.item_count import Origin

CONTENTS, CARTON = (("HB-120", 2),), (260, 200, 150)


def test_the_same_seed_gives_the_same_counts_and_another_seed_others() -> None:
    first, again, other = (render(CONTENTS, CARTON, seed) for seed in (3, 3, 4))
    assert hashlib.sha256(first.low.tobytes()).digest() == hashlib.sha256(again.low.tobytes()).digest()
    assert np.array_equal(first.high, again.high)
    assert not np.array_equal(first.low, other.low)


@pytest.mark.parametrize(
    ("contents", "carton", "seed", "lift_mm", "sha256"),
    [
        ((("HB-120", 2),), (260, 200, 150), 3, 0.0, "38c16c1acea23548dfc9a33e501451469f4779ae929abc31d49355e372bed4ae"),
        (
            (("MP-900", 2), ("LP-35", 3)), (450, 350, 260), 4, 0.0,
            "3c6cfdead9b282e671be15e0e44ed4e56b6c379691e60e16bd1688757810fb97",
        ),
        ((("FC-50", 1),), (200, 150, 120), 6, 30.0, "bf0b1f50dd0fd0e4c70783ae64bfd647d288d48980280c6177e220b6d811234b"),
    ],
)  # fmt: skip
def test_the_demo_lanes_pictures_stay_the_same_byte_for_byte(
    contents: tuple[tuple[str, int], ...], carton: tuple[int, int, int], seed: int, lift_mm: float, sha256: str
) -> None:
    assert hashlib.sha256(picture(render(contents, carton, seed, lift_mm=lift_mm))).hexdigest() == sha256


def test_the_parcel_begins_at_the_head_line() -> None:
    scan = render(CONTENTS, CARTON, 3)
    mean = scan.low.astype(float).mean(axis=1)
    empty = mean[: scan.head_line - 3]
    assert mean[scan.head_line + 1] < empty.min() - 3 * empty.std()


def test_dark_and_air_rows_show_offset_and_full_scale() -> None:
    rows = calibration()
    alive = gains(1)[0] > 0
    assert rows.dark_low.mean() == pytest.approx(OFFSET, abs=1.0)
    assert rows.air_high[:, alive].mean() == pytest.approx(FULL_SCALE, rel=0.002)
    assert rows.air_low[:, ~alive].max() < 2 * OFFSET


def test_log_attenuation_of_steel_is_stronger_in_the_low_channel() -> None:
    low, high = log_attenuation(np.zeros((1, 1), np.float32), np.full((1, 1), 0.785, np.float32))
    assert 0.3 < float(high[0, 0]) < float(low[0, 0]) < 1.2


def test_a_scan_becomes_a_synthetic_picture_file_that_reads_back() -> None:
    scan = render(CONTENTS, CARTON, 3)
    header = unpack(picture(scan)).header
    assert header.origin is Origin.SYNTHETIC
    assert (header.lines, header.columns) == scan.low.shape
    assert np.array_equal(frame(scan).low, scan.low)


def test_a_spectrum_without_a_table_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"kilovolt 99: expected one of \[150, 130,"):
        log_attenuation(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), 99)


def test_a_harder_spectrum_is_attenuated_less() -> None:
    plane = np.ones((1, 1), np.float32)
    shown = [float(log_attenuation(plane * 2, plane, kilovolt)[0][0, 0]) for kilovolt in (130, 150, 170)]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] > 1.02 * shown[2]


def test_severities_get_noisier_and_keep_to_their_pitch() -> None:
    noise = []
    for severity, realism in SEVERITY.items():
        scan = render(CONTENTS, CARTON, 3, realism=realism)
        seen = frame(scan)
        assert seen.pitch_mm == pytest.approx(realism.line_mm), severity
        assert scan.low.shape[0] == round((CARTON[0] + 72) / realism.line_mm)
        alive = gains(1, realism)[0] > 0
        assert int((~alive).sum()) <= realism.dead_columns
        air = scan.low[:10, :40].astype(float)
        noise.append(float((air - air.mean(axis=0)).std()))
    assert noise == sorted(noise)
    assert SEVERITY[1] == Realism()
