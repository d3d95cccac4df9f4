"""``[stream.arrivals]`` of a scenario: one of the arrival models with its parameters; and files of day profiles.

=========== ========================================================================================================
model       keys (default)
=========== ========================================================================================================
regular     rate_per_hour, regular_permille (667)
poisson     rate_per_hour, or rates_per_hour (24 numbers), or profile + day + rate_per_hour (mean of the day's 24 h)
waves       batches_per_hour or schedule_min (minutes of the day); size ("geometric"), size_mean (20) or sizes (list);
            inner_ms (1200), inner_mean_ms (600)
renewal     headway = { law, constant_s, mean_s, cv or table_s }; in trains also sizes (list), inner = { as headway }
mmpp        rates_per_hour (2 numbers), leaving_per_hour (2 numbers: how often an hour each rate is left)
saturated   gap_mm (300), speed_mm_s (500)
trace       file, from_s (0), until_s (0: the end), speed (1), multiplier (1)
all         start_hour (0), peak = { multiplier = 3.1 } or { multipliers = [24 numbers] } or { profile, day }
=========== ========================================================================================================
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from lane.settings.reader import SettingsError, Table, TomlFile
from sim.streams.arrivals import (
    BATCH_MAX,
    MILLI,
    PEAK_MILLI,
    Arrivals,
    BatchLaw,
    Mmpp,
    Model,
    Poisson,
    Regular,
    Renewal,
    Saturated,
    Trace,
    Waves,
)
from sim.streams.durations import Duration, parse_duration
from sim.streams.rates import HOUR_US, HOURS

RATE_MAX = 100_000
"""Parcels per hour that a model may ask for: fifty lanes' worth."""
DAY_MINUTES = 1_440
PROFILE_SCHEMA = "stream-profile/1"


class ModelName(StrEnum):
    """Words for ``model``."""

    REGULAR = "regular"
    POISSON = "poisson"
    WAVES = "waves"
    RENEWAL = "renewal"
    MMPP = "mmpp"
    SATURATED = "saturated"
    TRACE = "trace"


def parse_arrivals(table: Table, folder: Path) -> Arrivals | None:
    """Read the table and close it; None when it is empty. Paths are relative to ``folder``.

    Problems are noted in the table's file; the caller's ``finish`` raises them.
    """
    if not table.has("model"):
        table.close()
        return None
    name = table.word("model", ModelName)
    model = _READERS[name](table, folder)
    start_us = table.scaled("start_hour", 0, 24, HOUR_US, default=0, unit="h") % (HOURS * HOUR_US)
    peak = _peak(table, folder)
    table.close()
    if peak and name is ModelName.SATURATED:
        table.complain("peak", "expected no peak: a saturated induct always has a parcel waiting")
        peak = ()
    try:
        return Arrivals(model=model, start_us=start_us, peak_milli=peak)
    except ValueError as error:
        table.complain("", str(error).removeprefix("arrivals: "))
        return None


def load_profile(path: Path, day: str) -> tuple[int, ...]:
    """The 24 hourly weights of one day of a profile file, thousandths of the day's mean hour.

    Raises ``SettingsError`` with one line per problem.
    """
    file = TomlFile.load(path)
    root = file.root()
    root.text("schema", pattern=r"stream-profile/1", hint=f'"{PROFILE_SCHEMA}" (day profiles, see config/streams/)')
    file.finish()
    root.text("source")
    days = root.table("days")
    known = {name: _day(days.table(name)) for name in sorted(_names(file))}
    days.close()
    root.close()
    file.finish()
    if day not in known:
        raise SettingsError([f"{path}: day: expected one of {', '.join(known)}, was {day!r}"])
    return known[day]


def _names(file: TomlFile) -> list[str]:
    days = file.data.get("days")
    return list(days) if isinstance(days, dict) else []


def _day(table: Table) -> tuple[int, ...]:
    table.text("source")
    weights = table.numbers("hours", 0, 1_000, MILLI)
    multiplier = table.scaled("multiplier", 0, 100, MILLI, default=1)
    table.close()
    if len(weights) != HOURS or not sum(weights):
        table.complain("hours", f"expected 24 numbers that are not all 0, was {len(weights)} numbers")
        return (MILLI,) * HOURS
    return tuple(weight * HOURS * multiplier // sum(weights) for weight in weights)


def _peak(table: Table, folder: Path) -> tuple[int, ...]:
    if not table.has("peak"):
        table.table("peak", required=False)
        return ()
    peak = table.table("peak")
    values: tuple[int, ...]
    if peak.has("profile"):
        values = _profile(peak, folder)
    elif peak.has("multipliers"):
        values = peak.numbers("multipliers", 0, 100, MILLI)
        if len(values) != HOURS or not sum(values):
            peak.complain("multipliers", f"expected 24 numbers that are not all 0, was {len(values)} numbers")
            values = ()
    else:
        values = (max(1, peak.scaled("multiplier", 0, 100, MILLI)) if peak.has("multiplier") else PEAK_MILLI,)
    peak.close()
    return values


def _profile(table: Table, folder: Path) -> tuple[int, ...]:
    path = folder / table.text("profile", hint="path of a day profile, relative to the scenario")
    day = table.text("day", hint="a day of the profile")
    try:
        return load_profile(path, day)
    except SettingsError as error:
        table.take_over(error.problems)
        return (MILLI,) * HOURS


def _rate(table: Table, key: str, default: int | None = None) -> int:
    rate = table.scaled(key, 0, RATE_MAX, MILLI, default, "an hour")
    if not rate:
        table.complain(key, "expected more than 0")
    return rate or MILLI


def _regular(table: Table, _: Path) -> Model:
    share = table.scaled("regular_permille", 0, 1_000, default=667)
    return Regular(rate_milli=_rate(table, "rate_per_hour"), regular_permille=share)


def _poisson(table: Table, folder: Path) -> Model:
    if table.has("rates_per_hour"):
        rates = table.numbers("rates_per_hour", 0, RATE_MAX, MILLI)
        if len(rates) != HOURS or not sum(rates):
            table.complain("rates_per_hour", f"expected 24 numbers that are not all 0, was {len(rates)} numbers")
            rates = (MILLI,)
        return Poisson(rates_milli=rates)
    rate = _rate(table, "rate_per_hour")
    if not table.has("profile"):
        return Poisson(rates_milli=(rate,))
    return Poisson(rates_milli=tuple(rate * weight // MILLI for weight in _profile(table, folder)))


def _waves(table: Table, _: Path) -> Model:
    schedule = table.numbers("schedule_min", 0, DAY_MINUTES - 1, default=())
    batches = 0 if schedule else _rate(table, "batches_per_hour")
    sizes = table.numbers("sizes", 1, BATCH_MAX, default=())
    law = BatchLaw.TABLE if sizes else table.word("size", BatchLaw, BatchLaw.GEOMETRIC)
    if law is BatchLaw.TABLE and not sizes:
        table.complain("size", 'expected sizes = [...] with size = "table"')
        sizes = (1,)
    mean = 0 if sizes else table.scaled("size_mean", 1, BATCH_MAX, MILLI, 20, "parcels")
    return Waves(
        batches_milli=batches,
        schedule_min=schedule,
        size_law=law,
        size_milli=mean or sum(sizes) * MILLI // len(sizes),
        size_table=sizes,
        inner_us=table.scaled("inner_ms", 0, 600_000, 1_000, 1_200, "ms"),
        inner_mean_us=table.scaled("inner_mean_ms", 0, 600_000, 1_000, 600, "ms"),
    )


def _renewal(table: Table, _: Path) -> Model:
    headway = table.table("headway")
    inner = table.table("inner", required=False)
    sizes = table.numbers("sizes", 1, BATCH_MAX, default=(1,))
    model = Renewal(headway=parse_duration(headway, Duration()), sizes=sizes, inner=parse_duration(inner, Duration()))
    headway.close()
    inner.close()
    if not model.headway.whole_mean_us:
        table.complain("headway", "expected a mean above 0")
        return Renewal(headway=Duration(constant_us=1_000_000))
    return model


def _pair(table: Table, key: str, low: int) -> tuple[int, int]:
    values = table.numbers(key, 0, RATE_MAX, MILLI)
    if len(values) != 2 or min(values) < low or not sum(values):
        table.complain(key, f"expected 2 numbers{' above 0' if low else ', at least one above 0'}")
        return MILLI, MILLI
    return values[0], values[1]


def _mmpp(table: Table, _: Path) -> Model:
    return Mmpp(rates_milli=_pair(table, "rates_per_hour", 0), leaving_milli=_pair(table, "leaving_per_hour", 1))


def _saturated(table: Table, _: Path) -> Model:
    return Saturated(
        gap_um=table.millimetres("gap_mm", 0, 10_000, 300), speed_um_s=table.millimetres("speed_mm_s", 1, 5_000, 500)
    )


def _trace(table: Table, folder: Path) -> Model:
    path = folder / table.text("file", hint="path of a stream file, relative to the scenario")
    if not path.is_file():
        table.complain("file", f"expected a stream file, {path} is none; make one with lane sim streams make")
    window = [table.scaled(key, 0, 31_536_000, 1_000_000, 0, "s") for key in ("from_s", "until_s")]
    if window[1] and window[1] <= window[0]:
        table.complain("until_s", "expected a time after from_s, or 0 for the end")
    return Trace(
        path=path,
        from_us=window[0],
        until_us=window[1],
        speed_permille=max(1, table.scaled("speed", 0, 1_000, 1_000, 1)),
        multiplier_milli=max(1, table.scaled("multiplier", 0, 100, MILLI, 1)),
    )


_READERS: dict[ModelName, Callable[[Table, Path], Model]] = {
    ModelName.REGULAR: _regular,
    ModelName.POISSON: _poisson,
    ModelName.WAVES: _waves,
    ModelName.RENEWAL: _renewal,
    ModelName.MMPP: _mmpp,
    ModelName.SATURATED: _saturated,
    ModelName.TRACE: _trace,
}
