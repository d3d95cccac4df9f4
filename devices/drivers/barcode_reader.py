"""Barcode reader with framed ASCII output (MANUAL.md section 5): code, bar, encoder count."""

import asyncio

from devices.address import PortAddress
from devices.drivers.context import DeviceContext
from devices.drivers.serial_device import SerialDevice
from devices.profile import Profile
from devices.signals import BarcodeRead, ReadQuality


class BarcodeReader(SerialDevice):
    """Driver of the roles ``reader`` and ``second_reader``."""

    def __init__(self, role: str, profile: Profile, address: PortAddress, context: DeviceContext) -> None:
        super().__init__(role, profile, address, context)
        self._no_read = profile.text("reader", "no_read")
        self._dedupe_s = profile.number("reader", "dedupe_ms") / 1_000
        self._last: tuple[str, float] = ("", 0.0)

    def frame(self, text: str, at_us: int) -> None:
        """One read. The same frame again within the window is one read."""
        now_s = asyncio.get_running_loop().time()
        last, self._last = self._last, (text, now_s)
        if last[0] == text and now_s - last[1] < self._dedupe_s:
            self.error("duplicate")
            return
        code, count = self.split(text)
        if not code:
            self.error("no separator or no code")
            return
        belt_um = self.position_um(count)
        if belt_um is None:
            return
        seen = code != self._no_read
        self.context.emit(
            BarcodeRead(
                reader=self.role,
                text=code if seen else "",
                quality=ReadQuality.GOOD if seen else ReadQuality.NO_READ,
                at_us=at_us,
                belt_um=belt_um,
            )
        )
