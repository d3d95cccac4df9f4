"""Reference signatures: how single pieces of known goods looked and what they weighed, and what opened parcels taught.

Learned only from scans and weighings of opened goods, never from parcels that a signature itself cleared. A file is
frozen: its version is the hash of its content.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

SCHEMA = "lane-signatures/1"
BASIS_FILE = "basis.npz"
SCANS_MIN = 8
"""Fewer reference scans than this give no signature."""
DECIDING_MODULES = (
    "frame", "calibrate", "basis", "ground", "segment", "measure", "cuts", "quality", "likelihood", "hypotheses",
    "coldstart", "explain", "verify", "pipeline", "signatures",
)  # fmt: skip
"""Modules whose code and constants a verdict depends on."""


class SignatureError(ValueError):
    """A signature file is not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One goods. ``scans``: per reference scan (C mg, P mg, area mm2, major axis um).

    ``unit_mg``: mean mass of one visible piece as it lies in the parcel; ``lot_ppm``, ``piece_ppm``: its spread (one
    sigma) from lot to lot and within a lot.
    """

    unit_mg: int
    lot_ppm: int
    piece_ppm: int
    scans: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKnowledge:
    """What opened parcels taught about weights and piles (one sigma each; ppm of the quantity named).

    ``tare_noise_mg``: scale weight against declared gross, fixed part; ``gross_ppm``: part growing with gross.
    ``tare_base_ppm``, ``tare_ground_ppm``, ``tare_length_ppm``, ``tare_width_ppm``: logarithm of the tare (g) is base +
    ground x ln(ground of the picture, g) + length x ln(carton's length, mm) + width x ln(its width in the picture,
    mm); ``tare_spread_ppm``: spread of the tare itself around that.
    ``pile_spread_ppm``: content of touching pieces against the sum of single ones; ``pile_shift_ppm``: its mean excess.
    """

    tare_noise_mg: int
    gross_ppm: int
    tare_base_ppm: int
    tare_ground_ppm: int
    tare_length_ppm: int
    tare_width_ppm: int
    tare_spread_ppm: int
    pile_spread_ppm: int
    pile_shift_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """All signatures of a lane, with the recipe that made them."""

    goods: dict[str, Signature]
    knowledge: LaneKnowledge
    recipe: dict[str, int]
    version: str


def load_signatures(path: Path) -> Signatures:
    """Read a signature file; SignatureError names what does not fit."""
    try:
        data = path.read_bytes()
        plain = json.loads(data)
    except (OSError, ValueError) as error:
        raise SignatureError(f"{path}: {error}") from error
    if not isinstance(plain, dict) or plain.get("schema") != SCHEMA:
        raise SignatureError(f"{path}: expected schema {SCHEMA}")
    try:
        goods = {sku: _signature(path, sku, entry) for sku, entry in plain["goods"].items()}
        names = [item.name for item in fields(LaneKnowledge)]
        knowledge = LaneKnowledge(**{name: int(plain["knowledge"][name]) for name in names})
        recipe = {str(key): int(value) for key, value in plain["recipe"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise SignatureError(f"{path}: a key is missing or of the wrong kind: {error}") from error
    version = f"sig-{hashlib.sha256(data).hexdigest()[:12]}"
    return Signatures(goods=goods, knowledge=knowledge, recipe=recipe, version=version)


def dump_signatures(goods: dict[str, Signature], knowledge: LaneKnowledge, recipe: dict[str, int]) -> bytes:
    """The file's bytes: one line per goods, integers only."""
    head = {"schema": SCHEMA, "recipe": recipe, "knowledge": asdict(knowledge)}
    lines = [f"{json.dumps(sku)}: {json.dumps(asdict(goods[sku]), separators=(',', ':'))}" for sku in sorted(goods)]
    return (json.dumps(head)[:-1] + ', "goods": {\n' + ",\n".join(lines) + "\n}}\n").encode()


def model_sha256(path: Path) -> str:
    """Hash of everything a verdict depends on: signature file, basis table, source of the deciding modules."""
    whole = hashlib.sha256()
    here = Path(__file__).parent
    sources = [here / f"{name}.py" for name in DECIDING_MODULES]
    for part in (file.read_bytes() for file in (path, path.parent / BASIS_FILE, *sources)):
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()


def _signature(path: Path, sku: str, entry: dict[str, Any]) -> Signature:
    scans = tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in entry["scans"])
    if len(scans) < SCANS_MIN or int(entry["unit_mg"]) <= 0:
        raise SignatureError(f"{path}, {sku}: expected at least {SCANS_MIN} scans and a mass, was {len(scans)}")
    return Signature(
        unit_mg=int(entry["unit_mg"]), lot_ppm=int(entry["lot_ppm"]), piece_ppm=int(entry["piece_ppm"]), scans=scans
    )
