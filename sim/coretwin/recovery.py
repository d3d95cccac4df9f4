"""A new core process from what the journal holds: the last snapshot, and every later input again.

As the lane's own restart does it, but that the records stay what they are in memory: no byte is written and read.
"""

from lane.commands import Step
from lane.controller.core import LaneController
from lane.events.machine import Snapshot
from lane.events.union import AnyEvent
from lane.inputs import AnyInput
from lane.model.config import CoreConfig


class Recovery:
    """Keeps one core's steps since its last snapshot. ``kind``: what the core is made of."""

    def __init__(self, config: CoreConfig, kind: type[LaneController]) -> None:
        self._config, self._kind = config, kind
        self._snapshot, self._key = "", b""
        self._later: list[tuple[AnyInput, tuple[AnyEvent, ...]]] = []

    def took(self, item: AnyInput, step: Step, key: bytes) -> None:
        """The core took an input. ``key``: secret of the epoch that is open behind it."""
        events = step.events
        if events and type(events[-1]) is Snapshot:
            self._snapshot, self._key = events[-1].state, key
            self._later.clear()
        else:
            self._later.append((item, events))

    def restored(self, died: str, key: bytes) -> LaneController:
        """The core as it was when it ``died`` (its snapshot then). Raises AssertionError when the records make another.

        What was proven once is not replayed again: the next death's replay begins here.
        """
        if self._snapshot:
            core = self._kind.restore(self._config, self._snapshot, self._key)
        else:
            core = self._kind(self._config)
        for item, events in self._later:
            if core.handle(item).events != events:
                raise AssertionError(f"restored from its records the core concludes otherwise of {type(item).__name__}")
        if core.snapshot() != died:
            raise AssertionError("a core restored from its records is not the one that died")
        self._snapshot, self._key = died, key
        self._later.clear()
        return core
