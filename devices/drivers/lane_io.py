"""Remote I/O of the lane: eyes, encoder, stack light, induction permission, divert gate.

Responsible for turning polls into signals in ring order, for the output word, and for being the device's only owner.
The gate's pulse and its proof stand in ``divert_gate``, the watchdog proof in ``watchdog_proof``.
"""

from devices.commands import Light
from devices.drivers.base import ModbusDriver
from devices.drivers.context import DeviceContext
from devices.drivers.divert_gate import DivertGate
from devices.drivers.gate_watch import GateChannels
from devices.drivers.io_signals import IoLayout, IoSignals, IoState
from devices.drivers.watchdog_proof import WatchdogProof
from devices.io_image import IoResume, decode_event_block
from devices.modbus_link import ModbusLink
from devices.profile import Profile
from devices.registers import Block
from devices.requests import Failure, LinkFailure, Priority
from devices.set_point import SetPoint
from devices.signals import LinkRestored

DO_INDUCTION = 1
DO_LIGHTS = {Light.OFF: 0, Light.GREEN: 2, Light.YELLOW: 4, Light.RED: 8, Light.BLUE: 16}
DO_RELEASE = 0x100
"""Bits of the output word: MANUAL.md section 1, state block reg 2."""
SAFE_MASK = DO_RELEASE | DO_INDUCTION


class LaneIo(ModbusDriver):
    """Driver of the role ``io``."""

    def __init__(
        self,
        profile: Profile,
        link: ModbusLink,
        unit: int,
        context: DeviceContext,
        resume: IoResume | None,
        token: int,
    ) -> None:
        super().__init__("io", profile, link, unit, context)
        self._token = token
        self.port.token = (token >> 16, token & 0xFFFF)
        self.signals = IoSignals(_layout(profile), context.belt, resume, context.speed)
        self.boot = None if resume is None else resume.boot
        self.state = IoState(inputs=0, outputs=0, applied=0, refused=0, refusal=0, foreign=0)
        self.gate = DivertGate(self)
        self.proof = WatchdogProof(self)
        self._event_block = _one(profile.blocks("event"), "event")
        self._state_block = _one(profile.blocks("state"), "state")
        self._outputs = profile.register("outputs_wanted")
        self._word: SetPoint[int] = SetPoint(self._write_word, self._outputs.rate_per_s)
        self._allowed = False
        self._light = Light.OFF
        self._clears = 0

    # --- states to reach

    def allow_induction(self, allowed: bool) -> None:
        """Upstream may feed parcels."""
        self._allowed = allowed
        self._word.want(self._wanted_word())

    def show_light(self, light: Light) -> None:
        """Stack light."""
        self._light = light
        self._word.want(self._wanted_word())

    # --- bring-up

    async def claim(self) -> None:
        """Become its owner; remote I/O without an owner has no such register.

        Raises:
            LinkFailure: OWNER, as long as another controller writes to it.
        """
        register = self.profile.registers.get("claim")
        if register is None:
            return
        try:
            await self.port.write(register, self._token, Priority.SAFETY)
        except LinkFailure as failure:
            if failure.kind is Failure.EXCEPTION:
                text = "it must be silent for some seconds first; two controllers can't share it"
                raise LinkFailure(Failure.OWNER, text) from failure
            raise

    async def prove_safe(self) -> None:
        """Valve and induction off, as the state block shows them."""
        state = await self.read_state()
        if state.outputs & SAFE_MASK:
            text = f"outputs: expected release and induction off, were {state.outputs:#06x}"
            raise LinkFailure(Failure.READ_BACK, text)

    def resume(self, *, keep: bool) -> None:
        """Lights stay as wanted; induction only after a short gap without a watchdog trip."""
        if not keep:
            self._allowed = False
        self._word.wanted = self._wanted_word()
        self._word.again()
        self.gate.link_restored()
        if self.tripped:
            self._acknowledge()

    # --- polls

    async def cycle(self) -> None:
        """Event block, state block, heartbeat."""
        clears = self._clears
        words, receive_us = await self.read_block(self._event_block)
        block = decode_event_block(words)
        self.state = await self.read_state()
        await self.heartbeat()
        signals, _ = self.signals.take(block, self.state, receive_us)
        for signal in signals:
            self.context.emit(signal)
        self.check_alive({"boot": block.boot, "life": block.life})
        if clears != self._clears:
            return  # the flag in this block was read before it was cleared
        newly_tripped = block.tripped and not self.tripped
        self.tripped = block.tripped
        if newly_tripped and self.ready and not self.proof.running:
            self._tripped_while_up()

    async def read_state(self, priority: Priority = Priority.POLL) -> IoState:
        """State block."""
        reply = await self.port.run(self._state_block.request(self.port.unit), priority)
        values = self._state_block.decode(reply.words)
        return IoState(
            inputs=values["inputs"],
            outputs=values["outputs"],
            applied=values["permit_applied"],
            refused=values["permit_refused"],
            refusal=values["refusal"],
            foreign=values.get("foreign", 0),
        )

    async def clear_tripped(self) -> None:
        """Clear the latched flag with a fresh heartbeat."""
        await self.heartbeat()
        await self.port.write(self.profile.register("clear_tripped"), 1, Priority.COMMAND)
        self._clears += 1
        self.tripped = False

    def on_down(self, reason: str) -> None:
        """Also a pulse under way is not proven any more."""
        super().on_down(reason)
        self.gate.link_lost()

    async def stop(self) -> None:
        """End own tasks."""
        await self._word.stop()
        await self.gate.stop()
        await self.proof.stop()

    def _tripped_while_up(self) -> None:
        """The watchdog ran out although the connection lives (our side stalled): the lane must know."""
        link = self.port.link
        watchdog_us = self.profile.number("failsafe", "watchdog_ms") * 1_000
        self.context.emit(
            LinkRestored(
                role=self.role,
                port=link.address.key,
                unit=self.port.unit,
                gap_us=watchdog_us,
                watchdog_tripped=True,
                **self.context.here(),
            )
        )
        self.resume(keep=False)

    def _acknowledge(self) -> None:
        """The trip is reported: clear the flag, so that the next one shows."""
        self.gate.spawn(self.clear_tripped())

    def _wanted_word(self) -> int:
        return DO_LIGHTS[self._light] | (DO_INDUCTION if self._allowed else 0)

    async def _write_word(self, word: int) -> None:
        await self.port.prove(self._outputs, word, Priority.COMMAND)


def _one(blocks: tuple[Block, ...], poll: str) -> Block:
    if len(blocks) != 1:
        raise ValueError(f"poll group {poll}: expected one block of adjacent registers, were {len(blocks)}")
    return blocks[0]


def _layout(profile: Profile) -> IoLayout:
    return IoLayout(
        eyes={profile.number("eyes", name): name for name in profile.tables["eyes"]},
        gate=GateChannels(
            home=profile.number("gate", "channel_home"),
            out=profile.number("gate", "channel_out"),
            valve=profile.number("gate", "channel_valve"),
            tripped=profile.number("gate", "channel_tripped"),
            travel_us_max=profile.number("gate", "travel_ms_max") * 1_000,
        ),
        debounce_us=profile.number("soe", "debounce_us"),
        debounce_counts=profile.number("soe", "debounce_counts"),
    )
