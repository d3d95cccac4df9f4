"""Follows every permit from outside: what is found before its body reaches the blade must end it, and the gate obeys.

Part of the scribe's reading. Rules: I2 grounds after the decision, I11 permits and lost links, R6 codes, R12 releases
after a permit ended, R13 gates that did not open and nobody missed, R4 permitted parcels without an end, I27 the bench.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.signals import BarcodeRead, LinkLost
from lane.events.parcel import (
    CustodyUnproven,
    DispositionDecided,
    GroundAdded,
    ParcelDiverted,
    ParcelIdentified,
    ParcelInducted,
    ParcelReleased,
    PermitIssued,
    PermitUsed,
    PermitVoided,
)
from lane.events.union import AnyEvent
from lane.model.config import READER_SECOND, CarrierPattern
from lane.model.words import Route, Via
from sim.explore.words import AUXILIARY

if TYPE_CHECKING:
    from sim.coretwin.station import Station

SLOW_US = 500_000
"""A slow commit and the word of it, beyond command and the blade's way home."""


@dataclass(slots=True)
class Pass:
    """One permit. ``against``: what should have ended it before the blade. ``early``: it ended when the blade still had
    time to come home before its body."""

    state: str = "issued"
    early: bool = False
    against: str = ""
    rule: str = ""


class Gatekeeper:
    """One run's permits. ``breaks`` notes a broken rule; ``routed``: route of a number's body past the blade."""

    def __init__(
        self, station: "Station", breaks: Callable[[str, str, int], None], routed: Callable[[int], Route | None]
    ) -> None:
        self._station, self._breaks, self._routed = station, breaks, routed
        self._passes: dict[int, Pass] = {}
        self._codes: dict[str, list[int]] = {}
        config = station.config
        self._gate_um = config.layout.gate_um
        self._home_um = (config.gate.command_us + config.gate.travel_us + SLOW_US) * config.speed_um_s // 1_000_000
        self._carriers = config.carriers
        self._second_um = config.layout.second_reader_um
        self._other_code: dict[int, str] = {}
        self.heard: dict[type, Callable[[Any, Sequence[AnyEvent]], None]] = {
            LinkLost: self._link_lost,
            BarcodeRead: self._second_look,
        }
        self.read: dict[type, Callable[[Any, Any, Sequence[AnyEvent]], None]] = {
            ParcelIdentified: self._identified,
            DispositionDecided: self._decided,
            PermitIssued: self._issued,
            PermitUsed: self._used,
            PermitVoided: self._voided,
            GroundAdded: self._ground,
            CustodyUnproven: self._unproven,
            ParcelReleased: self._released,
            ParcelDiverted: self._diverted,
            ParcelInducted: self._inducted,
        }

    # --- codes

    def _identified(self, event: ParcelIdentified, item: Any, events: Sequence[AnyEvent]) -> None:
        if event.code:
            self._codes.setdefault(event.code, []).append(event.seq)
            if not plausible(event.code, self._carriers):
                self._breaks("R6", f"{event.code} is no number that a carrier prints", event.seq)

    def _second_look(self, item: BarcodeRead, events: Sequence[AnyEvent]) -> None:
        """The second reader sees another waybill on the parcel that lies under it."""
        if item.reader != READER_SECOND or not plausible(item.text, self._carriers):
            return
        place_um = item.belt_um - self._second_um
        for seq, parcel in self._station.controller.state.parcels.items():
            body = parcel.body
            if body.anchor_um <= place_um <= body.anchor_um + body.length_um and parcel.code not in ("", item.text):
                self._other_code[seq] = item.text

    def _decided(self, event: DispositionDecided, item: Any, events: Sequence[AnyEvent]) -> None:
        if event.route is not Route.RELEASE:
            return
        state = self._station.controller.state
        parcel = state.parcels.get(event.seq)
        if parcel is None:
            return
        if parcel.reads.multiple or len(parcel.reads.texts) > 1:
            self._breaks("R6", f"decided to release with {len(parcel.reads.texts)} codes read", event.seq)
        for seq in self._codes.get(parcel.code, ()):
            if seq != event.seq and (seq in state.parcels or seq in state.bench or seq in state.released):
                self._breaks("R6", f"decided to release while {seq} has the same waybill", event.seq)

    # --- permits

    def _issued(self, event: PermitIssued, item: Any, events: Sequence[AnyEvent]) -> None:
        self._passes[event.seq] = Pass()

    def _used(self, event: PermitUsed, item: Any, events: Sequence[AnyEvent]) -> None:
        known = self._passes.get(event.seq)
        if known is not None:
            known.state = "used"

    def _voided(self, event: PermitVoided, item: Any, events: Sequence[AnyEvent]) -> None:
        known = self._passes.get(event.seq)
        if known is None:
            return
        if known.state == "issued" and event.reason.startswith("left by the inspect exit"):
            self._breaks("R13", "the gate did not open for its permit, and nobody missed it", event.seq)
        parcel = self._station.controller.state.parcels.get(event.seq)
        if known.state != "void" and parcel is not None:
            left_um = parcel.body.anchor_um + self._gate_um - event.belt_um
            known.state, known.early = "void", left_um > self._home_um

    def _ground(self, event: GroundAdded, item: Any, events: Sequence[AnyEvent]) -> None:
        self._against(event.seq, "I2", f"{event.ground} was found before the blade")

    def _link_lost(self, item: LinkLost, events: Sequence[AnyEvent]) -> None:
        if item.role not in AUXILIARY:
            for seq in self._station.controller.state.parcels:
                self._against(seq, "I11", f"{item.role} did not answer before the blade")

    def _against(self, seq: int, rule: str, why: str) -> None:
        known = self._passes.get(seq)
        if known is not None and not known.against and self._routed(seq) is None:
            known.rule, known.against = rule, why

    def _released(self, event: ParcelReleased, item: Any, events: Sequence[AnyEvent]) -> None:
        other = self._other_code.pop(event.seq, "")
        if other and event.via is Via.GATE:
            self._breaks("R6", f"released although the second reader saw {other}", event.seq)
        known = self._passes.pop(event.seq, None)
        if known is not None and event.via is Via.GATE and known.against:
            self._breaks(known.rule, f"released although {known.against}", event.seq)

    def _unproven(self, event: CustodyUnproven, item: Any, events: Sequence[AnyEvent]) -> None:
        """A body at the release exit whose permit had ended in good time before it reached the blade."""
        known = self._passes.pop(event.seq, None)
        if known is not None and known.early and self._routed(event.seq) is Route.RELEASE:
            self._breaks("R12", "through the gate, although its permit had ended in good time", event.seq)

    def _diverted(self, event: ParcelDiverted, item: Any, events: Sequence[AnyEvent]) -> None:
        self._passes.pop(event.seq, None)
        places, bench = self._station.config.bench_places, len(self._station.controller.state.bench)
        if bench > places:
            self._breaks("I27", f"{bench} parcels at a bench of {places} places", event.seq)

    def _inducted(self, event: ParcelInducted, item: Any, events: Sequence[AnyEvent]) -> None:
        """Now and then: did a parcel with a permit leave the books without any end?"""
        on_belt = self._station.controller.state.parcels
        for seq in [seq for seq in self._passes if seq not in on_belt]:
            del self._passes[seq]
            self._breaks("R4", "had a permit, and left the books neither released nor diverted nor unproven", seq)


S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def plausible(code: str, carriers: Sequence[CarrierPattern]) -> bool:
    """Whether some carrier prints this number: prefix, length, alphabet and check digit (S10, SSCC, GTIN)."""
    for pattern in carriers:
        fits = pattern.length_min <= len(code) <= pattern.length_max and code.startswith(pattern.prefix)
        letters = code.isdecimal() if pattern.alphabet == "digits" else code.isalnum() and code == code.upper()
        if fits and letters and code.isascii() and _checked(code, pattern.check):
            return True
    return False


def _checked(code: str, rule: str) -> bool:
    """UPU S10: 11 - S mod 11, 10 for 0 and 11 for 5. GS1: weights 3, 1 from the right, all digits give S mod 10 = 0."""
    if rule == "none":
        return True
    if rule == "s10":
        digits = code[2:11]
        if len(code) != 13 or not digits.isdecimal() or not (code[:2] + code[11:]).isalpha():
            return False
        rest = 11 - sum(int(one) * weight for one, weight in zip(digits, S10_WEIGHTS, strict=False)) % 11
        return int(digits[8]) == {10: 0, 11: 5}.get(rest, rest)
    bare = code[2:] if rule == "sscc" and len(code) == 20 else code
    return (
        bare.isdecimal() and sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(bare[::-1])) % 10 == 0
    )
