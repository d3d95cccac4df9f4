"""Registers of a profile: decoding, encoding, merging into blocks. Pure; integers only leave this module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from devices.requests import Failure, LinkFailure, Request

WORDS_OF_TYPE = {"u16": 1, "s16": 1, "u32": 2, "s32": 2, "bool": 1}


class Use(StrEnum):
    """What a writable register is for; the linter asks more of actuators."""

    ACTUATOR = "actuator"
    SETTING = "setting"
    HEARTBEAT = "heartbeat"
    ACKNOWLEDGE = "acknowledge"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One named register (or run of registers) of a device.

    ``address`` is the PDU address. A value is ``raw * scale`` in ``unit``, always an integer; ``value_min`` and
    ``value_max`` are in that unit too. ``bits`` maps a word to (mask, value). ``source`` names manual and page.
    ``owned``: a write of it ends with the two registers of our token, which a read does not show.
    """

    name: str
    address: int
    kind: str = "u16"
    count: int = 1
    read_function: int = 0
    write_function: int = 0
    scale: Decimal = Decimal(1)
    unit: str = ""
    value_min: int | None = None
    value_max: int | None = None
    step_max: int | None = None
    constant: int | None = None
    bits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)
    poll: str = ""
    age_ms_max: int = 0
    use: Use = Use.ACTUATOR
    safe: int | None = None
    rate_per_s: int = 20
    external_safety: bool = False
    owned: bool = False
    source: str = ""

    @property
    def size(self) -> int:
        """How many registers it takes."""
        return self.count if self.kind == "words" else WORDS_OF_TYPE[self.kind]

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + self.size

    @property
    def is_draft(self) -> bool:
        """Known from no manual page: readable, never written outside commissioning."""
        return self.source == "unverified"

    def decode(self, words: Sequence[int]) -> int:
        """Value of the raw words.

        Raises:
            LinkFailure: RANGE, when outside the profile's bounds or not the constant.
        """
        raw = words[0] if self.size == 1 else words[0] << 16 | words[1]
        width = 16 * self.size
        if self.kind in ("s16", "s32") and raw >= 1 << (width - 1):
            raw -= 1 << width
        if self.constant is not None and raw != self.constant:
            raise LinkFailure(Failure.SIGNATURE, f"{self.name}: expected {self.constant:#06x}, was {raw:#06x}")
        value = raw if self.scale == 1 else int((raw * self.scale).to_integral_value())
        self._check(value)
        return value

    def encode(self, value: int) -> tuple[int, ...]:
        """Raw words of a value.

        Raises:
            ValueError: the register is a draft, or the value lies outside the bounds or does not fit.
        """
        if self.is_draft:
            raise ValueError(f"{self.name}: from no manual page, so it is written only while commissioning")
        low, high = self.value_min, self.value_max
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{self.name}: expected {low}..{high} {self.unit}, was {value}")
        raw = int((Decimal(value) / self.scale).to_integral_value())
        width = 16 * self.size
        if not -(1 << (width - 1)) <= raw < 1 << width:
            raise ValueError(f"{self.name}: {value} {self.unit} does not fit {self.kind}")
        raw %= 1 << width
        return (raw,) if self.size == 1 else (raw >> 16, raw & 0xFFFF)

    def word(self, name: str) -> int:
        """Raw value of a named command word, such as ``run``."""
        return self.words[name]

    def flags(self, value: int) -> dict[str, bool]:
        """Named bits of a value."""
        return {name: value & mask == wanted for name, (mask, wanted) in self.bits.items()}

    def _check(self, value: int) -> None:
        low, high = self.value_min, self.value_max
        if (low is not None and value < low) or (high is not None and value > high):
            raise LinkFailure(Failure.RANGE, f"{self.name}: expected {low}..{high} {self.unit}, was {value}")
        if self.words and not self.write_function and value not in self.words.values():
            raise LinkFailure(Failure.RANGE, f"{self.name}: {value} is none of {dict(self.words)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Registers read in one request."""

    poll: str
    function: int
    address: int
    count: int
    registers: tuple[Register, ...]

    def request(self, unit: int) -> Request:
        """The read of this block; a constant first register is its signature."""
        first = self.registers[0]
        signature = first.constant if first.address == self.address and first.size == 1 else None
        return Request(unit=unit, function=self.function, address=self.address, count=self.count, signature=signature)

    def decode(self, words: Sequence[int]) -> dict[str, int]:
        """Values by name (runs of plain words are left out; take them from ``words`` by ``offset``)."""
        return {
            register.name: register.decode(words[register.address - self.address : register.end - self.address])
            for register in self.registers
            if register.kind != "words"
        }


def merge_blocks(registers: Sequence[Register], *, regs_max: int, hole_max: int) -> tuple[Block, ...]:
    """Merge polled registers into block reads (rule 13).

    Registers of one poll group and function code share a block while it stays within ``regs_max`` registers and skips
    at most ``hole_max`` unnamed ones.
    """
    polled = sorted(
        (r for r in registers if r.poll and r.read_function), key=lambda r: (r.poll, r.read_function, r.address)
    )
    blocks: list[Block] = []
    run: list[Register] = []
    for register in polled:
        if run and _fits(run, register, regs_max, hole_max):
            run.append(register)
            continue
        if run:
            blocks.append(_block(run))
        run = [register]
    if run:
        blocks.append(_block(run))
    return tuple(blocks)


def _fits(run: Sequence[Register], register: Register, regs_max: int, hole_max: int) -> bool:
    first, last = run[0], run[-1]
    return (
        (register.poll, register.read_function) == (first.poll, first.read_function)
        and register.address - last.end <= hole_max
        and register.end - first.address <= regs_max
    )


def _block(run: Sequence[Register]) -> Block:
    return Block(
        poll=run[0].poll,
        function=run[0].read_function,
        address=run[0].address,
        count=run[-1].end - run[0].address,
        registers=tuple(run),
    )
