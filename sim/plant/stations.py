"""What the stations beside the belt make of a body: readers, scale, detector, blade and exits."""

from typing import TYPE_CHECKING

from lane.model.config import READER_FIRST, READER_SECOND
from lane.model.words import Route
from sim.plant.bodies import Body
from sim.plant.lane_io import Channel
from sim.plant.marks import BLADE_HEAD, DETECTOR_HEAD, DETECTOR_TAIL, EXIT_HEAD, EXIT_TAIL, READER, SCALE, SECOND
from sim.streams.randoms import Keyed

if TYPE_CHECKING:
    from sim.plant.plant import Plant

SCALE_SIGMA_MG, SCALE_ERROR_MG, SCALE_STEP_MG = 1_000, 3_000, 100
"""Noise of the scale: sigma 1 g, never beyond its stated accuracy of 3 g; it shows tenths of a gram."""
EXITS = {Route.RELEASE: int(Channel.EXIT_RELEASE), Route.INSPECT: int(Channel.EXIT_INSPECT)}
"""Channel of the exit eye on each branch."""


class Stations:
    """Readers, scale, detector and blade of one plant."""

    __slots__ = ("_plant", "_scale")

    def __init__(self, plant: "Plant", seed: int) -> None:
        self._plant = plant
        self._scale = Keyed(seed, "scale")

    def meet(self, code: int, body: Body, at_us: int, belt_um: int) -> None:
        """A body is at a mark that is no edge of an eye."""
        plant = self._plant
        if code in (DETECTOR_HEAD, DETECTOR_TAIL):
            plant.listener.detector(at_us, belt_um, body.parcel.number, code == DETECTOR_HEAD)
        elif code in (READER, SECOND):
            reader = READER_FIRST if code == READER else READER_SECOND
            plant.listener.code(at_us, belt_um, reader, body.parcel.number, body.parcel.code)
        elif code == SCALE:
            plant.listener.weight(at_us, belt_um, body.parcel.number, self._weigh(body.parcel.weight_mg))
        elif code == BLADE_HEAD:
            self._route(body, at_us, belt_um)
        else:
            body.moved_blade = plant.gate.moved_since(body.at_blade_us)

    def _weigh(self, weight_mg: int) -> int:
        error = max(-SCALE_ERROR_MG, min(SCALE_ERROR_MG, self._scale.error(SCALE_SIGMA_MG)))
        return max(0, (weight_mg + error + SCALE_STEP_MG // 2) // SCALE_STEP_MG * SCALE_STEP_MG)

    def _route(self, body: Body, at_us: int, belt_um: int) -> None:
        """The blade decides when the head reaches it; a blade on its way counts as where it is nearer to."""
        plant, gate = self._plant, self._plant.gate
        out = 2 * gate.position(at_us) > gate.travel_us
        body.route = Route.RELEASE if out else Route.INSPECT
        body.at_blade_us = at_us
        body.moved_blade = gate.direction != 0
        exit_um = plant.layout.exit_release_um if out else plant.layout.exit_inspect_um
        plant.mark(body.head_um + exit_um, EXIT_HEAD, body, body.generation)
        plant.mark(body.head_um + exit_um + body.length_um, EXIT_TAIL, body, body.generation)
        plant.listener.routed(at_us, belt_um, body.parcel.number, body.route)
