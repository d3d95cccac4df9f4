"""``lane sim oracles``: compare simulation with theory and say where they part."""

import platform
import time
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from sim.arguments import SEED, RealRange
from sim.oracles.campaign import REPLICATIONS, Outcome, run
from sim.oracles.cases import CASES, FURTHER, REQUIRED
from sim.outputs import expect_folders, write_figures
from sim.terminal import counting


@click.command("oracles")
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of all random streams.")
@click.option(
    "--share", default=1.0, show_default=True, type=RealRange(0.01, 1.0),
    help="Share of the customers of each case: a quick look with wider limits.",
)  # fmt: skip
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def oracles(seed: int, share: float, json_file: Path | None) -> None:
    """Compare simulated queues and lines with their exact values.

    \b
    Each case is simulated 40 times. It holds when the exact value lies inside the 95 % interval and the interval is
    narrower than the case's limit; one case in twenty may be simulated once more with twice the customers.
    """
    expect_folders(json=json_file)
    began = time.perf_counter()
    with counting() as progress:
        task = progress.add_task("simulating", total=len(CASES))
        outcomes, right = run(CASES, seed=seed, share=share, each=lambda _: progress.advance(task))
    wall_s = time.perf_counter() - began
    _show(outcomes, wall_s)
    if json_file is not None:
        conditions = {
            "python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine(), "seed": seed,
            "share": share, "replications": REPLICATIONS, "required": len(REQUIRED), "further": len(FURTHER),
            "wall_s": round(wall_s, 1),
        }  # fmt: skip
        told = {"cases": [outcome.plain() for outcome in outcomes], "right": right, "conditions": conditions}
        write_figures(json_file, told)
    if not right:
        raise click.ClickException("simulation and theory part where the table says so")


def _show(outcomes: list[Outcome], wall_s: float) -> None:
    table = Table(title=f"{REPLICATIONS} replications a case, 95 % intervals, {wall_s:.0f} s")
    for name in ("case", "exact", "simulated", "half-width", "limit", "n", ""):
        table.add_column(name, justify="left" if name == "case" else "right")
    for one in outcomes:
        verdict = "holds" if one.right else "OUTSIDE" if not one.inside else "TOO WIDE"
        table.add_row(
            one.name, f"{one.exact:.6f}", f"{one.mean:.6f}", f"{one.half_width / one.exact:.2%}", f"{one.limit:.2%}",
            f"{one.customers:,}", verdict + (" (second try)" if one.rerun else ""),
        )  # fmt: skip
    Console().print(table)
