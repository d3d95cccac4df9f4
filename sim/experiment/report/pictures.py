"""Pictures of a report as SVG text: the same bytes for the same results, letters as letters, nothing from a network."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.experiment.meanings import meaning_of

INK, QUIET, GRID, ACCENT, WARM = "#1f2933", "#7b8794", "#e4e7eb", "#1f6feb", "#c2410c"
PALE = "#c7d7f5"
COLOURS = (ACCENT, "#c2410c", "#15803d", "#7c3aed", "#b45309", "#0e7490")
STYLE: Any = {
    "svg.hashsalt": "xray-lane", "svg.fonttype": "none", "font.size": 9.0, "text.color": INK, "axes.edgecolor": QUIET,
    "axes.labelcolor": INK, "xtick.color": QUIET, "ytick.color": QUIET, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True, "axes.titlesize": 10.0,
    "axes.titlelocation": "left", "axes.titleweight": "bold", "legend.frameon": False, "axes.linewidth": 0.8,
}  # fmt: skip
LINES_MAX = len(COLOURS)
"""Scenarios drawn as lines in one picture; more can't be told apart."""
GROUNDS_MAX = 14
ZERO_SHOWN = 0.35
"""An axis that begins below this share of its end begins at zero instead: lengths can then be compared."""
NAME_MAX = 34


def intervals(results: Mapping[str, Any], figures: Sequence[str]) -> str:
    """One panel per figure: the mean of each scenario with its interval, before pale dots of the repetitions."""
    scenarios = results["scenarios"]
    names = [_short(one["name"]) for one in scenarios]
    rows = -(-len(figures) // 2)
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(8.6, rows * (0.75 + 0.27 * len(names))), layout="constrained")
        grid = picture.subplots(rows, 2, squeeze=False, sharey=True)
        for axes, figure in zip(grid.flat, figures, strict=False):
            _interval_panel(axes, [one["figures"][figure] for one in scenarios], names, figure)
        for axes in grid.flat[len(figures) :]:
            axes.set_visible(False)
        return _svg(picture)


def _interval_panel(axes: Axes, values: Sequence[Mapping[str, Any]], names: Sequence[str], figure: str) -> None:
    meaning = meaning_of(figure)
    axes.margins(x=0.08)
    for place, value in enumerate(values):
        if value["mean"] is not None:
            single = [one for one in value["values"] if one is not None]
            axes.plot(single, [place] * len(single), "o", ms=3.5, mew=0, color=PALE)
            half = value["half_width"] or 0
            axes.errorbar(value["mean"], place, xerr=half, fmt="o", ms=4.5, color=ACCENT, capsize=3, lw=1.4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_title(_wrapped(meaning.title))
    axes.set_xlabel(meaning.unit)
    low, high = axes.get_xlim()
    if 0 < low < ZERO_SHOWN * high:
        axes.set_xlim(left=0)


def grounds(scenario: Mapping[str, Any]) -> str:
    """Share of all parcels inspected for each ground, with intervals; the commonest of them."""
    ordered = sorted(scenario["grounds"].items(), key=lambda item: (-item[1]["mean"], item[0]))[:GROUNDS_MAX]
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(8.6, 0.7 + 0.26 * len(ordered)), layout="constrained")
        axes = picture.subplots()
        means = [value["mean"] for _, value in ordered]
        halves = [value["half_width"] or 0 for _, value in ordered]
        axes.barh(range(len(ordered)), means, xerr=halves, color="#9db8e8", ecolor=INK, height=0.62, capsize=2.5)
        axes.set_yticks(range(len(ordered)), [name.replace("_", " ").lower() for name, _ in ordered])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.set_xlabel("% of all parcels")
        axes.grid(visible=False, axis="y")
        return _svg(picture)


def day(results: Mapping[str, Any]) -> str:
    """Arrivals and exits per hour of the first scenario, and the queue before the bench of every scenario."""
    scenarios = results["scenarios"][:LINES_MAX]
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(8.6, 4.6), layout="constrained")
        above, below = picture.subplots(2, 1, sharex=True)
        curves = scenarios[0]["curves"]
        hours = _hours(curves, "arrived_per_hour")
        above.plot(hours, curves["arrived_per_hour"], color=QUIET, lw=1.2, label="arrived")
        above.plot(hours, curves["left_per_hour"], color=ACCENT, lw=1.6, label="left the lane")
        above.set_title("Parcels per hour")
        above.set_ylim(bottom=0)
        above.legend(loc="lower center", ncols=2)
        for place, one in enumerate(scenarios):
            hours = _hours(one["curves"], "bench_queue")
            below.plot(hours, one["curves"]["bench_queue"], color=COLOURS[place], lw=1.4, label=_short(one["name"]))
        below.set_title("Parcels waiting before the bench, mean over the repetitions")
        below.set_xlabel("hours from the start")
        below.set_ylim(bottom=0)
        if len(scenarios) > 1:
            below.legend(loc="upper left", fontsize=8)
        return _svg(picture)


def warm_up(found: Mapping[str, Any]) -> str:
    """Welch plots of time to the exit and wait before the bench; the cut stands beside the first."""
    titles = {"passage_s": "From arrival to exit, s", "bench_wait_s": "Wait before the bench, s"}
    with mpl.rc_context(STYLE):
        picture = Figure(figsize=(8.6, 2.6), layout="constrained")
        for axes, (name, curve) in zip(picture.subplots(1, 2), found["welch"].items(), strict=True):
            axes.plot([i * curve["step"] for i in range(len(curve["values"]))], curve["values"], color=ACCENT, lw=1.4)
            axes.set_title(titles[name])
            axes.set_xlabel("parcel" if name == "passage_s" else "parcel at the bench")
            if name == "passage_s":
                axes.axvline(found["parcels"], color=WARM, lw=1.4, ls="--", label=f"cut at parcel {found['parcels']}")
                axes.legend(loc="best", fontsize=8)
        return _svg(picture)


def _hours(curves: Mapping[str, Any], name: str) -> list[float]:
    return [place * curves["minutes"] / 60 for place in range(len(curves[name]))]


def _short(name: str) -> str:
    return name if len(name) <= NAME_MAX else name[: NAME_MAX - 1] + "…"


def _wrapped(title: str) -> str:
    return title if len(title) <= 36 else title.replace(", ", ",\n", 1)


def _svg(picture: Figure) -> str:
    file = io.StringIO()
    picture.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = file.getvalue()
    return text[text.index("<svg") :]
