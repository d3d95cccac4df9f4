"""Make a parcel stream: exact quotas by seed, true contents, declared lists as a warehouse writes.

A parcel's attributes come from keyed streams of their own; a quota of 8 % of 300 parcels is exactly 24 parcels. Times
come from a steady feeder or an arrival model, contents from the catalogue or from fitted laws; a recorded stream
(trace) brings both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from sim.goods import CATALOGUE, GOODS, carton_for, declared_masses, parcel_masses
from sim.streams.arrivals import Arrivals, NextTime, Trace, next_time
from sim.streams.fitted import FittedGoods, FittedPacker, Packed
from sim.streams.labels import Labels
from sim.streams.randoms import Keyed, key
from sim.streams.trace import trace_parcels
from sim.streams.truth import CONTENT_ERRORS, DeclaredLineTruth, DeclaredTruth, ParcelTruth, Planted

E5 = 100_000
BAD_STATUSES = ("500", "300", "100", "501", "")
"""Ordered, manual review, returned, detained, and no receipt at all, in turn."""
UNIT_KILOGRAM = "035"
PROGRESS_PARCELS = 2_000
"""``progress`` hears each time so many more are made."""
_HOUR_US = 3_600 * 1_000_000
_TRIES_MAX = 200  # redraws of contents that fit no carton; each succeeds with probability above one half

Contents = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """What a stream is made of. Permille quotas are exact and disjoint; together at most 1,000.

    ``pieces_mean_permille``: mean of pieces per parcel (1 + geometric), ``kinds_max``: different goods in one parcel.
    ``regular_permille``: share of the mean headway that is constant, the rest is exponential.
    ``measure_permille``: lines declared in kilograms with the piece count as second quantity.
    ``arrivals``: an arrival model instead of ``rate_per_hour`` and ``regular_permille``; with a trace, the parcels are
    those of its file, at most ``parcels`` of them. ``goods``: fitted laws instead of the catalogue.
    ``replication``: another stream of the same seed and law, for repeated runs of one scenario.
    """

    seed: int
    parcels: int
    short_permille: int = 80
    over_permille: int = 80
    swapped_permille: int = 40
    no_read_permille: int = 30
    no_declaration_permille: int = 30
    bad_status_permille: int = 40
    rate_per_hour: int = 1_200
    regular_permille: int = 667
    pieces_mean_permille: int = 2_000
    pieces_max: int = 12
    kinds_max: int = 3
    measure_permille: int = 60
    arrivals: Arrivals | None = None
    goods: FittedGoods | None = None
    replication: int = 0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, int) and value < 0:
                raise ValueError(f"stream: {item.name} expected 0 or more, was {value}")
        if self.parcels < 1 or self.rate_per_hour < 1 or self.kinds_max < 1 or self.pieces_max < 2:
            raise ValueError("stream: parcels, rate_per_hour, kinds_max expected at least 1, pieces_max at least 2")
        if self.pieces_mean_permille < 1_000 or self.regular_permille > 1_000:
            raise ValueError("stream: pieces_mean_permille expected at least 1000, regular_permille at most 1000")
        if sum(self.quotas().values()) > self.parcels:
            raise ValueError("stream: the quotas together expected at most 1000 permille")

    def quotas(self) -> dict[Planted, int]:
        """Parcels of each planted kind, rounded half up."""
        shares = {
            Planted.SHORT: self.short_permille,
            Planted.OVER: self.over_permille,
            Planted.SWAPPED: self.swapped_permille,
            Planted.NO_READ: self.no_read_permille,
            Planted.NO_DECLARATION: self.no_declaration_permille,
            Planted.BAD_STATUS: self.bad_status_permille,
        }
        return {kind: (self.parcels * share + 500) // 1_000 for kind, share in shares.items()}

    @property
    def root(self) -> int:
        """Seed of everything keyed: the seed itself, or a key of seed and replication."""
        return key(self.seed, "replication", self.replication) if self.replication else self.seed


def make_stream(spec: StreamSpec, progress: Callable[[int], object] | None = None) -> list[ParcelTruth]:
    """The parcels of ``spec``, in order of arrival; the same list on every machine.

    ``progress`` hears now and then how many are made. Raises ValueError for a trace file that is no stream.
    """
    if spec.arrivals is not None and isinstance(spec.arrivals.model, Trace):
        return list(trace_parcels(spec.arrivals, spec.seed, spec.replication, spec.parcels))
    root, planted = spec.root, _plan(spec)
    labels, clock = Labels(root), _clock(spec)
    pack: Callable[[Planted, int], Packed] = _fitted(spec) if spec.goods is not None else _Packer(spec).parcel
    length_um, bad, parcels = 0, 0, []
    for number, kind in enumerate(planted, start=1):
        carrier, waybill = labels.next(number)
        seed = key(root, "parcel", number)
        packed = pack(kind, seed)
        declared = None
        if kind is not Planted.NO_DECLARATION:
            status = "800"
            if kind is Planted.BAD_STATUS:
                status, bad = BAD_STATUSES[bad % len(BAD_STATUSES)], bad + 1
            declared = DeclaredTruth(
                carrier=carrier,
                waybill=waybill,
                list_no=f"29242026I{root % 1_000:03d}{number % 1_000_000:06d}",
                order_no=f"WH{root % 1_000:03d}-{number:07d}",
                status_code=status,
                gross_mg=packed.gross_mg,
                net_mg=packed.net_mg,
                lines=packed.lines,
            )
        parcels.append(
            ParcelTruth(
                number=number,
                arrival_us=clock(length_um),
                planted=kind,
                label=waybill,
                readable=kind is not Planted.NO_READ,
                carton_mm=packed.carton_mm,
                contents=packed.contents,
                seed=seed,
                weight_mg=packed.weight_mg,
                declared=declared,
            )
        )
        length_um = parcels[-1].length_um
        if progress is not None and number % PROGRESS_PARCELS == 0:
            progress(number)
    return parcels


def _clock(spec: StreamSpec) -> NextTime:
    """Arrival times: of the model, or of the steady feeder."""
    if spec.arrivals is not None:
        return next_time(spec.arrivals, spec.seed, spec.replication)
    headway_us = _HOUR_US // spec.rate_per_hour
    constant_us = headway_us * spec.regular_permille // 1_000
    arrivals = Keyed(spec.root, "arrivals")
    at_us = -1

    def following(_: int) -> int:
        nonlocal at_us
        at_us = 0 if at_us < 0 else at_us + constant_us + arrivals.exponential(headway_us - constant_us)
        return at_us

    return following


def _fitted(spec: StreamSpec) -> Callable[[Planted, int], Packed]:
    assert spec.goods is not None
    packer = FittedPacker(
        spec.goods, spec.seed, spec.replication, pieces_mean_permille=spec.pieces_mean_permille,
        pieces_max=spec.pieces_max, kinds_max=spec.kinds_max, measure_permille=spec.measure_permille,
    )  # fmt: skip
    return lambda kind, _: packer.pack(kind)


def _plan(spec: StreamSpec) -> list[Planted]:
    plan = [kind for kind, count in spec.quotas().items() for _ in range(count)]
    plan += [Planted.SOUND] * (spec.parcels - len(plan))
    Keyed(spec.root, "planted").shuffle(plan)
    return plan


class _Packer:
    """Draws contents that fit a carton, true and declared ones."""

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self._keyed = Keyed(spec.root, "contents")
        self._clerk = Keyed(spec.root, "declarations")

    def parcel(self, kind: Planted, seed: int) -> Packed:
        """The next parcel; ``seed`` of its masses and picture. The clerk writes no line for an undeclared one."""
        declared, contents, carton_mm = self.pack(kind)
        net_mg, gross_mg = declared_masses(declared, carton_mm, seed)
        known = kind is not Planted.NO_DECLARATION
        return Packed(
            declared=declared,
            contents=contents,
            carton_mm=carton_mm,
            weight_mg=parcel_masses(contents, carton_mm, seed).gross_mg,
            net_mg=net_mg,
            gross_mg=gross_mg,
            lines=_lines(declared, self._clerk, self._spec.measure_permille) if known else (),
        )

    def pack(self, kind: Planted) -> tuple[Contents, Contents, tuple[int, int, int]]:
        """(declared contents, true contents, carton in mm)."""
        for _ in range(_TRIES_MAX):
            declared = self._contents(2 if kind is Planted.SHORT else 1)
            contents = self._plant(declared, kind) if kind in CONTENT_ERRORS else declared
            try:
                return declared, contents, carton_for(declared, contents)
            except ValueError:
                continue  # too much for the largest carton: draw again
        raise ValueError(f"stream: pieces_max {self._spec.pieces_max} gives contents that fit no carton")

    def _contents(self, at_least: int) -> Contents:
        spec, keyed = self._spec, self._keyed
        pieces = 1 + keyed.geometric(spec.pieces_mean_permille - 1_000, spec.pieces_max - 1)
        pieces = max(at_least, pieces)
        kinds = min(spec.kinds_max, pieces, 1 + keyed.geometric(500, spec.kinds_max - 1))
        skus: list[str] = []
        while len(skus) < kinds:
            sku = keyed.choice(CATALOGUE).sku
            if sku not in skus:
                skus.append(sku)
        counts = [1] * kinds
        for _ in range(pieces - kinds):
            counts[keyed.below(kinds)] += 1
        return tuple((sku, count * GOODS[sku].pieces_visible) for sku, count in zip(skus, counts, strict=True))

    def _plant(self, declared: Contents, kind: Planted) -> Contents:
        keyed = self._keyed
        place = keyed.below(len(declared))
        counts = dict(declared)
        sku = declared[place][0]
        if kind is Planted.OVER:
            counts[sku] += 1
        else:
            counts[sku] -= 1
        if kind is Planted.SWAPPED:
            other = keyed.choice(CATALOGUE).sku
            while other in counts:
                other = keyed.choice(CATALOGUE).sku
            counts[other] = 1
        return tuple((sku, count) for sku, count in counts.items() if count > 0)


def _lines(contents: Contents, clerk: Keyed, measure_permille: int) -> tuple[DeclaredLineTruth, ...]:
    lines = []
    for line_no, (sku, pieces) in enumerate(contents, start=1):
        goods = GOODS[sku]
        units = pieces // goods.pieces_visible
        net_e5 = goods.net_mg * units // 10  # mg to kg x 10^5
        by_mass = clerk.permille(measure_permille)
        lines.append(
            DeclaredLineTruth(
                line_no=line_no,
                sku=sku,
                name=goods.name,
                hs_code=goods.hs_code,
                spec=goods.spec,
                qty_e5=net_e5 if by_mass else units * E5,
                unit=UNIT_KILOGRAM if by_mass else goods.unit,
                legal_qty_e5=net_e5,
                legal_unit=goods.legal_unit,
                second_qty_e5=units * E5 if by_mass else -1,
                second_unit=goods.unit if by_mass else "",
                pieces=pieces,
                unit_mg=goods.net_mg,
            )
        )
    return tuple(lines)


def content_errors(parcels: Sequence[ParcelTruth]) -> int:
    """How many parcels hold other things than declared."""
    return sum(parcel.planted in CONTENT_ERRORS for parcel in parcels)
