"""Follows the wire twin's truth log and hands it to the referee."""

import json
from pathlib import Path
from typing import Any

from lane.model.words import Route
from sim.plant.happenings import Kind
from sim.referee import Referee


class TruthTail:
    """Reads the log from where it stopped; a line that is not finished yet waits."""

    def __init__(self, path: Path, referee: Referee) -> None:
        self._path = path
        self._referee = referee
        self._offset = 0
        self.fed = 0
        self.left = 0

    def read(self) -> list[dict[str, Any]]:
        """New facts, after the referee has seen them."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        facts = [json.loads(line) for line in data[:end].splitlines()]
        for fact in facts:
            self._tell(fact)
        return facts

    def _tell(self, fact: dict[str, Any]) -> None:
        match fact["kind"]:
            case Kind.FED:
                self.fed += 1
                self._referee.fed(fact["body"], fact["belt_um"])
            case Kind.LEFT:
                self.left += 1
                self._referee.left(fact["body"], Route(fact["text"]), moved_blade=fact["level"])
            case "REMOVED":
                self.left += 1
                self._referee.left(fact["body"], None, moved_blade=False)
