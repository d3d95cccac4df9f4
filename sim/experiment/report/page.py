"""One HTML page that holds everything: it opens without a network, prints on A4, and says SYNTHETIC on top."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sim.experiment.meanings import meaning_of
from sim.experiment.report import pictures
from sim.experiment.report.words import Results, answer, escape_bound, number, shown

COLUMNS_MAX = 4
"""Scenarios side by side in one table; further ones stand in the next."""
SHOWN_FIRST = ("throughput_per_hour", "bench_wait_p95_s", "bench_utilisation_percent", "bench_queue_p95")
STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def page(results: Results) -> str:
    """The report of these results."""
    title = results["question"] or "A study of the inspection lane"
    body = "\n".join(part for section in _SECTIONS for part in section(results))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n"
        f'<p class="banner">SYNTHETIC: every parcel of this report was simulated</p>\n<main>\n'
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _answer(results: Results) -> Iterator[str]:
    first, *rest = answer(results)
    yield f'<p class="lead"><strong>{escape(first)}</strong> {escape(" ".join(rest))}</p>'
    if results["warnings"]:
        items = "".join(f"<li>{escape(text)}</li>" for text in results["warnings"])
        yield f'<div class="warning"><strong>Read with care</strong><ul>{items}</ul></div>'


def _staffing(results: Results) -> Iterator[str]:
    staffing = results["staffing"]
    if not staffing:
        return
    yield "<h2>Persons needed</h2>"
    wishes = staffing["rows"][0]["demands"]
    heads = ["scenario", "persons", "per 1,000 parcels/h"]
    for wish in wishes:
        meaning, side = meaning_of(wish["figure"]), "at most" if wish["at_most"] else "at least"
        heads.append(f"{meaning.title}, {meaning.unit} ({side} {wish['bound']:g})")
    rows = []
    for row in staffing["rows"]:
        cells = [row["name"], str(row["persons"]), number(row["per_thousand_per_hour"])]
        cells += [*(_judged(demand) for demand in row["demands"]), row["meets"]]
        rows.append((cells, "good" if row["name"] in staffing["fewest"] else ""))
    yield _table([*heads, "enough?"], rows)
    yield (
        '<p class="note">In brackets the unfavourable end of the 95 % interval, which is held against the demand. '
        "Open: the interval reaches over the bound; more repetitions would decide.</p>"
    )


def _judged(demand: Mapping[str, Any]) -> str:
    digits = meaning_of(demand["figure"]).digits
    return f"{number(demand['mean'], digits)} ({number(demand['worst'], digits)})"


def _glance(results: Results) -> Iterator[str]:
    measured = [
        name for name in SHOWN_FIRST if any(one["figures"][name]["mean"] is not None for one in results["scenarios"])
    ]
    yield "<h2>At a glance</h2>"
    yield _picture(
        pictures.intervals(results, measured),
        "Mean of each scenario with its 95 % interval; pale dots are the repetitions.",
    )


def _figures(results: Results) -> Iterator[str]:
    yield "<h2>Figures</h2>"
    for some in _in_groups(results["scenarios"]):
        rows = []
        for name in results["figures"]:
            meaning = meaning_of(name)
            cells = [_cell(one["figures"][name], name, meaning.digits) for one in some]
            rows.append(([meaning.title, meaning.unit, *cells], ""))
        yield _table(["", "unit", *(f"{one['name']} (n {one['replications']})" for one in some)], rows)


def _cell(figure: Mapping[str, Any], name: str, digits: int) -> str:
    bound = escape_bound(figure, name)
    return shown(figure, digits) + (f" ({bound})" if bound else "")


def _grounds(results: Results) -> Iterator[str]:
    scenarios = results["scenarios"]
    if not scenarios[0]["grounds"]:
        return
    yield "<h2>Why parcels were inspected</h2>"
    yield _picture(
        pictures.grounds(scenarios[0]),
        f"{scenarios[0]['name']}: share of all parcels inspected for each ground (a parcel may have several).",
    )
    yield from _shares(scenarios, "grounds", "ground, % of all parcels")


def _stops(results: Results) -> Iterator[str]:
    scenarios = results["scenarios"]
    if any(one["stopped"] for one in scenarios):
        yield "<h2>Why the lane stood</h2>"
        yield from _shares(scenarios, "stopped", "cause, % of the time")


def _shares(scenarios: Sequence[Mapping[str, Any]], key: str, head: str) -> Iterator[str]:
    """Tables of shares by name, some scenarios side by side; a name that a scenario has not is 0 there."""
    names = sorted({name for one in scenarios for name in one[key]})
    for some in _in_groups(scenarios):
        rows = [([name, *(shown(one[key].get(name, _NEVER), 2) for one in some)], "") for name in names]
        yield _table([head, *(one["name"] for one in some)], rows)


_NEVER = {"mean": 0.0, "half_width": 0.0}


def _comparisons(results: Results) -> Iterator[str]:
    rows = results["comparisons"]
    if not rows:
        return
    yield f"<h2>Compared with {escape(rows[0]['baseline'])}</h2>"
    cells = {(row["figure"], row["name"]): row for row in rows}
    names = list(dict.fromkeys(row["name"] for row in rows))
    for some in _in_groups(names):
        lines = []
        for figure in results["figures"]:
            meaning = meaning_of(figure)
            differences = [_difference(cells[figure, name], meaning.digits) for name in some]
            lines.append(([meaning.title, meaning.unit, *differences], ""))
        yield _table(["difference", "unit", *some], lines)
    warned = [f"{meaning_of(row['figure']).title} of {row['name']}" for row in rows if row["warning"]]
    warning = f" Negative correlation, where the common luck harmed instead: {'; '.join(warned)}." if warned else ""
    yield (
        f'<p class="note">Paired differences of runs with the same luck; * is a difference that these runs prove, at '
        f"{100 * rows[0]['level']:.2f} % each, so that those of one figure hold together at 95 % (Bonferroni). In "
        f"brackets the correlation of the pairs, and how many times as many independent runs an interval as narrow "
        f"would have needed.{escape(warning)}</p>"
    )


def _difference(row: Mapping[str, Any], digits: int) -> str:
    if row["mean"] is None:
        return "–"
    star = " *" if row["clear"] else ""
    luck = f" ({number(row['correlation'], 2)}, ×{number(row['variance_ratio'], 1)})" if row["variance_ratio"] else ""
    return f"{row['mean']:+,.{digits}f} ± {number(row['half_width'], digits)}{star}{luck}"


def _selection(results: Results) -> Iterator[str]:
    chosen = results["selection"]
    if not chosen:
        return
    meaning = meaning_of(chosen["figure"])
    yield "<h2>Which is best</h2>"
    rows = []
    for one in results["scenarios"]:
        name = one["name"]
        left = f"after {chosen['left_at'][name]}" if chosen["left_at"][name] else "stayed"
        cells = [name, shown(one["figures"][chosen["figure"]], meaning.digits), str(chosen["replications"][name]), left]
        rows.append((cells, "good" if name == chosen["best"] else ""))
    yield _table(["scenario", f"{meaning.title}, {meaning.unit}", "repetitions", "out of the race"], rows)
    yield (
        f'<p class="note">Selection of the best by Kim and Nelson (2001): smallest difference that matters '
        f"{chosen['delta']:g} {escape(meaning.unit)}, risk of a wrong choice {100 * chosen['alpha']:g} %.</p>"
    )


def _over_time(results: Results) -> Iterator[str]:
    yield "<h2>Over time</h2>"
    more = len(results["scenarios"]) - pictures.LINES_MAX
    rest = f" The first {pictures.LINES_MAX} scenarios." if more > 0 else ""
    yield _picture(pictures.day(results), f"Above: {results['scenarios'][0]['name']}.{rest}")


def _warm_up(results: Results) -> Iterator[str]:
    found = results["warm_up"]
    if not found:
        return
    yield "<h2>The beginning that was left out</h2>"
    yield _picture(
        pictures.warm_up(found),
        f"{found['scenario']}: mean over {found['pilots']} repetitions, moving window (Welch). The first "
        f"{found['parcels']} parcels of every run are left out ({found['method']}), in all scenarios alike.",
    )


def _how(results: Results) -> Iterator[str]:
    yield "<h2>How this was made</h2>"
    precision, versions = results["precision"], results["versions"]
    number_of = "The number of repetitions was given."
    if results["batches"]:
        number_of = "Intervals are those of 20 batches of one long run, its beginning cut by MSER-5."
    if precision:
        of = ", ".join(meaning_of(name).title.lower() for name in precision["of"])
        number_of = (
            f"Repetitions were added until the interval of {of} was within {100 * precision['wanted']:g} % of its mean "
            f"and stayed so for five more."
        )
    yield (
        "<p>The lane's own controller ran in virtual time with simulated parcels, devices and people. Each repetition "
        "has its own luck, the same in every scenario: parcel 17 brings the same contents everywhere. A 95 % interval "
        f"is the mean over repetitions ± Student's t times its standard error; 95 of 100 such intervals hold the true "
        f"value. {escape(number_of)}</p>"
    )
    facts = [
        ("seed", str(results["seed"])), ("parcels in each run", f"{results['parcels']:,}"),
        ("horizon", "a day, from the first parcel to the last" if results["horizon"] == "day" else "the long run"),
        ("code", versions["code"]),
        ("lane, numpy, simpy", ", ".join(versions[name] for name in ("lane", "numpy", "simpy"))),
    ]  # fmt: skip
    yield _table(["", ""], [(list(fact), "") for fact in facts])
    rows = [
        ([one["name"], _settings(one["set"]), str(one["replications"]), one["config_sha256"][:16]], "")
        for one in results["scenarios"]
    ]
    yield _table(["scenario", "what it sets", "n", "configuration hash"], rows)
    yield (
        '<p class="note">Seeds and journal hashes of every run, and all figures, stand in results.json beside this '
        "page.</p>"
    )


def _settings(keys: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in keys.items()) or "nothing"


_SECTIONS = (
    _answer, _staffing, _selection, _glance, _figures, _comparisons, _over_time, _grounds, _stops, _warm_up, _how,
)  # fmt: skip


def _in_groups(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Groups of at most ``COLUMNS_MAX``, as equal as can be."""
    groups = -(-len(items) // COLUMNS_MAX)
    for group in range(groups):
        yield items[group * len(items) // groups : (group + 1) * len(items) // groups]


def _picture(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(heads: Sequence[str], rows: Sequence[tuple[Sequence[str], str]]) -> str:
    """Rows are (cells, class); the first cell is the row's heading."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    head = f"<thead><tr>{top}</tr></thead>" if any(heads) else ""
    lines = []
    for cells, kind in rows:
        first, *rest = cells
        inner = f'<th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        lines.append(f'<tr class="{kind}">{inner}</tr>' if kind else f"<tr>{inner}</tr>")
    return f'<div class="table"><table>{head}<tbody>{"".join(lines)}</tbody></table></div>'
