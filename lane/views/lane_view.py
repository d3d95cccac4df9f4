"""The lane as a person sees it: a fold over the journal's records in order."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from devices.signals import BeltMoved, BeltState, SafetyChanged
from lane.alarms import NEVER_SHELVED
from lane.errors import ALARMS, Alarm
from lane.events import machine as m
from lane.events import parcel as p
from lane.inputs import DeclarationAnswer, LaneStarted
from lane.model.words import BenchResult, Custody, Route, State
from lane.views.parcel import ParcelView

PARCELS_KEPT = 2_000
"""Parcels held in memory for the screens: a shift's bench and release area fit."""

BENCH_SHOWN = 200
"""Rows of the bench list sent to a page; more would not be read by anyone."""


class LaneView:
    """State of the screens after the records seen so far. Feed it with ``apply`` in journal order."""

    def __init__(self) -> None:
        self.index = -1
        self.parcels: OrderedDict[int, ParcelView] = OrderedDict()
        self.state = State.STOPPED
        self.cause = ""
        self.state_since_us = 0
        self.belt_um = 0
        self.at_us = 0
        self.speed_um_s = 0
        self.xray_on = False
        self.wall_at = ""
        self.wall_us = 0
        self.kind = ""
        self.alarms: dict[int, dict[str, Any]] = {}
        self.current = 0
        self.counts: Counter[str] = Counter()
        self.grounds: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self._handlers = _handlers(self)

    def apply(self, index: int, item: object) -> None:
        """Fold one record in.

        Raises
        ------
        AssertionError
            Records out of order.
        """
        assert index == self.index + 1, f"record {index} after {self.index}"
        self.index = index
        at_us = getattr(item, "at_us", self.at_us)
        if at_us >= self.at_us:
            self.at_us, self.belt_um = at_us, getattr(item, "belt_um", self.belt_um)
        seq = getattr(item, "seq", 0)
        if seq in self.parcels:
            self.parcels[seq].records.append(index)
        handler = self._handlers.get(type(item).__name__)
        if handler is not None:
            handler(item)

    def parcel(self, seq: int) -> ParcelView | None:
        """A parcel still in memory."""
        return self.parcels.get(seq)

    def find(self, text: str) -> list[ParcelView]:
        """Parcels in memory whose waybill, code, list or order contains the text, newest first; before them the
        one with this very lane number."""
        wanted = text.strip().upper()
        if not wanted:
            return []
        exact = self.parcels.get(int(wanted)) if wanted.isascii() and wanted.isdigit() else None
        return ([exact] if exact is not None else []) + [
            view
            for view in reversed(self.parcels.values())
            if view is not exact
            and (
                wanted in (view.waybill + " " + view.code).upper()
                or wanted in (view.list_no.upper(), view.order_no.upper())
            )
        ]

    def on_belt(self) -> list[ParcelView]:
        """Parcels that no exit has proven yet, in belt order."""
        return [view for view in self.parcels.values() if view.custody is Custody.ON_BELT]

    def at_bench(self) -> list[ParcelView]:
        """Diverted parcels without a result, oldest first."""
        return [view for view in self.parcels.values() if view.custody in (Custody.AT_BENCH, Custody.HELD)]

    def page(self) -> dict[str, Any]:
        """Everything the Lane page needs, as JSON-able data."""
        current = self.parcels.get(self.current)
        bench = self.at_bench()
        return {
            "index": self.index,
            "kind": self.kind,
            "wall_at": self.wall_at,
            "wall_us": self.wall_us,
            "machine": {"state": self.state.name, "cause": self.cause, "since_us": self.state_since_us},
            "belt": {"at_us": self.at_us, "um": self.belt_um, "speed_um_s": self.speed_um_s, "xray_on": self.xray_on},
            "parcels": [view.brief() for view in self.on_belt()],
            "current": current.detail() if current else None,
            "alarms": sorted(map(self._shelf, self.alarms.values()), key=lambda alarm: -cast(int, alarm["at_us"])),
            "rates": self.rates(),
            "counts": dict(self.counts),
            "findings": dict(self.findings),
            "grounds": dict(self.grounds.most_common(12)),
            "bench": [view.brief() for view in bench[:BENCH_SHOWN]],
            "bench_waiting": len(bench),
        }

    def _shelf(self, alarm: dict[str, Any]) -> dict[str, Any]:
        """The alarm with the end of its shelf as HH:MM ("" when it lies on none or the shelf has ended)."""
        until_us = cast(int, alarm["shelved_until_us"])
        return {**alarm, "shelved_until": self._clock(until_us) if until_us > self.at_us else ""}

    def _clock(self, at_us: int) -> str:
        """A moment of the lane clock; on a twin it may run faster than the clock on the wall, and says so."""
        if not self.wall_at:
            return ""
        moment = datetime.fromisoformat(self.wall_at) + timedelta(microseconds=at_us - self.wall_us)
        return f"{moment:%H:%M} {'UTC' if self.kind == 'live' else 'lane time'}"

    def rates(self) -> dict[str, dict[str, int]]:
        """The three sampling rates, over decided parcels only (so that no open draw can be read from them)."""
        return {
            "draw": {"part": self.counts["drawn"], "of": self.counts["counted"]},
            "fulfilment": {"part": self.counts["effective_opened"], "of": self.counts["effective"]},
            "inspect": {"part": self.counts["to_inspect"], "of": self.counts["decided"]},
        }

    def add(self, event: p.ParcelInducted) -> None:
        """A new parcel; the oldest finished one leaves memory when too many are held."""
        self.parcels[event.seq] = ParcelView(seq=event.seq, inducted_at_us=event.at_us, head_um=event.head_um)
        self.parcels[event.seq].records.append(self.index)
        self.counts["inducted"] += 1
        while len(self.parcels) > PARCELS_KEPT:
            self.parcels.popitem(last=False)


def _words(number: int) -> dict[str, str]:
    """Title, what happened, likely cause and way out, from the one catalogue."""
    row = ALARMS[Alarm(number)]
    return {
        "title": row.title,
        "happened": row.happened,
        "cause": row.cause,
        "way_out": row.way_out,
        "priority": str(row.priority),
    }


def _measured(parcel: ParcelView, item: p.ParcelMeasured) -> None:
    parcel.length_um, parcel.gap_um = item.length_um, item.gap_um


def _identified(parcel: ParcelView, item: p.ParcelIdentified) -> None:
    parcel.code = item.code
    parcel.open_grounds += item.grounds


def _answered(parcel: ParcelView, item: DeclarationAnswer) -> None:
    parcel.items, parcel.gross_mg, parcel.declarant = item.items, item.gross_mg, item.declarant
    parcel.open_grounds += item.grounds


def _pinned(parcel: ParcelView, item: p.DeclarationPinned) -> None:
    parcel.carrier, parcel.waybill = item.carrier, item.waybill
    parcel.list_no, parcel.order_no = item.list_no, item.order_no
    parcel.status_code, parcel.status_class = item.status_code, item.status_class


def _status(parcel: ParcelView, item: p.StatusUpdated | p.RecallRaised) -> None:
    parcel.status_code, parcel.status_class = item.status_code, item.status_class


def _recalled(parcel: ParcelView, item: p.RecallRaised) -> None:
    _status(parcel, item)
    parcel.recalled = True


def _drawn(parcel: ParcelView, item: p.ParcelDrawn) -> None:
    parcel.drawn, parcel.effective, parcel.counted = item.drawn, item.effective, item.counts


def _weighed(parcel: ParcelView, item: p.ParcelWeighed) -> None:
    parcel.weight_mg = item.mg


def _review_requested(parcel: ParcelView, item: p.ReviewRequested) -> None:
    parcel.review_view, parcel.review_until_um = item.view, item.until_um


def _review_answered(parcel: ParcelView, item: p.ReviewAnswered) -> None:
    parcel.review_answer = f"{'cleared' if item.clear else 'inspect'} by {item.person}"
    parcel.cleared = item.cleared


def _custody(parcel: ParcelView, item: p.CustodyMoved) -> None:
    parcel.custody, parcel.container = item.custody, item.container


def _ground(parcel: ParcelView, item: p.GroundAdded) -> None:
    parcel.open_grounds.append(item.ground)


def _handlers(view: LaneView) -> dict[str, Callable[[Any], None]]:
    """Record kind -> what it changes on the screens. Kinds without an entry change nothing there."""
    of_parcels = {**_evidence_handlers(view), **_outcome_handlers(view)}
    return {**_lane_handlers(view), **{kind: _of(view, change) for kind, change in of_parcels.items()}}


def _of(view: LaneView, change: Callable[[ParcelView, Any], None]) -> Callable[[Any], None]:
    """A change of one parcel; for a parcel no longer in memory it changes nothing."""

    def handle(item: Any) -> None:
        parcel = view.parcels.get(item.seq)
        if parcel is not None:
            change(parcel, item)

    return handle


def _lane_handlers(view: LaneView) -> dict[str, Callable[[Any], None]]:
    """Records of the lane as a whole."""

    def started(item: LaneStarted) -> None:
        view.wall_at, view.wall_us, view.kind = item.wall_at, item.at_us, str(item.lane_kind)

    def state(item: m.StateChanged) -> None:
        view.state, view.cause, view.state_since_us = item.reached, item.cause, item.at_us

    def moved(item: BeltMoved) -> None:
        view.speed_um_s = item.speed_um_s

    def belt(item: BeltState) -> None:
        view.speed_um_s = item.speed_um_s if item.running else 0

    def safety(item: SafetyChanged) -> None:
        view.xray_on = item.xray_on

    def alarm(item: m.AlarmRaised) -> None:
        before = view.alarms.get(item.number, {})  # raised anew: its shelf, if any, still stands
        view.alarms[item.number] = {
            "number": item.number,
            "at_us": item.at_us,
            "seq": item.seq,
            "detail": item.detail,
            "follows": item.follows,
            "acknowledged": "",
            "shelved_until_us": before.get("shelved_until_us", 0),
            "shelvable": item.number not in NEVER_SHELVED,
            **_words(item.number),
        }

    def alarm_cleared(item: m.AlarmCleared) -> None:
        view.alarms.pop(item.number, None)

    def acknowledged(item: m.AlarmAcknowledged) -> None:
        if item.number in view.alarms:
            view.alarms[item.number]["acknowledged"] = item.person

    def shelved(item: m.AlarmShelved) -> None:
        if item.number in view.alarms:
            view.alarms[item.number]["shelved_until_us"] = item.until_us

    return {
        "LaneStarted": started,
        "StateChanged": state,
        "BeltMoved": moved,
        "BeltState": belt,
        "SafetyChanged": safety,
        "ParcelInducted": view.add,
        "AlarmRaised": alarm,
        "AlarmCleared": alarm_cleared,
        "AlarmAcknowledged": acknowledged,
        "AlarmShelved": shelved,
    }


def _evidence_handlers(view: LaneView) -> dict[str, Callable[[ParcelView, Any], None]]:
    """Records of what is known of a parcel before its decision."""

    def scanned(parcel: ParcelView, item: p.ParcelScanned) -> None:
        parcel.image_sha256 = item.image_sha256
        view.current = parcel.seq

    def compared(parcel: ParcelView, item: p.ContentCompared) -> None:
        parcel.finding, parcel.lines, parcel.unexplained = item.finding, item.lines, item.unexplained
        parcel.p_declared_ppm, parcel.signatures = item.p_declared_ppm, item.signatures
        parcel.open_grounds += item.grounds
        parcel.advisory = item.advisory
        view.current = parcel.seq
        view.findings[item.finding] += 1

    return {
        "ParcelMeasured": _measured,
        "ParcelIdentified": _identified,
        "DeclarationAnswer": _answered,
        "DeclarationPinned": _pinned,
        "StatusUpdated": _status,
        "RecallRaised": _recalled,
        "ParcelDrawn": _drawn,
        "ParcelWeighed": _weighed,
        "ParcelScanned": scanned,
        "ContentCompared": compared,
        "ReviewRequested": _review_requested,
        "ReviewAnswered": _review_answered,
        "GroundAdded": _ground,
    }


def _outcome_handlers(view: LaneView) -> dict[str, Callable[[ParcelView, Any], None]]:
    """Records of what becomes of a parcel: decision, exit, bench, custody."""

    def decided(parcel: ParcelView, item: p.DispositionDecided) -> None:
        parcel.route, parcel.instruction, parcel.grounds = item.route, item.instruction, item.grounds
        parcel.cleared, parcel.advisory, parcel.decided_at_us = item.cleared, item.advisory, item.at_us
        view.counts["decided"] += 1
        view.counts["to_inspect"] += item.route is Route.INSPECT
        view.counts["counted"] += parcel.counted
        view.counts["drawn"] += parcel.counted and parcel.drawn
        view.counts["effective"] += parcel.effective
        view.grounds.update(str(ground) for ground in item.grounds)

    def released(parcel: ParcelView, item: p.ParcelReleased) -> None:
        parcel.custody = Custody.IN_RELEASE_AREA
        view.counts["released"] += 1

    def diverted(parcel: ParcelView, item: p.ParcelDiverted) -> None:
        parcel.custody = Custody.AT_BENCH
        view.counts["diverted"] += 1

    def unproven(parcel: ParcelView, item: p.CustodyUnproven) -> None:
        parcel.custody = Custody.UNPROVEN
        view.counts["custody_unproven"] += 1

    def lost(parcel: ParcelView, item: p.TrackingLost) -> None:
        view.counts["tracking_lost"] += 1

    def bench(parcel: ParcelView, item: p.BenchRecorded) -> None:
        parcel.bench_result, parcel.bench_person, parcel.found = item.result, item.person, item.found
        if parcel.custody is Custody.AT_BENCH:
            parcel.custody = Custody.REMOVED if item.result is BenchResult.RESCAN else Custody.HELD
        if parcel.effective and item.result is not BenchResult.RESCAN:
            view.counts["effective_opened"] += 1

    return {
        "DispositionDecided": decided,
        "ParcelReleased": released,
        "ParcelDiverted": diverted,
        "CustodyUnproven": unproven,
        "TrackingLost": lost,
        "CustodyMoved": _custody,
        "BenchRecorded": bench,
    }
