"""Counts to areal densities: tables invert each other, columns are mended, drift is taken out."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.xray.frames import frame
from sim.xray.render import TABLE, log_attenuation, render
from vision.basis import Basis, load_basis
from vision.calibrate import CalibrationError, attenuate
from vision.frame import ScanFrame
from vision.worker import main


@cache
def basis() -> Basis:
    return load_basis(TABLE)


@cache
def empty_and_full() -> ScanFrame:
    return frame(render([("BK-300", 1)], (260, 200, 150), 8))


def test_the_inverse_table_undoes_the_forward_table() -> None:
    c, p = (
        plane.astype(np.float32) for plane in np.meshgrid(np.linspace(0, 20, 40), np.linspace(0, 3, 30), indexing="ij")
    )
    found_c, found_p = basis().densities(*log_attenuation(c, p))
    assert float(np.abs(found_c - c).max()) < 0.03
    assert float(np.abs(found_p - p).max()) < 0.02


def test_noise_about_nothing_averages_to_nothing() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    low, high = (random.normal(0, 0.004, (200, 200)).astype(np.float32) for _ in range(2))
    c, p = basis().densities(low, high)
    assert abs(float(c.mean())) < 0.01
    assert abs(float(p.mean())) < 0.003


def test_empty_belt_attenuates_nothing_and_the_dead_column_is_mended() -> None:
    attenuation = attenuate(empty_and_full())
    assert attenuation.dead == 1
    assert attenuation.margins_empty
    edge = attenuation.high[:10]
    assert abs(float(edge.mean())) < 5e-4
    assert float(np.abs(edge).max()) < 0.02


def test_tube_drift_is_taken_out() -> None:
    scan = empty_and_full()
    weaker = replace(scan, high=((scan.high - 200.0) * 0.97 + 200).astype(np.uint16))
    difference = attenuate(weaker).high - attenuate(scan).high
    assert abs(float(difference.mean())) < 1e-3


def test_air_no_brighter_than_dark_is_an_error() -> None:
    scan = empty_and_full()
    with pytest.raises(CalibrationError, match="air above dark"):
        attenuate(replace(scan, air_low=scan.dark_low))


def test_a_worker_without_signatures_ends_with_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "signatures.json"
    path.write_text("{}")
    (tmp_path / "basis.npz").write_bytes(TABLE.read_bytes())
    assert main(["--signatures", str(path)]) == 2
    assert "expected schema" in capsys.readouterr().err


def test_the_shipped_table_is_small_and_rises_with_either_material() -> None:
    assert TABLE.stat().st_size < 1_000_000
    with np.load(TABLE) as table:
        for plane in (table["low"], table["high"]):
            assert (np.diff(plane, axis=0) > 0).all()
            assert (np.diff(plane, axis=1) > 0).all()
