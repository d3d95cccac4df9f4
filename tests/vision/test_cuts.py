"""Where regions may be cut: necks and valleys become halves, contents add up, and the number of bodies is limited."""

import numpy as np
import pytest

import vision.cuts
from vision.cuts import with_cuts
from vision.frame import Plane
from vision.measure import Region, measure
from vision.segment import segment

PIXEL_MM = 2.5


def picture(*discs: tuple[int, int, int, float], size: int = 240) -> tuple[Plane, Plane]:
    """Areal densities at half resolution: discs (line, column, radius, g/cm2), one on top of another."""
    line, column = np.mgrid[0:size, 0:size]
    c = np.zeros((size, size), dtype=np.float32)
    for y, x, radius, density in discs:
        c += np.where((line - y) ** 2 + (column - x) ** 2 <= radius * radius, np.float32(density), np.float32(0))
    return c, 0.05 * c


def regions_of(planes: tuple[Plane, Plane]) -> list[Region]:
    segmentation = segment(*planes, PIXEL_MM, PIXEL_MM)
    regions = measure(segmentation, *planes, PIXEL_MM, PIXEL_MM)
    return with_cuts(regions, segmentation, *planes, PIXEL_MM, PIXEL_MM)


def bodies(region: Region) -> list[Region]:
    """The smallest bodies of a region's tree."""
    return [body for half in region.halves for body in bodies(half)] or [region]


def test_an_empty_picture_has_no_regions() -> None:
    assert regions_of(picture()) == []


def test_one_round_body_is_not_cut() -> None:
    (region,) = regions_of(picture((120, 120, 40, 3.0)))
    assert region.halves == ()


def test_two_bodies_that_touch_are_cut_at_their_neck() -> None:
    (region,) = regions_of(picture((120, 80, 36, 3.0), (120, 153, 36, 3.0)))
    left, right = sorted(region.halves, key=lambda half: half.box[1])
    assert left.halves == right.halves == ()
    assert left.box[3] <= right.box[1] + 8
    for half in (left, right):
        assert half.area_cm2 == pytest.approx(np.pi * 36**2 * PIXEL_MM**2 / 100, rel=0.08)
        assert half.major_mm == pytest.approx(2 * 36 * PIXEL_MM, rel=0.08)
    assert region.bridge < 1.1


def test_bodies_with_a_thin_bridge_have_an_almost_empty_border() -> None:
    apart = picture((120, 70, 30, 4.0), (120, 138, 30, 4.0))
    (region,) = regions_of(apart)
    assert len(region.halves) == 2
    assert region.bridge < 0.3


def test_a_thick_body_on_a_thin_one_can_be_cut_by_its_density() -> None:
    (region,) = regions_of(picture((120, 120, 60, 1.0), (120, 150, 20, 6.0)))
    assert len(bodies(region)) == 1 or region.bridge > 0.3


def test_contents_and_pixels_of_the_halves_add_up() -> None:
    discs = [(60, 60, 26, 2.0), (60, 113, 26, 3.0), (106, 86, 26, 4.0)]
    (region,) = regions_of(picture(*discs))
    found = bodies(region)
    assert len(found) == 3
    assert sum(body.c_g for body in found) == pytest.approx(region.c_g, rel=0.02)
    assert sum(body.p_g for body in found) == pytest.approx(region.p_g, rel=0.02)
    assert sum(body.area_cm2 for body in found) == pytest.approx(region.area_cm2, rel=0.05)


def test_no_region_is_cut_into_more_bodies_than_can_be_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = [(40 + 43 * row, 40 + 43 * place, 21, 3.0) for row in range(4) for place in range(4)]
    (region,) = regions_of(picture(*grid))
    assert sum(body.c_g > 200 for body in bodies(region)) == 16
    monkeypatch.setattr(vision.cuts, "BODIES_MAX", 5)
    (fewer,) = regions_of(picture(*grid))
    assert len(bodies(fewer)) == 5
    assert sum(body.c_g for body in bodies(fewer)) == pytest.approx(region.c_g, rel=0.02)


def test_regions_that_lie_apart_keep_their_own_trees() -> None:
    found = regions_of(picture((60, 50, 26, 3.0), (60, 103, 26, 3.0), (180, 180, 30, 3.0)))
    assert sorted(len(bodies(region)) for region in found) == [1, 2]
    assert all(half.number == region.number for region in found for half in region.halves)
