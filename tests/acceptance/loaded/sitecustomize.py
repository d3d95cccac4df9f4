"""Says at the end of every Python process which modules it had loaded.

Python loads this file by its name from PYTHONPATH, in tests only.
"""

import atexit
import json
import os
import sys

FOLDER = os.environ.get("LANE_TEST_LOADED", "")


def _tell() -> None:
    words = " ".join(sys.orig_argv[1:])
    with open(os.path.join(FOLDER, f"{os.getpid()}.json"), "w", encoding="utf-8") as file:
        json.dump({"command": words, "modules": sorted(sys.modules)}, file)


if FOLDER:
    atexit.register(_tell)
