"""Puts plain boxes in the place of rendered pictures, and a verdict model in that of counting.

The children of a wire twin load it.

Python loads this file by its name from PYTHONPATH, in tests and benches only.
"""

import sys

if sys.orig_argv[1:3] == ["-m", "sim.wire"]:
    from sim.wire import lane
    from tests.sim.equalities.boxes import Boxes

    lane.Pictures = Boxes  # type: ignore[attr-defined, assignment]
elif sys.orig_argv[1:3] == ["-m", "vision.worker"]:
    from tests.sim.equalities.boxes import answer_all

    answer_all(sys.stdin, sys.stdout)
    sys.exit(0)
