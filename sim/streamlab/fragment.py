"""TOML fragments for a scenario: fitted arrivals and goods as ``arrivals_file`` and ``goods_file`` read them."""

import json
from decimal import Decimal

from sim.streams.arrivals import MILLI, Arrivals, BatchLaw, Mmpp, Poisson, Regular, Renewal, Saturated, Trace, Waves
from sim.streams.durations import Duration, DurationLaw
from sim.streams.fitted import FittedGoods
from sim.streams.rates import HOUR_US

SECOND_US = 1_000_000


def number(scaled: int, factor: int) -> str:
    """A scaled integer as a person writes it: ``1200000`` thousandths are ``1200``."""
    value = Decimal(scaled) / factor
    return format(value.normalize(), "f") if value else "0"


def numbers(scaled: tuple[int, ...], factor: int) -> str:
    """A list of scaled integers."""
    return f"[{', '.join(number(one, factor) for one in scaled)}]"


def arrivals_toml(arrivals: Arrivals, *, table: str = "stream.arrivals") -> str:
    """The table of an arrival model, ready to paste into a scenario."""
    lines = [f"[{table}]", *_model(arrivals)]
    if arrivals.start_us:
        lines.append(f"start_hour = {number(arrivals.start_us, HOUR_US)}")
    if len(arrivals.peak_milli) == 1:
        lines.append(f"peak = {{ multiplier = {number(arrivals.peak_milli[0], MILLI)} }}")
    elif arrivals.peak_milli:
        lines.append(f"peak = {{ multipliers = {numbers(arrivals.peak_milli, MILLI)} }}")
    return "\n".join(lines) + "\n"


def goods_toml(goods: FittedGoods, *, table: str = "stream.goods") -> str:
    """The table of fitted goods, ready to paste into a scenario."""
    laws = ("weight_mu", "weight_sigma", "side_mu", "side_sigma", "rho")
    lines = [f"[{table}]", 'source = "fitted"']
    lines += [f"{name} = {number(getattr(goods, f'{name}_milli'), MILLI)}" for name in laws]
    lines += [f"{name} = {getattr(goods, name)}" for name in ("side_mm_min", "side_mm_max", "weight_g_max")]
    if goods.counted_only:
        lines.append("counted_only = true")
    return "\n".join(lines) + "\n"


def _model(arrivals: Arrivals) -> list[str]:
    match arrivals.model:
        case Regular() as model:
            return [
                'model = "regular"',
                f"rate_per_hour = {number(model.rate_milli, MILLI)}",
                f"regular_permille = {model.regular_permille}",
            ]
        case Poisson() as model:
            rates = model.rates_milli
            key = "rate_per_hour" if len(rates) == 1 else "rates_per_hour"
            return [
                'model = "poisson"',
                f"{key} = {numbers(rates, MILLI) if len(rates) > 1 else number(rates[0], MILLI)}",
            ]
        case Mmpp() as model:
            return [
                'model = "mmpp"',
                f"rates_per_hour = {numbers(model.rates_milli, MILLI)}",
                f"leaving_per_hour = {numbers(model.leaving_milli, MILLI)}",
            ]
        case Waves() as model:
            return ['model = "waves"', *_waves(model)]
        case Renewal() as model:
            lines = ['model = "renewal"', f"headway = {{ {', '.join(duration_keys(model.headway))} }}"]
            if model.sizes != (1,):
                lines += [f"sizes = {list(model.sizes)}", f"inner = {{ {', '.join(duration_keys(model.inner))} }}"]
            return lines
        case Saturated() as model:
            gap, speed = number(model.gap_um, 1_000), number(model.speed_um_s, 1_000)
            return ['model = "saturated"', f"gap_mm = {gap}", f"speed_mm_s = {speed}"]
        case Trace() as model:
            return [
                'model = "trace"',
                f"file = {toml_text(str(model.path))}",
                f"from_s = {number(model.from_us, 1_000_000)}",
                f"until_s = {number(model.until_us, 1_000_000)}",
                f"speed = {number(model.speed_permille, 1_000)}",
                f"multiplier = {number(model.multiplier_milli, MILLI)}",
            ]


def duration_keys(duration: Duration) -> list[str]:
    """Keys of a law of durations, as ``parse_duration`` reads them."""
    keys = [f'law = "{duration.law}"', f"constant_s = {number(duration.constant_us, SECOND_US)}"]
    if duration.law is DurationLaw.TABLE:
        return [*keys, f"table_s = {numbers(duration.table_us, SECOND_US)}"]
    keys.append(f"mean_s = {number(duration.mean_us, SECOND_US)}")
    if duration.law is not DurationLaw.EXPONENTIAL:
        keys.append(f"cv = {number(duration.cv_milli, MILLI)}")
    return keys


def _waves(model: Waves) -> list[str]:
    lines = [f"batches_per_hour = {number(model.batches_milli, MILLI)}"]
    if model.schedule_min:
        lines = [f"schedule_min = {list(model.schedule_min)}"]
    if model.size_law is BatchLaw.TABLE:
        lines.append(f"sizes = {list(model.size_table)}")
    else:
        lines += [f'size = "{model.size_law}"', f"size_mean = {number(model.size_milli, MILLI)}"]
    return [
        *lines,
        f"inner_ms = {number(model.inner_us, 1_000)}",
        f"inner_mean_ms = {number(model.inner_mean_us, 1_000)}",
    ]


def toml_text(text: str) -> str:
    """A basic TOML string: JSON's escapes are TOML's, which wants DEL escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
