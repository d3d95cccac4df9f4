"""The core twin behind polled devices: the core hears of the belt as on wires, up to the last poll and no further.

As in ``lane.runtime.belt_order``: the ring of the lane I/O is read once per poll and keeps its stamps; readings with a
place on the belt wait until the ring was read up to it; the core is told no belt position beyond the last poll.
"""

from typing import Any

from msgspec.structs import replace

from devices.signals import BarcodeRead, BeltMoved, EyeChanged, GateInPosition, OutputProven, WeightMeasured
from lane.inputs import AnyInput
from sim.coretwin.station import Station

HELD = (EyeChanged, BeltMoved, GateInPosition, OutputProven, BarcodeRead, WeightMeasured)
"""What the core hears of at the next poll."""


class PolledStation(Station):
    """A station whose devices are read every ``poll_us``, the first time at ``phase_us``."""

    poll_us = 20_000
    phase_us = 0

    def __init__(self, *words: Any, **facts: Any) -> None:
        self._read_um = 0
        self._held: list[AnyInput] = []
        super().__init__(*words, **facts)

    def run(self) -> None:
        """As the station, with polls from the beginning."""
        self.driver.call_at(self.phase_us, self._poll)
        super().run()

    def emit(self, item: AnyInput) -> None:
        """Hold what a poll brings; tell everything else with the belt position of the last poll."""
        if isinstance(item, HELD):
            self._held.append(item)
        elif item.belt_um > self._read_um:
            super().emit(replace(item, belt_um=self._read_um))
        else:
            super().emit(item)

    def _poll(self, _: None) -> None:
        self.driver.call_at(self.now + self.poll_us, self._poll)
        self._read_um = self.belt()
        held, self._held = self._held, []
        for item in held:
            super().emit(item)
