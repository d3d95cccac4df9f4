"""``lane vision evaluate``: the lane's seeing, measured on made parcels whose contents are known."""

import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.arguments import SEED, WORKERS
from sim.families import Pool, pool_goods
from sim.outputs import expect_folders, make_folder, write_figures, write_text
from sim.terminal import counting, followed

if TYPE_CHECKING:
    from sim.learning.evaluate import Plan
    from sim.learning.worst import Shown

MODELS = Path(__file__).resolve().parents[2] / "config" / "models" / "signatures.json"
CASES = click.IntRange(0, 1_000_000)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--parcels", type=click.IntRange(20, 1_000_000), default=2_000, show_default=True, help="Parcels of the mix."
)
@click.option(
    "--seed",
    type=SEED,
    default=9001,
    show_default=True,
    help="Seed of parcels and pictures; no other part of the lane may use it.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here.")
@click.option("--html", "html_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the page here.")
@click.option("--workers", type=WORKERS, help="Processes on this machine; all cores when not given.")
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of finished blocks: an evaluation that was ended goes on there.",
)
@click.option(
    "--mix",
    type=click.Choice(["standard", "lane"]),
    default="standard",
    show_default=True,
    help="standard: classes of pieces and overlap in equal parts; lane: parcels as on the demo lane.",
)
@click.option(
    "--goods",
    type=click.Choice([str(pool) for pool in (Pool.CATALOGUE, Pool.HELD_OUT)]),
    default=str(Pool.CATALOGUE),
    show_default=True,
    help="Goods of the parcels; of the held-out ones reference scans are made first.",
)
@click.option("--ablations", type=CASES, help="Judge so many of the first parcels in every way (default: a tenth).")
@click.option("--ladder", type=CASES, help="Parcels of each kind of worse or other pictures (default: a tenth).")
@click.option("--adversarial", type=CASES, help="Parcels of the adversarial part (default: a tenth).")
@click.option(
    "--signatures", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=MODELS, help="Signature file."
)
@click.option(
    "--bound-ppm", type=click.IntRange(500_000, 1_000_000), help="Decision bound; the lane's own when not given."
)
def evaluate(
    parcels: int, seed: int, json_file: Path | None, html_file: Path | None, workers: int | None, work: Path | None,
    mix: str, goods: str, ablations: int | None, ladder: int | None, adversarial: int | None, signatures: Path,
    bound_ppm: int | None,
) -> None:  # fmt: skip
    """Judge made parcels, half of them with a planted error, and print what was right and what was not.

    Whether an error can be shown at all is decided beforehand, from the true contents. The figures are the same for any
    number of processes; only times differ. Everything is SYNTHETIC.
    """
    from lane.model.config import ContentConfig
    from sim.learning.evaluate import Plan
    from vision.signatures import SignatureError

    expect_folders(json=json_file, html=html_file)
    tenth = parcels // 10
    plan = Plan(
        parcels=parcels,
        seed=seed,
        mix=mix,
        pool=Pool(goods),
        signatures=signatures,
        bound_ppm=ContentConfig().bound_ppm if bound_ppm is None else bound_ppm,
        ablations=tenth if ablations is None else ablations,
        ladder=tenth if ladder is None else ladder,
        adversarial=tenth if adversarial is None else adversarial,
    )
    if mix == "lane" and plan.pool is not Pool.CATALOGUE:
        raise click.ClickException(f"--goods {goods}: the lane's own stream holds goods of the catalogue only")
    with ExitStack() as stack:
        if work is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lane-evaluate-")))
        else:
            folder = work
            make_folder("--work", folder)
        try:
            report, worst = _evaluated(plan, folder, workers or os.cpu_count() or 1, pictures=html_file is not None)
        except SignatureError as error:
            raise click.ClickException(str(error)) from error
    write_figures(json_file, report)
    if html_file is not None:
        from sim.learning.page import page

        write_text(html_file, page(report, worst))
    _show(report)


def _evaluated(
    plan: "Plan", folder: Path, workers: int, *, pictures: bool
) -> tuple[dict[str, Any], "list[Shown]"]:  # fmt: skip
    """(report, worst pictures) of a plan; reference scans of its goods come first."""
    from sim.learning.evaluate import drawn, evaluate
    from sim.learning.signing import signatures_of

    with counting() as progress:
        if plan.pool is not Pool.CATALOGUE:
            told = followed(progress, "goods scanned", len(pool_goods(plan.pool)))
            plan = replace(plan, signatures=signatures_of(plan.pool, plan.signatures, folder, workers, told))
        told = followed(progress, "parcels judged", sum(part.parcels for part in plan.parts()))
        report, outcomes = evaluate(plan, folder, workers, told)
        return report, drawn(plan, outcomes) if pictures else []


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from sim.learning.targets import reached

    table = Table(title=f"SYNTHETIC - {report['parcels']:,} parcels, bound {report['bound_ppm']:,} ppm")
    for heading in ("figure", "floor", "stretch", "measured", ""):
        table.add_column(heading, justify="left" if heading in ("figure", "") else "right")
    for one in reached(report):
        unit = one.target.unit
        table.add_row(
            one.target.title, f"{one.target.floor:g} {unit}", f"{one.target.stretch:g} {unit}", one.shown, one.verdict
        )
    Console().print(table)
