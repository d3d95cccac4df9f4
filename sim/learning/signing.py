"""Signatures of goods that are only measured on: reference scans of single pieces, as the lane learns any goods.

The goods' own truth never enters: a signature is what pictures and a bench scale showed of single pieces, on seeds
that no parcel has. What the lane knows of cartons, weights and piles stays what the catalogue's parcels taught it.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, replace
from pathlib import Path

from msgspec import DecodeError, ValidationError
from msgspec.json import decode, encode

from sim.families import Pool, pool_goods
from sim.goods import Goods
from sim.learning.references import scan_goods
from sim.outputs import whole_file
from sim.processes import processes
from sim.streams.randoms import key
from sim.xray.render import TABLE
from vision.signatures import BASIS_FILE, DECIDING_MODULES, Signature, dump_signatures, load_signatures

REFERENCE_SEED = 8001
"""Seed of all reference scans of held-out goods, whatever is measured with them."""
SCANS = 48
"""Reference scans of each goods, as many as the shipped signatures have."""
ROOT = Path(__file__).resolve().parents[2]
SEEING = ("frame", "calibrate", "basis", "ground", "segment", "measure", "quality", "pipeline")
"""Modules of vision that turn a scan into what a signature keeps."""


def signatures_of(
    pool: Pool, shipped: Path, work: Path, workers: int, told: Callable[[int], object], scans: int = SCANS
) -> Path:  # fmt: skip
    """The signature file of a pool: the shipped one of the catalogue, else one of scans made here, kept in ``work``.

    ``told`` hears how many goods have been scanned.
    """
    if pool is Pool.CATALOGUE:
        return shipped
    goods = pool_goods(pool)
    scanned = _scanned(goods, scans, work, workers, told)
    lot, piece = _mean([one.lot_ppm for one in scanned]), _mean([one.piece_ppm for one in scanned])
    found = {
        one.sku: replace(signature, lot_ppm=lot, piece_ppm=piece)
        for one, signature in zip(goods, scanned, strict=True)
    }  # fmt: skip
    knowledge = load_signatures(shipped).knowledge
    data = dump_signatures(found, knowledge, {"seed": REFERENCE_SEED, "scans": scans, "opened": 0})
    folder = work / f"signatures-{hashlib.sha256(data).hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    with whole_file(folder / BASIS_FILE) as fresh:
        shutil.copyfile(TABLE, fresh)
    with whole_file(folder / "signatures.json") as fresh:
        fresh.write_bytes(data)
    return folder / "signatures.json"


def _scanned(
    goods: Sequence[Goods], scans: int, work: Path, workers: int, told: Callable[[int], object]
) -> list[Signature]:  # fmt: skip
    code = _code_sha256()
    files = {one.sku: work / f"scans-{_key(one, scans, code)}.json" for one in goods}
    found = {sku: kept for sku, file in files.items() if (kept := _kept(file)) is not None}
    told(len(found))
    missing = [one for one in goods if one.sku not in found]
    if missing:
        with processes(workers) as pool:
            waiting = {pool.submit(scan_one, one, scans): one.sku for one in missing}
            for future in as_completed(waiting):
                sku = waiting[future]
                found[sku] = future.result()
                with whole_file(files[sku]) as fresh:
                    fresh.write_bytes(encode(found[sku]))
                told(len(found))
    return [found[one.sku] for one in goods]


def scan_one(goods: Goods, scans: int, seed: int = REFERENCE_SEED) -> Signature:
    """Reference scans of one goods, on a seed of its own."""
    own = key(seed, "reference scans", goods.sku) >> 16
    return scan_goods((goods,), own, scans, progress=lambda *_: None)[goods.sku]


def _mean(spreads: Sequence[int]) -> int:
    """Root of the mean square: one spread for all goods, as few pairs of each are weighed."""
    return round(math.sqrt(math.fsum(spread * spread for spread in spreads) / len(spreads)))


def _key(goods: Goods, scans: int, code: str) -> str:
    text = json.dumps([asdict(goods), REFERENCE_SEED, scans, code], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _code_sha256() -> str:
    """Hash of the sources and tables that a scan depends on."""
    assert set(SEEING) <= set(DECIDING_MODULES)
    files = [ROOT / "vision" / f"{name}.py" for name in SEEING]
    files += [ROOT / "sim" / "goods.py", ROOT / "sim" / "learning" / "references.py", TABLE]
    files += sorted((ROOT / "sim" / "xray").glob("*.py"))
    whole = hashlib.sha256()
    for path in files:
        part = path.read_bytes()
        whole.update(f"{path.name} {len(part)}\n".encode())
        whole.update(part)
    return whole.hexdigest()


def _kept(file: Path) -> Signature | None:
    """Scans made earlier; None when there are none, or none that can be read."""
    try:
        return decode(file.read_bytes(), type=Signature)
    except (OSError, DecodeError, ValidationError):
        return None
