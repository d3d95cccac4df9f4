"""Head and tail of the body in an image, and how the image was taken."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane.runtime.scan_cut import covered_lines, find_body
from vision.item_count import Acquisition

COLUMNS, PITCH_UM = 640, 1_200
DARK = np.full(COLUMNS, 400, dtype=np.uint16)
AIR = np.full(COLUMNS, 40_000, dtype=np.uint16)


def scene(lines: int, *bodies: tuple[int, int], drop: float = 0.04, seed: int = 1) -> npt.NDArray[np.uint16]:
    """Noisy air with rectangular bodies (first, last line), 100 columns wide."""
    rng = np.random.default_rng(seed)
    plane = np.full((lines, COLUMNS), 40_000.0)
    for first, last in bodies:
        plane[first : last + 1, 200:300] = 400 + 39_600 * (1 - drop)
    return rng.normal(plane, 200.0).clip(0, 65_535).astype(np.uint16)


def positions(lines: int) -> list[int]:
    """Belt positions of the lines."""
    return [k * PITCH_UM for k in range(lines)]


def body_of(plane: npt.NDArray[np.uint16], *, gaps: int = 0, fast: bool = False, overrun: bool = False) -> object:
    """(head line, tail line, status) of a scene."""
    lines = len(plane)
    body = find_body(covered_lines(plane, DARK, AIR), positions(lines), gaps=gaps, fast=fast, overrun=overrun)
    return body.head_um // PITCH_UM, body.tail_um // PITCH_UM, body.acquisition


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.integers(10, 60), st.integers(100, 300), st.integers(0, 1_000))
def test_head_and_tail_are_found_to_the_line_through_noise(head: int, length: int, seed: int) -> None:
    plane = scene(head + length + 20, (head, head + length - 1), seed=seed)
    assert body_of(plane) == (head, head + length - 1, Acquisition.SUCCESSFUL)


def test_air_alone_shows_no_parcel() -> None:
    assert body_of(scene(300)) == (0, 0, Acquisition.SUCCESSFUL)


@pytest.mark.parametrize("bodies", [((0, 100),), ((150, 299),)])
def test_a_body_at_the_edge_of_the_window_is_cut(bodies: tuple[tuple[int, int], ...]) -> None:
    assert body_of(scene(300, *bodies))[2] is Acquisition.CUT  # type: ignore[index]


def test_two_bodies_with_air_between_are_told_apart() -> None:
    assert body_of(scene(400, (20, 150), (220, 380))) == (20, 380, Acquisition.MERGED)


def test_a_narrow_gap_inside_a_carton_is_one_body() -> None:
    assert body_of(scene(300, (20, 150), (180, 260))) == (20, 260, Acquisition.SUCCESSFUL)


def test_dust_is_no_body() -> None:
    assert body_of(scene(300, (100, 104))) == (0, 0, Acquisition.SUCCESSFUL)


@pytest.mark.parametrize(
    ("gaps", "fast", "overrun", "expected"),
    [
        (1, False, False, Acquisition.INCOMPLETE),
        (0, False, True, Acquisition.INCOMPLETE),
        (0, True, False, Acquisition.SLIP),
    ],
)
def test_the_detectors_own_doubts_win(gaps: int, fast: bool, overrun: bool, expected: Acquisition) -> None:
    assert body_of(scene(300, (20, 200)), gaps=gaps, fast=fast, overrun=overrun) == (20, 200, expected)
