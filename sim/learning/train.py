"""Trains the proposal network from nothing but a seed, exports it, measures it on goods it never saw, writes its card.

The course of a training does not depend on its length: stopping after fewer steps gives what a shorter training gives.
On one machine the same seed gives the same network; another processor or a GPU rounds differently, and gives one within
the noise that the model card's figures state. Needs PyTorch: the extra ``train``.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from sim.learning.network import CentreNetwork, focal_loss
from sim.learning.pictures import Picture, make_picture
from sim.xray.render import TABLE
from vision.basis import Basis, load_basis
from vision.frame import Plane
from vision.propose import prepared

BATCH = 8
POOL = 64
"""Pictures shuffled together and then grouped by size, so that little of a batch is padding."""
RATE, WARM_STEPS, SLOWING_STEPS = 2e-3, 100, 800
"""Step size: rises over the first steps, then falls with the root of the steps."""
DECAY_WEIGHTS = 1e-2
AVERAGE_KEPT = 0.998
"""Share of the running average of weights kept per step; the average is what is exported."""
GRADIENT_MAX = 5.0
BELL_SHARE, BELL_MIN, BELL_MAX = 0.12, 0.9, 2.2
"""Width (one sigma, quarter pixels) of the bell around a centre: this share of the piece's smaller extent."""
THICKER = (0.8, 1.25)
NOISE_MAX = 0.05
"""Noise added to what the network sees (after the logarithm), as a larger detector noise would."""
KEEP_STEPS = 250
"""Steps between two interim states."""
TRAIN_FROM, CHECK_FROM, TEST_FROM = 0, 10_000_000, 20_000_000
"""First numbers of training pictures, of those that fix the threshold, and of those that are only measured on."""


class Progress(Protocol):
    """Tells how far a stage is."""

    def __call__(self, what: str, done: int, whole: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a training is made of: ``steps`` batches of ``pictures``, shown again and again, turned and mirrored."""

    seed: int
    pictures: int
    steps: int


def make_pictures(
    seed: int, first: int, count: int, workers: int, progress: Progress, *, held_out: bool = False
) -> list[Picture]:
    """Pictures ``first .. first + count - 1``, the same for any number of workers."""
    job = partial(_one, held_out=held_out)
    found: list[Picture] = []
    with ProcessPoolExecutor(max_workers=workers) as pool:
        for picture in pool.map(job, repeat(seed, count), range(first, first + count), chunksize=8):
            found.append(picture)
            progress("pictures rendered", len(found), count)
    return found


def _one(seed: int, number: int, *, held_out: bool) -> Picture:
    return make_picture(seed, number, _basis(), held_out=held_out)


@cache
def _basis() -> Basis:
    return load_basis(TABLE)


def train(course: Course, pictures: Sequence[Picture], store: Path | None, progress: Progress) -> CentreNetwork:
    """The averaged network after ``course.steps`` steps. ``store``: folder of interim states; a run goes on there."""
    torch.manual_seed(course.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = CentreNetwork().to(device=device, memory_format=torch.channels_last)
    average = CentreNetwork()
    average.to(device).load_state_dict(network.state_dict())
    walker = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY_WEIGHTS)
    begin = _resume(store, course, network, average, walker)
    losses: list[float] = []
    for step, rows in enumerate(_batches(course, len(pictures), pictures)):
        if step < begin:
            continue
        if step >= course.steps:
            break
        for group in walker.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM_STEPS) / (1 + step / SLOWING_STEPS) ** 0.5
        random = np.random.Generator(np.random.PCG64([course.seed, 2, step]))
        seen, wanted, valid = (part.to(device) for part in batch_of([pictures[row] for row in rows], random))
        network.train()
        loss = focal_loss(network(seen.to(memory_format=torch.channels_last)), wanted, valid)
        walker.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_MAX)
        walker.step()
        _follow(average, network, min(AVERAGE_KEPT, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % 50 == 0:
            progress(f"steps, loss {np.mean(losses[-50:]):.3f}", step + 1, course.steps)
        if store is not None and (step + 1) % KEEP_STEPS == 0:
            _keep(store, course, step + 1, network, average, walker)
    average.eval()
    return average


def _batches(course: Course, count: int, pictures: Sequence[Picture]) -> Iterator[npt.NDArray[np.int64]]:
    """Endless rows of pictures: every picture once per round, pictures of like size together."""
    areas = np.array([picture.planes.shape[1] * picture.planes.shape[2] for picture in pictures])
    turn = 0
    while True:
        random = np.random.Generator(np.random.PCG64([course.seed, 1, turn]))
        order = random.permutation(count)
        rows = []
        for start in range(0, count, POOL):
            pool = order[start : start + POOL]
            pool = pool[np.argsort(areas[pool], kind="stable")]
            rows += [pool[at : at + BATCH] for at in range(0, len(pool), BATCH)]
        yield from (rows[int(at)] for at in random.permutation(len(rows)))
        turn += 1


def batch_of(pictures: Sequence[Picture], random: np.random.Generator) -> tuple[Any, Any, Any]:
    """Input, wanted map and mask of real pixels for some pictures, turned, mirrored, thickened, made noisier."""
    swap = bool(random.integers(2))
    parts = [_changed(picture, random, swap=swap) for picture in pictures]
    lines, columns = (max(seen.shape[axis] for seen, _ in parts) for axis in (1, 2))
    seen = np.zeros((len(parts), 2, lines, columns), dtype=np.float32)
    wanted = np.zeros((len(parts), 1, lines // 2, columns // 2), dtype=np.float32)
    valid = np.zeros_like(wanted)
    for number, (planes, centres) in enumerate(parts):
        _, high, wide = planes.shape
        seen[number, :, :high, :wide] = planes
        wanted[number, 0, : high // 2, : wide // 2] = bells(centres, (high // 2, wide // 2))
        valid[number, 0, : high // 2, : wide // 2] = 1
    return torch.from_numpy(seen), torch.from_numpy(wanted), torch.from_numpy(valid)


def _changed(picture: Picture, random: np.random.Generator, *, swap: bool) -> tuple[Plane, Plane]:
    factor = random.uniform(*THICKER) * random.uniform(0.93, 1.07, 2)
    c_plane, p_plane = (
        plane.astype(np.float32) * np.float32(f) for plane, f in zip(picture.planes, factor, strict=True)
    )
    seen = prepared(c_plane, p_plane)
    centres = picture.centres.copy()
    sides = np.array(seen.shape[1:]) // 2
    for axis in (0, 1):
        if random.integers(2):
            seen = np.flip(seen, axis + 1)
            centres[:, axis] = sides[axis] - 1 - centres[:, axis]
    if swap:
        seen, centres = seen.transpose(0, 2, 1), centres[:, [1, 0, 2]]
    noise = np.float32(random.uniform(0, NOISE_MAX))
    return seen + noise * random.standard_normal(seen.shape, dtype=np.float32), centres


def bells(centres: Plane, shape: tuple[int, int]) -> Plane:
    """Map with a 1 at each centre and a bell around it; where bells meet, the higher one."""
    heat = np.zeros(shape, dtype=np.float32)
    reach = int(3 * BELL_MAX) + 1
    for line, column, extent in centres.tolist():
        sigma = min(max(BELL_SHARE * extent, BELL_MIN), BELL_MAX)
        at = min(max(round(line), 0), shape[0] - 1), min(max(round(column), 0), shape[1] - 1)
        rows = np.arange(max(0, at[0] - reach), min(shape[0], at[0] + reach + 1))
        columns = np.arange(max(0, at[1] - reach), min(shape[1], at[1] + reach + 1))
        bell = np.exp(-((rows[:, None] - at[0]) ** 2 + (columns[None, :] - at[1]) ** 2) / (2 * sigma**2))
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        heat[window] = np.maximum(heat[window], bell.astype(np.float32))
    return heat


def _follow(average: CentreNetwork, network: CentreNetwork, kept: float) -> None:
    with torch.no_grad():
        ahead = network.state_dict()
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.mul_(kept).add_(ahead[name], alpha=1 - kept)
            else:
                value.copy_(ahead[name])


def _keep(store: Path, course: Course, step: int, network: CentreNetwork, average: CentreNetwork, walker: Any) -> None:
    state = {
        "course": [course.seed, course.pictures], "step": step, "network": network.state_dict(),
        "average": average.state_dict(), "walker": walker.state_dict(),
    }  # fmt: skip
    store.mkdir(parents=True, exist_ok=True)
    fresh = store / "state.part"
    torch.save(state, fresh)
    fresh.replace(store / "state.pt")


def _resume(store: Path | None, course: Course, network: CentreNetwork, average: CentreNetwork, walker: Any) -> int:
    """Step to begin at: 0, or behind the stored state when it is of the same course."""
    if store is None or not (store / "state.pt").exists():
        return 0
    state = torch.load(store / "state.pt", weights_only=True, map_location="cpu")
    if state["course"] != [course.seed, course.pictures] or state["step"] > course.steps:
        return 0
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    walker.load_state_dict(state["walker"])
    return int(state["step"])
