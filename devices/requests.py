"""One Modbus request, its reply and the ways it can fail. Pure: no I/O, no clock."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

READ_BITS = (1, 2)
READ_WORDS = (3, 4)
WRITES = (5, 6, 15, 16)
READ_REGS_MAX = 125
"""Modbus application protocol 1.1b3, 6.3: at most 125 registers in one read."""
WRITE_REGS_MAX = 123
"""Modbus application protocol 1.1b3, 6.12: at most 123 registers in one write."""


class Priority(IntEnum):
    """Order on the wire: looked at before every transaction."""

    SAFETY = 0
    COMMAND = 1
    POLL = 2


class Failure(StrEnum):
    """Why a value is UNKNOWN. The words are counted per port and appear in figures and signals."""

    TIMEOUT = "no reply in time"
    TRANSACTION_ID = "wrong or zero transaction id"
    CRC = "CRC wrong"
    UNIT = "answer of another unit"
    FUNCTION = "answer to another function code"
    LENGTH = "answer of another length"
    ECHO = "write echoed differently"
    EXCEPTION = "device answered with an exception"
    SIGNATURE = "block signature wrong"
    BOOT = "boot counter changed"
    LIFE = "life counter stands still"
    RANGE = "value out of its range"
    STEP = "value jumped"
    READ_BACK = "read-back differs from what was written"
    IDENTITY = "another device behind this address"
    OWNER = "another controller owns this device"
    DISCONNECTED = "not connected"
    BACK_OFF = "unit is probed once a second only"
    QUEUE_FULL = "request queue full"
    GIVEN_UP = "deadline passed before it was sent"


class LinkFailure(Exception):
    """A request did not yield a trustworthy answer. ``kind`` is counted, ``detail`` is for people."""

    def __init__(self, kind: Failure, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else str(kind))
        self.kind = kind
        self.detail = detail


class Quality(StrEnum):
    """Whether a value may be used (rule 14)."""

    GOOD = "GOOD"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One Modbus transaction. ``address`` is the PDU address (counted from 0).

    Reads take ``count`` registers or bits; writes take ``values``. ``signature`` is what the first register of the
    answer must be: the constant of the polled block.
    """

    unit: int
    function: int
    address: int
    count: int = 1
    values: tuple[int, ...] = ()
    signature: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.unit <= 247 and self.unit != 255:
            raise ValueError(f"unit: expected 1..247 (or 255), was {self.unit}")
        if self.function in WRITES:
            if not self.values or len(self.values) > WRITE_REGS_MAX:
                raise ValueError(f"values: expected 1..{WRITE_REGS_MAX}, were {len(self.values)}")
            if self.function in (5, 6) and len(self.values) != 1:
                raise ValueError(f"function {self.function} writes one value, were {len(self.values)}")
        elif self.function in READ_BITS + READ_WORDS:
            limit = READ_REGS_MAX if self.function in READ_WORDS else 2_000
            if not 1 <= self.count <= limit:
                raise ValueError(f"count: expected 1..{limit}, was {self.count}")
        else:
            raise ValueError(f"function code {self.function} is not used here")
        if not 0 <= self.address <= 0xFFFF:
            raise ValueError(f"address: expected 0..65535, was {self.address}")

    @property
    def is_read(self) -> bool:
        """Reads may be repeated without a second thought."""
        return self.function not in WRITES

    @property
    def shape(self) -> tuple[int, int]:
        """Function code and length: what a stale answer shares with a fresh one (rule 9)."""
        return self.function, self.count

    @property
    def reply_pdu_bytes(self) -> int:
        """Length of the right answer without unit id, header and CRC."""
        if self.function in READ_WORDS:
            return 2 + 2 * self.count
        if self.function in READ_BITS:
            return 2 + (self.count + 7) // 8
        return 5

    @property
    def request_pdu_bytes(self) -> int:
        """Length of the request without unit id, header and CRC."""
        if self.function == 16:
            return 6 + 2 * len(self.values)
        if self.function == 15:
            return 6 + (len(self.values) + 7) // 8
        return 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer that passed the envelope (rule 14).

    ``at_us`` lane clock at the middle of the transaction, ``at_err_us`` half its length: the device sampled its
    registers within ``at_us`` +- ``at_err_us``.
    """

    words: tuple[int, ...]
    at_us: int
    at_err_us: int
    quality: Quality
    reason: str
    unit: int
    request: Request

    def fresh(self, now_us: int, age_us_max: int) -> bool:
        """True when the value is GOOD and not older than ``age_us_max``; drivers refuse others."""
        return self.quality is Quality.GOOD and now_us - self.at_us <= age_us_max
