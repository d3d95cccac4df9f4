"""Faults of a Modbus wire as bytes, drawn from a seed before they happen: what a device's answer becomes on its way.

Each kind names the entry of the fault catalogue that it belongs to. A *mixture* says how often each kind strikes;
mixtures change from episode to episode, as in any swarm search: half the kinds at rates over two decades, or all of
them at one per cent.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sim.drivertwin.network import Piece
from sim.streams.randoms import Keyed
from sim.wire.modbus import rtu_frame

PPM = 1_000_000
RECENT = 6
"""Answers of which a report of a wrong value says what became of them."""


class Wire(StrEnum):
    """How Modbus travels."""

    TCP = "tcp"
    RTU = "rtu"
    RTU_TCP = "rtutcp"


class WireFault(StrEnum):
    """What can happen to one answer, or to the connection while it is under way."""

    LATE = "LATE"
    LOST = "LOST"
    OTHER_TID = "OTHER_TID"
    ZERO_TID = "ZERO_TID"
    PREVIOUS = "PREVIOUS"
    OTHER_UNIT = "OTHER_UNIT"
    OTHER_FUNCTION = "OTHER_FUNCTION"
    OTHER_LENGTH = "OTHER_LENGTH"
    EXCEPTION = "EXCEPTION"
    BIT_FLIP = "BIT_FLIP"
    SLICED = "SLICED"
    TRUNCATED = "TRUNCATED"
    DOUBLED = "DOUBLED"
    ECHOED = "ECHOED"
    ECHO_LATER = "ECHO_LATER"
    VERY_LATE = "VERY_LATE"
    OLD_LINE = "OLD_LINE"
    NOISE = "NOISE"
    RESET = "RESET"
    BLACK_HOLE = "BLACK_HOLE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Row:
    """Catalogue entry by wire ("" where the wire can't have the fault)."""

    tcp: str
    line: str
    meaning: str


FAULTS: dict[WireFault, Row] = {
    WireFault.LATE: Row("F01", "F02", "the right answer after its time-out"),
    WireFault.LOST: Row("F01", "F02", "no answer"),
    WireFault.OTHER_TID: Row("F03", "", "the answer under another transaction id"),
    WireFault.ZERO_TID: Row("F03", "", "the answer under transaction id 0"),
    WireFault.PREVIOUS: Row("F03", "F02", "the whole previous answer instead"),
    WireFault.OTHER_UNIT: Row("F04", "F04", "the answer of another unit"),
    WireFault.OTHER_FUNCTION: Row("F04", "F04", "an answer to another function"),
    WireFault.OTHER_LENGTH: Row("F04", "F04", "one register more or less than asked"),
    WireFault.EXCEPTION: Row("F05", "F05", "busy, or illegal address"),
    WireFault.BIT_FLIP: Row("", "F06", "one bit turned over"),
    WireFault.SLICED: Row("F07", "F07", "byte by byte"),
    WireFault.TRUNCATED: Row("F07", "F07", "the end is missing"),
    WireFault.DOUBLED: Row("F08", "F08", "the answer twice in one piece"),
    WireFault.ECHOED: Row("F08", "F08", "the answer, and the same again before the next request"),
    WireFault.ECHO_LATER: Row("F08", "F08", "the answer, and the same again in the time of later requests"),
    WireFault.VERY_LATE: Row("F01", "F02", "the right answer, later than its profile says answers can be"),
    WireFault.OLD_LINE: Row("", "F02", "a late answer that a serial server hands to the next connection"),
    WireFault.NOISE: Row("", "F06", "random bytes before the answer"),
    WireFault.RESET: Row("F09", "", "connection reset instead of an answer"),
    WireFault.BLACK_HOLE: Row("F10", "", "the connection stands and nothing passes for a while"),
    WireFault.REFUSED: Row("F11", "", "reset, and connections refused for a while"),
}
"""Which entry of the fault catalogue (``sim/RULES.md``) each kind stands for."""


def catalogue_id(fault: WireFault, wire: Wire) -> str:
    """Entry of the catalogue; "" where this wire can't have the fault. RTU behind TCP has the resets of TCP."""
    row = FAULTS[fault]
    if wire is Wire.TCP:
        return row.tcp
    if fault is WireFault.OLD_LINE and wire is not Wire.RTU_TCP:
        return ""
    return row.line or (row.tcp if wire is Wire.RTU_TCP and fault in CUTS else "")


RESIDUAL = (WireFault.ECHO_LATER, WireFault.VERY_LATE, WireFault.OLD_LINE)
"""What RTU can't refuse by itself: its answers carry neither a transaction id nor an address, so an old answer of the
same unit, function and length, that comes while another request waits, looks right. Not in the mixtures of an RTU wire
but measured by themselves (``residual``); what stands behind them is in the drivers: signature registers, the unit's
identity, life counters and read-back."""
CUTS = (WireFault.RESET, WireFault.BLACK_HOLE, WireFault.REFUSED)
"""Faults of the connection itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times of faults, microseconds. A late answer comes after the time-out, inside the window that the device's
    profile declares for late ones (``late_window_ms``)."""

    late_us_min: int = 52_000
    late_us_max: int = 130_000
    very_late_us_max: int = 2_000_000
    echo_us_max: int = 500
    echo_later_us_max: int = 26_000
    cut_us_min: int = 100_000
    cut_us_max: int = 3_000_000


def mixture(seed: int, wire: Wire, episode: int) -> dict[WireFault, int]:
    """Parts per million of each kind in this episode: every third all-on at 1 %, the others swarm."""
    able = [fault for fault in WireFault if catalogue_id(fault, wire) and (wire is Wire.TCP or fault not in RESIDUAL)]
    if episode % 3 == 2:
        return dict.fromkeys(able, PPM // 100)
    keyed = Keyed(seed, "mixture", wire, episode)
    rates = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
    return {fault: keyed.choice(rates) for fault in able if keyed.permille(500)}


class Spoiler:
    """Draws a fault for each answer of one device, and applies it. ``cut`` is set when the connection itself is to
    break (``None`` else); the campaign acts on it. ``recent``: what became of the latest answers."""

    def __init__(self, wire: Wire, seed: int, timing: Timing | None = None) -> None:
        self.wire = wire
        self.timing = timing or Timing()
        self.injected: Counter[WireFault] = Counter()
        self.cut: tuple[WireFault, int] | None = None
        self.rates: dict[WireFault, int] = {}
        self.recent: deque[str] = deque(maxlen=RECENT)
        self._keyed = Keyed(seed, "spoil", wire)
        self._previous = b""

    def __call__(self, data: bytes) -> Sequence[Piece]:
        """What becomes of one answer."""
        fault = self._draw()
        pieces = self._spoil(fault, data) if fault is not None else None
        self._previous = data
        if fault is None or pieces is None:
            self.recent.append("-")
            return (Piece(data),)
        self.injected[fault] += 1
        self.recent.append(str(fault))
        return pieces

    def _draw(self) -> WireFault | None:
        drawn = self._keyed.below(PPM)
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None

    def _spoil(self, fault: WireFault, data: bytes) -> Sequence[Piece] | None:
        """Pieces of the spoilt answer; None: this answer can't be spoilt so."""
        keyed, timing = self._keyed, self.timing
        if fault in CUTS:
            self.cut = (fault, keyed.between(timing.cut_us_min, timing.cut_us_max))
            return (Piece(reset=True),) if fault is WireFault.RESET else ()
        late_s = keyed.between(timing.late_us_min, timing.late_us_max) / 1e6
        match fault:
            case WireFault.LOST:
                return ()
            case WireFault.LATE:
                return (Piece(data, late_s),)
            case WireFault.PREVIOUS:
                return (Piece(self._previous),) if self._previous and self._previous != data else None
            case WireFault.BIT_FLIP:
                place, bit = keyed.below(len(data)), keyed.below(8)
                return (Piece(data[:place] + bytes((data[place] ^ 1 << bit,)) + data[place + 1 :]),)
            case WireFault.SLICED:
                step_s = keyed.between(1, 300) / 1e6
                return [Piece(data[place : place + 1], place * step_s) for place in range(len(data))]
            case WireFault.TRUNCATED:
                return (Piece(data[: 1 + keyed.below(len(data) - 1)]),)
            case WireFault.DOUBLED:
                return (Piece(data + data),)
            case WireFault.ECHOED:
                return Piece(data), Piece(data, keyed.between(0, timing.echo_us_max) / 1e6)
            case WireFault.ECHO_LATER:
                return Piece(data), Piece(data, keyed.between(timing.echo_us_max, timing.echo_later_us_max) / 1e6)
            case WireFault.VERY_LATE:
                return (Piece(data, keyed.between(timing.late_us_max, timing.very_late_us_max) / 1e6),)
            case WireFault.OLD_LINE:
                return (Piece(data, late_s, follows=True),)
            case WireFault.NOISE:
                return (Piece(bytes(keyed.below(256) for _ in range(keyed.between(1, 12))) + data),)
            case _:
                return self._rewritten(fault, data)

    def _rewritten(self, fault: WireFault, data: bytes) -> Sequence[Piece]:
        """A well-formed frame that answers something else."""
        keyed = self._keyed
        tid, unit, pdu = _opened(self.wire, data)
        match fault:
            case WireFault.OTHER_TID:
                tid = (tid + keyed.between(1, 65_534)) % 65_536
            case WireFault.ZERO_TID:
                tid = 0
            case WireFault.OTHER_UNIT:
                unit = unit % 247 + 1
            case WireFault.OTHER_FUNCTION:
                pdu = bytes((keyed.choice([code for code in (1, 2, 3, 4, 6, 16) if code != pdu[0]]),)) + pdu[1:]
            case WireFault.OTHER_LENGTH:
                shorter = len(pdu) > 4 and keyed.permille(500)
                body = pdu[2:-2] if shorter else pdu[2:] + b"\x12\x34"
                pdu = bytes((pdu[0], len(body))) + body
            case _:
                pdu = bytes((pdu[0] | 0x80, keyed.choice((2, 6))))
        return (Piece(_closed(self.wire, tid, unit, pdu)),)


def _opened(wire: Wire, data: bytes) -> tuple[int, int, bytes]:
    """Transaction id (0: none), unit and PDU of a right frame."""
    if wire is Wire.TCP:
        return int.from_bytes(data[:2], "big"), data[6], data[7:]
    return 0, data[0], data[1:-2]


def _closed(wire: Wire, tid: int, unit: int, pdu: bytes) -> bytes:
    if wire is Wire.TCP:
        return tid.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu
    return rtu_frame(unit, pdu)
