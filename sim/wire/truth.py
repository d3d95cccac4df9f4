"""The referee's log: what really happened, as JSON lines that the controller never sees."""

import json
from pathlib import Path
from typing import Any

from sim.wire.clock import wall_us


class TruthLog:
    """Appends one line per fact: ``kind``, plant time ``at_us``, wall time ``wall_us`` (monotonic, machine-wide).

    Written through at every line, so that a campaign can follow it while the lane runs.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def write(self, kind: str, at_us: int, **facts: Any) -> None:
        """Append one fact."""
        line = {"kind": kind, "at_us": at_us, "wall_us": wall_us(), **facts}
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Flush and close."""
        self._file.close()
