"""A signature that no longer fits its goods raises an alarm, and nothing that it let pass may confirm it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.vision.scenes import pipeline
from vision.drift import OBSERVATIONS_MIN, Drift, Observation, Source, drift, mixed
from vision.signatures import Signature, SignatureError

SKU = "CF-200"


@cache
def signature() -> Signature:
    return pipeline().signatures.goods[SKU]


def observed(
    count: int, seed: int = 1, /, *, content: float = 1.0, iron: float = 1.0, area: float = 1.0, mass: float = 1.0
) -> list[Observation]:  # fmt: skip
    """Reference scans drawn again, with factors on what they show."""
    random = np.random.Generator(np.random.PCG64(seed))
    scans = signature().scans
    chosen = [scans[place] for place in random.integers(0, len(scans), count).tolist()]
    return [
        Observation(
            scan=(round(c * content), round(p * content * iron), round(a * area), major),
            mass_mg=round(signature().unit_mg * mass * (1 + 0.01 * float(random.standard_normal()))),
            source=Source.OPENED,
        )
        for c, p, a, major in chosen
    ]  # fmt: skip


def named(found: tuple[Drift, ...]) -> set[str]:
    return {one.quantity for one in found}


@pytest.mark.parametrize("seed", range(12))
def test_goods_as_they_were_have_not_drifted(seed: int) -> None:
    assert drift(signature(), observed(12, seed)) == ()
    assert not mixed(signature(), observed(12, seed))


@pytest.mark.parametrize(
    ("change", "quantity"),
    [({"content": 1.25}, "content"), ({"iron": 3.0}, "iron share"), ({"mass": 1.08}, "mass"), ({"mass": 0.9}, "mass")],
)
def test_what_changed_is_named_with_its_direction(change: dict[str, float], quantity: str) -> None:
    found = drift(signature(), observed(24, **change))
    assert quantity in named(found)
    shift = next(one.shift for one in found if one.quantity == quantity)
    assert (shift > 0) == (next(iter(change.values())) > 1)
    assert list(found) == sorted(found, key=lambda one: -one.sigmas)


def test_a_lot_that_is_one_per_cent_heavier_is_no_drift() -> None:
    assert "mass" not in named(drift(signature(), observed(40, mass=1.012)))


def test_pieces_that_were_not_weighed_say_nothing_of_the_mass() -> None:
    unweighed = [replace(one, mass_mg=0) for one in observed(24, mass=1.3)]
    assert drift(signature(), unweighed) == ()


def test_pieces_of_parcels_that_passed_confirm_nothing() -> None:
    some = [*observed(20), replace(observed(1)[0], source=Source.CLEARED)]
    for asked in (drift, mixed):
        with pytest.raises(SignatureError, match="1 come from parcels that passed"):
            asked(signature(), some)


def test_too_few_pieces_are_refused() -> None:
    with pytest.raises(SignatureError, match=f"at least {OBSERVATIONS_MIN}, was 7"):
        drift(signature(), observed(7))


def test_two_goods_under_one_name_are_told() -> None:
    assert mixed(signature(), [*observed(12), *observed(6, content=1.6)])
    assert not mixed(signature(), observed(18, content=1.6)), "all of them changed: that is drift"
