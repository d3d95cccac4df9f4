"""``lane vision train``: from a seed to the proposal network that the lane ships, its card and its figures."""

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.arguments import SEED, WORKERS
from sim.outputs import expect_folders, whole_file, write_text
from vision.propose import CARD_FILE, MODEL_BYTES_MAX, SCHEMA

if TYPE_CHECKING:
    from sim.learning.pictures import Picture

MODEL = Path(__file__).resolve().parents[2] / "config" / "models" / "proposals.onnx"
CHECKS, TESTS = 240, 300
"""Pictures that fix the threshold, and pictures of either pool that are only measured on."""
EXTRA = "pip install 'xray-lane[train]' (PyTorch, onnx) into an environment of its own"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed of pictures, first weights, order.")
@click.option("--pictures", type=click.IntRange(16, 1_000_000), default=3_200, show_default=True)
@click.option("--steps", type=click.IntRange(1, 10_000_000), default=2_500, show_default=True, help="Batches of 8.")
@click.option("--workers", type=WORKERS, default=os.cpu_count() or 1, show_default=True, help="Processes that render.")
@click.option("--threads", type=WORKERS, default=os.cpu_count() or 1, show_default=True, help="Threads that train.")
@click.option("--checks", type=click.IntRange(8, 100_000), default=CHECKS, show_default=True)
@click.option("--tests", type=click.IntRange(8, 100_000), default=TESTS, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=MODEL, show_default=True)
@click.option(
    "--store", type=click.Path(path_type=Path, file_okay=False), help="Folder of interim states; a run goes on there."
)
def train(
    seed: int, pictures: int, steps: int, workers: int, threads: int, checks: int, tests: int, out: Path,
    store: Path | None,
) -> None:  # fmt: skip
    """Train the network that proposes pieces, from nothing but a seed; write OUT and its card beside it.

    Needs the extra `train`. A GPU is used when PyTorch finds one; on two idle cores the default takes about half an
    hour. The network is measured on goods families that no training picture shows.
    """
    expect_folders(out=out)
    try:
        import torch

        from sim.learning import export
        from sim.learning import train as training
    except ImportError as error:
        raise click.ClickException(f"{error}; {EXTRA}") from error
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    shown = training.make_pictures(seed, training.TRAIN_FROM, pictures, workers, _progress)
    course = training.Course(seed=seed, pictures=pictures, steps=steps)
    network = training.train(course, shown, store, _progress)
    spent_s = round(time.perf_counter() - begin)
    model = export.exported(network)
    if len(model) > MODEL_BYTES_MAX:
        raise click.ClickException(f"{out}: expected at most {MODEL_BYTES_MAX} bytes, was {len(model)}")
    check = training.make_pictures(seed, training.CHECK_FROM, checks, workers, _progress)
    test = [
        training.make_pictures(seed, training.TEST_FROM, tests, workers, _progress, held_out=held_out)
        for held_out in (False, True)
    ]
    small = export.in_eight_bits(model, check[: export.CALIBRATION_PICTURES])
    card = _card(model, small, check, test) | {
        "recipe": {
            "command": f"lane vision train --seed {seed} --pictures {pictures} --steps {steps}", "seed": seed,
            "pictures": pictures, "steps": steps, "threads": threads, "torch": torch.__version__, "wall_s": spent_s,
        },
    }  # fmt: skip
    with whole_file(out) as fresh:
        fresh.write_bytes(model)
    write_text(out.with_name(CARD_FILE), _shown(card) + "\n")
    click.echo(_shown(card["figures"]))
    click.echo(f"{out}: written, {len(model)} bytes, card {CARD_FILE} beside it")


def _card(
    model: bytes, small: bytes, check: Sequence["Picture"], test: Sequence[Sequence["Picture"]]
) -> dict[str, Any]:
    """What the network is, when it may be used, and how good it is: in floats, in 8 bits, and regions beside them."""
    from sim.learning import proposing
    from sim.makers.held_out import HELD_OUT_FAMILIES
    from sim.makers.train import TRAIN_FAMILIES
    from vision.propose import Proposer, session_of

    sha256 = hashlib.sha256(model).hexdigest()
    proposer = Proposer(session_of(model, MODEL), sha256, 0.5)
    least_sure = proposing.best_threshold(proposing.heats(proposer, check)[0], check)
    figures: dict[str, Any] = {}
    for name, pictures in zip(("known_families", "held_out_families"), test, strict=True):
        entry: dict[str, Any] = {"connected_regions": proposing.figures(proposing.region_totals(pictures), pictures)}
        for form, data in (("fp32", model), ("int8", small)):
            maps, spent = proposing.heats(Proposer(session_of(data, MODEL), "", least_sure), pictures)
            entry[form] = proposing.figures(proposing.totals(maps, least_sure), pictures)
            cut = proposing.figures(proposing.cut_totals(maps, least_sure, pictures), pictures)
            entry[form] |= {"regions_cut_at_centres": {"exact": cut["exact"], "by_overlap": cut["exact_by_overlap"]}}
            entry[form] |= {"centres": proposing.centre_figures(maps, least_sure, pictures)}
            entry[form] |= {"ms": proposing.percentiles(spent), "bytes": len(data)}
        figures[name] = entry
    return {
        "schema": SCHEMA,
        "sha256": sha256,
        "least_sure": least_sure,
        "input": "planes: arcsinh of C / 0.5 and P / 0.1 (g/cm2), ground taken away, 2.4 x 2.5 mm pixels",
        "output": "logits of a piece's centre, 4.8 x 5.0 mm pixels",
        "families": {
            "known": ["catalogue", *(family.name_en for family in TRAIN_FAMILIES)],
            "held_out": [family.name_en for family in HELD_OUT_FAMILIES],
        },
        "scope": "Pictures of the twin's renderer, one view, one line pitch, 145 to 155 kV. A proposal is no count"
        " and never decides a release; nothing is known of real machines.",
        "figures": figures,
    }


def _shown(plain: dict[str, Any]) -> str:
    """Indented JSON with every list of numbers on one line."""
    text = json.dumps(plain, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+([^\[\]{}\"]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def _progress(what: str, done: int, whole: int) -> None:
    if done % max(1, whole // 20) == 0 or done == whole:
        click.echo(f"{what}: {done} of {whole}", err=True)
