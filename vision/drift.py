"""Do goods still look and weigh as their signature says? Fresh observations against the frozen reference.

A supplier changes a pack, a detector ages: then the signature is wrong and every verdict that rests on it. Drift raises
an alarm and changes nothing by itself: a signature is learned anew by a person's order. Only opened or cleanly sampled
pieces count as observations; one from a parcel that the signature itself let pass would confirm whatever it believes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from vision.signatures import Signature, SignatureError

OBSERVATIONS_MIN = 8
SIGMAS = 4.0
"""An alarm needs so many standard errors: with four quantities of each goods once a shift, a false one is rare."""
SHIFT_MIN = {"content": 0.02, "iron share": 0.01, "area": 0.06, "mass": 0.015}
"""Least shift that matters: of ln content, of the iron share, of ln area, of ln mass."""
MIXED_SHARE = 0.2
"""With so large a share of observations beyond all reference scans, two kinds of goods carry one name."""
REACH = {"content": 0.10, "iron share": 0.06}
"""How far beyond the outermost reference scan an observation may lie before it is other goods."""

Values = npt.NDArray[np.float64]


class Source(StrEnum):
    """How it is known what an observation shows."""

    OPENED = "OPENED"
    SAMPLED = "SAMPLED"
    CLEARED = "CLEARED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One single piece: its scan (C mg, P mg, area mm2, major axis um) and its mass (mg; 0: not weighed)."""

    scan: tuple[int, int, int, int]
    mass_mg: int
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One quantity that moved: by ``shift`` (ln, or share), ``sigmas`` standard errors."""

    quantity: str
    shift: float
    sigmas: float


def drift(signature: Signature, observations: Sequence[Observation]) -> tuple[Drift, ...]:
    """What moved, worst first; empty when nothing did. Raises SignatureError for observations that prove nothing."""
    _refuse(signature, observations)
    reference, fresh = _quantities(signature.scans), _quantities([one.scan for one in observations])
    found = []
    for quantity, values in fresh.items():
        error = _error(values, reference[quantity])
        found.append((quantity, _middle(values) - _middle(reference[quantity]), error))
    masses = np.array([one.mass_mg for one in observations if one.mass_mg > 0], dtype=np.float64)
    if len(masses) >= OBSERVATIONS_MIN:
        lot, piece = signature.lot_ppm / 1e6, signature.piece_ppm / 1e6
        # All observed pieces may be of one lot.
        error = math.hypot(lot, piece / math.sqrt(len(masses)))
        found.append(("mass", float(np.median(np.log(masses / signature.unit_mg))), error))
    moved = [
        Drift(quantity=quantity, shift=shift, sigmas=abs(shift) / error)
        for quantity, shift, error in found
        if abs(shift) > SIGMAS * error and abs(shift) > SHIFT_MIN[quantity]
    ]
    return tuple(sorted(moved, key=lambda one: -one.sigmas))


def mixed(signature: Signature, observations: Sequence[Observation]) -> bool:
    """Whether observations hold goods that the reference has never met: they must not be learned as one."""
    _refuse(signature, observations)
    reference, fresh = _quantities(signature.scans), _quantities([one.scan for one in observations])
    beyond = np.zeros(len(observations), dtype=bool)
    for quantity, reach in REACH.items():
        low, high = float(reference[quantity].min()) - reach, float(reference[quantity].max()) + reach
        beyond |= (fresh[quantity] < low) | (fresh[quantity] > high)
    return MIXED_SHARE <= float(beyond.mean()) < 1 - MIXED_SHARE


def _refuse(signature: Signature, observations: Sequence[Observation]) -> None:
    cleared = sum(one.source is Source.CLEARED for one in observations)
    if cleared:
        raise SignatureError(
            f"observations: expected opened or sampled pieces only, {cleared} come from parcels that passed on this "
            "signature; leave them out"
        )
    if len(observations) < OBSERVATIONS_MIN:
        raise SignatureError(f"observations: expected at least {OBSERVATIONS_MIN}, was {len(observations)}; open more")
    if not signature.scans:
        raise SignatureError("signature: expected reference scans, was none")


def _quantities(scans: Sequence[tuple[int, int, int, int]]) -> dict[str, Values]:
    values = np.maximum(np.array(scans, dtype=np.float64), 1.0)
    content = values[:, 0] + values[:, 1]
    return {"content": np.log(content), "iron share": values[:, 1] / content, "area": np.log(values[:, 2])}


def _middle(values: Values) -> float:
    return float(np.median(values))


def _error(fresh: Values, reference: Values) -> float:
    """Standard error of the difference of two medians (1.25 times that of means), from the reference's own spread."""
    spread = max(float(np.std(reference)), 1e-4)
    return 1.25 * spread * math.sqrt(1 / len(fresh) + 1 / len(reference))
