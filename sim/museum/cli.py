"""``lane sim museum``: does the fault search find each deliberate bug?"""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sim.arguments import MANY, SEED
from sim.outputs import expect_folders, write_figures
from sim.terminal import counting

FOUND_PERMILLE_MIN = 900
"""Share of the bugs that the search must find within its parcels."""


@click.command()
@click.option("--bug", "names", multiple=True, help="Only this exhibit (again for more). Default: all.")
@click.option(
    "--parcels", default=100_000, show_default=True, type=click.IntRange(300, MANY.max), help="Budget of one hunt."
)
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of the searches.")
@click.option("--starts", default=1, show_default=True, type=click.IntRange(1, 20), help="Seeds, from --seed on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--mode", "modes", multiple=True, type=click.Choice(["mixed", "swarm", "all-on"]), default=("mixed",),
    show_default=True, help="Kind of search (again for more).",
)  # fmt: skip
@click.option("--list", "show_list", is_flag=True, help="Show the exhibits and hunt nothing.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures here, and each hunt at once beside it (FILE with .hunts.jsonl): begun again, the command "
    "goes on where it was.",
)  # fmt: skip
def museum(
    names: tuple[str, ...], parcels: int, seed: int, starts: int, workers: int, modes: tuple[str, ...],
    show_list: bool, json_file: Path | None,
) -> None:  # fmt: skip
    """Put one deliberate bug after the other into the controller, and let the fault search look for it.

    Bugs live in worker processes only; production files are never touched. For each bug: how many parcels until a
    rule of the search named it, which rule, in which kind of search. Exit code 1 when fewer than nine in ten are found.
    What the codes of the rules mean: sim/RULES.md.
    """
    from difflib import get_close_matches

    from sim.museum.exhibits import BUGS
    from sim.museum.tour import timed_tour

    for name in names:
        if name not in BUGS:
            close = get_close_matches(name, BUGS, 1)
            hint = f", did you mean {close[0]!r}?" if close else "; --list shows them"
            raise click.ClickException(f"--bug {name!r}: there is no such exhibit{hint}")
    expect_folders(json=json_file)
    console = Console()
    chosen = list(names or BUGS)
    if show_list:
        for name in chosen:
            bug = BUGS[name]
            note = f" (no run can show it: {bug.equivalent})" if bug.equivalent else ""
            note += f" (hunted without {bug.masked_by})" if bug.without else ""
            console.print(f"{name:34} {bug.wrong}{note}", highlight=False, soft_wrap=True)
        return
    kept = json_file.with_suffix(".hunts.jsonl") if json_file is not None else None
    hunts = sum(not BUGS[name].equivalent for name in chosen) * len(modes) * starts
    with counting(remaining=False) as progress:
        task = progress.add_task("hunting", total=hunts)
        found = timed_tour(
            chosen, modes, range(seed, seed + starts), parcels, workers=workers,
            progress=lambda one: progress.advance(task), kept=kept,
        )  # fmt: skip
    write_figures(json_file, found)
    _show(console, found, modes)
    if found["found_permille"] < FOUND_PERMILLE_MIN:
        raise click.ClickException(f"found {found['found']} of {found['bugs']} bugs within {parcels} parcels each")


def _show(console: Console, found: dict[str, Any], modes: tuple[str, ...]) -> None:
    table = Table(title="SYNTHETIC - bug museum")
    table.add_column("bug")
    for mode in modes:
        table.add_column(f"parcels, {mode}", justify="right")
    table.add_column("named by")
    for name, row in sorted(found["exhibits"].items(), key=lambda item: (not item[1]["found"], item[1]["parcels"])):
        cells = [f"{own['parcels']:,}" if own["found"] else "-" for own in row["modes"].values()]
        rules = dict.fromkeys(own["by"] for own in row["modes"].values() if own["by"])
        table.add_row(name, *cells, ", ".join(rules) or ("never awake" if not row["changed"] else "not found"))
    console.print(table)
    for name, reason in found["equivalent"].items():
        console.print(f"not hunted: {name}: {reason}", highlight=False, soft_wrap=True)
    console.print(
        f"{found['found']} of {found['bugs']} found within {found['parcels']:,} parcels each "
        f"({found['found_permille'] / 10} %), median {found['median_parcels']:,} parcels, {found['wall_s']} s"
    )
