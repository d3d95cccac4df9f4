"""``lane learn``: what the lane knows of goods before the first shift, from reference scans and an opened sample.

Neither command looks into the catalogue for what vision should find out: signatures come from rendered scans of single
pieces and their weighings, the lane's knowledge from parcels whose contents were opened, the bound from further ones.
Every command takes seeds of its own; none of them may be the seed of a demonstration.
"""

import json
from pathlib import Path

import click

from sim.arguments import SEED, RealRange
from sim.learning.bound import choose_bound, evaluate, hard_cases
from sim.learning.references import learn_signatures, observe
from sim.outputs import whole_file, write_text
from sim.xray.realism import SEVERITY
from vision.basis import load_basis
from vision.drift import drift as find_drift
from vision.signatures import BASIS_FILE, load_signatures

DEFAULT_SIGNATURES = Path(__file__).resolve().parents[1] / "config" / "models" / "signatures.json"

HARD_PARCELS = 300
"""Parcels on which the hard cases are measured (they do not move the bound)."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def learn() -> None:
    """Learn reference signatures, fix the decision bound, measure both on held-out parcels."""


@learn.command()
@click.option("--seed", type=SEED, default=4001, show_default=True, help="Seed of the reference scans.")
@click.option("--scans", type=click.IntRange(8, 500), default=48, show_default=True, help="Scans per goods.")
@click.option("--opened", type=click.IntRange(50, 5_000), default=300, show_default=True, help="Opened parcels.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_SIGNATURES, show_default=True)
def signatures(seed: int, scans: int, opened: int, out: Path) -> None:
    """Scan and weigh single pieces of every goods, then open a sample of parcels; write the signature file."""
    learned = learn_signatures(seed, scans, opened, progress=_progress)
    with whole_file(out) as fresh:
        fresh.write_bytes(learned)
    click.echo(f"{out}: written")


@learn.command()
@click.option("--seed", type=SEED, default=5001, show_default=True, help="Seed of the parcels the bound is fixed on.")
@click.option("--parcels", type=click.IntRange(100, 100_000), default=1_500, show_default=True)
@click.option(
    "--check-seed", type=SEED, default=6001, show_default=True, help="Held-out seed the bound is measured on."
)
@click.option("--check-parcels", type=click.IntRange(100, 100_000), default=1_000, show_default=True)
@click.option("--signatures", "path", type=click.Path(path_type=Path, exists=True), default=DEFAULT_SIGNATURES)
@click.option(
    "--missed-max",
    type=RealRange(0, 1),
    default=0.01,
    show_default=True,
    help="Share of planted errors that may pass, with room below the ceiling of 3 %.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Default: bound.json beside the signatures.",
)
def bound(
    seed: int, parcels: int, check_seed: int, check_parcels: int, path: Path, missed_max: float, out: Path | None
) -> None:  # fmt: skip
    """Fix the probability from which a parcel counts as MATCH: as low as the miss ceiling allows."""
    chosen = choose_bound(evaluate(path, seed, parcels, progress=_progress), missed_max)
    check = evaluate(path, check_seed, check_parcels, progress=_progress)
    hard = hard_cases(path, check_seed + 1, HARD_PARCELS, progress=_progress)
    report = {
        "schema": "lane-bound/1",
        "bound_ppm": chosen.bound_ppm,
        "fixed_on": {"seed": seed, **chosen.figures},
        "held_out": {"seed": check_seed, **check.figures(chosen.bound_ppm)},
        "hard_cases": hard,
    }
    target = out or path.parent / "bound.json"
    write_text(target, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    click.echo(f"{target}: written")


@learn.command()
@click.option("--seed", type=SEED, default=4501, show_default=True, help="Seed of the sampled pieces.")
@click.option("--pieces", type=click.IntRange(8, 500), default=12, show_default=True, help="Pieces of each goods.")
@click.option("--severity", type=click.IntRange(1, 5), default=1, show_default=True, help="Pictures of this severity.")
@click.option("--signatures", "path", type=click.Path(path_type=Path, exists=True), default=DEFAULT_SIGNATURES)
def drift(seed: int, pieces: int, severity: int, path: Path) -> None:
    """Sample pieces of every goods and tell which no longer look or weigh as their signature says; exit 1 then.

    Nothing is learned anew by it: that is `lane learn signatures`.
    """
    basis, known, moved = load_basis(path.parent / BASIS_FILE), load_signatures(path), 0
    for number, (sku, signature) in enumerate(sorted(known.goods.items()), start=1):
        found = find_drift(signature, observe(sku, seed + 1_000 * number, pieces, basis, SEVERITY[severity]))
        moved += bool(found)
        words = ", ".join(f"{one.quantity} {one.shift:+.3f} ({one.sigmas:.0f} sigma)" for one in found)
        click.echo(f"{sku}: {words or 'as its signature says'}")
        _progress("goods sampled", number, len(known.goods))
    if moved:
        raise click.ClickException(f"{moved} of {len(known.goods)} goods drifted: learn them anew from opened pieces")


def _progress(what: str, done: int, whole: int) -> None:
    if done % max(1, whole // 20) == 0 or done == whole:
        click.echo(f"{what}: {done} of {whole}", err=True)
