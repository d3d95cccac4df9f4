"""The page of a calibration: figures of log and model with intervals, and their pictures side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from numpy.typing import NDArray

from sim.calibrate.figures import bench_desk, lane_times, review_desk
from sim.calibrate.fit import Fit, exits
from sim.calibrate.moments import Log, Moment
from sim.calibrate.predict import Compared, Paired
from sim.streamlab.laws import LawFit
from sim.streamlab.picture import BLUE, ORANGE, Panel, dispersion, per_minute, save, table
from sim.streams.durations import draw

Column = NDArray[numpy.int64]
POINTS = 400


def write_report(
    path: Path, fit: Fit, log: Log, model: Log, compared: Sequence[Compared], pairs: Sequence[Paired],
    twin: Sequence[Compared], remarks: Sequence[str],
) -> None:  # fmt: skip
    """Write the page (HTML). Raises ValueError for a name that ends otherwise."""
    tables = [
        table("Log and model", COMPARED, [compared_row(one) for one in compared]),
        *([table("Log and twin (one run)", COMPARED, [compared_row(one) for one in twin])] if twin else []),
        table("Replay: the log's arrivals through the model, parcel by parcel", PAIRED, [paired_row(p) for p in pairs]),
        table("Arrival models", ("model", "score", "own noise"),
              [(m.name, f"{m.score:.3f}", f"{m.noise:.3f}") for m in fit.arrivals.models]),
        table("Fitted times", ("what", "law", "mean s", "deviation s", "samples", "distance"), law_rows(fit)),
        *([table("Remarks", ("",), [(remark,) for remark in remarks])] if remarks else []),
    ]  # fmt: skip
    panels = [
        Panel(
            heading="Arrivals", figure=_arrivals(log, model),
            note="Left and middle: parcels per minute of log and model. Right: variance over mean of counts; the two "
            "lines should lie on each other.",
        ),
        Panel(
            heading="Waits and times", figure=_waits(log, model, fit),
            note="Share of parcels with at most this time. Blue is the log, orange the model.",
        ),
        Panel(
            heading="Fitted laws", figure=_laws(log, fit),
            note="Bars: times seen in the log. Line: the law that the model draws from.",
        ),
    ]  # fmt: skip
    save(path, f"Calibration to {log.source}", panels, tables)


COMPARED = ("figure", "unit", "log", "± (95 %)", "model", "± (95 %)", "error", "replay's error")
PAIRED = ("time", "parcels", "log, s", "model - log, s", "± (95 %)")


def compared_row(one: Compared) -> tuple[str, ...]:
    """A row of figures."""
    return (
        one.name, one.unit, f"{one.log:.4g}", _text(one.log_half), f"{one.model:.4g}", _text(one.half),
        _percent(one.error), _percent(one.replay_error),
    )  # fmt: skip


def paired_row(one: Paired) -> tuple[str, ...]:
    """A row of paired differences."""
    return one.name, str(one.parcels), f"{one.log_s:.4g}", f"{one.difference_s:+.4g}", _text(one.half_s)


def law_rows(fit: Fit) -> list[tuple[str, ...]]:
    """One row per fitted law."""
    line = fit.line
    named: list[tuple[str, LawFit | None]] = [
        ("induct cycle", line.cycle), ("induction to image", line.way), ("image to verdict", line.verdict),
        ("induction to exit", line.exit), ("end of review to exit", line.after_review),
    ]  # fmt: skip
    for name, desk in (("review", line.review), ("bench", line.bench)):
        if desk is not None:
            people = f"{desk.servers} persons, {desk.told}"
            named.append((f"{name} ({people}; {desk.share:.2%} of parcels)", desk.service))
    return [
        (name, law.name, f"{law.mean_us / 1e6:.4g}", f"{law.deviation_us / 1e6:.4g}", str(law.samples),
         f"{law.distance:.3f}")
        for name, law in named
        if law is not None
    ]  # fmt: skip


def _percent(error: float) -> str:
    return "-" if numpy.isnan(error) else f"{error:+.1%}"


def _text(half: float) -> str:
    return "-" if numpy.isnan(half) else f"{half:.3g}"


def _arrivals(log: Log, model: Log) -> Picture:
    picture = Picture(figsize=(13, 4), layout="constrained")
    axes = picture.subplots(1, 3)
    own, made = log.of(log.entry), model.of(Moment.ARRIVED)
    per_minute(axes[0], own)
    axes[0].set_title("log")
    per_minute(axes[1], made)
    axes[1].set_title("model")
    dispersion(axes[2], {"log": own, "model": made})
    return picture


def _waits(log: Log, model: Log, fit: Fit) -> Picture:
    reviewers = fit.line.review.servers if fit.line.review else 0
    officers = fit.line.bench.servers if fit.line.bench else 0
    shown: list[tuple[str, Column, Column]] = []
    if log.has(Moment.ARRIVED) and log.has(Moment.INDUCTED):
        waits = [one.between(Moment.ARRIVED, Moment.INDUCTED) for one in (log, model)]
        shown.append(("wait at the feeder", waits[0], waits[1]))
    for name, servers, desk in (("review", reviewers, review_desk), ("bench", officers, bench_desk)):
        groups = [desk(one, servers) for one in (log, model)]
        if groups[0] is not None and groups[1] is not None:
            shown.append((f"wait for {name}", groups[0].waits, groups[1].waits))
    shown.append(("time from entry to exit", lane_times(log), lane_times(model)))
    picture = Picture(figsize=(13, 4), layout="constrained")
    for axes, (name, own, made) in zip(picture.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _shares(axes, own, BLUE, "log")
        _shares(axes, made, ORANGE, "model")
        axes.set_title(name)
        axes.set_xlabel("s")
        axes.legend()
    return picture


def _shares(axes: Axes, values_us: Column, colour: str, label: str) -> None:
    if len(values_us):
        shares = numpy.linspace(0, 1, POINTS)
        axes.plot(numpy.quantile(values_us / 1e6, shares), shares, color=colour, label=label)


def _laws(log: Log, fit: Fit) -> Picture:
    line = fit.line
    shown: list[tuple[str, Column, LawFit]] = []
    if line.verdict is not None:
        first = Moment.SCANNED if log.has(Moment.SCANNED) else Moment.INDUCTED
        shown.append(("image to verdict", log.between(first, Moment.JUDGED), line.verdict))
    if line.exit is not None:
        shown.append(("induction to exit", exits(log, reviewed=False), line.exit))
    for name, desk, found in (("review", line.review, review_desk(log)), ("bench", line.bench, bench_desk(log))):
        if desk is not None and found is not None:
            shown.append((f"service at the {name}", found.services, desk.service))
    picture = Picture(figsize=(13, 4), layout="constrained")
    for axes, (name, samples, law) in zip(
        picture.subplots(1, max(1, len(shown)), squeeze=False)[0], shown, strict=False
    ):
        _law(axes, samples, law)
        axes.set_title(f"{name}: {law.name}")
        axes.set_xlabel("s")
    return picture


def _law(axes: Axes, samples_us: Column, law: LawFit) -> None:
    seconds = samples_us / 1e6
    top = float(numpy.quantile(seconds, 0.995)) if len(seconds) else 1.0
    low = float(seconds.min()) if len(seconds) else 0.0
    if top <= low:
        low, top = low - 0.5, top + 0.5
    edges = numpy.linspace(low, top, 41)
    axes.hist(seconds, bins=edges.tolist(), density=True, color=BLUE, alpha=0.6)
    made = draw(law.duration, (numpy.arange(20_000) + 0.5) / 20_000) / 1e6
    heights, _ = numpy.histogram(made, bins=edges)
    width = edges[1] - edges[0]
    axes.stairs(heights / (len(made) * width), edges, color=ORANGE, linewidth=2)
