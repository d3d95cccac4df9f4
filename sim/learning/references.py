"""Reference scans of single pieces, and what a sample of opened parcels teaches about weights and piles."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sim.goods import CARTONS_MM, CATALOGUE, GOODS, Goods, carton_for, masses_of, parcel_masses
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import ParcelTruth, Planted
from sim.xray.frames import frame
from sim.xray.realism import STANDARD, Realism
from sim.xray.render import TABLE, render
from vision.basis import Basis, load_basis
from vision.drift import Observation, Source
from vision.explain import Explanation
from vision.likelihood import Reference, prepare
from vision.pipeline import see
from vision.signatures import LaneKnowledge, Signature, dump_signatures

Progress = Callable[[str, int, int], None]

BENCH_SCALE_MG = 500.0
"""One sigma of the bench scale on which reference pieces are weighed."""
TOP_ROOM_MM = 8
LIFT_MM_MAX = 330
LIFTED_SHARE = 0.6
"""Pieces lie on others as high as the carton: so many of the scans show them at any height."""
LOTS = 24
"""Pairs of pieces weighed per goods, each from another lot."""
START = LaneKnowledge(
    tare_noise_mg=20_000, gross_ppm=10_000, tare_base_ppm=300_000, tare_ground_ppm=1_000_000, tare_length_ppm=0,
    tare_width_ppm=0, tare_spread_ppm=150_000, pile_spread_ppm=60_000, pile_shift_ppm=0,
)  # fmt: skip
"""Cautious values with which the opened sample is explained before it has taught anything."""


def learn_signatures(seed: int, scans: int, opened: int, *, progress: Progress) -> bytes:
    """The bytes of a signature file."""
    goods_found = scan_goods(CATALOGUE, seed, scans, progress=progress)
    knowledge = _open_sample(seed + 77, opened, goods_found, load_basis(TABLE), progress)
    return dump_signatures(goods_found, knowledge, {"seed": seed, "scans": scans, "opened": opened})


def scan_goods(pool: Sequence[Goods], seed: int, scans: int, *, progress: Progress) -> dict[str, Signature]:
    """Scan and weigh single pieces of each of these goods, which the pictures of no parcel enter."""
    basis, catalogue = load_basis(TABLE), {goods.sku: goods for goods in pool}
    spreads = [_weigh_lots(goods.sku, seed + 31 * number, catalogue) for number, goods in enumerate(pool)]
    lot = math.sqrt(float(np.mean([lot * lot for _, lot, _ in spreads])))
    piece = math.sqrt(float(np.mean([piece * piece for _, _, piece in spreads])))
    goods_found: dict[str, Signature] = {}
    for number, (goods, (unit_mg, _, _)) in enumerate(zip(pool, spreads, strict=True), start=1):
        goods_found[goods.sku] = Signature(
            unit_mg=unit_mg,
            lot_ppm=round(lot * 1e6),
            piece_ppm=round(piece * 1e6),
            scans=_scan_single(goods.sku, seed + 1_000 * number, scans, basis, catalogue),
        )
        progress("goods scanned", number, len(pool))
    return goods_found


def _weigh_lots(sku: str, seed: int, catalogue: Mapping[str, Goods] = GOODS) -> tuple[int, float, float]:
    """Mean mass of a piece, and its relative spread from lot to lot and within a lot, from pairs on a bench scale."""
    random = np.random.Generator(np.random.PCG64(seed))
    pair = [(catalogue[sku].unit_mg, 2)]
    pairs = np.array([masses_of(pair, CARTONS_MM[0], seed + 7 * lot).pieces_mg for lot in range(LOTS)])
    weighed = pairs + BENCH_SCALE_MG * random.standard_normal(pairs.shape)
    mean = float(weighed.mean())
    within = float(np.var(weighed[:, 0] - weighed[:, 1])) / 2 - BENCH_SCALE_MG**2
    between = float(np.var(weighed.mean(axis=1))) - within / 2 - BENCH_SCALE_MG**2 / 2
    return round(mean), math.sqrt(max(between, 0.0)) / mean, math.sqrt(max(within, 0.0)) / mean


def _scan_single(
    sku: str,
    seed: int,
    scans: int,
    basis: Basis,
    catalogue: Mapping[str, Goods] = GOODS,
    realism: Realism = STANDARD,
) -> tuple[tuple[int, int, int, int], ...]:
    """Scan one piece in several cartons, poses and heights. A picture with no body at all is scanned again."""
    random = np.random.Generator(np.random.PCG64(seed))
    first = CARTONS_MM.index(carton_for([(sku, 1)], catalogue=catalogue))
    found: list[tuple[int, int, int, int]] = []
    for attempt in range(3 * scans):
        carton = CARTONS_MM[int(random.integers(first, len(CARTONS_MM)))]
        height = max(catalogue[sku].size_mm)
        room = min(LIFT_MM_MAX, carton[2] - height - TOP_ROOM_MM)
        lift = float(random.random() * room) if room > 0 and random.random() < LIFTED_SHARE else 0.0
        try:
            scan = render([(sku, 1)], carton, seed + attempt, lift_mm=lift, catalogue=catalogue, realism=realism)
        except ValueError:  # a longer carton may be too low for these goods upright, and no try laid them down
            continue
        regions = see(frame(scan), basis).regions
        if regions:
            largest = max(regions, key=lambda region: region.c_g + region.p_g)
            found.append((
                round(sum(region.c_g for region in regions) * 1000),
                round(sum(region.p_g for region in regions) * 1000),
                round(sum(region.area_cm2 for region in regions) * 100), round(largest.major_mm * 1000),
            ))  # fmt: skip
        if len(found) == scans:
            return tuple(found)
    raise ValueError(f"{sku}: expected {scans} pictures with goods in them, got {len(found)} in {3 * scans}")


def observe(sku: str, seed: int, pieces: int, basis: Basis, realism: Realism = STANDARD) -> list[Observation]:
    """Single pieces as a bench sample shows them: scanned as ``realism`` has it, and weighed."""
    random = np.random.Generator(np.random.PCG64(seed))
    units = [(GOODS[sku].unit_mg, 1)]
    masses = [masses_of(units, CARTONS_MM[0], seed + 7 * piece).pieces_mg[0] for piece in range(pieces)]
    weighed = np.array(masses) + BENCH_SCALE_MG * random.standard_normal(pieces)
    return [
        Observation(scan=scan, mass_mg=round(mass), source=Source.SAMPLED)
        for scan, mass in zip(_scan_single(sku, seed, pieces, basis, realism=realism), weighed.tolist(), strict=True)
    ]


def _open_sample(
    seed: int, opened: int, goods: dict[str, Signature], basis: Basis, progress: Progress
) -> LaneKnowledge:
    """Compare weights, grounds and piles of correct parcels with what was found inside."""
    references = {sku: prepare(signature) for sku, signature in goods.items()}
    sample = _sample(seed, opened)
    misses, grosses, tares, cues, piles = [], [], [], [], []
    for number, parcel in enumerate(sample, start=1):
        assert parcel.declared is not None
        seen = see(frame(render(parcel.contents, parcel.carton_mm, parcel.seed)), basis)
        masses = parcel_masses(parcel.contents, parcel.carton_mm, parcel.seed)
        own = 0.0
        for sku, count in parcel.contents:
            unit_g, lot, piece = goods[sku].unit_mg / 1000, goods[sku].lot_ppm / 1e6, goods[sku].piece_ppm / 1e6
            own += (count * unit_g * lot) ** 2 + count * (unit_g * piece) ** 2
        misses.append(((masses.gross_mg - parcel.declared.gross_mg) / 1000) ** 2 - own)
        grosses.append(parcel.declared.gross_mg / 1000)
        tares.append(math.log((masses.carton_mg + masses.filler_mg) / 1000))
        cues.append((1.0, *(math.log(max(cue, 1.0)) for cue in (seen.ground_g, seen.length_mm, seen.width_mm))))
        piles += _piles(parcel, seen.regions, references)
        progress("parcels opened", number, len(sample))
    design = np.stack([np.ones(len(grosses)), np.square(grosses)], axis=1)
    weight = 1 / np.square(np.array(grosses) + 300.0)
    fixed, growing = np.linalg.lstsq(design * weight[:, None], np.array(misses) * weight, rcond=None)[0]
    base, ground, length, width = np.linalg.lstsq(np.array(cues), np.array(tares), rcond=None)[0]
    tare_miss = np.array(tares) - np.array(cues) @ (base, ground, length, width)
    return LaneKnowledge(
        tare_noise_mg=round(1000 * math.sqrt(max(float(fixed), 64.0))),
        gross_ppm=round(1e6 * math.sqrt(max(float(growing), 2.5e-5))),
        tare_base_ppm=round(1e6 * float(base)),
        tare_ground_ppm=round(1e6 * float(ground)),
        tare_length_ppm=round(1e6 * float(length)),
        tare_width_ppm=round(1e6 * float(width)),
        tare_spread_ppm=round(1e6 * max(0.03, float(np.std(tare_miss)))),
        pile_spread_ppm=round(1e6 * max(0.02, float(np.std(piles)))) if len(piles) > 10 else START.pile_spread_ppm,
        pile_shift_ppm=round(1e6 * float(np.mean(piles))) if len(piles) > 10 else 0,
    )


def _sample(seed: int, opened: int) -> list[ParcelTruth]:
    """Sound parcels, one half as the lane carries them, one half with up to 30 pieces of up to 6 kinds."""
    few = make_stream(StreamSpec(seed=seed, parcels=opened - opened // 2))
    many = make_stream(
        StreamSpec(seed=seed + 1, parcels=opened // 2, pieces_mean_permille=12_000, pieces_max=30, kinds_max=6)
    )
    return [parcel for parcel in (*few, *many) if parcel.planted is Planted.SOUND]


def _piles(parcel: ParcelTruth, regions: Sequence, references: dict[str, Reference]) -> list[float]:  # type: ignore[type-arg]
    """Relative excess of content of every region that holds several pieces, over the sum of single ones."""
    held = [references[sku] for sku, _ in parcel.contents]
    pieces = tuple(count for _, count in parcel.contents)
    explanation = Explanation(regions, held, START, [pieces])
    if explanation.score(pieces) is None:
        return []
    excess = []
    for region, part in zip(regions, explanation.parts(pieces), strict=True):
        if sum(part) > 1:
            expected = sum(count * float(reference.mean.sum()) for count, reference in zip(part, held, strict=True))
            excess.append((region.c_g + region.p_g) / expected - 1)
    return excess
