"""Everybody who looks on at one run besides the watch: scribe, places, restarts, evidence, permits, and the duties
of the field.

The scribe reads what was written; the others look at the core's state when a step is over, and at the plant's edges.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lane.commands import Step
from lane.events.union import AnyEvent
from lane.inputs import AnyInput
from lane.model.words import Route
from sim.explore.duties import Duties
from sim.explore.noted import Noted
from sim.explore.passes import Passes
from sim.explore.places import Places
from sim.explore.restarts import Restarts
from sim.explore.scribe import Scribe
from sim.plant.listener import Listener

if TYPE_CHECKING:
    from sim.coretwin.station import Station
    from sim.explore.watch import Watch


class Onlookers:
    """One run's. ``routed``: route of a lane number's body past the blade."""

    def __init__(self, station: "Station", watch: "Watch", routed: Callable[[int], Route | None]) -> None:
        self._station, self._watch = station, watch
        self._scribe = Scribe(station, watch, routed)
        self._places = Places(station, watch.breaks, routed)
        self._restarts = Restarts(station, watch.breaks)
        self._noted = Noted(station, watch.breaks)
        self._passes = Passes(station, watch.breaks, routed, self._places.anchor_um)

    def saw(self, item: AnyInput, events: Sequence[AnyEvent]) -> None:
        """One step of a core before which nobody stands: only those with records are seen."""
        self._scribe.saw(item, events)

    def heard(self, item: AnyInput, step: Step) -> None:
        """One step of a core that somebody stands before: what reached it, not what was sent."""
        events = step.events
        self._scribe.saw(item, events)
        state = self._station.controller.state
        self._restarts.heard(item, events, state)
        self._noted.heard(item, events, state)
        self._passes.heard(item, events, step.commands, state)
        self._places.heard(item, events, state)  # last: it knows the places before the step until then

    def field(self, listener: Listener) -> Listener:
        """Stand between the plant and its listener."""
        return Duties(self._station, self._watch, listener)
