"""``lane sim search`` and ``lane sim story``: look for the one wrong release, and tell how it came about."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sim.arguments import MANY, SEED, SEED_MAX, WORKERS, RealRange
from sim.explore.case import MIX, PARCELS, Case, CaseError, Mode, draw_case, load_case, to_text
from sim.explore.figures import figures_of
from sim.explore.search import FIELDS, Finding, Plan, case_of, search
from sim.explore.setup import LACKS, Field
from sim.explore.shrink import SECONDS_MAX, Shrinker
from sim.explore.story import story
from sim.faults import FaultKind
from sim.outputs import expect_folders, make_folder, write_figures, write_text
from sim.terminal import counting, followed, text_of

STORIES_MAX = 3
"""Unexplained findings that are shrunk and told at the end of a search; the others by `lane sim story`."""
MODES = {"mixed": MIX, "both": (Mode.SWARM, Mode.ALL_ON)}


@click.command("search")
@click.option("--parcels", default=20_000, show_default=True, type=MANY, help="How many parcels in all.")
@click.option("--seed", default=1, show_default=True, type=SEED, help="Everything is drawn from it.")
@click.option(
    "--mode", default="mixed", show_default=True, type=click.Choice([*MODES, *[str(mode) for mode in Mode]]),
    help="few: 1 to 8 kinds of faults at once; swarm: each kind with probability 1/2; all-on: every kind at 1 %; "
    "corner: a handful, thick, on a lane at the edge of what it may be; clean: none; both: swarm and all-on; "
    "mixed: all of these but corner.",
)  # fmt: skip
@click.option("--swarm", "mode", flag_value="swarm", help="Short for --mode swarm.")
@click.option("--all-on", "mode", flag_value="all-on", help="Short for --mode all-on.")
@click.option(
    "--field", "fields", multiple=True, type=click.Choice([str(one) for one in Field]),
    help="What stands beside the controller: remote I/O with levels (level) or pulses (plain), our lane I/O (io), a "
    "lane PLC (plc). Default: plc, io and plain in turn.",
)  # fmt: skip
@click.option(
    "--without", multiple=True, type=click.Choice([str(kind) for kind in FaultKind]), metavar="KIND",
    help="Leave a kind of fault out, to see what the others do; the figures say so.",
)  # fmt: skip
@click.option("--workers", default=2, show_default=True, type=WORKERS, help="Processes.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
@click.option(
    "--cases", "cases_dir", type=click.Path(file_okay=False, path_type=Path),
    help="Write each unexplained finding, shrunk, as a case file into this folder.",
)  # fmt: skip
def search_command(
    parcels: int, seed: int, mode: str, fields: tuple[str, ...], without: tuple[str, ...], workers: int,
    json_file: Path | None, cases_dir: Path | None,
) -> None:  # fmt: skip
    """Search PARCELS parcels with faults for a release that breaks a rule. SYNTHETIC.

    Each case is a lane of its own (layout, speed, goods, staff, delays) with a plan of faults drawn before it runs, a
    watch that checks rules after every input, and a calm end in which the lane must work again. The same seed gives
    the same figures on any number of workers. Ends with code 1 when something is found that no known residual risk
    explains; such findings are made small and told. What the codes mean (I, R, L, H, F, T): sim/RULES.md.

    \b
      lane sim search --parcels 20000 --seed 1
      lane sim search --parcels 2000000 --json search.json
      lane sim story SEED --mode few --field plc     (printed with every finding)
    """
    expect_folders(json=json_file)
    if cases_dir is not None:
        make_folder("--cases", cases_dir)
    modes = MODES.get(mode) or (Mode(mode),)
    plan = Plan(
        seed=seed, parcels=parcels, modes=modes, fields=tuple(Field(one) for one in fields) or FIELDS,
        without=tuple(FaultKind(one) for one in without),
    )  # fmt: skip
    with counting() as progress:
        told = followed(progress, "searching", plan.cases * plan.size)
        result = search(seed, parcels, plan=plan, workers=workers, progress=told)
    figures = figures_of(plan, result, workers)
    write_figures(json_file, figures)
    _show(Console(), figures)
    _lacking(plan.fields)
    unexplained = result.unexplained
    for finding in unexplained[:STORIES_MAX]:
        _tell(plan, finding, cases_dir)
    if unexplained:
        raise click.ClickException(f"{len(unexplained)} findings that no known residual risk explains; see above")


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table(title="SYNTHETIC - fault search", show_header=False)
    violations, efficiency = figures["violations"], figures["efficiency"]
    for name in ("parcels", "parcels_per_s", "wall_s", "cases"):
        table.add_row(name, str(figures[name]))
    for name, value in violations.items():
        table.add_row(f"violations.{name}", text_of(value))
    rare = {name: count for name, count in figures["faults_injected"].items() if count < 100}
    table.add_row("faults injected", str(sum(figures["faults_injected"].values())))
    table.add_row("catalogue ids below 100 times", text_of(rare))
    missed = [goal for goal, count in figures["sometimes"].items() if not count]
    table.add_row("sometimes goals not reached", ", ".join(missed) or "-")
    doubts = efficiency["tracking_identity_device"]
    table.add_row("sound parcels opened for tracking, identity, device", f"{doubts['percent']} % of {doubts['of']}")
    table.add_row("stops per 1,000 parcels", text_of(efficiency["stops_per_1000_by_mode"]))
    console.print(table)
    for row in figures["residual"]:
        low, high = row["interval_95"]
        console.print(
            f"residual, {row['field']}: {row['risk']}: {row['releases']} releases in {row['parcels']} faulted parcels, "
            f"{row['per_million_faulted_parcels']} per million [{low}, {high}]; "
            f"{row['taken_back']} more taken from behind the gate",
            highlight=False,
            soft_wrap=True,
        )


def _lacking(fields: Collection[Field]) -> None:
    """Say of fields that lack something by design that they do."""
    for field in LACKS:
        if field in fields:
            click.echo(f"field {field}: {LACKS[field]}")


def _tell(plan: Plan, finding: Finding, cases_dir: Path | None) -> None:
    """Shrink a finding and tell its story."""
    click.echo(f"\nfinding {finding.number} of seed {plan.seed}: {', '.join(finding.rules)}")
    click.echo(f"again: lane sim story {finding.seed} --mode {finding.mode} --field {finding.field}")
    shrunk = Shrinker(case_of(plan, finding.number)).run()
    if shrunk is None:
        click.echo("it does not happen again: the run depends on something outside its seed")
        return
    click.echo("\n".join(story(shrunk.case)))
    if cases_dir is not None:
        path = cases_dir / f"{shrunk.rule.lower()}-{finding.seed}.json"
        write_text(path, to_text(shrunk.case))
        click.echo(f"written to {path}; replay: lane sim story {path}")


@click.command("story")
@click.argument("case")
@click.option("--mode", default="few", show_default=True, type=click.Choice([str(mode) for mode in Mode]),
              help="Mode of a bare case seed.")  # fmt: skip
@click.option("--field", default="plc", show_default=True, type=click.Choice([str(one) for one in Field]),
              help="Field of a bare case seed.")  # fmt: skip
@click.option("--rule", multiple=True, help="Shrink for this rule (default: the first that breaks).")
@click.option("--seconds", default=SECONDS_MAX, show_default=True, type=RealRange(1), help="Time for shrinking.")
@click.option("--whole", is_flag=True, help="Tell the case as it is, without making it small.")
@click.option("--write", "write", type=click.Path(dir_okay=False, path_type=Path), help="Write the small case here.")
def story_command(
    case: str, mode: str, field: str, rule: tuple[str, ...], seconds: float, whole: bool, write: Path | None
) -> None:
    """Run CASE, make it small, and tell it in at most twenty lines.

    CASE is a case file, SEED:NUMBER of a search (a mixed one on all fields), or the bare seed of one case. What the
    codes of rules and faults mean: sim/RULES.md.
    """
    expect_folders(write=write)
    try:
        chosen = _chosen(case, Mode(mode), Field(field))
    except CaseError as error:
        raise click.ClickException(str(error)) from error
    if not whole:
        shrunk = Shrinker(chosen, rule or chosen.expects, seconds_max=seconds).run()
        if shrunk is None:
            which = f"{' or '.join(rule)} does not break" if rule else "no rule breaks"
            click.echo(f"{which} in this case; it is told as it is")
        else:
            chosen = shrunk.case
            click.echo(f"{shrunk.runs} runs, {shrunk.seconds:.1f} s: {len(chosen.faults)} faults, "
                       f"{len(chosen.kept) or chosen.parcels} parcels")  # fmt: skip
    _lacking({chosen.setup.field})
    click.echo("\n".join(story(chosen)))
    if write is not None:
        write_text(write, to_text(chosen))
        click.echo(f"written to {write}")


def _chosen(case: str, mode: Mode, field: Field) -> Case:
    """The case of a file, of a place in a search, or of a bare seed. Raises CaseError."""
    numbers = case.split(":")
    if len(numbers) <= 2 and all(number.isdecimal() and len(number) <= len(str(SEED_MAX)) for number in numbers):
        seed, *place = map(int, numbers)
        if max(seed, *place, 0) > SEED_MAX:
            raise CaseError(f"{case}: expected numbers up to {SEED_MAX}")
        return case_of(Plan(seed=seed, parcels=PARCELS), place[0]) if place else draw_case(seed, mode, field)
    if not os.path.exists(case):
        raise CaseError(f"{case[:200]}: expected a case file, SEED:NUMBER or a seed (no such file)")
    return load_case(Path(case))
