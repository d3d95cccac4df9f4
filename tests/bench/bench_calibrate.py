"""How well a calibrated line predicts lines that other simulators made: hand-written loops and Ciw networks.

For each source and seed a log is made, the line fitted to it, and its prediction (mean of replications) compared with
the log's own figures, and with the source's true ones: the mean over runs of the source with other seeds, which the
fit never saw. Run:
``.venv/bin/python -m tests.bench.bench_calibrate [--parcels N] [--seeds K] [--ciw-hours H] [--truth-runs R]``.
Nothing is asserted: the conditions and the figures are printed, with the errors that miss five per cent marked.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy

from sim.calibrate.figures import figures
from sim.calibrate.fit import fit_line
from sim.calibrate.log_file import Naming
from sim.calibrate.moments import Log, log_of
from sim.calibrate.predict import predict
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
    off: dict[str, list[float]] = {}
    models, seconds = [], []
    for seed in range(1, options.seeds + 1):
        log = as_log(make(seed), words)
        began = time.process_time()
        fit = fit_line(log)
        compared, _ = predict(fit, log, seed=seed, replications=options.replications)
        seconds.append(time.process_time() - began)
        models.append(fit.arrivals.recommended)
        for one in compared:
            if one.name in NAMES:
                own.setdefault(one.name, []).append(one.error)
            if one.name in true:
                off.setdefault(one.name, []).append(one.model / true[one.name][0] - 1)
    print(f"\n{name}: logs of {log.parcels} parcels, {options.seeds} seeds; arrivals {', '.join(models)}; "
          f"fit and prediction {numpy.mean(seconds):.1f} s of processor time")  # fmt: skip
    for figure, errors in own.items():
        print(f"  {figure:20} against the log itself         {_shown(errors)}")
        if figure in true:
            mean, error = true[figure]
            print(f"  {'':20} source {mean:9.4g} ± {1.96 * error:<9.2g}   {_shown(off[figure])}")
    return {"source": name, "parcels": log.parcels, "truth": true, "own": own, "errors": off, "models": models}


def _shown(errors: list[float]) -> str:
    spread = float(numpy.sqrt(numpy.mean(numpy.square(errors))))
    return "  ".join(f"{one:+6.1%}{'!' if abs(one) > LIMIT else ' '}" for one in errors) + f"  rms {spread:.1%}"


def main() -> None:
    """Run the campaigns and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument("--ciw-hours", type=float, default=0.0, help="0: without Ciw, which is slow")
    parser.add_argument("--truth-runs", type=int, default=12, help="0: errors against the logs alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {numpy.__version__}; {options.replications} replications a fit; "
          f"source: {options.truth_runs} runs of the same length")  # fmt: skip
    found = []
    for batches in (False, True):
        name = f"hand-written loop, {'batches' if batches else 'gamma headways'}"
        loop = partial(hand_written, parcels=options.parcels, batches=batches)
        found.append(campaign(name, loop, HAND_WORDS, options))
    for batches in (False, True) if options.ciw_hours else ():
        name = f"Ciw, {'batches' if batches else 'gamma headways'}"
        network = partial(ciw_network, hours=options.ciw_hours, batches=batches)
        found.append(campaign(name, network, CIW_WORDS, options))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
