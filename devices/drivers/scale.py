"""Checkweigher (MANUAL.md section 6): ``S S     6120.5 g;count``. Only stable weights count."""

import re

from devices.address import PortAddress
from devices.drivers.context import DeviceContext
from devices.drivers.serial_device import SerialDevice
from devices.profile import Profile
from devices.signals import WeightMeasured

_WEIGHT = re.compile(r"^S ([SD]) ([ 0-9.\-]{10}) g$", re.ASCII)
_VALUE = re.compile(r"^-?[0-9]{1,7}\.[0-9]$", re.ASCII)
_NO_VALUE = {"S I": "not executable", "S +": "overload", "S -": "underload"}
MG_PER_TENTH_G = 100


class Scale(SerialDevice):
    """Driver of the role ``scale``."""

    def __init__(self, profile: Profile, address: PortAddress, context: DeviceContext) -> None:
        super().__init__("scale", profile, address, context)
        self._error_mg = profile.number("scale", "error_mg")

    def frame(self, text: str, at_us: int) -> None:
        """One weight, or the scale's word that there is none."""
        if text.partition(self._separator)[0].rstrip() in _NO_VALUE:
            self._no_value(text, at_us)
            return
        payload, count = self.split(text)
        match = _WEIGHT.match(payload)
        value = match.group(2).strip() if match else ""
        if match is None or not _VALUE.match(value):
            self.error("not a weight")
            return
        belt_um = self.position_um(count)
        if belt_um is None:
            return
        mg = int(value.replace(".", "")) * MG_PER_TENTH_G
        self._emit(mg, match.group(1) == "S" and mg > 0, at_us, belt_um)

    def _no_value(self, text: str, at_us: int) -> None:
        """Overload and the like: an unstable weight of nothing, where the belt is at present."""
        self.error(_NO_VALUE[text.partition(self._separator)[0].rstrip()])
        self._emit(0, False, at_us, self.context.belt.position_um(at_us))

    def _emit(self, mg: int, stable: bool, at_us: int, belt_um: int) -> None:
        self.context.emit(WeightMeasured(mg=mg, stable=stable, error_mg=self._error_mg, at_us=at_us, belt_um=belt_um))
