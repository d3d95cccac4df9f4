"""E3: what the wire twin decided for each parcel, and what the core twin decides for the same parcels and pictures.

The core twin gets from the recorded run what the two cannot share by seed: the vision results (one looks at rendered
pictures, the other has none), how long they took, and the secret of the draw.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from devices.signals import BeltState, GateFault, LinkLost
from lane.codec import decode
from lane.events import parcel as events
from lane.events.machine import AlarmRaised
from lane.inputs import EpochNonce, EpochRevealed, ScanStored, VisionFailed, VisionResult
from lane.journal.log import JOURNAL_NAME, connect_closed
from lane.model.config import CoreConfig
from lane.replay import load_config
from sim.coretwin import station
from sim.coretwin.epochs import TwinEpochs
from sim.coretwin.settings import TwinSettings
from sim.coretwin.verdicts import VerdictModel, Verdicts
from sim.demo.session import status_class
from sim.demo.truth_tail import TruthTail
from sim.referee import Referee
from sim.streams.truth import ParcelTruth
from sim.twin import run_core_twin
from sim.wire.stream_file import read_stream
from vision.item_count import ItemCount

UNTIMED: dict[type, tuple[str, ...]] = {
    events.ParcelIdentified: ("code", "parcel_key", "grounds"),
    events.ParcelDrawn: ("epoch", "parcel_key", "n", "selected", "p_num", "p_den", "d", "drawn", "effective"),
    events.DeclarationPinned: ("carrier", "waybill", "list_no", "order_no", "status_code", "status_class"),
    events.ParcelWeighed: ("mg", "error_mg"),
    events.ContentCompared: ("finding", "lines", "unexplained", "p_declared_ppm", "grounds", "advisory"),
    events.ReviewRequested: ("grounds",),
    events.DispositionDecided: (
        "route", "instruction", "status_class", "evidence", "drawn", "tracking", "grounds", "cleared", "advisory",
    ),
    events.PermitIssued: (),
    events.PermitUsed: (),
    events.PermitVoided: ("reason",),
    events.ParcelReleased: ("via",),
    events.ParcelDiverted: ("instruction", "grounds"),
    events.CustodyUnproven: ("reason",),
    events.TrackingLost: ("eye",),
    events.GroundAdded: ("ground",),
}  # fmt: skip
"""What belongs to the decision trace of a parcel: no times, positions, hashes of pictures, permit numbers.

Nor the version of a declared list, which is the hash of the list as its file has it: the wire twin imports every fifth
list from CSV, which has fewer columns than XML, and the core twin has no files.
"""
STAMPED = (
    events.ParcelInducted, events.ParcelMeasured, events.PermitUsed, events.ParcelReleased, events.ParcelDiverted,
)  # fmt: skip
"""Records whose cause a device stamps at the source; the others wait for polls, pictures or people."""
Trace = tuple[tuple[str, ...], ...]


def records_of(run: Path) -> Iterator[Any]:
    """All records of a closed run, in order."""
    with connect_closed(run / JOURNAL_NAME) as connection:
        for (body,) in connection.execute("SELECT body FROM record ORDER BY idx"):
            yield decode(body)


def traces(records: Iterable[Any]) -> dict[int, Trace]:
    """Untimed decision trace by lane number; officers' releases at the bench do not belong to the lane's decision.

    The weight stands first: it comes over a wire of its own, and before the decision nothing waits for it.
    """
    found: dict[int, list[tuple[str, ...]]] = {}
    for record in records:
        names = UNTIMED.get(type(record))
        if names is None or getattr(record, "via", "") == "BENCH":
            continue
        step = (type(record).__name__, *(str(msgspec.to_builtins(getattr(record, name))) for name in names))
        steps = found.setdefault(record.seq, [])
        steps.insert(0 if type(record) is events.ParcelWeighed else len(steps), step)
    return {seq: tuple(steps) for seq, steps in found.items()}


def moments(records: Iterable[Any], kinds: tuple[type, ...] = STAMPED, by: str = "at_us") -> dict[tuple[int, str], int]:
    """Time (or belt way) of each record of these kinds since the induction of its parcel, by (lane number, kind)."""
    begun: dict[int, int] = {}
    found: dict[tuple[int, str], int] = {}
    for record in records:
        if type(record) in kinds and getattr(record, "via", "") != "BENCH":
            begun.setdefault(record.seq, getattr(record, by))
            found.setdefault((record.seq, type(record).__name__), getattr(record, by) - begun[record.seq])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRun:
    """A finished run of the wire twin, read."""

    config: CoreConfig
    parcels: list[ParcelTruth]
    records: list[Any]
    counts: dict[int, ItemCount]
    """Vision results by body."""
    took_us: dict[int, int]
    """Lane time from the stored picture to its result, by body."""
    slack_us: dict[int, int]
    """Lane time from the last answer that the decision needs to the decision point, by lane number."""
    body_of: dict[int, int]

    @property
    def epoch(self) -> tuple[EpochNonce, EpochRevealed]:
        """The draw's first epoch."""
        nonces = [record for record in self.records if isinstance(record, EpochNonce) and record.epoch == 1]
        reveals = [record for record in self.records if isinstance(record, EpochRevealed) and record.epoch == 1]
        assert nonces, "expected the nonce of epoch 1"
        assert reveals, "expected the run to have ended in order"
        return nonces[0], reveals[0]


def read_wire_run(run: Path, twin: Path) -> WireRun:
    """Read run directory and the twin's folder beside it."""
    config, parcels, records = load_config(run), read_stream(twin / "stream.jsonl"), list(records_of(run))
    referee = Referee(parcels, status_class(), gate_um=config.layout.gate_um)
    TruthTail(twin / "truth.jsonl", referee).read()
    for record in records:
        referee.saw(record)
    body_of = {seq: passage.number for seq, passage in referee.passages.items()}
    counts, took_us, stored_us, answered_us, decided_us = {}, {}, {}, {}, {}
    for record in records:
        if isinstance(record, ScanStored):
            stored_us[record.seq] = record.at_us
        elif isinstance(record, VisionResult):
            counts[body_of[record.seq]] = record.count
            took_us[body_of[record.seq]] = record.at_us - stored_us[record.seq]
            answered_us[record.seq] = record.at_us
        elif isinstance(record, events.DispositionDecided):
            decided_us[record.seq] = record.at_us
    slack_us = {seq: decided_us[seq] - answered_us.get(seq, stored_us.get(seq, 0)) for seq in decided_us}
    return WireRun(
        config=config, parcels=parcels, records=records, counts=counts, took_us=took_us, slack_us=slack_us,
        body_of=body_of,
    )  # fmt: skip


def core_twin_of(run: WireRun, seed: int) -> list[Any]:
    """Records of the core twin for the same seed, stream, pictures' results and draw."""
    nonce, reveal = run.epoch

    class Epochs(TwinEpochs):
        """The recorded epoch instead of one from the seed."""

        def _bytes(self, what: str, epoch: int, size: int) -> bytes:
            if epoch > 1:
                return super()._bytes(what, epoch, size)
            return bytes.fromhex({"salt": reveal.salt, "secret": reveal.secret, "nonce": nonce.nonce}[what])

    class Timed(Verdicts):
        """The recorded results take as long as they took."""

        def answer(self, count: Any, truth: ParcelTruth | None) -> Any:
            duration_us, result = super().answer(count, truth)
            return run.took_us.get(truth.number if truth else 0, duration_us), result

    perfect = VerdictModel(uncertain_permille=0, miss_permille=0, false_alarm_permille=0, failed_permille=0)
    settings = TwinSettings(verdicts=perfect, recorded=run.counts, keep_records=True)
    with patch.object(station, "TwinEpochs", Epochs), patch.object(station, "Verdicts", Timed):
        result = run_core_twin(run.config, run.parcels, seed, settings=settings)
    assert result.figures["ended"] == "complete"
    return [decode(body) for _, body in result.journal.records()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both twins side by side."""

    parcels: int
    equal: int
    narrow: int
    """Parcels, none of them late, whose answer came within two polls of the decision; ``narrow_equal``: alike."""
    narrow_equal: int
    late: int
    """Parcels of which the wire lane itself recorded that something came too late or not at all (``late_parcels``);
    ``late_equal``: decided alike all the same."""
    late_equal: int
    uncompared: int
    """Parcels from the first one on whose lane number is not its place in the stream: a lane too late for its belt did
    not take a body in or took one twice, and from there on draws count differently."""
    differences: dict[int, tuple[Trace, Trace]]
    """(wire, core) by lane number, for those with more than two polls of slack."""
    time_errors_us: list[int]
    """Of records that a device stamps, for parcels that met a belt of constant speed; ascending."""
    way_errors_um: list[int]
    """The same as belt way since the induction, for all parcels; ascending."""
    decision_errors_us: list[int]
    """Of the decisions, which wait for a poll; ascending."""


def compare(run: WireRun, core: list[Any], poll_us: int) -> Comparison:
    """Traces and times of both. ``poll_us``: lane time of a poll cycle."""
    every, other = traces(run.records), traces(core)
    torn = min((seq for seq in every if run.body_of.get(seq) != seq), default=max(every, default=0) + 1)
    wire = {seq: trace for seq, trace in every.items() if seq < torn}
    late = late_parcels(run.records) & wire.keys()
    narrow = {seq for seq in wire.keys() & run.slack_us.keys() if run.slack_us[seq] <= 2 * poll_us} - late
    different = {seq: (wire[seq], other.get(seq, ())) for seq in wire if wire[seq] != other.get(seq)}
    ramped = _ramped(run.records) | _ramped(core)
    if len(wire) < len(every) and not late_parcels(run.records):  # a body lost without lateness is no matter of time
        different[torn] = every[torn], other.get(torn, ())
    here, there = moments(run.records), moments(core)
    errors = [abs(at - there[key]) for key, at in here.items() if key in there and key[0] in wire.keys() - ramped]
    own, its = moments(run.records, by="belt_um"), moments(core, by="belt_um")
    ways = [abs(way - its[key]) for key, way in own.items() if key in its and key[0] in wire]
    kinds = (events.ParcelInducted, events.DispositionDecided)
    when, ideal = moments(run.records, kinds), moments(core, kinds)
    decisions = [
        abs(at - ideal[key])
        for key, at in when.items()
        if key in ideal and key[0] in wire and key[1] != "ParcelInducted"
    ]
    return Comparison(
        parcels=len(wire), equal=len(wire) - len(different), narrow=len(narrow), late=len(late),
        narrow_equal=len(narrow - different.keys()), late_equal=len(late - different.keys()),
        uncompared=len(every) - len(wire),
        differences={seq: pair for seq, pair in different.items() if seq not in narrow | late},
        time_errors_us=sorted(errors), way_errors_um=sorted(ways), decision_errors_us=sorted(decisions),
    )  # fmt: skip


LATE = frozenset({
    "VISION_TIMEOUT", "DECISION_LATE", "NO_IMAGE", "IMAGE_QUALITY", "IMAGE_UNBOUND", "LANE_NOT_EXECUTING",
    "DEVICE_DOUBT", "PERMIT_VOID", "BELT_DISTURBED",
})  # fmt: skip
"""Grounds that a lane without injected faults finds only when a process did not get its turn in time."""


def late_parcels(records: Iterable[Any]) -> set[int]:
    """Lane numbers of parcels that were aboard when the lane recorded lateness: they had no slack at all.

    A machine too busy for real time makes late permits, lost lines and answers; that is its own matter and leads to
    INSPECT. What counts here is that a parcel of which nothing was late is decided alike.
    """
    aboard: set[int] = set()
    late: set[int] = set()
    for record in records:
        if isinstance(record, events.ParcelInducted):
            aboard.add(record.seq)
        elif isinstance(record, LinkLost | GateFault | AlarmRaised):
            late |= aboard
        elif isinstance(record, events.PermitVoided | VisionFailed) or LATE & set(_grounds(record)):
            late.add(record.seq)
        if isinstance(record, events.ParcelReleased | events.ParcelDiverted | events.CustodyUnproven):
            aboard.discard(record.seq)
    return late


def late_grounds(records: Iterable[Any]) -> Counter[str]:
    """What a lane recorded that came too late, by its own words (records, not parcels)."""
    found: Counter[str] = Counter()
    for record in records:
        if isinstance(record, LinkLost | GateFault | AlarmRaised | events.PermitVoided | VisionFailed):
            what = getattr(record, "reason", "") or getattr(record, "number", "")
            found[f"{type(record).__name__} {what}".strip()] += 1
        for ground in LATE & set(_grounds(record)):
            found[ground] += 1
    return found


def _grounds(record: Any) -> tuple[str, ...]:
    """Grounds that a decision or a later finding names."""
    if isinstance(record, events.DispositionDecided):
        return tuple(str(ground) for ground in record.grounds)
    return (str(record.ground),) if isinstance(record, events.GroundAdded) else ()


def _ramped(records: Iterable[Any]) -> set[int]:
    """Lane numbers of parcels that were on the belt while its speed changed."""
    aboard: set[int] = set()
    ramped: set[int] = set()
    speed = 0
    for record in records:
        if isinstance(record, events.ParcelInducted):
            aboard.add(record.seq)
        elif isinstance(record, events.ParcelReleased | events.ParcelDiverted):
            aboard.discard(record.seq)
        elif isinstance(record, BeltState):
            if record.speed_um_s != speed:
                ramped |= aboard
            speed = record.speed_um_s
    return ramped


def share(values: list[int], part: float) -> int:
    """Value below which this part of the (ascending) values lies."""
    return values[min(len(values) - 1, int(part * len(values)))]
