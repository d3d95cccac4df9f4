"""The reliability curve as SVG text: the same bytes for the same figures, letters as letters."""

import io
import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, QUIET, GRID, ACCENT, PALE = "#1f2933", "#7b8794", "#e4e7eb", "#1f6feb", "#c7d7f5"
STYLE: Any = {
    "svg.hashsalt": "xray-lane", "svg.fonttype": "none", "font.size": 9.0, "text.color": INK, "axes.edgecolor": QUIET,
    "axes.labelcolor": INK, "xtick.color": QUIET, "ytick.color": QUIET, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True, "axes.titlesize": 10.0,
    "axes.titlelocation": "left", "axes.titleweight": "bold", "legend.frameon": False, "axes.linewidth": 0.8,
}  # fmt: skip
TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
EDGE = 0.0002
"""Shares nearer to 0 or 1 than this are drawn at the edge."""


def reliability_curve(found: Mapping[str, Any]) -> str:
    """Share true against stated probability on log-odds axes, with exact 95 % limits; below, how many statements."""
    bins = found["bins"]
    at = [_log_odds(one["mean_p"]) for one in bins]
    share = [_log_odds(one["share_true"]) for one in bins]
    low = [max(0.0, y - _log_odds(one["share_low95"])) for y, one in zip(share, bins, strict=True)]
    high = [max(0.0, _log_odds(one["share_high95"]) - y) for y, one in zip(share, bins, strict=True)]
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(6.4, 6.0), layout="constrained")
        curve, counts = picture.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        ends = (_log_odds(0.0), _log_odds(1.0))
        curve.plot(ends, ends, "-", lw=1, color=QUIET, label="says what is so")
        curve.errorbar(at, share, yerr=[low, high], fmt="o-", ms=4.5, lw=1.2, capsize=3, color=ACCENT, label="measured")
        curve.set_ylabel("contents as declared (share)")
        curve.set_title(f"{found['n']:,} statements; expected calibration error {100 * found['ece']:.2f} %")
        curve.legend(loc="upper left")
        curve.set_yticks([_log_odds(tick) for tick in TICKS], [f"{tick:g}" for tick in TICKS])
        counts.bar(at, [one["n"] for one in bins], width=0.35, color=PALE, edgecolor=ACCENT, lw=0.8)
        counts.set_yscale("log")
        counts.set_ylabel("statements")
        counts.set_xticks([_log_odds(tick) for tick in TICKS], [f"{tick:g}" for tick in TICKS])
        counts.set_xlabel("stated probability that the contents are the declared ones")
        file = io.StringIO()
        picture.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = file.getvalue()
    return text[text.index("<svg") :]


def _log_odds(share: float) -> float:
    inside = min(1 - EDGE, max(EDGE, share))
    return math.log(inside / (1 - inside))
