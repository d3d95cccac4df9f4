"""The evaluation protocol: parts, blocks of cases over processes, finished blocks on disk, figures in the end.

Every case is a pure function of (mix, seed, number), so the figures are the same for any number of processes and after
any interruption; only times differ.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import DecodeError, ValidationError
from msgspec.json import decode, encode

from lane.model.config import ContentConfig
from sim.families import Pool
from sim.learning.cases import PICTURES, STANDARD_PICTURES, Case, Part, lane_case, standard_case, trick_case
from sim.learning.figures import adversarial_figures, figures_of, named_cases, times_of, variant_figures
from sim.learning.judging import Judge, Outcome
from sim.learning.worst import Shown, draw, worst_of
from sim.outputs import whole_file
from sim.processes import processes
from sim.xray.render import TABLE
from vision.basis import load_basis
from vision.pipeline import Pipeline
from vision.propose import MODEL_FILE, load_proposer
from vision.signatures import load_signatures, model_sha256

SCHEMA = "lane-vision-evaluation/1"
BLOCK_CASES = 20
ROOT = Path(__file__).resolve().parents[2]
DECIDING = ("sim/goods.py", "sim/families.py", "sim/intervals.py", "lane/comparison.py", "lane/model/config.py")
DECIDING_FOLDERS = ("sim/learning", "sim/makers", "sim/streams", "sim/xray", "vision")
"""Sources a case and its outcome depend on."""
MIXES: dict[str, Callable[[Part, int], Case]] = {"standard": standard_case, "lane": lane_case, "tricks": trick_case}

PROPOSALS = TABLE.with_name(MODEL_FILE)
"""The network that proposes pieces, where one has been trained."""

Told = Callable[[int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to evaluate. ``ladder``: cases of each further kind of pictures; ``adversarial``: cases of tricks;
    ``ablations``: on so many of the first cases of the standard part every way of judging is tried."""

    parcels: int
    seed: int
    mix: str
    pool: Pool
    signatures: Path
    bound_ppm: int
    ladder: int = 0
    adversarial: int = 0
    ablations: int = 0

    def parts(self) -> list[Part]:
        """The standard part; then the ladder over its first cases, worse pictures of the same goods; then tricks."""
        ablated = min(self.ablations, self.parcels)
        standard = Part(
            name="standard", mix=self.mix, seed=self.seed, parcels=self.parcels, pool=self.pool, ablated=ablated
        )
        if self.mix == "lane":
            return [standard]
        rungs = [
            replace(standard, name=name, parcels=self.ladder, pictures=name, ablated=0)
            for name in PICTURES
            if name != standard.pictures
        ]
        tricks = replace(standard, name="adversarial", mix="tricks", parcels=self.adversarial, ablated=0, spoiled=True)
        return [standard, *rungs, tricks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Cases ``first`` to ``last`` (not in it) of a part."""

    part: Part
    first: int
    last: int


def evaluate(plan: Plan, work: Path, workers: int, told: Told) -> tuple[dict[str, Any], list[Outcome]]:
    """(figures, all outcomes in order). ``work``: folder of finished blocks, taken up again; ``told`` hears how many
    cases are done."""
    basis = code_sha256(plan.signatures)
    blocks = [block for part in plan.parts() for block in blocks_of(part)]
    done = _run(plan, blocks, [work / f"{_key(plan, basis, block)}.json" for block in blocks], workers, told)
    outcomes = [outcome for block in done for outcome in block]
    return report(plan, outcomes), outcomes


def report(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All figures; ``ms`` alone differs from run to run."""
    by_part = {part.name: [one for one in outcomes if one.part == part.name] for part in plan.parts()}
    standard = by_part["standard"]
    return {
        "schema": SCHEMA,
        "origin": "SYNTHETIC",
        "seed": plan.seed,
        "mix": plan.mix,
        "goods": str(plan.pool),
        "bound_ppm": plan.bound_ppm,
        "model_sha256": model_sha256(plan.signatures),
        "signatures": load_signatures(plan.signatures).version,
        **figures_of(standard),
        "wrong_matches": named_cases(outcomes),
        "ablations": variant_figures(standard[: plan.ablations]),
        "pictures": {
            part.name: figures_of(by_part[part.name])
            for part in plan.parts()
            if part.pictures != STANDARD_PICTURES and part.parcels
        },
        "adversarial": adversarial_figures(by_part.get("adversarial", [])),
        "ms": times_of(standard),
    }


def drawn(plan: Plan, outcomes: Sequence[Outcome]) -> list[Shown]:
    """The worst pictures, made and judged once more."""
    parts = {part.name: part for part in plan.parts()}
    pipeline = _pipeline(str(plan.signatures))
    return [
        draw(wrong, one, MIXES[parts[one.part].mix](parts[one.part], one.number), pipeline)
        for wrong, one in worst_of(outcomes)
    ]


def blocks_of(part: Part) -> Iterator[Block]:
    """A part in blocks; the last may be shorter."""
    for first in range(0, part.parcels, BLOCK_CASES):
        yield Block(part=part, first=first, last=min(first + BLOCK_CASES, part.parcels))


def code_sha256(signatures: Path) -> str:
    """Hash of everything a block depends on but its plan: sources, tables, signatures."""
    files = [ROOT / name for name in DECIDING]
    files += [path for folder in DECIDING_FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    whole = hashlib.sha256()
    for path in (*files, TABLE, signatures, PROPOSALS):
        if path.exists():
            part = path.read_bytes()
            whole.update(f"{path.name} {len(part)}\n".encode())
            whole.update(part)
    return whole.hexdigest()


def _key(plan: Plan, basis: str, block: Block) -> str:
    """Name of a block. A longer evaluation with the same seed takes up the blocks of a shorter one, where its cases are
    the same: those of the lane's stream depend on its length."""
    part = asdict(block.part) | {"ablated": _ablated(block)}
    if block.part.mix != "lane":
        del part["parcels"]
    text = json.dumps([basis, plan.bound_ppm, part, block.first, block.last], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _ablated(block: Block) -> int:
    return max(0, min(block.last, block.part.ablated) - block.first)


def _run(plan: Plan, blocks: Sequence[Block], files: Sequence[Path], workers: int, told: Told) -> list[list[Outcome]]:
    found: dict[int, list[Outcome]] = {}
    for place, file in enumerate(files):
        kept = _kept(file)
        if kept is not None and len(kept) == blocks[place].last - blocks[place].first:
            found[place] = kept
    open_places = [place for place in range(len(blocks)) if place not in found]
    told(sum(len(block) for block in found.values()))
    if not open_places:
        return [found[place] for place in range(len(blocks))]
    with processes(workers) as pool:
        waiting: dict[Future[bytes], int] = {}
        while open_places or waiting:
            while open_places and len(waiting) < 2 * workers:
                place = open_places.pop(0)
                future = pool.submit(judge_block, str(plan.signatures), plan.bound_ppm, blocks[place])
                waiting[future] = place
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                place, data = waiting.pop(future), future.result()
                with whole_file(files[place]) as fresh:
                    fresh.write_bytes(data)
                found[place] = decode(data, type=list[Outcome])
                told(sum(len(block) for block in found.values()))
    return [found[place] for place in range(len(blocks))]


def _kept(file: Path) -> list[Outcome] | None:
    """A finished block; None when there is none, or none that can be read."""
    try:
        return decode(file.read_bytes(), type=list[Outcome])
    except (OSError, DecodeError, ValidationError):
        return None


def judge_block(signatures: str, bound_ppm: int, block: Block) -> bytes:
    """The outcomes of a block, as JSON."""
    judge, make = _judge(signatures, bound_ppm), MIXES[block.part.mix]
    part = block.part
    return encode(
        [
            judge.judge(make(part, number), all_variants=number < part.ablated, spoil=part.spoiled)
            for number in range(block.first, block.last)
        ]
    )


@lru_cache(maxsize=1)
def _judge(signatures: str, bound_ppm: int) -> Judge:
    content = replace(ContentConfig(), bound_ppm=bound_ppm)
    return Judge(_pipeline(signatures), load_basis(TABLE), content, load_proposer(PROPOSALS))


def _pipeline(signatures: str) -> Pipeline:
    return Pipeline(load_basis(TABLE), load_signatures(Path(signatures)), "evaluation")
