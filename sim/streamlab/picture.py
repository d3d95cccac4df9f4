"""Pictures of streams and fits: matplotlib figures, saved alone or inside one self-contained HTML page."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.outputs import whole_file, write_text
from sim.streamlab.dispersion import Times, curve
from sim.streamlab.profile import StreamProfile

BLUE, ORANGE, GREY = "#1f5fa8", "#d9720f", "#6b6b6b"
SUFFIXES = (".html", ".png", ".svg")
DPI = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One figure of a page with its heading and a sentence on how to read it."""

    heading: str
    note: str
    figure: Figure


def save(path: Path, title: str, panels: Sequence[Panel], tables: Sequence[str] = ()) -> None:
    """Write an HTML page with all panels and tables, or the first panel alone as PNG or SVG.

    Raises ValueError for another suffix.
    """
    if path.suffix.lower() == ".html":
        write_text(path, page(title, panels, tables))
    elif path.suffix.lower() in SUFFIXES:
        with whole_file(path) as fresh:
            panels[0].figure.savefig(fresh, dpi=DPI)
    else:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")


def page(title: str, panels: Sequence[Panel], tables: Sequence[str] = ()) -> str:
    """A self-contained page: figures are inside, nothing is loaded."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>{html.escape(title)}</title>",
        "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#222}"
        "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.25rem .6rem;"
        "text-align:right}td:first-child,th:first-child{text-align:left}img{max-width:100%}"
        ".banner{background:#fff3d6;padding:.4rem .8rem;border-left:4px solid #d9720f}</style></head><body>",
        "<p class='banner'>SYNTHETIC: a simulation model and its fit, not a record of customs work.</p>",
        f"<h1>{html.escape(title)}</h1>",
        *tables,
    ]
    for panel in panels:
        parts.append(f"<h2>{html.escape(panel.heading)}</h2><p>{html.escape(panel.note)}</p>")
        parts.append(f"<img alt='{html.escape(panel.heading)}' src='data:image/png;base64,{_png(panel.figure)}'>")
    return "\n".join(parts) + "</body></html>\n"


def table(heading: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An HTML table."""
    head = "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{html.escape(heading)}</h2><table><tr>{head}</tr>{body}</table>"


def stream_figure(profile: StreamProfile, title: str) -> Figure:
    """Four views of a stream: arrivals per minute, dispersion curve, lengths, weights."""
    figure = Figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    figure.suptitle(f"{title} (SYNTHETIC)")
    per_minute(axes[0][0], profile.times)
    dispersion(axes[0][1], {"stream": profile.times})
    _histogram(axes[1][0], profile.lengths_mm, "length along the belt, mm")
    _histogram(axes[1][1], profile.weights_g / 1_000, "weight, kg", logarithmic=True)
    return figure


def per_minute(axes: Axes, times: Times) -> None:
    """Arrivals per minute along the stream; long streams in wider bins, told as a rate per minute."""
    span_min = max(1.0, float(times[-1] - times[0]) / 60e6)
    bins = int(min(600, max(10, span_min)))
    counts, edges = numpy.histogram((times - times[0]) / 60e6, bins=bins)
    axes.stairs(counts / (span_min / bins), edges, color=BLUE, fill=True, alpha=0.7)
    axes.set_xlabel("minutes from the first parcel")
    axes.set_ylabel("parcels per minute")


def dispersion(axes: Axes, streams: dict[str, Times]) -> None:
    """Index of dispersion of counts against the window, one line per stream; 1 is Poisson."""
    some = False
    for (name, times), colour in zip(streams.items(), (BLUE, ORANGE, GREY), strict=False):
        points = [(window_s, value) for window_s, value in curve(times) if value > 0]
        some = some or bool(points)
        axes.plot([w for w, _ in points], [v for _, v in points], marker=".", label=name, color=colour)
    axes.axhline(1.0, color=GREY, linestyle=":", linewidth=1)
    if some:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.text(0.5, 0.5, "too few parcels, or none that vary", transform=axes.transAxes, ha="center")
    axes.set_xlabel("window, s")
    axes.set_ylabel("variance / mean of counts")
    if len(streams) > 1:
        axes.legend()


def _histogram(
    axes: Axes, values: "numpy.typing.NDArray[numpy.float64]", label: str, *, logarithmic: bool = False
) -> None:
    positive = values[values > 0]
    if logarithmic and len(positive):
        axes.hist(
            positive,
            bins=list(numpy.geomspace(positive.min(), max(positive.max(), positive.min() * 1.01), 40)),
            color=BLUE,
        )
        axes.set_xscale("log")
    elif len(values):
        axes.hist(values, bins=40, color=BLUE)
    axes.set_xlabel(label)
    axes.set_ylabel("parcels")


def _png(figure: Figure) -> str:
    out = io.BytesIO()
    figure.savefig(out, dpi=DPI, format="png")
    return base64.b64encode(out.getvalue()).decode()
