"""How well a calibrated line predicts lines that other simulators made: hand-written loops and Ciw networks.

For each source and seed a log is made, the line fitted to it, and its prediction (mean of replications) compared with
the source's true figures: the mean over long runs of the source with other seeds, which the fit never saw. Run:
``.venv/bin/python -m tests.bench.bench_calibrate [--parcels N] [--seeds K] [--ciw-hours H] [--json FILE]``.
Nothing is asserted: the conditions and the figures are printed, with the errors that miss five per cent marked.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
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
TRUTH_SEEDS = range(1_000, 1_012)
LIMIT = 0.05

Maker = Callable[[int], list[Row]]


def as_log(rows: list[Row], words: dict[str, str]) -> Log:
    """Rows of a source (seconds) as a log."""
    moments = Naming(events=words).moments()
    return log_of(((str(n), event, round(at * 1e6), "") for n, event, at in rows), moments, "source")


def truth(make: Maker, words: dict[str, str]) -> dict[str, tuple[float, float]]:
    """(mean, standard error) of each figure over long runs of the source."""
    runs = [{f.name: f.value for f in figures(as_log(make(seed), words))} for seed in TRUTH_SEEDS]
    found = {}
    for name in NAMES:
        values = numpy.array([run[name] for run in runs if name in run])
        if len(values):
            found[name] = float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)
    return found


def campaign(name: str, make: Maker, words: dict[str, str], seeds: int, replications: int) -> dict[str, Any]:
    """Errors of the predictions of ``seeds`` logs of one source."""
    true = truth(make, words)
    errors: dict[str, list[float]] = {figure: [] for figure in true}
    models, seconds = [], []
    for seed in range(1, seeds + 1):
        log = as_log(make(seed), words)
        began = time.perf_counter()
        fit = fit_line(log)
        compared, _ = predict(fit, log, seed=seed, replications=replications)
        seconds.append(time.perf_counter() - began)
        models.append(fit.arrivals.recommended)
        for one in compared:
            if one.name in errors:
                errors[one.name].append(one.model / true[one.name][0] - 1)
    print(f"\n{name}: logs of {log.parcels} parcels, {seeds} seeds; arrivals {', '.join(models)}; "
          f"fit and prediction {numpy.mean(seconds):.1f} s")  # fmt: skip
    for figure, found in errors.items():
        mean, error = true[figure]
        shown = "  ".join(f"{one:+.1%}{'!' if abs(one) > LIMIT else ' '}" for one in found)
        spread = float(numpy.sqrt(numpy.mean(numpy.square(found))))
        print(f"  {figure:20} true {mean:9.4g} ± {1.96 * error:.2g}  errors {shown}  root mean square {spread:.1%}")
    return {"source": name, "parcels": log.parcels, "truth": true, "errors": errors, "models": models}


def main() -> None:
    """Run the campaigns and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument("--ciw-hours", type=float, default=0.0, help="0: without Ciw, which is slow")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {numpy.__version__}; {options.replications} replications a fit; "
          f"truth: {len(TRUTH_SEEDS)} runs of the same length")  # fmt: skip
    found = []
    for batches in (False, True):
        name = f"hand-written loop, {'batches' if batches else 'gamma headways'}"
        found.append(campaign(name, lambda seed, b=batches: hand_written(seed, options.parcels, batches=b),
                              HAND_WORDS, options.seeds, options.replications))  # fmt: skip
    for batches in (False, True) if options.ciw_hours else ():
        name = f"Ciw, {'batches' if batches else 'gamma headways'}"
        found.append(campaign(name, lambda seed, b=batches: ciw_network(seed, options.ciw_hours, batches=b),
                              CIW_WORDS, options.seeds, options.replications))  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
