"""What all Modbus drivers share: bring-up from the profile, life and boot counters, loss and return of the link."""

import asyncio
from collections.abc import Sequence

from devices.drivers.context import DeviceContext
from devices.modbus_link import ModbusLink
from devices.profile import Profile
from devices.registers import Block, Register, Use
from devices.requests import Failure, LinkFailure, Priority
from devices.signals import DeviceRestarted, LinkLost, LinkRestored
from devices.unit_runner import LIFE_CYCLES, LIFE_PERIOD_S, LifeWatch, UnitPort

KEEP_GAP_US_MAX = 1_000_000
"""After a gap up to 1 s the wanted state is written again; after a longer one a person must act (0.4 s watchdogs of
the devices trip in between anyway)."""


class ModbusDriver:
    """Base of the drivers. Responsible for bring-up order and link signals, not for the role."""

    def __init__(self, role: str, profile: Profile, link: ModbusLink, unit: int, context: DeviceContext) -> None:
        self.role = role
        self.profile = profile
        self.context = context
        self.port = UnitPort(link, unit)
        self.boot: int | None = None
        self.tripped = False
        """Whether the device says that its watchdog tripped."""
        self.ready = False
        cycle_s = profile.link.cycle_ms / 1_000
        self.life = LifeWatch(stands_s_max=max(LIFE_CYCLES * cycle_s, LIFE_CYCLES * LIFE_PERIOD_S))
        self.blocks = profile.blocks()
        self._beat = 0

    # --- bring-up, as the profile says

    async def claim(self) -> None:
        """Nothing: most devices obey whoever writes to them."""

    def safe_state(self) -> Sequence[tuple[Register, int]]:
        """All actuators of one register at their safe values, in the profile's order."""
        return [
            (register, register.safe)
            for register in self.profile.registers.values()
            if register.write_function and register.use is Use.ACTUATOR and register.safe is not None
            if register.size == 1 and not register.is_draft
        ]

    async def prove_safe(self) -> None:
        """Nothing beyond the read-back."""

    def identity(self) -> Sequence[tuple[Register, int]]:
        """Registers that must hold what the profile says (F14)."""
        return [(self.profile.register(entry.register), entry.value) for entry in self.profile.identity]

    def initial(self) -> Sequence[tuple[Register, int]]:
        """Init list of the profile."""
        return [(self.profile.register(entry.register), entry.value) for entry in self.profile.init]

    async def cycle(self) -> None:
        """One poll cycle."""
        raise NotImplementedError

    # --- used by the drivers' cycles

    async def read_block(self, block: Block) -> tuple[tuple[int, ...], int]:
        """Words of a block and the lane clock at reception."""
        reply = await self.port.run(block.request(self.port.unit))
        return reply.words, reply.at_us + reply.at_err_us

    async def read_all(self) -> dict[str, int]:
        """Values of all polled blocks by name."""
        values: dict[str, int] = {}
        for block in self.blocks:
            words, _ = await self.read_block(block)
            values.update(block.decode(words))
        return values

    async def heartbeat(self) -> None:
        """Write a changed value (rule 17)."""
        self._beat = self._beat % 0xFFFF + 1
        await self.port.write(self.profile.register("heartbeat"), self._beat, Priority.POLL)

    def check_alive(self, values: dict[str, int]) -> None:
        """Boot and life counters of one poll (checks 8 and 9 of the envelope).

        Raises:
            LinkFailure: BOOT or LIFE; the link is then brought up anew.
        """
        boot, self.boot = self.boot, values["boot"]
        if boot is not None and values["boot"] != boot:
            self.life.forget()
            self.restarted(values["boot"])
            raise LinkFailure(Failure.BOOT, f"expected {boot}, was {values['boot']}")
        self.life.check(values["life"], self.wall_s())

    def restarted(self, boot: int) -> None:
        """The device started anew: say so."""
        link = self.port.link
        self.context.emit(
            DeviceRestarted(
                role=self.role, port=link.address.key, unit=self.port.unit, boot=boot, **self.context.here()
            )
        )

    @staticmethod
    def wall_s() -> float:
        """Monotonic wall clock of the event loop."""
        return asyncio.get_running_loop().time()

    # --- link

    def on_up(self, gap_us: int, *, first: bool) -> None:
        """Report the return, then take up (or drop) what was wanted."""
        self.ready = True
        link = self.port.link
        self.context.emit(
            LinkRestored(
                role=self.role,
                port=link.address.key,
                unit=self.port.unit,
                gap_us=gap_us,
                watchdog_tripped=self.tripped,
                **self.context.here(),
            )
        )
        self.resume(keep=not first and gap_us <= KEEP_GAP_US_MAX and not self.tripped)

    def on_down(self, reason: str) -> None:
        """Report the loss."""
        self.ready = False
        self.life.forget()
        link = self.port.link
        self.context.emit(
            LinkLost(role=self.role, port=link.address.key, unit=self.port.unit, reason=reason, **self.context.here())
        )

    def resume(self, *, keep: bool) -> None:
        """After bring-up: write the wanted state again (``keep``) or want the safe state."""

    async def stop(self) -> None:
        """End the driver's own tasks."""
