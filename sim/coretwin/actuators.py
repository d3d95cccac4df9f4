"""Commands that reach an actuator of the plant, and the signals with which the devices answer them."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from devices.commands import AllowInduction, ProveWatchdog, ReleasePulse, RestGate, RunBelt, SetBeam, StopBelt
from devices.signals import GateFault, SafetyChanged, WatchdogProven
from sim.coretwin.plain_io import PlainOutputs
from sim.plant.options import Duty

if TYPE_CHECKING:
    from sim.coretwin.station import Station

PROOF_MS = 1_200
"""Test pulse of the watchdog proof: three times the watchdog's 400 ms."""
PROOF_PERMIT = 65_535
"""Number of the test pulse; proofs take this one and the one below in turn."""
CORE_TOKEN = 0xC0DE
"""By which the lane I/O knows its owner, the core."""
SENT_MAX = 4
"""Frames with a permit that somebody on the wire may have copied."""
HOME_SLACK_US = 20_000
"""After the blade should be home again, before it is read back."""
BEAM_US = 200_000
"""From the beam request to X-rays on."""
BELT_REPORT = 0
"""Token of watched belt positions for the encoder's reports; lane numbers (image windows) are 1 and more."""


class Actuators:
    """Belt drive, induction output, gate, source and the watchdog proof of one station.

    ``sent``: the latest release blocks as they left for the device: permit, pulse in ms, window in counts, not after.
    """

    def __init__(self, station: "Station") -> None:
        self._station = station
        self._reporting = False
        plain = Duty.H4 not in station.plant.options.duties
        self._plain = PlainOutputs(station, station.seed) if plain else None
        self.sent: deque[tuple[int, int, int, int, int]] = deque(maxlen=SENT_MAX)
        station.plant.io.claim(CORE_TOKEN, 0)
        self.allowed = False
        self._proof_permit = PROOF_PERMIT
        self.beam_on = self._beam_wanted = False
        self.doers: dict[type, Callable[[Any], None]] = {
            RunBelt: self._run_belt,
            StopBelt: self._stop_belt,
            AllowInduction: self._allow,
            ReleasePulse: self._release,
            RestGate: self._rest,
            SetBeam: self._set_beam,
            ProveWatchdog: self._prove,
        }

    def _run_belt(self, command: RunBelt) -> None:
        report_um = self._station.settings.belt_report_um
        if report_um and not self._reporting:
            self._station.plant.watch(self._station.belt() + report_um, BELT_REPORT)
            self._reporting = True
        self._station.plant.set_belt(self._station.now, command.speed_um_s)

    def _stop_belt(self, _: StopBelt) -> None:
        self._station.plant.set_belt(self._station.now, 0)

    def _allow(self, command: AllowInduction) -> None:
        self.allowed = command.allowed
        if not self._station.troubles.silent:
            self._station.plant.allow_induction(self._station.now, command.allowed)

    def _rest(self, _: RestGate) -> None:
        if self._plain is not None:
            self._plain.rest()
        if not self._station.troubles.silent:
            self._station.plant.rest_gate(self._station.now)

    def _release(self, command: ReleasePulse) -> None:
        station = self._station
        if self._plain is not None:
            self._plain.release(command)
            return
        if station.troubles.silent:
            return
        not_after_ms = (command.not_after_us - station.now) // 1_000
        if not_after_ms > 0:
            counts = station.plant.io.encoder(command.from_um), station.plant.io.encoder(command.to_um)
            self.sent.append((command.permit_no, command.pulse_ms, *counts, not_after_ms))
            station.plant.release(
                station.now, command.permit_no, command.pulse_ms, command.from_um, command.to_um, not_after_ms
            )
        else:
            self.refused(command.permit_no, "expired before it reached the device")

    def refused(self, permit_no: int, reason: str) -> None:
        """The device refused a permit."""
        station = self._station
        text = f"permit {permit_no} refused: {reason}"
        station.emit(GateFault(at_us=station.now, belt_um=station.belt(), reason=text))

    def _set_beam(self, command: SetBeam) -> None:
        self._beam_wanted = command.on
        self._station.driver.call_at(self._station.now + BEAM_US, self._beam_changed, command.on)

    def _beam_changed(self, on: bool) -> None:
        if on == self._beam_wanted and on != self.beam_on:
            self.beam_on = on
            self.report_safety()

    def report_safety(self) -> None:
        """The safety chain as the cabinet tells it: closed, and X-rays as the source has them."""
        station = self._station
        station.emit(
            SafetyChanged(
                at_us=station.now, belt_um=station.belt(), estop_ok=True, guard_ok=True, interlock_ok=True,
                key_on=True, xray_on=self.beam_on, xray_ready=True,
            )
        )  # fmt: skip

    def _prove(self, _: ProveWatchdog) -> None:
        """The proof on the real rules of the lane I/O: test pulse, silence, trip, read back."""
        station, io = self._station, self._station.plant.io
        io.beat(io.heartbeat + 1, station.now)
        self._proof_permit ^= 1  # the device ignores a repeated number
        self.sent.append((self._proof_permit, PROOF_MS, 0, 0, PROOF_MS))
        station.plant.release(station.now, self._proof_permit, PROOF_MS, 0, 0, PROOF_MS)
        station.driver.call_at(station.now + io.watchdog_ms * 1_000, self._silence_over, station.now)

    def _silence_over(self, began_us: int) -> None:
        station, plant = self._station, self._station.plant
        belt_um = plant.sync(station.now)
        tripped = plant.io.watch(station.now, station.now, belt_um)
        plant.io_changed(station.now, belt_um)
        station.follow_plant()
        home_us = station.now + plant.gate.travel_us + HOME_SLACK_US
        station.driver.call_at(home_us, self._proven, (tripped, station.now - began_us))

    def _proven(self, found: tuple[bool, int]) -> None:
        station, io = self._station, self._station.plant.io
        tripped, drop_us = found
        io.beat(io.heartbeat + 1, station.now)
        ok = tripped and not io.valve and io.clear_trip(station.now) and station.plant.gate.home(station.now)
        station.emit(WatchdogProven(at_us=station.now, belt_um=station.belt(), ok=ok, drop_us=drop_us))
