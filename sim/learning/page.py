"""The evaluation as one HTML page that opens without a network: targets, classes, reliability, the worst pictures."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sim.learning.curve import reliability_curve
from sim.learning.targets import reached
from sim.learning.worst import Shown, caption

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
Report = Mapping[str, Any]


def page(report: Report, worst: Sequence[Shown]) -> str:
    """The page of a report, with the pictures chosen for it."""
    title = f"Seeing, evaluated on {report['parcels']:,} parcels"
    body = "\n".join(part for section in _SECTIONS for part in section(report))
    pictures = "\n".join(_figure(one) for one in worst)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n"
        f'<p class="banner">SYNTHETIC: every parcel and picture of this page was made by the renderer</p>\n<main>\n'
        f"<h1>{escape(title)}</h1>\n{body}\n<h2>The worst {len(worst)} pictures</h2>\n"
        f'<p class="note">Worst kind of mistake first, the surest of a kind first. Outlined: bodies as seen, dashed '
        f"where they fit no declared line.</p>\n"
        f'<div class="worst">\n{pictures}\n</div>\n</main>\n</body>\n</html>\n'
    )


def _lead(report: Report) -> Iterator[str]:
    wrong = report["wrong_match"]
    share = report["auto_match_share"]["all"]
    yield (
        f'<p class="lead"><strong>Wrong MATCH: {_rate(wrong)} of all planted errors</strong>, at most '
        f"{_percent(wrong['upper95'], 3)} (95 %); of those that can be shown {_rate(wrong['shown'])}, at most "
        f"{_percent(wrong['shown']['upper95'], 3)}. Correct parcels that pass by themselves: {_rate(share)}.</p>"
    )
    yield (
        f'<p class="note">Seed {report["seed"]}, mix {escape(report["mix"])}, decision bound '
        f"{report['bound_ppm']:,} ppm, signatures {escape(report['signatures'])}, model "
        f"{escape(report['model_sha256'][:16])}. Errors are planted in half of the parcels. An error can be shown when "
        f"it changes the mass, an integral of the whole parcel, or a free object's integral by more than three sigma "
        f"of what varies anyway; that is decided from the true contents before anything is counted.</p>"
    )


def _targets(report: Report) -> Iterator[str]:
    yield "<h2>Targets</h2>"
    rows = []
    for one in reached(report):
        target = one.target
        bounds = (f"{target.floor:g} {target.unit}", f"{target.stretch:g} {target.unit}")
        rows.append(((target.title, *bounds, one.shown, one.verdict), one.verdict.replace(" ", "-")))
    yield _table(("figure", "floor", "stretch", "measured", ""), rows)


def _errors(report: Report) -> Iterator[str]:
    yield "<h2>Planted errors</h2>"
    wrong, detected, named = report["wrong_match"]["by_kind"], report["detected"], report["named_rightly"]["by_kind"]
    rows = []
    for kind, one in wrong.items():
        left_open = f"{detected[kind]['uncertain']:,}"
        cells = (kind, f"{one['n']:,}", _bounded(one), _rate(detected[kind]), left_open, _rate(named[kind]))
        rows.append((cells, ""))
    yield _table(("error", "n", "wrong MATCH", "found", "left open", "of those found, named rightly"), rows)


def _classes(report: Report) -> Iterator[str]:
    yield "<h2>By class</h2>"
    wrong = report["wrong_match"]
    passing = report["auto_match_share"]
    pieces = [name for name in passing if name != "all"]
    yield _table(
        ("pieces declared", "correct parcels that pass", "wrong MATCH"),
        [((name, _rate(passing[name]), _bounded(wrong["by_pieces"].get(name))), "") for name in pieces],
    )
    by_overlap, totals = report["auto_match_share_by_overlap"], report["exact_total"]
    rows = []
    for name in (name for name in totals if name != "all"):
        total = totals[name]
        bounded = _bounded(wrong["by_overlap"].get(name))
        rows.append(((name, _rate(by_overlap.get(name)), bounded, _rate(total), _rate(total["with_list"])), ""))
    yield _table(
        ("overlap", "correct parcels that pass", "wrong MATCH", "exact total, picture alone", "with list"), rows
    )


def _ablations(report: Report) -> Iterator[str]:
    found = report["ablations"]
    if not found:
        return
    yield "<h2>With less</h2>"
    rows = []
    for name, figures in found.items():
        cells = (
            name, _bounded(figures["wrong_match"]), _bounded(figures["wrong_match_shown"]),
            _rate(figures["auto_match_share"]["all"]), _rate(figures["auto_match_share_with_weight_check"]),
        )  # fmt: skip
        rows.append((cells, ""))
    heads = ("judged with", "wrong MATCH", "of errors that can be shown", "correct parcels that pass", "and by weight")
    yield _table(heads, rows)


def _severity(report: Report) -> Iterator[str]:
    ladder = report["pictures"]
    if not ladder:
        return
    yield "<h2>Worse and other pictures</h2>"
    rows = [
        ((name, _bounded(one["wrong_match"]), _bounded(one["wrong_match"]["shown"]),
          _rate(one["auto_match_share"]["all"]), _rate(one["exact_total"]["all"]),
          f"{one['ece'] * 100:.2f} %"), "")
        for name, one in {"severity 1": report, **ladder}.items()
    ]  # fmt: skip
    heads = (
        "",
        "wrong MATCH",
        "of errors that can be shown",
        "correct parcels that pass",
        "exact total",
        "calibration",
    )
    yield _table(heads, rows)


def _adversarial(report: Report) -> Iterator[str]:
    found = report["adversarial"]
    if not found["by_kind"]:
        return
    yield "<h2>Tricks</h2>"
    yield _table(("trick", "wrong MATCH"), [((name, _bounded(one)), "") for name, one in found["by_kind"].items()])
    caught = found["caught_before_counting"]
    rows = [((name, _rate(one), f"{one['matched']:,}"), "") for name, one in caught.items()]
    yield _table(("picture", "caught before counting", "MATCH"), rows)


def _curve(report: Report) -> Iterator[str]:
    found = report["reliability"]
    yield "<h2>Does a stated probability mean what it says?</h2>"
    if not found["bins"]:
        yield "<p>No probability was stated.</p>"
        return
    yield f'<figure class="curve">{reliability_curve(found)}<figcaption>'
    yield (
        f"Errors stand in half of these parcels, but the lane expects them in {_percent(found['prior_deviation'], 0)}: "
        f"each counts {found['weight_of_errors']:.2f} here. Without that the calibration error is "
        f"{_percent(found['ece_as_evaluated'], 2)}.</figcaption></figure>"
    )


def _left_open(report: Report) -> Iterator[str]:
    stopped = report["false_inspect"]
    yield "<h2>Why correct parcels did not pass</h2>"
    rows = [
        ("said to deviate", stopped["discrepant"]),
        ("objects that fit no line", stopped["unexplained_only"]),
        ("not likely enough", stopped["not_likely_enough"]),
        *((f"no opinion: {word}", count) for word, count in stopped["no_opinion"].items()),
    ]
    yield _table(("reason", "parcels"), [((name, f"{count:,}"), "") for name, count in rows])


_SECTIONS = (_lead, _targets, _errors, _classes, _left_open, _curve, _ablations, _severity, _adversarial)


def _figure(shown: Shown) -> str:
    """One picture with its outlines and what was said of it."""
    drawing = shown.drawing
    width, height = drawing["width"], drawing["height"]
    parts = [f'<image href="data:image/png;base64,{shown.image}" width="{width}" height="{height}"/>']
    if drawing["carton"]:
        left, top, right, bottom = drawing["carton"]
        parts.append(f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>')
    for region in drawing["regions"]:
        points = " ".join(f"{x},{y}" for x, y in region["polygon"])
        parts.append(f'<polygon class="{"" if region["explained"] else "alien"}" points="{points}"/>')
        x, y = region["box"][0], region["box"][1]
        parts.append(f'<text x="{x}" y="{y + 18}">{escape(region["label"])}</text>')
    said = [f"line {line['line_no']}: {line['words']}" for line in drawing["lines"]] + list(drawing["words"])
    items = "".join(f"<li>{escape(words)}</li>" for words in said)
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg><figcaption>'
        f"<strong>{escape(shown.wrong)}</strong><br>{escape(caption(shown.outcome))}<br>declared: "
        f"{escape(shown.declared)}<br>true: {escape(shown.true)}<br>{escape(shown.weights)}<ul>{items}</ul>"
        f"</figcaption></figure>"
    )


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _rate(found: Report | None) -> str:
    """A share with its counts."""
    if found is None or found["rate"] is None:
        return "-"
    return f"{_percent(found['rate'], 1 if found['rate'] > 0.01 else 3)} ({found['hits']:,} of {found['n']:,})"


def _bounded(found: Report | None) -> str:
    """A rate of what must not happen, with its upper limit."""
    if found is None or found["rate"] is None:
        return "-"
    return (
        f"{_percent(found['rate'], 2)} ({found['hits']:,} of {found['n']:,}; at most {_percent(found['upper95'], 2)})"
    )


def _table(heads: Sequence[str], rows: Sequence[tuple[Sequence[str], str]]) -> str:
    """Rows are (cells, class); the first cell is the row's heading."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = []
    for cells, kind in rows:
        first, *rest = cells
        inner = f'<th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        lines.append(f'<tr class="{kind}">{inner}</tr>' if kind else f"<tr>{inner}</tr>")
    return f'<div class="table"><table><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
