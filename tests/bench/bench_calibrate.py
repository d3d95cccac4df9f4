"""How well a calibrated line predicts lines that other simulators made: hand-written loops and Ciw networks.

For each source and seed a log is made, the line fitted to it, and its prediction (mean of replications) compared with
the log's own figures, beside what the log itself tells of them (half of a 95 % interval, in per cent), with a replay of
the log's arrivals, and with the source's true figures: the mean over runs of the source with other seeds, which the
fit never saw. Run: ``.venv/bin/python -m tests.bench.bench_calibrate
[--parcels N] [--seeds K] [--ciw-hours H] [--brisk-hours H] [--truth-runs R]``.
Nothing is asserted: the conditions and the figures are printed. ``!``: an error beyond five per cent; ``?``: so, but
within what the log itself leaves open.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy

from sim.calibrate.figures import figures
from sim.calibrate.fit import fit_line
from sim.calibrate.log_file import Naming
from sim.calibrate.moments import Log, log_of
from sim.calibrate.predict import predict, replayed, with_replay
from tests.sim.calibrate.sources import CIW_WORDS, HAND_WORDS, Row, ciw_network, hand_written

NAMES = ("throughput", "wait at the feeder", "wait for review", "wait for bench")
TRUTH_SEED = 1_000
LIMIT = 0.05

Maker = Callable[[int], list[Row]]


def as_log(rows: list[Row], words: dict[str, str]) -> Log:
    """Rows of a source (seconds) as a log."""
    moments = Naming(events=words).moments()
    return log_of(((str(n), event, round(at * 1e6), "") for n, event, at in rows), moments, "source")


def truth(make: Maker, words: dict[str, str], runs_wanted: int) -> dict[str, tuple[float, float]]:
    """(mean, standard error) of each figure over runs of the source."""
    seeds = range(TRUTH_SEED, TRUTH_SEED + runs_wanted)
    runs = [{f.name: f.value for f in figures(as_log(make(seed), words))} for seed in seeds]
    found = {}
    for name in NAMES:
        values = numpy.array([run[name] for run in runs if name in run])
        if len(values):
            found[name] = float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)
    return found


def campaign(name: str, make: Maker, words: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Errors of the predictions of several logs of one source, against the log and against the source."""
    true = truth(make, words, options.truth_runs) if options.truth_runs else {}
    own: dict[str, list[float]] = {}
    known: dict[str, list[float]] = {}
    again: dict[str, list[float]] = {}
    off: dict[str, list[float]] = {}
    models, seconds = [], []
    for seed in range(1, options.seeds + 1):
        log = as_log(make(seed), words)
        began = time.process_time()
        fit = fit_line(log)
        compared, _ = predict(fit, log, seed=seed, replications=options.replications)
        compared = with_replay(compared, replayed(fit, log, seed))
        seconds.append(time.process_time() - began)
        models.append(fit.arrivals.recommended)
        for one in compared:
            if one.name in NAMES:
                own.setdefault(one.name, []).append(one.error)
                known.setdefault(one.name, []).append(one.log_half / one.log)
                again.setdefault(one.name, []).append(one.replay_error)
            if one.name in true:
                off.setdefault(one.name, []).append(one.model / true[one.name][0] - 1)
    print(f"\n{name}: logs of {log.parcels} parcels, {options.seeds} seeds; arrivals {', '.join(models)}; "
          f"fit and prediction {numpy.mean(seconds):.1f} s of processor time")  # fmt: skip
    for figure, errors in own.items():
        print(f"  {figure:20} against the log itself         {_shown(errors, known[figure])}")
        print(f"  {'':20} the log tells this figure to   {'  '.join(f'±{one:5.1%} ' for one in known[figure])}")
        print(f"  {'':20} replay, against the log        {_shown(again[figure], known[figure])}")
        if figure in true:
            mean, error = true[figure]
            print(f"  {'':20} source {mean:9.4g} ± {1.96 * error:<9.2g}   {_shown(off[figure])}", flush=True)
    return {"source": name, "parcels": log.parcels, "truth": true, "own": own, "log_tells": known, "replay": again,
            "errors": off, "models": models}  # fmt: skip


def _shown(errors: list[float], known: Sequence[float] = ()) -> str:
    spread = float(numpy.sqrt(numpy.mean(numpy.square(errors))))
    marks = ["" if abs(one) <= LIMIT else "!" for one in errors]
    marks = ["?" if mark and place < len(known) and abs(errors[place]) < known[place] else mark
             for place, mark in enumerate(marks)]  # fmt: skip
    return "  ".join(f"{one:+6.1%}{mark:1}" for one, mark in zip(errors, marks, strict=True)) + f"  rms {spread:.1%}"


def main() -> None:
    """Run the campaigns and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument("--ciw-hours", type=float, default=0.0, help="0: without Ciw, which is slow")
    parser.add_argument("--brisk-hours", type=float, default=0.0, help="0: without the Ciw network with a brisk bench")
    parser.add_argument("--loop", action=argparse.BooleanOptionalAction, default=True, help="the hand-written loops")
    parser.add_argument("--truth-runs", type=int, default=12, help="0: errors against the logs alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {numpy.__version__}; {options.replications} replications a fit; "
          f"source: {options.truth_runs} runs of the same length")  # fmt: skip
    found = []
    for batches in (False, True) if options.loop else ():
        name = f"hand-written loop, {'batches' if batches else 'gamma headways'}"
        loop = partial(hand_written, parcels=options.parcels, batches=batches)
        found.append(campaign(name, loop, HAND_WORDS, options))
    for hours, brisk in ((options.ciw_hours, False), (options.brisk_hours, True)):
        for batches in (False, True) if hours else ():
            name = f"Ciw, {'batches' if batches else 'gamma headways'}{', brisk bench' if brisk else ''}, {hours:g} h"
            network = partial(ciw_network, hours=hours, batches=batches, brisk=brisk)
            found.append(campaign(name, network, CIW_WORDS, options))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
