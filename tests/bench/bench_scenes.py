"""Speed of the generator of scenes: ``python tests/bench/bench_scenes.py [--each N] [--pool POOL] [--severity S]``.

Processor time of one core per scene by class of pieces, and how many scenes have the overlap they were asked for.
Prints its conditions. Nothing is asserted: the figures depend on the machine.
"""

import argparse
import os
import platform
import time

import numpy as np

from sim.families import Pool
from sim.xray.contents import Overlap, PiecesClass, Planted
from sim.xray.scenes import SceneSpec, make_scene

BENCH_SEED = 7101
PLANTED = (Planted.NONE, Planted.MISSING, Planted.NONE, Planted.OTHER_GOODS, Planted.NONE, Planted.SWAP)


def main() -> None:
    """Make ``--each`` scenes of every mix of pieces and overlap, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--pool", type=Pool, default=Pool.TRAIN)
    parser.add_argument("--severity", type=int, default=1)
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {load:.1f}, numpy {np.__version__}")
    make_scene(SceneSpec(seed=BENCH_SEED - 1))
    every: list[float] = []
    for pieces in PiecesClass:
        spent, met = [], 0
        for number in range(chosen.each * len(Overlap)):
            overlap = tuple(Overlap)[number % len(Overlap)]
            spec = SceneSpec(
                seed=BENCH_SEED + number, pieces=pieces, overlap=overlap, planted=PLANTED[number % len(PLANTED)],
                pool=chosen.pool, severity=chosen.severity,
            )  # fmt: skip
            start = time.process_time()
            scene = make_scene(spec)
            spent.append(time.process_time() - start)
            met += scene.overlap is overlap or len(scene.pieces) < 2
        every += spent
        mean, worst = 1000 * np.mean(spent), 1000 * max(spent)
        print(f"{pieces:>6} pieces: {mean:5.0f} ms a scene, worst {worst:4.0f}; as asked {met} of {len(spent)}")
    print(f"all: {1 / np.mean(every):.1f} scenes a second of processor time, {len(every)} scenes")


if __name__ == "__main__":
    main()
