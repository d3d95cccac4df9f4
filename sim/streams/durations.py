"""Laws of durations: how long an opening, a review or a count takes. One uniform number gives one duration.

All are a constant part plus a random part of mean ``mean_us``: exponential, lognormal or gamma with a coefficient of
variation, or a table of equally likely values. Inversion keeps common random numbers in step: a parcel that had a long
opening under one law has a long one under another.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from lane.settings.reader import Table

MILLI = 1_000
SECOND_US = 1_000_000
TABLE_MAX = 2_000
Floats = NDArray[numpy.float64]
_NORMAL = NormalDist()


class DurationLaw(StrEnum):
    """Laws of the random part."""

    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"
    GAMMA = "gamma"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Parameters in microseconds; ``cv_milli``: coefficient of variation of the random part, in thousandths."""

    law: DurationLaw = DurationLaw.EXPONENTIAL
    constant_us: int = 0
    mean_us: int = 0
    cv_milli: int = MILLI
    table_us: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.law is DurationLaw.TABLE and not self.table_us:
            raise ValueError('duration: expected at least one value in the table of law "table"')
        if min(self.constant_us, self.mean_us, self.cv_milli, *self.table_us, 0) < 0:
            raise ValueError("duration: expected no negative time")

    @property
    def whole_mean_us(self) -> float:
        """Mean of the whole duration."""
        if self.law is DurationLaw.TABLE:
            return self.constant_us + sum(self.table_us) / len(self.table_us)
        return float(self.constant_us + self.mean_us)

    def us(self, uniform: float) -> int:
        """The duration at this quantile (0 <= uniform < 1), rounded down."""
        if self.law is DurationLaw.TABLE:
            return self.constant_us + self.table_us[int(uniform * len(self.table_us))]
        if not self.mean_us or not self.cv_milli:
            return self.constant_us + self.mean_us
        return self.constant_us + int(self.mean_us * self._standard(uniform))

    def _standard(self, uniform: float) -> float:
        """Inverse of the law with mean 1."""
        cv = self.cv_milli / MILLI
        match self.law:
            case DurationLaw.LOGNORMAL:
                sigma = math.sqrt(math.log1p(cv * cv))
                return math.exp(sigma * _NORMAL.inv_cdf(max(uniform, 1e-12)) - sigma * sigma / 2)
            case DurationLaw.GAMMA:
                shape = 1 / (cv * cv)
                return float(gammaincinv(shape, uniform)) / shape
            case DurationLaw.EXPONENTIAL | DurationLaw.TABLE:
                return -math.log1p(-uniform)


def draw(duration: Duration, uniforms: Floats) -> Floats:
    """Durations in microseconds for many uniform numbers at once (``Duration.us`` for arrays)."""
    if duration.law is DurationLaw.TABLE:
        table = numpy.array(duration.table_us, dtype=numpy.float64)
        return duration.constant_us + table[(uniforms * len(table)).astype(numpy.int64)]
    cv = duration.cv_milli / MILLI
    if not duration.mean_us or not cv:
        return numpy.full(len(uniforms), float(duration.constant_us + duration.mean_us))
    match duration.law:
        case DurationLaw.LOGNORMAL:
            sigma = math.sqrt(math.log1p(cv * cv))
            standard = numpy.exp(sigma * ndtri(numpy.maximum(uniforms, 1e-12)) - sigma * sigma / 2)
        case DurationLaw.GAMMA:
            standard = gammaincinv(1 / (cv * cv), uniforms) * cv * cv
        case _:
            standard = -numpy.log1p(-uniforms)
    drawn: Floats = duration.constant_us + duration.mean_us * standard
    return drawn


def parse_duration(table: Table, usual: Duration, *, mean_s_max: int = 3_600, table_s_max: int = 36_000) -> Duration:
    """Keys ``law``, ``constant_s``, ``mean_s``, ``cv`` (1) or ``table_s`` of a table; the caller closes it.

    ``usual`` has whole seconds. Problems are noted in the table's file.
    """
    law = table.word("law", DurationLaw, usual.law)
    constant_us = table.scaled("constant_s", 0, mean_s_max, SECOND_US, usual.constant_us // SECOND_US, "s")
    if law is DurationLaw.TABLE:
        values = table.numbers("table_s", 0, table_s_max, SECOND_US) or (0,)  # a missing table is a complaint
        if len(values) > TABLE_MAX:
            table.complain("table_s", f"expected at most {TABLE_MAX} values, was {len(values)}")
        return Duration(law=law, constant_us=constant_us, table_us=values[:TABLE_MAX])
    mean_us = table.scaled("mean_s", 0, mean_s_max, SECOND_US, usual.mean_us // SECOND_US, "s")
    if law is DurationLaw.EXPONENTIAL:
        return Duration(law=law, constant_us=constant_us, mean_us=mean_us)
    cv = table.scaled("cv", 0, 20, MILLI, 1, quoted=True)
    return Duration(law=law, constant_us=constant_us, mean_us=mean_us, cv_milli=cv)
