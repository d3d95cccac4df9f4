"""What eyes, readers, scale, detector, blade and exits make of a body that passes them.

Every mark calls one of these with (body, generation, what, belt position); a body that was moved or taken off since has
another generation, and the call is void.
"""

from typing import TYPE_CHECKING, Any

from lane.model.config import EYES
from lane.model.words import Route
from sim.plant.agenda import Target
from sim.plant.bodies import Body
from sim.plant.lane_io import Channel
from sim.plant.marks import Paths, Targets
from sim.streams.randoms import Keyed

if TYPE_CHECKING:
    from sim.plant.plant import Plant

SCALE_SIGMA_MG, SCALE_ERROR_MG, SCALE_STEP_MG = 1_000, 3_000, 100
"""Noise of the scale: sigma 1 g, never beyond its stated accuracy of 3 g; it shows tenths of a gram."""

Mark = tuple[Body, int, Any, int]
_BITS = tuple(1 << channel for channel in range(len(EYES)))  # of the eyes in the input word


class Stations:
    """The stations of one plant. ``imaged``: somebody reads the lane I/O's ring, or a rule looks at its edges."""

    __slots__ = ("_blocked", "_diverter", "_io", "_plant", "_positional", "_scale", "imaged", "paths")

    def __init__(self, plant: "Plant", seed: int) -> None:
        self._plant = plant
        self._io = plant.io
        self._blocked = [0] * len(EYES)
        self._scale = Keyed(seed, "scale")
        self.imaged = True
        targets = Targets(
            head=self._head, tail=self._tail, reader=self._reader, scale=self._weight, detector=self._line,
            blade=self._blade, past_blade=self._past_blade,
        )  # fmt: skip
        self.paths = Paths(plant.layout, targets, second_reader=plant.options.second_reader)
        self._positional = {getattr(targets, name) for name in Targets.__slots__} | {self._left, plant._passed}

    def of_position(self, target: Target) -> bool:
        """Whether this is called at a belt position, so that another speed makes it void."""
        return target in self._positional

    # --- eyes

    def edge(self, channel: int, blocked: bool, belt_um: int, number: int) -> None:
        """A body enters or leaves an eye's beam; the eye changes level only with the first and the last one."""
        before = self._blocked[channel]
        self._blocked[channel] = after = before + (1 if blocked else -1)
        if (before > 0) != (after > 0):
            self._changed(channel, blocked, belt_um, number)

    def _changed(self, channel: int, blocked: bool, belt_um: int, number: int) -> None:
        plant, io = self._plant, self._io
        at_us = plant.agenda.now
        if self.imaged:
            io.edge(channel, blocked, at_us, belt_um)
        else:
            io.inputs ^= _BITS[channel]
        plant.listener.eye(at_us, belt_um, channel, blocked, number)
        if self.imaged:
            plant.follow_rules(at_us, belt_um)

    def _head(self, mark: Mark) -> None:
        body, generation, channel, belt_um = mark
        if generation == body.generation:
            body.place += 1
            bodies = self._blocked[channel]
            self._blocked[channel] = bodies + 1
            if bodies == 0:
                if self.imaged:
                    self._changed(channel, True, belt_um, body.parcel.number)
                else:
                    plant = self._plant
                    self._io.inputs |= _BITS[channel]
                    plant.listener.eye(plant.agenda.now, belt_um, channel, True, body.parcel.number)

    def _tail(self, mark: Mark) -> None:
        body, generation, channel, belt_um = mark
        if generation == body.generation:
            body.place += 1
            self._blocked[channel] = bodies = self._blocked[channel] - 1
            if bodies == 0:
                if self.imaged:
                    self._changed(channel, False, belt_um, body.parcel.number)
                else:
                    plant = self._plant
                    self._io.inputs ^= _BITS[channel]
                    plant.listener.eye(plant.agenda.now, belt_um, channel, False, body.parcel.number)

    # --- readers, scale, detector

    def _reader(self, mark: Mark) -> None:
        body, generation, reader, belt_um = mark
        if generation == body.generation:
            body.place += 1
            plant, parcel = self._plant, body.parcel
            plant.listener.code(plant.agenda.now, belt_um, reader, parcel.number, parcel.code)

    def _weight(self, mark: Mark) -> None:
        body, generation, _, belt_um = mark
        if generation == body.generation:
            body.place += 1
            plant, parcel = self._plant, body.parcel
            plant.listener.weight(plant.agenda.now, belt_um, parcel.number, self._weigh(parcel.weight_mg))

    def _weigh(self, weight_mg: int) -> int:
        error = max(-SCALE_ERROR_MG, min(SCALE_ERROR_MG, self._scale.error(SCALE_SIGMA_MG)))
        return max(0, (weight_mg + error + SCALE_STEP_MG // 2) // SCALE_STEP_MG * SCALE_STEP_MG)

    def _line(self, mark: Mark) -> None:
        body, generation, head, belt_um = mark
        if generation == body.generation:
            body.place += 1
            plant = self._plant
            plant.listener.detector(plant.agenda.now, belt_um, body.parcel.number, head)

    # --- blade and exits

    def _blade(self, mark: Mark) -> None:
        """The blade decides when the head reaches it; a blade on its way counts as where it is nearer to."""
        body, generation, _, belt_um = mark
        if generation != body.generation:
            return
        body.place += 1
        plant, gate = self._plant, self._plant.gate
        at_us = plant.agenda.now
        out = 2 * gate.position(at_us) > gate.travel_us
        body.at_blade_us = at_us
        body.moved_blade = gate.direction != 0
        if out:
            body.route, channel, exit_um = _RELEASE, _EXIT_RELEASE, plant.layout.exit_release_um
        else:
            body.route, channel, exit_um = _INSPECT, _EXIT_INSPECT, plant.layout.exit_inspect_um
        plant.plan_exit(body, ((exit_um, self._head, channel), (exit_um + body.length_um, self._left, channel)))
        plant.listener.routed(at_us, belt_um, body.parcel.number, body.route)

    def _past_blade(self, mark: Mark) -> None:
        body, generation, _, _ = mark
        if generation == body.generation:
            body.place += 1
            body.moved_blade = self._plant.gate.moved_since(body.at_blade_us)

    def _left(self, mark: Mark) -> None:
        """A tail at the exit eye of the body's route: it has left the lane."""
        body, generation, channel, belt_um = mark
        if generation == body.generation:
            body.place += 1
            plant, number = self._plant, body.parcel.number
            del plant.bodies[number]
            self.edge(channel, False, belt_um, number)
            plant.listener.left(plant.agenda.now, belt_um, body)


_RELEASE, _INSPECT = Route.RELEASE, Route.INSPECT
_EXIT_RELEASE, _EXIT_INSPECT = int(Channel.EXIT_RELEASE), int(Channel.EXIT_INSPECT)
