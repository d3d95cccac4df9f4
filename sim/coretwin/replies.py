"""What answers the core's commands: actuators after their delay, and stand-ins of the rest of the lane.

Stand-ins of declarations store, evidence store, counting workers, message sender and seal give what those would give;
they decide nothing. A reply comes by the driver, after the time that the settings name.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from devices.commands import ArmDetector, ShowLight
from lane.commands import AskDeclaration, AskReview, CloseEpoch, Count, Send
from lane.inputs import MessageAcknowledged
from sim.coretwin.epochs import AHEAD, TwinEpochs
from sim.coretwin.verdicts import Verdicts

if TYPE_CHECKING:
    from sim.coretwin.station import Station


class Replies:
    """Answers the commands of one station. ``obeyers``: what is done with each kind of command."""

    def __init__(self, station: "Station", epochs: TwinEpochs, verdicts: Verdicts) -> None:
        self._station = station
        self._driver, self._plant, self._images = station.driver, station.plant, station.images
        self._call_at = station.driver.call_at
        self._settings = station.settings
        self._belt = station.belt
        self._doers = station.actuators.doers
        self.epochs, self.verdicts = epochs, verdicts
        self.obeyers: dict[type, Callable[[Any], None]] = {
            ArmDetector: self._arm_detector,
            AskDeclaration: self._ask_declaration,
            Count: self._count,
            Send: self._send,
            CloseEpoch: self._close_epoch,
            AskReview: station.people.asked,
            ShowLight: self._nothing,
            **dict.fromkeys(station.actuators.doers, self._actuate),
        }

    # --- actuators

    def _actuate(self, command: Any) -> None:
        self._call_at(self._driver.now + self._settings.command_us, self._act, command)

    def _act(self, command: Any) -> None:
        self._doers[type(command)](command)
        self._plant.settle()

    def _nothing(self, _: ShowLight) -> None:
        """Nobody looks at the lamp in virtual time."""

    # --- images

    def _arm_detector(self, command: ArmDetector) -> None:
        self._images.arm(command.seq, command.from_um, command.to_um)
        self._plant.watch(command.to_um, command.seq)

    def window_ended(self, seq: int) -> None:
        """The belt is at the end of an armed window: its image is stored after a while, if there were X-rays."""
        if self._station.actuators.beam_on:
            self._call_at(self._driver.now + self._settings.image_us, self._store, seq)
        else:
            self._images.dark(seq)

    def _store(self, seq: int) -> None:
        station = self._station
        stored = self._images.stored(seq, self._driver.now, self._belt())
        if stored is not None:
            station.emit(stored)

    # --- declarations, vision, messages

    def _ask_declaration(self, command: AskDeclaration) -> None:
        self._call_at(self._driver.now + self._settings.declaration_us, self._answer, command)

    def _answer(self, command: AskDeclaration) -> None:
        station = self._station
        station.emit(station.answers.answer(command.seq, command.code, self._driver.now, self._belt()))

    def _count(self, command: Count) -> None:
        body = self._images.bodies.get(command.image_sha256, 0)
        truth = self._station.referee.parcel(body) if body else None
        duration_us, result = self.verdicts.answer(command, truth)
        self._call_at(self._driver.now + duration_us, self._deliver, result)

    def _deliver(self, result: Any) -> None:
        station = self._station
        if not station.troubles.blind:
            station.emit(self.verdicts.stamped(result, self._driver.now, self._belt()))

    def _send(self, command: Send) -> None:
        self._call_at(self._driver.now + self._settings.message_us, self._acknowledge, command.idempotency_key)

    def _acknowledge(self, key: str) -> None:
        item = MessageAcknowledged(at_us=self._driver.now, belt_um=self._belt(), idempotency_key=key)
        self._station.emit(item)

    # --- epochs

    def _close_epoch(self, command: CloseEpoch) -> None:
        self._call_at(self._driver.now, self._next_epoch, command)

    def _next_epoch(self, command: CloseEpoch) -> None:
        station, now, belt_um = self._station, self._driver.now, self._station.belt()
        station.emit(self.epochs.revealed(command.epoch, command.draws, now, belt_um))
        for item in self.epochs.ahead(command.epoch + AHEAD, now, belt_um):
            station.emit(item)
        station.opened(command.epoch + 1)
        station.emit(self.epochs.opened(command.epoch + 1, now, belt_um))
