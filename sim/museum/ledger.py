"""What a tour has found so far, line by line on disk: a tour that was stopped goes on where it was."""

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path

from sim.museum.bug import Bug
from sim.museum.hunt import Hunt
from sim.sources import code_version

_FIELDS = {each.name for each in fields(Hunt)}


class Ledger:
    """Hunts kept in a file beside the figures.

    A hunt counts again only for the same code, exhibit, mode, seed and budget: what another core, twin or search gave
    says nothing about this one.
    """

    def __init__(self, path: Path | None, parcels: int) -> None:
        """``path`` None: nothing is kept. Raises nothing: a line that can't be read is hunted again."""
        self._path, self._parcels = path, parcels
        self._known: dict[str, Hunt] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(line)

    def _take(self, line: str) -> None:
        try:
            plain = json.loads(line)
        except ValueError:
            return  # the last line of a tour that was cut off
        if isinstance(plain, dict) and isinstance(plain.get("hunt"), dict) and set(plain["hunt"]) == _FIELDS:
            self._known[str(plain.get("of"))] = Hunt(**plain["hunt"])

    def _key(self, bug: Bug, mode: str, seed: int) -> str:
        text = repr((code_version(), bug.parts, bug.without, mode, seed, self._parcels))
        return f"{bug.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def known(self, bug: Bug, mode: str, seed: int) -> Hunt | None:
        """What this hunt gave before (None: it was not hunted yet)."""
        return self._known.get(self._key(bug, mode, seed))

    def keep(self, bug: Bug, found: Hunt) -> None:
        """Write a hunt down at once."""
        if self._path is None:
            return
        line = json.dumps({"of": self._key(bug, found.mode, found.seed), "hunt": asdict(found)}, ensure_ascii=False)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
