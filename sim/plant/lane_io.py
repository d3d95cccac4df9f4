"""Lane I/O as a pure state machine: section 1 of ``config/devices/MANUAL.md``, rule by rule.

Responsible for: event ring, release block, watchdog, output word. Not for Modbus (``sim.wire`` puts that around it),
not for who writes (whoever passes a write on asks ``admits`` before) and not for the blade (``gate``): it is told the
gate's end switches by edges like any other channel.

Three coordinates come in with each call: ``at_us`` plant time, ``belt_um`` true belt travel, ``wall_us`` wall time
(watchdog only). Encoder counts are 0.1 mm, u32, from the position at power-up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from sim.plant.field_rules import NEVER, RULES, FieldRules
from sim.plant.options import LANE_IO, Duty, has_owner
from sim.plant.owner import Owner

COUNT_UM = 100
"""One encoder count: 0.1 mm."""
RING_SLOTS = 16
U16, U32 = 0xFFFF, 0xFFFFFFFF
WATCHDOG_MS_MIN, WATCHDOG_MS_MAX, WATCHDOG_MS_DEFAULT = 100, 2_000, 300
PERMIT_NO_MAX = 65_000
"""Permits count up to here and begin anew; higher numbers are for tests."""
DO_INDUCTION = 1
DO_WRITABLE = 0b11111  # b0 allow induction, b1-b4 lights


class Channel(IntEnum):
    """Channels of the event ring."""

    INDUCT = 0
    TUNNEL_ENTRY = 1
    TUNNEL_EXIT = 2
    DIVERT = 3
    EXIT_RELEASE = 4
    EXIT_INSPECT = 5
    GATE_HOME = 8
    GATE_OUT = 9
    VALVE = 10
    TRIPPED = 11


class Refusal(IntEnum):
    """Why a permit was refused (register 0x0106)."""

    NONE = 0
    LATE = 1
    REPEATED = 2
    GATE_NOT_HOME = 3
    WATCHDOG = 4
    WINDOW = 5
    BELT_MOVES = 6


@dataclass(slots=True)
class Pulse:
    """One accepted release block. ``from_um`` -1: opens at once. ``opened_us`` -1: still waiting."""

    permit_no: int
    from_um: int
    to_um: int
    pulse_us: int
    not_after_us: int
    opened_us: int = -1

    @property
    def ends_us(self) -> int:
        """Plant time at which the pulse ends at the latest."""
        return self.opened_us + self.pulse_us


class LaneIo:
    """The device. Its outputs: ``valve`` and ``do_applied``; both change only inside its methods.

    ``owner``: who may write to it (None: remote I/O without a program, which anybody may write to). ``speed_at``: the
    belt's speed at a time, from its encoder.
    """

    def __init__(
        self, *, boot: int = 1, duties: frozenset[Duty] = LANE_IO, way_um: int = 0, gap_um_min: int = 0
    ) -> None:  # fmt: skip
        self.boot = boot
        self.duties = duties
        self.rules = FieldRules(duties, gap_um_min=gap_um_min, way_um=way_um) if duties & RULES else None
        self.owner = Owner() if has_owner(duties) else None
        self.speed_at: Callable[[int], int] = lambda at_us: 0
        self.encoder_zero_um = 0
        self.clock_zero_us = 0
        self._power_up()

    def _power_up(self) -> None:
        self.inputs = 1 << Channel.GATE_HOME
        self.counters = [0] * (Channel.TRIPPED + 1)
        self._edges: list[tuple[int, bool, int, int] | None] = [None] * RING_SLOTS
        self.events = 0
        self.do_wanted = 0
        self.do_applied = 0
        self.valve = False
        self.running: Pulse | None = None
        self.waiting: Pulse | None = None
        self.applied = 0
        self.refused = self.refusals = 0
        self.refusal = Refusal.NONE
        self.heartbeat = 0
        self.watchdog_ms = WATCHDOG_MS_DEFAULT
        self.armed = False
        self.tripped = False
        self.tripped_at_us = 0
        self._fed_wall_us = 0
        self._accepted = self._permit = 0

    def restart(self, at_us: int, belt_um: int, *, encoder_at_zero: bool = True) -> None:
        """Power fails and returns: outputs off, ring and counters empty, boot counter +1, inputs as they stand."""
        inputs = self.inputs
        self.boot = (self.boot + 1) & U16
        if encoder_at_zero:
            self.encoder_zero_um = belt_um
        self.clock_zero_us = at_us
        self._power_up()
        if self.owner is not None:
            self.owner.power_up()
        self.inputs = inputs

    # --- what the device sees

    def encoder(self, belt_um: int) -> int:
        """Encoder count now."""
        return (belt_um - self.encoder_zero_um) // COUNT_UM & U32

    def clock(self, at_us: int) -> int:
        """Device clock now."""
        return (at_us - self.clock_zero_us) & U32

    def edge(self, channel: int, level: bool, at_us: int, belt_um: int) -> None:
        """A channel changed level: input word, rising-edge counter, ring entry stamped here."""
        if level:
            self.inputs |= 1 << channel
            self.counters[channel] += 1
        else:
            self.inputs &= ~(1 << channel)
        self.events = events = self.events + 1
        self._edges[events % RING_SLOTS] = (channel, level, at_us, belt_um)
        if self.rules is not None and channel == Channel.DIVERT:
            pulses = (self.running, self.waiting)
            windows = [(pulse.from_um, pulse.to_um) for pulse in pulses if pulse is not None]
            if self.rules.divert(level, belt_um, windows):
                self.rest_gate(at_us, belt_um)

    @property
    def newest(self) -> int:
        """Number of the newest ring entry (0: none since power-up)."""
        return self.events & U16

    @property
    def ring(self) -> list[tuple[int, int, int, int]]:
        """The ring's slots as (number, channel and level, clock, encoder); written by the device as edges come."""
        slots = []
        for slot, edge in enumerate(self._edges):
            if edge is None:
                slots.append((0, 0, 0, 0))
                continue
            channel, level, at_us, belt_um = edge
            number = self.events - (self.events - slot) % RING_SLOTS
            code = channel | (0x8000 if level else 0)
            slots.append((number & U16, code, self.clock(at_us), self.encoder(belt_um)))
        return slots

    # --- what is written to the device

    def claim(self, token: int, wall_us: int) -> bool:
        """A controller claims the device. A new owner's permits begin anew. False: refused (exception 4)."""
        owner = self.owner
        if owner is None:
            return True
        before = owner.token
        if not owner.claim(token, wall_us):
            return False
        if token != before:
            self._accepted = self._permit = 0
        return True

    def admits(self, token: int, wall_us: int) -> bool:
        """Whether a write with this token may pass; each of the methods below expects that. False: exception 4."""
        return self.owner is None or self.owner.admits(token, wall_us)

    def write_do(self, word: int) -> None:
        """Wanted output word, b0-b4; b0 stays off while the watchdog is tripped."""
        self.do_wanted = word & DO_WRITABLE
        self._apply_outputs()

    def write_watchdog_ms(self, value_ms: int) -> bool:
        """Watchdog time; False (exception 3) outside 100..2000."""
        if not WATCHDOG_MS_MIN <= value_ms <= WATCHDOG_MS_MAX:
            return False
        self.watchdog_ms = value_ms
        return True

    def beat(self, value: int, wall_us: int) -> None:
        """Heartbeat: a changed value arms and feeds the watchdog, the same value does nothing."""
        if value != self.heartbeat:
            self.heartbeat = value
            self.armed = True
            self._fed_wall_us = wall_us

    def clear_trip(self, wall_us: int) -> bool:
        """Clear the tripped flag; only with a fresh heartbeat. False: still tripped."""
        if self.tripped and self.armed and wall_us - self._fed_wall_us < self.watchdog_ms * 1_000:
            self.tripped = False
            self.inputs &= ~(1 << Channel.TRIPPED)
        return not self.tripped

    def rest_gate(self, at_us: int, belt_um: int) -> None:
        """Release output off, waiting pulse cancelled."""
        self.waiting = None
        self._close(at_us, belt_um)

    def write_release(
        self,
        permit_no: int,
        pulse_ms: int,
        from_count: int,
        to_count: int,
        not_after_ms: int,
        *,
        at_us: int,
        belt_um: int,
    ) -> Refusal:
        """Release block. Returns NONE when accepted (it then runs or waits), else the reason, also kept in registers.

        ``not_after_ms`` counts from receipt. A window whose ``from`` the belt has passed already is refused as late:
        the blade would swing into the parcel.
        """
        at_once = from_count == 0 and to_count == 0
        from_um = to_um = -1
        if not at_once:
            encoder = self.encoder(belt_um)
            whole = belt_um - (belt_um - self.encoder_zero_um) % COUNT_UM
            from_um = whole + _signed(from_count - encoder) * COUNT_UM
            to_um = whole + _signed(to_count - encoder) * COUNT_UM
        if self.tripped:
            return self._refuse(permit_no, Refusal.WATCHDOG)
        if self._repeated(permit_no):
            return self._refuse(permit_no, Refusal.REPEATED)
        if not 1 <= permit_no <= U16 or pulse_ms == 0 or (not at_once and to_um <= from_um):
            return self._refuse(permit_no, Refusal.WINDOW)
        if at_once and self.owner is not None and self.speed_at(at_us):
            return self._refuse(permit_no, Refusal.BELT_MOVES)
        if not at_once and from_um < belt_um - COUNT_UM:
            return self._refuse(permit_no, Refusal.LATE)
        if self.rules is not None and not at_once and self.rules.latched(from_um, to_um):
            return self._refuse(permit_no, Refusal.LATE)
        if Duty.H4 not in self.duties:
            to_um = -1  # it knows no tail: only time or a command ends the pulse
        self._accepted = permit_no
        if permit_no <= PERMIT_NO_MAX:
            self._permit = permit_no
        refusals = self.refusals
        self.waiting = Pulse(permit_no, from_um, to_um, pulse_ms * 1_000, at_us + not_after_ms * 1_000)
        if at_once:
            self._open(at_us, belt_um)
        return self.refusal if self.refusals != refusals else Refusal.NONE

    # --- what the device does by itself

    def due_belt_um(self) -> int | None:
        """Belt position at which the valve changes next by position; None: none planned."""
        running, waiting = self.running, self.waiting
        if running is not None and running.to_um >= 0:
            return running.to_um if waiting is None else min(running.to_um, waiting.from_um)
        return None if waiting is None else waiting.from_um

    def due_at_us(self) -> int | None:
        """Plant time at which the running pulse ends, or the blade must have arrived (H2); None: neither."""
        ends_us = NEVER if self.running is None or Duty.H1 not in self.duties else self.running.ends_us
        if self.rules is not None and self.rules.check_us < ends_us:
            ends_us = self.rules.check_us
        return None if ends_us == NEVER else ends_us

    def act(self, at_us: int, belt_um: int) -> None:
        """Do what is due at this time and position: end the pulse, open the waiting one, look for the blade (H2)."""
        running = self.running
        if running is not None and self._ended(running, at_us, belt_um):
            self._close(at_us, belt_um)
        if self.rules is not None and self.rules.checked(at_us, self._blade_there()):
            self.rest_gate(at_us, belt_um)
            self.do_wanted &= ~DO_INDUCTION
            self._apply_outputs()
        waiting = self.waiting
        if waiting is not None and belt_um >= waiting.from_um:
            self._open(at_us, belt_um)

    def watch(self, wall_us: int, at_us: int, belt_um: int) -> bool:
        """Check the watchdog; True when it trips in this call."""
        if not self.armed or self.tripped or wall_us - self._fed_wall_us < self.watchdog_ms * 1_000:
            return False
        if Duty.H0 not in self.duties:
            return False
        self.tripped = True
        self.tripped_at_us = at_us
        self.waiting = None
        self._close(at_us, belt_um)
        self.do_wanted &= ~DO_INDUCTION
        self._apply_outputs()
        self.edge(Channel.TRIPPED, True, at_us, belt_um)
        return True

    def may_run(self) -> bool:
        """Whether the belt may start: a stop by H2 ends when the blade stands where it is commanded again."""
        if self.rules is None:
            return True
        self.rules.stopped = self.rules.stopped and not self._blade_there()
        return not self.rules.stopped

    # --- inside

    def _repeated(self, permit_no: int) -> bool:
        """Whether this number was accepted before: the last one, or one that does not lie ahead of the last permit."""
        if permit_no == self._accepted:
            return True
        counted = self.owner is not None and self._permit and 1 <= permit_no <= PERMIT_NO_MAX
        return bool(counted) and (self._permit - permit_no) % PERMIT_NO_MAX < PERMIT_NO_MAX // 2

    def _ended(self, running: Pulse, at_us: int, belt_um: int) -> bool:
        by_time = Duty.H1 in self.duties and at_us >= running.ends_us
        return by_time or 0 <= running.to_um <= belt_um

    def _blade_there(self) -> bool:
        return bool(self.inputs >> (Channel.GATE_OUT if self.valve else Channel.GATE_HOME) & 1)

    def _open(self, at_us: int, belt_um: int) -> None:
        pulse = self.waiting
        assert pulse is not None
        self.waiting = None
        if at_us > pulse.not_after_us:
            self._refuse(pulse.permit_no, Refusal.LATE)
        elif self.running is not None or not self.inputs >> Channel.GATE_HOME & 1:
            self._refuse(pulse.permit_no, Refusal.GATE_NOT_HOME)
        else:
            pulse.opened_us = at_us
            self.running = pulse
            self.applied = pulse.permit_no
            self.valve = True
            self.edge(Channel.VALVE, True, at_us, belt_um)
            if self.rules is not None:
                self.rules.valve_changed(at_us)
            self._apply_outputs()

    def _close(self, at_us: int, belt_um: int) -> None:
        self.running = None
        if self.valve:
            self.valve = False
            self.edge(Channel.VALVE, False, at_us, belt_um)
            if self.rules is not None:
                self.rules.valve_changed(at_us)
            self._apply_outputs()

    def _refuse(self, permit_no: int, why: Refusal) -> Refusal:
        self.refused, self.refusal = permit_no, why
        self.refusals += 1
        return why

    def _apply_outputs(self) -> None:
        word = self.do_wanted & (~DO_INDUCTION if self.tripped else DO_WRITABLE)
        self.do_applied = word | (0x100 if self.valve else 0)


def _signed(difference: int) -> int:
    """A difference of two u32 counts as a signed number (half the range either way)."""
    difference &= U32
    return difference - (U32 + 1) if difference > U32 >> 1 else difference
