"""All hunts on all cores, and the figures they give. A bug is put in inside a worker process only."""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from sim.museum.bug import Bug
from sim.museum.exhibits import BUGS
from sim.museum.hunt import Hunt, Sound, hunt
from sim.museum.ledger import Ledger
from sim.processes import processes

_SOUND: dict[int, Sound] = {}
"""The sound core's cases by seed; lives as long as the worker."""


def one_hunt(name: str, mode: str, seed: int, parcels: int) -> Hunt:
    """One bug in one kind of search, in this process."""
    sound = _SOUND.setdefault(seed, Sound(seed))
    return hunt(BUGS[name], mode, seed, parcels, sound)


def tour(
    names: Sequence[str],
    modes: Sequence[str],
    seeds: Sequence[int],
    parcels: int,
    *,
    workers: int,
    progress: Callable[[Hunt], object] | None = None,
    kept: Path | None = None,
) -> list[Hunt]:
    """Every bug in every mode from every seed. Equal for any number of workers; bugs without effect are left out.

    ``kept``: each hunt is written into this file at once, and not hunted again when it stands there already.
    """
    tasks = [(name, mode, seed) for seed in seeds for mode in modes for name in names if not BUGS[name].equivalent]
    found: dict[tuple[str, str, int], Hunt] = {}
    ledger = Ledger(kept, parcels)

    def take(task: tuple[str, str, int], result: Hunt) -> None:
        found[task] = result
        if progress is not None:
            progress(result)

    left = []
    for task in tasks:
        known = ledger.known(BUGS[task[0]], task[1], task[2])
        if known is None:
            left.append(task)
        else:
            take(task, known)
    with processes(workers) as pool:
        waiting = {pool.submit(one_hunt, *task, parcels): task for task in left}
        for future in as_completed(waiting):
            result = future.result()
            ledger.keep(BUGS[result.bug], result)
            take(waiting[future], result)
    return [found[task] for task in tasks]


def figures(hunts: Sequence[Hunt], parcels: int, seconds: float) -> dict[str, Any]:
    """Shares, medians and one row per bug, ready for JSON."""
    names = list(dict.fromkeys(one.bug for one in hunts))
    rows = {name: _row(BUGS[name], [one for one in hunts if one.bug == name]) for name in names}
    found = [name for name, row in rows.items() if row["found"]]
    return {
        "bugs": len(names),
        "found": len(found),
        "found_permille": 1_000 * len(found) // len(names) if names else 0,
        "median_parcels": _median(row["parcels"] for row in rows.values() if row["found"]),
        "parcels": parcels,
        "not_found": [name for name in names if name not in found],
        "never_awake": [name for name, row in rows.items() if not row["changed"]],
        "by_mode": _by_mode(hunts, names),
        "equivalent": {bug.name: bug.equivalent for bug in BUGS.values() if bug.equivalent},
        "exhibits": rows,
        "wall_s": round(seconds, 1),
        "conditions": {"cores": os.cpu_count(), "origin": "SYNTHETIC", "seeds": sorted({one.seed for one in hunts})},
    }


def _by_mode(hunts: Sequence[Hunt], names: Sequence[str]) -> dict[str, dict[str, int]]:
    answer = {}
    for mode in dict.fromkeys(one.mode for one in hunts):
        rows = {name: [one for one in hunts if one.bug == name and one.mode == mode] for name in names}
        medians = [_typical(row) for row in rows.values() if any(one.rule for one in row)]
        answer[mode] = {"found": len(medians), "median_parcels": _median(medians)}
    return answer


def _row(bug: Bug, hunts: Sequence[Hunt]) -> dict[str, Any]:
    """One exhibit: its quickest mode, and every mode by itself. Parcels are medians over the seeds."""
    modes: dict[str, dict[str, Any]] = {}
    for mode in dict.fromkeys(one.mode for one in hunts):
        own = [one for one in hunts if one.mode == mode]
        named = next((one for one in own if one.rule), own[0])
        modes[mode] = {
            "found": sum(bool(one.rule) for one in own), "of": len(own), "parcels": _typical(own),
            "by": named.rule, "text": named.text,
        }  # fmt: skip
    best = [row["parcels"] for row in modes.values() if row["found"]]
    return {
        "wrong": bug.wrong,
        "found": bool(best),
        "parcels": min(best, default=0),
        "changed": any(one.changed for one in hunts),
        "masked_by": bug.masked_by,
        "modes": modes,
    }


def _typical(hunts: Sequence[Hunt]) -> int:
    """Median parcels to find over the seeds; a bug not found counts with the whole budget."""
    return _median(one.parcels for one in hunts)


def _median(values: Iterable[int]) -> int:
    kept = list(values)
    return round(statistics.median(kept)) if kept else 0


def timed_tour(
    names: Sequence[str], modes: Sequence[str], seeds: Sequence[int], parcels: int, *, workers: int,
    progress: Callable[[Hunt], object] | None = None, kept: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """``tour`` and its figures."""
    began = time.perf_counter()
    hunts = tour(names, modes, seeds, parcels, workers=workers, progress=progress, kept=kept)
    return figures(hunts, parcels, time.perf_counter() - began)
