"""Belt drive: run at a speed, or stand. The drive's own watchdog stops the belt when we are silent."""

from devices.drivers.base import ModbusDriver
from devices.drivers.context import DeviceContext
from devices.modbus_link import ModbusLink
from devices.profile import Profile
from devices.requests import Priority
from devices.set_point import SetPoint
from devices.signals import BeltState, EncoderDoubt

FAULT_WATCHDOG = 72
"""Fault code of the communication watchdog (MANUAL.md section 2, 0x2102)."""
SPEED_STEP_UM_S = 50_000
"""A speed change smaller than this is no news: the encoder reports the belt itself."""

FRESH_US = 200_000
"""An older encoder reading (wall time) is not compared."""
DIFFERS_S_MAX = 1.0
"""Longer than any ramp: speeds that differ by a fifth for so long are no passing state."""


class BeltDrive(ModbusDriver):
    """Driver of the role ``drive``."""

    def __init__(self, profile: Profile, link: ModbusLink, unit: int, context: DeviceContext) -> None:
        super().__init__("drive", profile, link, unit, context)
        self._command = profile.register("command")
        self._speed = profile.register("speed_wanted")
        self._status = profile.register("status")
        self._target: SetPoint[int] = SetPoint(self._reach, self._command.rate_per_s)
        self._told: BeltState | None = None
        self._fault = False
        self._differs_since_s: float | None = None
        self._doubted = False

    def run(self, speed_um_s: int) -> None:
        """Belt forward at this speed; a standing fault is reset first (a person asked for this start)."""
        self._doubted = False
        if self.ready:
            self._target.want(speed_um_s)

    def stand(self) -> None:
        """Belt at rest."""
        self._target.want(0)

    def resume(self, *, keep: bool) -> None:
        """After a short gap the belt goes on as wanted; else it stands until asked again."""
        if keep:
            self._target.again()
        else:
            self._target.drop()

    async def cycle(self) -> None:
        """Poll; any frame feeds the drive's watchdog."""
        values = await self.read_all()
        self.check_alive(values)
        flags = self._status.flags(values["status"])
        self._fault = flags["fault"]
        self.tripped = flags["fault"] and values["fault_code"] == FAULT_WATCHDOG
        self._tell(flags["running"], values["speed_actual"], flags["fault"])
        self._compare(flags["at_speed"], values["speed_actual"])

    async def stop(self) -> None:
        """End own tasks."""
        await self._target.stop()

    async def _reach(self, speed_um_s: int) -> None:
        if speed_um_s <= 0:
            await self.port.prove(self._command, self._command.word("stop"), Priority.SAFETY)
            return
        if self._fault:
            await self.port.write(self._command, self._command.word("fault_reset"))
        await self.port.prove(self._speed, speed_um_s)
        await self.port.prove(self._command, self._command.word("run"))

    def _compare(self, at_speed: bool, speed_um_s: int) -> None:
        """Encoder against drive: a slipping belt or a loose encoder makes all positions doubtful. Told once."""
        belt, now_us = self.context.belt, self.context.now()
        fresh = belt.scale is not None and now_us - belt.at_us < FRESH_US * self.context.speed
        agrees = abs(belt.speed_um_s - speed_um_s) <= max(speed_um_s // 5, SPEED_STEP_UM_S)
        if not (at_speed and fresh) or agrees:
            self._differs_since_s = None
            return
        if self._differs_since_s is None:
            self._differs_since_s = self.wall_s()
        elif self.wall_s() - self._differs_since_s > DIFFERS_S_MAX and not self._doubted:
            self._doubted = True
            reason = f"encoder says {belt.speed_um_s // 1_000} mm/s, drive says {speed_um_s // 1_000} mm/s"
            self.context.emit(EncoderDoubt(reason=reason, **self.context.here()))

    def _tell(self, running: bool, speed_um_s: int, fault: bool) -> None:
        told = self._told
        if told is not None and (told.running, told.fault) == (running, fault):
            stood, stands = told.speed_um_s == 0, speed_um_s == 0
            if stood == stands and abs(told.speed_um_s - speed_um_s) < SPEED_STEP_UM_S:
                return
        self._told = BeltState(running=running, speed_um_s=speed_um_s, fault=fault, **self.context.here())
        self.context.emit(self._told)
