"""Scenario files (``config/scenarios/*.toml``): what a study varies around a lane. Bad files are refused by line.

Every key can also be set from outside by its dotted path (``stream.rate_per_hour``), which is how experiments vary it.
"""

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from lane.model.config import CoreConfig, DrawConfig, Layout
from lane.model.words import Design, LaneKind
from lane.permits import decision_um
from lane.settings.lane_file import load_lane
from lane.settings.reader import SettingsError, Table, TomlFile
from sim.coretwin.breakdowns import Device, Fitters
from sim.coretwin.fault_rates import KINDS, MILLION, FaultRates
from sim.coretwin.loop import LoopSpec
from sim.coretwin.reviewers import ReviewSpec
from sim.coretwin.settings import TwinSettings
from sim.coretwin.verdicts import SIGNATURES, VerdictModel
from sim.officers import BenchSpec
from sim.plant.options import LANE_IO, Duty, PlantOptions
from sim.streams.arrivals_file import parse_arrivals
from sim.streams.durations import Duration, DurationLaw, parse_duration
from sim.streams.goods_file import parse_goods
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import ParcelTruth
from sim.world.reading import CLOCK, clock_us, parse_calendar, parse_downtimes

PERMILLE = 1_000
MODEL_SHA256 = hashlib.sha256(SIGNATURES.encode()).hexdigest()
"""The verdict model is the model of a core twin; the lane's own one looks at pictures, which there are none of."""
RATE_PER_HOUR_MAX = 7_200
"""Twice what a belt of 1 m/s with parcels of 0.2 m and the smallest gap could take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario as read: the lane's own configuration, the stream without its size, the settings around it."""

    config: CoreConfig
    stream: StreamSpec
    settings: TwinSettings

    def sized(self, parcels: int, seed: int) -> StreamSpec:
        """The stream with its size and seed."""
        return replace(self.stream, parcels=parcels, seed=seed)

    def parcels(self, parcels: int, seed: int) -> Sequence[ParcelTruth]:
        """The parcels of a run, as this scenario has them."""
        return make_stream(self.sized(parcels, seed))


def load_scenario(path: Path, overrides: Mapping[str, object] | None = None) -> Scenario:
    """Read a scenario and the lane file it names.

    ``overrides``: values that stand instead of the file's own (or are added), by dotted path; items of ``[[x]]`` are
    ``x.0``, ``x.1``. They are checked like the file's. Raises ``SettingsError`` with one line per problem.
    """
    file = TomlFile.load(path)
    changed = dict(overrides or {})
    for key, value in changed.items():
        _override(file, key, value)
    try:
        return _read(file, path)
    except SettingsError as error:
        raise SettingsError(_told(problem, changed) for problem in error.problems) from None


def _override(file: TomlFile, key: str, value: object) -> None:
    """Set one value in the file's data. Raises ``SettingsError`` when the path leads through something else."""
    *way, last = key.split(".")
    place: Any = file.data
    for number, name in enumerate(way):
        if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        elif isinstance(place, dict):
            place = place.setdefault(name, {})
        else:
            place = None
        if not isinstance(place, dict | list):
            where = ".".join(way[: number + 1])
            raise SettingsError([f"{file.path}: {key} (set from outside): expected a table at {where}"])
    if not isinstance(place, dict):
        raise SettingsError([f"{file.path}: {key} (set from outside): expected a key of a table, not of a list"])
    place[last] = _decimals(value)
    file.lines.pop(key, None)


def _decimals(value: object) -> object:
    """Floats as the decimal numbers that a person wrote, as the file's own are read."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list | tuple):
        return [_decimals(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _decimals(item) for name, item in value.items()}
    return value


def _told(problem: str, changed: Mapping[str, object]) -> str:
    """A problem of a value from outside says so: the file has another one, or none."""
    for key in changed:
        if f" {key}:" in problem:
            return f"{problem} ({key} is set from outside the file)"
    return problem


def _read(file: TomlFile, path: Path) -> Scenario:
    root = file.root()
    root.text("schema", pattern=r"sim-scenario/1", hint='"sim-scenario/1" (a scenario, see config/scenarios/)')
    file.finish()  # another kind of file: its keys would all be complained of
    lane_name = root.text("lane", hint="path of a lane file, relative to the scenario")
    lane_file = path.parent / lane_name
    if lane_name and not lane_file.is_file():
        expected = f"expected a lane file, {lane_file} is none; a relative path starts at the scenario's own folder"
        root.complain("lane", f"{expected}, {path.parent.absolute()}")
        file.finish()
    lane = load_lane(lane_file).core if lane_name else None
    file.finish()
    assert lane is not None
    review = root.boolean("review", False)
    stream = _stream(root.table("stream", required=False), path.parent)
    verdicts = _verdicts(root.table("verdicts", required=False))
    bench_table = root.table("bench", required=False)
    starts_us = clock_us(root.text("starts", "08:00", pattern=CLOCK, hint='time of day when the run begins, "08:00"'))
    bench = replace(_bench(bench_table), calendar=parse_calendar(bench_table, starts_us))
    fitters = _fitters(root.table("fitters", required=False), starts_us)
    exits = root.table("exit", required=False)
    settings = TwinSettings(
        verdicts=verdicts,
        bench=bench,
        cage_parcels=exits.scaled("cage_parcels", 1, 10_000, default=TwinSettings().cage_parcels),
        belt_report_um=root.millimetres("belt_report_mm", 0, 10_000, 0),
        plant=_plant(root),
        reviewers=_reviewers(root, starts_us, review),
        loop=_loop(exits),
        fault_rates=_faults(root),
        fitters=fitters,
        downtimes=parse_downtimes(root.tables("breakdown"), list(Device), _most(fitters)),
    )
    config = replace(
        lane,
        review_enabled=review,
        model_sha256=MODEL_SHA256,
        bench_places=bench_table.scaled("places", 1, 100_000, default=lane.bench_places),
        release_places=exits.scaled("release_places", 1, 1_000_000, default=lane.release_places),
        draw=_draw(root.table("draw", required=False), lane),
    )
    config = _belt(root.table("belt", required=False), config)
    bench_table.close()
    exits.close()
    root.close()
    file.finish()
    return Scenario(config=config, stream=stream, settings=settings)


def _belt(table: Table, lane: CoreConfig) -> CoreConfig:
    """Speed, gap and the belt behind the tunnel; all that stands behind the tunnel moves with the divert eye."""
    layout = lane.layout
    after_um = layout.divert_um - layout.tunnel_exit_um
    added_um = table.millimetres("after_tunnel_mm", 500, 50_000, after_um // 1_000) - after_um
    config = replace(
        lane,
        speed_um_s=table.scaled("speed_mm_s", 50, 1_000, 1_000, lane.speed_um_s // 1_000, "mm/s"),
        layout=_stretched(layout, added_um, table.millimetres("gap_mm", 50, 5_000, layout.gap_um_min // 1_000)),
    )
    table.close()
    stretched = config.layout
    need_um = stretched.divert_um - min(decision_um(config), stretched.second_reader_um)
    if added_um + after_um <= need_um:
        expected = f"expected more than {need_um // 1_000} mm: decision point and second reader stand behind the tunnel"
        table.complain("after_tunnel_mm", f"{expected}, was {(added_um + after_um) // 1_000}")
    return config


def _stretched(layout: Layout, added_um: int, gap_um_min: int) -> Layout:
    return replace(
        layout,
        second_reader_um=layout.second_reader_um + added_um,
        divert_um=layout.divert_um + added_um,
        gate_um=layout.gate_um + added_um,
        exit_release_um=layout.exit_release_um + added_um,
        exit_inspect_um=layout.exit_inspect_um + added_um,
        gap_um_min=gap_um_min,
    )


def _reviewers(root: Table, starts_us: int, review: bool) -> ReviewSpec | None:
    """Officers at the screen; without the table, or without reviews, nobody sits there."""
    table = root.table("reviewers", required=False)
    usual = ReviewSpec()
    spec = ReviewSpec(
        officers=table.scaled("officers", 0, 500, default=usual.officers),
        looking=parse_duration(table, usual.looking),
        miss_permille=table.scaled("miss_permille", 0, PERMILLE, default=usual.miss_permille),
        doubt_permille=table.scaled("doubt_permille", 0, PERMILLE, default=usual.doubt_permille),
        calendar=parse_calendar(table, starts_us),
    )
    table.close()
    return spec if review and root.has("reviewers") else None


def _faults(root: Table) -> FaultRates | None:
    """Faults by rate: ``kinds`` (ALL, or words of the catalogue) and how many of a thousand parcels each befalls."""
    if not root.has("faults"):
        return None
    table = root.table("faults")
    ppm = table.scaled("each_permille", 0, PERMILLE, MILLION // PERMILLE)
    words = table.text("kinds", pattern=r"[A-Z_]+( [A-Z_]+)*", hint='ALL, or kinds such as "GATE_STUCK BODY_INSERTED"')
    known = {str(kind): kind for kind in KINDS}
    for word in words.split():
        if word not in known and words != "ALL":
            near = difflib.get_close_matches(word, known, n=1) or sorted(known)[:1]
            table.complain("kinds", f"{word} is no kind of fault of a scenario (did you mean {near[0]}?)")
    table.close()
    kinds = KINDS if words == "ALL" else tuple(known[word] for word in words.split() if word in known)
    return FaultRates(kinds=kinds, ppm=ppm)


def _loop(exits: Table) -> LoopSpec | None:
    """The third way out."""
    usual = LoopSpec()
    spec = LoopSpec(
        travel_us=exits.scaled("loop_s", 1, 36_000, 1_000_000, usual.travel_us // 1_000_000, "s"),
        places=exits.scaled("loop_places", 1, 10_000, default=usual.places),
    )
    third = exits.text("third", "NONE", pattern="NONE|RECIRCULATE", hint="NONE | RECIRCULATE")
    return spec if third == "RECIRCULATE" else None


def _fitters(table: Table, starts_us: int) -> Fitters:
    spec = Fitters(persons=table.scaled("persons", 1, 100, default=1), calendar=parse_calendar(table, starts_us))
    table.close()
    return spec


def _most(fitters: Fitters) -> int:
    return fitters.persons if fitters.calendar is None else fitters.calendar.persons_max


def _draw(table: Table, lane: CoreConfig) -> DrawConfig:
    """Sampling rate and design; the bounds are those of the lane file."""
    hint = 'a rate as text, such as "0.055" or "11/200"'
    rate = table.text(
        "rate", lane.draw.rate, pattern=r"[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,9}/[1-9][0-9]{0,8}", hint=hint
    )
    design = table.word("design", Design, lane.draw.design)
    table.close()
    low, high = (Fraction(1, 1000), Fraction(1, 2)) if lane.kind is LaneKind.LIVE else (Fraction(0), Fraction(1))
    if not low <= Fraction(rate) <= high:
        table.complain("rate", f"expected {low}..{high} on a {lane.kind.value} lane, was {rate}")
    return replace(lane.draw, rate=rate, design=design)


def _plant(root: Table) -> PlantOptions:
    """Feeder, second reader and lane I/O."""
    usual = PlantOptions()
    feeder, readers, lane_io = (root.table(name, required=False) for name in ("feeder", "readers", "lane_io"))
    hint = 'duties of the lane I/O, such as "H0 H1 H4" (H0..H5)'
    provides = lane_io.text("provides", " ".join(sorted(LANE_IO)), pattern=r"H[0-5]( H[0-5])*", hint=hint).split()
    if Duty.H0 not in provides:
        lane_io.complain("provides", "expected H0 (watchdog) among them: the controller proves it before every start")
    options = PlantOptions(
        gapping=feeder.boolean("gapping", usual.gapping),
        slack_um=feeder.millimetres("slack_mm", 0, 5_000, usual.slack_um // 1_000),
        second_reader=readers.boolean("second", usual.second_reader),
        duties=frozenset(Duty(word) for word in provides),
        watchdog_ms=lane_io.scaled("watchdog_ms", 100, 2_000, default=usual.watchdog_ms, unit="ms"),
    )
    for table in (feeder, readers, lane_io):
        table.close()
    return options


def _stream(table: Table, folder: Path) -> StreamSpec:
    usual = StreamSpec(seed=0, parcels=1_000)

    def share(key: str) -> int:
        return table.scaled(key, 0, PERMILLE, default=getattr(usual, key))

    shares = {
        name: share(name)
        for name in (
            "short_permille", "over_permille", "swapped_permille", "no_read_permille", "no_declaration_permille",
            "bad_status_permille", "regular_permille", "measure_permille",
        )
    }  # fmt: skip
    rate = table.scaled("rate_per_hour", 1, RATE_PER_HOUR_MAX, default=usual.rate_per_hour)
    mean = table.scaled("pieces_mean_permille", PERMILLE, 6_000, default=usual.pieces_mean_permille)
    pieces_max = table.scaled("pieces_max", 2, 30, default=usual.pieces_max)
    kinds_max = table.scaled("kinds_max", 1, 6, default=usual.kinds_max)
    arrivals = parse_arrivals(table.table("arrivals", required=False), folder)
    goods = parse_goods(table.table("goods", required=False))
    table.close()
    planted = sum(value for name, value in shares.items() if name not in ("regular_permille", "measure_permille"))
    if planted > PERMILLE:
        table.complain("", f"expected planted shares of at most {PERMILLE} permille together, was {planted}")
        return usual
    return replace(
        usual, rate_per_hour=rate, pieces_mean_permille=mean, pieces_max=pieces_max, kinds_max=kinds_max,
        arrivals=arrivals, goods=goods, **shares,
    )  # fmt: skip


def _verdicts(table: Table) -> VerdictModel:
    usual = VerdictModel()
    model = VerdictModel(
        uncertain_permille=table.scaled("uncertain_permille", 0, PERMILLE, default=usual.uncertain_permille),
        miss_permille=table.scaled("miss_permille", 0, PERMILLE, default=usual.miss_permille),
        false_alarm_permille=table.scaled("false_alarm_permille", 0, PERMILLE, default=usual.false_alarm_permille),
        failed_permille=table.scaled("failed_permille", 0, PERMILLE, default=usual.failed_permille),
        p_ppm=table.scaled("p", 0, 1, 1_000_000, quoted=True) if table.has("p") else usual.p_ppm,
        constant_us=table.scaled("constant_ms", 0, 60_000, 1_000, usual.constant_us // 1_000, "ms"),
        mean_us=table.scaled("mean_ms", 0, 60_000, 1_000, usual.mean_us // 1_000, "ms"),
    )
    table.close()
    return model


def _bench(table: Table) -> BenchSpec:
    usual = BenchSpec()
    opening = parse_duration(table, Duration(constant_us=usual.constant_us, mean_us=usual.mean_us))
    return BenchSpec(
        officers=table.scaled("officers", 1, 500, default=usual.officers),
        constant_us=opening.constant_us,
        mean_us=opening.mean_us,
        opening=None if opening.law is DurationLaw.EXPONENTIAL else opening,
    )
