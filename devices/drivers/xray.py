"""X-ray cabinet and X-ray source. The hardware chain has the last word; software only asks, and drops first."""

from devices.drivers.base import KEEP_GAP_US_MAX, ModbusDriver
from devices.drivers.context import DeviceContext
from devices.drivers.safety_status import SafetyStatus
from devices.modbus_link import ModbusLink
from devices.profile import Profile
from devices.requests import Priority
from devices.set_point import SetPoint

BEAM_KEEP_GAP_US = 400_000
"""A shorter gap is no loss of the source's heartbeat (its watchdog: 500 ms, MANUAL.md section 4); after a longer one
the beam comes back only when a person lets the lane ask again."""


class XrayCabinet(ModbusDriver):
    """Driver of the role ``cabinet``: reads the safety chain, feeds the cabinet's watchdog."""

    def __init__(
        self, profile: Profile, link: ModbusLink, unit: int, context: DeviceContext, safety: SafetyStatus
    ) -> None:
        super().__init__("cabinet", profile, link, unit, context)
        self.safety = safety
        self._status = profile.register("status")

    async def cycle(self) -> None:
        """Status and heartbeat."""
        values = await self.read_all()
        await self.heartbeat()
        self.check_alive(values)
        self.safety.report("cabinet", self._status.flags(values["status"]))

    def on_down(self, reason: str) -> None:
        """The chain is unknown."""
        super().on_down(reason)
        self.safety.lost("cabinet")


class XraySource(ModbusDriver):
    """Driver of the role ``source``: beam on only while the whole chain is read closed and ready."""

    def __init__(
        self, profile: Profile, link: ModbusLink, unit: int, context: DeviceContext, safety: SafetyStatus
    ) -> None:
        super().__init__("source", profile, link, unit, context)
        self.safety = safety
        self._status = profile.register("status")
        self._beam_register = profile.register("beam")
        self._beam: SetPoint[int] = SetPoint(self._write_beam, self._beam_register.rate_per_s)
        self._fault_reset = profile.register("fault_reset")
        self._wanted = False
        self._may_reset = False
        """A start or a long gap lies behind: the lane stands until a person lets it run; an old fault may be reset."""

    def set_beam(self, on: bool) -> None:
        """Beam wanted or not. Refused at once while the chain is open; a warm-up is waited for."""
        self._wanted = on and self.ready and self.safety.chain_closed()
        self._apply()

    async def cycle(self) -> None:
        """Status, heartbeat, and the beam as wanted and permitted."""
        values = await self.read_all()
        await self.heartbeat()
        self.check_alive(values)
        flags = self._status.flags(values["status"])
        if self._may_reset and flags["fault"] and self.safety.chain_closed():
            await self.port.write(self._fault_reset, 1, Priority.COMMAND)
        self._may_reset = self._may_reset and not self.safety.chain_closed()
        self.safety.report("source", flags)
        self.enforce()

    def enforce(self) -> None:
        """An open chain ends the wish for a beam: it is not resumed by itself."""
        if self._wanted and not self.safety.chain_closed():
            self._wanted = False
        if self.ready:
            self._apply()

    def on_up(self, gap_us: int, *, first: bool) -> None:
        """As always, but the beam survives only a gap too short for the source's own watchdog."""
        if first or gap_us > BEAM_KEEP_GAP_US:
            self._wanted = False
        self._may_reset = first or gap_us > KEEP_GAP_US_MAX
        super().on_up(gap_us, first=first)

    def on_down(self, reason: str) -> None:
        """The source is unknown."""
        super().on_down(reason)
        self.safety.lost("source")

    def resume(self, *, keep: bool) -> None:
        """Bring-up wrote beam off."""
        if not keep:
            self._wanted = False
        self._beam.drop()
        self._beam.written = 0
        self._apply()

    async def stop(self) -> None:
        """End own tasks."""
        await self._beam.stop()

    def _apply(self) -> None:
        value = int(self._wanted and self.safety.ready())
        if self._beam.wanted != value:
            self._beam.want(value)

    async def _write_beam(self, value: int) -> None:
        await self.port.prove(self._beam_register, value, Priority.COMMAND if value else Priority.SAFETY)
