"""``lane sim residual``: what is left of the risk of a wrong release, by how the lane is built."""

import difflib
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sim.arguments import MANY, SEED, WORKERS
from sim.outputs import expect_folders, write_figures
from sim.terminal import counting


@click.command("residual")
@click.option(
    "--vary", default="field", show_default=True, type=click.Choice(["field", "second-reader"]),
    help="What the compared lanes differ in: the lane I/O's duties, or a second reader before the gate.",
)  # fmt: skip
@click.option(
    "--field", "place", default="io", show_default=True, type=click.Choice(["level", "second", "plain", "io", "plc"]),
    help="With --vary second-reader: the lane I/O of both.",
)  # fmt: skip
@click.option("--kinds", default="", help='Only these kinds of faults, such as "BODY_SWAPPED IO_SILENT" (empty: all).')
@click.option(
    "--each-permille", default=20, show_default=True, type=click.IntRange(1, 500),
    help="With --kinds: parcels of a thousand that each kind befalls.",
)  # fmt: skip
@click.option(
    "--at-gate", is_flag=True,
    help="With --kinds: one that moves bodies and one of the others befall a parcel together, the second at the gate.",
)  # fmt: skip
@click.option(
    "--nobody-looks", is_flag=True,
    help="After a stop nobody brings what lies behind the gate to the bench, whatever the alarm asks.",
)  # fmt: skip
@click.option("--parcels", default=6_000, show_default=True, type=MANY, help="Parcels on each build.")
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of all cases.")
@click.option("--workers", default=2, show_default=True, type=WORKERS, help="Processes.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures here, with rules and known reasons.",
)
def residual(
    vary: str, place: str, kinds: str, each_permille: int, at_gate: bool, nobody_looks: bool, parcels: int, seed: int,
    workers: int, json_file: Path | None,
) -> None:  # fmt: skip
    """Compare builds of a lane under the full fault model of `lane sim search`.

    Every build meets the same layouts, streams and faults. Counted are bodies that left by the release exit against a
    rule, and beside them those that passed the blade and that an officer took from behind it ("taken back"); "at most"
    is the upper end that 95 of 100 such counts would respect (Clopper and Pearson). A run without any in n parcels
    proves a rate below 3/n, not zero. Faults are far more frequent here than on any real lane: rates compare builds,
    they predict none. What the codes of rules, duties and faults mean: sim/RULES.md.
    """
    from sim.coretwin.fault_rates import KINDS, MILLION, FaultRates
    from sim.explore.setup import Field, Setup
    from sim.residual.compare import Rates, Vary, builds_of, compare
    from sim.residual.directed import AtGate

    expect_folders(json=json_file)
    known = {str(kind): kind for kind in KINDS}
    for word in kinds.split():
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            advice = f", did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
            raise click.ClickException(f"--kinds: {word} is no kind of fault{advice}")
    chosen = tuple(known[word] for word in kinds.split())
    ppm = each_permille * MILLION // 1_000
    rates: Rates = None
    if at_gate:
        rates = AtGate(kinds=chosen, ppm=ppm)
        try:
            rates.plan(0, Setup(), 0)
        except ValueError as error:
            raise click.ClickException(f"--at-gate: {error}") from error
    elif chosen:
        rates = FaultRates(kinds=chosen, ppm=ppm)
    builds = builds_of(Vary(vary), Field(place))
    with counting() as progress:
        bar = progress.add_task("parcels on each build", total=parcels)
        found = compare(
            builds, seed, parcels, rates=rates, looks=not nobody_looks, workers=workers,
            progress=lambda done: progress.update(bar, completed=done),
        )  # fmt: skip
    write_figures(json_file, found)
    _show(Console(), found)


def _show(console: Console, found: dict[str, Any]) -> None:
    table = Table(title="SYNTHETIC - releases against a rule, faults on", title_justify="left", padding=(0, 0, 0, 1))
    for name, justify in (
        ("build", "left"), ("parcels", "right"), ("faults", "right"), ("wrong", "right"), ("per 10^6", "right"),
        ("at most", "right"), ("taken back", "right"), ("released %", "right"), ("stops/1,000", "right"),
    ):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name, one in found["builds"].items():
        table.add_row(
            name, f"{one['parcels']:,}", f"{one['faults']:,}", str(one["rule_violating_releases"]),
            f"{one['per_million']:,.0f}", f"{one['per_million_at_most']:,.0f}",
            str(one["taken_back"]), f"{one['released_percent']:.1f}",
            f"{one['stops_per_thousand']:.0f}",
        )  # fmt: skip
    console.print(table)
