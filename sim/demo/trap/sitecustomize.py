"""Kills a core between commit and write. Python loads this file by its name from PYTHONPATH, in the campaign only.

When the file that ``LANE_CAMPAIGN_TRAP`` names exists, the next transaction whose events include the kind written in
it becomes durable, and then the process dies by SIGKILL before any command of it leaves. Production code knows nothing
of this.
"""

import os
import signal
import sys
from typing import Any

TRAP = os.environ.get("LANE_CAMPAIGN_TRAP", "")


def _set_trap() -> None:
    from lane.journal.log import Journal

    append = Journal.append

    def append_and_die(self: Journal, item: Any, events: Any) -> int:
        index = append(self, item, events)
        if os.path.exists(TRAP):
            with open(TRAP, encoding="utf-8") as file:
                kind = file.read().strip()
            if any(type(event).__name__ == kind for event in events):
                os.rename(TRAP, TRAP + ".sprung")
                os.kill(os.getpid(), signal.SIGKILL)
        return index

    Journal.append = append_and_die  # type: ignore[method-assign]


if TRAP and "lane.station" in sys.orig_argv:
    _set_trap()
