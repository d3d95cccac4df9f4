"""The working table of one step: configuration worked out, state, and what this step concludes and asks for.

Everything here is bookkeeping; rules live in the modules above it.
"""

import hashlib
import json
from bisect import insort
from heapq import heappush

from lane import alarms
from lane.codec import to_text
from lane.commands import AnyCommand, Send
from lane.controller.state import LaneState, Parcel
from lane.disposition import load_matrix
from lane.draw import EpochHash, Rate
from lane.errors import Alarm, Cause, Kind, kind_of
from lane.events.machine import AlarmCleared, AlarmRaised, Snapshot
from lane.events.parcel import GroundAdded, MessageQueued
from lane.events.union import AnyEvent
from lane.identify import check_patterns
from lane.model.config import CoreConfig
from lane.model.grounds import ADVISABLE, Ground
from lane.model.words import LaneKind, MessageKind, Mode, State, Via
from lane.permits import decision_um, late_um, way_um, ways
from lane.tracking import EYE_OF_STAGE, NOT_MEASURED, STAGE_OF_EYE, Body, stations

MESSAGE_SCHEMA = "lane-release/1"
STAGES = 8
"""Belt deadlines of kind SEEN carry seq * STAGES + stage."""
DETAIL_MAX = 200
"""Characters of an alarm's detail: one line on the console."""
_EXECUTE = State.EXECUTE  # looked up on its class, a member of an enum costs 0.2 us in Python 3.11


class Desk:
    """Configuration, state and the open step. One per controller; ``LaneController.handle`` starts a step.

    ``census_due``, ``stale_due``: this step changed who is on the belt or may be inducted; what a deadline waits for.
    ``eyes``: (stage, station, window) by eye. ``seen_um``: by stage, the way from a parcel's anchor to where its eye
    must have seen it.
    """

    __slots__ = (
        "at_us",
        "belt_um",
        "bodies",
        "census_due",
        "codes",
        "commands",
        "config",
        "decision_um",
        "epoch_hash",
        "events",
        "eyes",
        "key",
        "lag_um",
        "late_um",
        "layout",
        "machine",
        "matrix",
        "message_prefix",
        "permits_allowed",
        "rate",
        "seen_um",
        "snapshot_due",
        "stale_due",
        "state",
        "stations",
        "wants",
        "ways",
    )

    def __init__(self, config: CoreConfig, state: LaneState, key: bytes) -> None:
        """Raises ValueError on a configuration the core can't run with."""
        check_patterns(config.carriers)
        if decision_um(config) <= config.layout.tunnel_exit_um:
            raise ValueError("layout: the decision point lies before the tunnel exit; move the divert eye or slow down")
        self.config = config
        self.state = state
        self.machine = state.machine
        self.layout = config.layout
        self.stations = stations(config.layout)
        self.ways = ways(config)
        self.matrix = load_matrix(config.matrix)
        self.decision_um = decision_um(config)
        self.late_um = late_um(config)
        self.lag_um = way_um(config, config.report_lag_us)
        station, window = self.stations.station_um, self.stations.window_um
        self.eyes = {eye: (stage, station[eye], window[eye]) for eye, stage in STAGE_OF_EYE.items()}
        self.seen_um = tuple(station[eye] + window[eye] + self.lag_um for eye in EYE_OF_STAGE)
        self.permits_allowed = config.mode is Mode.PRODUCTION or (
            config.mode is Mode.TRAINING and config.kind is LaneKind.TWIN
        )
        self.message_prefix = json.dumps([MESSAGE_SCHEMA, config.site, config.lane], separators=(",", ":"))[:-1]
        self.key = key
        self.rate: Rate | None = None
        self.epoch_hash: EpochHash | None = None
        self.bodies: list[Body] = [parcel.body for parcel in state.parcels.values()]
        self.codes: dict[str, list[int]] = {}
        for parcel in state.parcels.values():
            self.know_code(parcel.code, parcel.seq)
        for places in (state.bench, state.released):
            for place in places.values():
                self.know_code(place.code, place.seq)
        self.events: list[AnyEvent] = []
        self.commands: list[AnyCommand] = []
        self.wants: list[tuple[Cause, int, str, str]] = []
        self.snapshot_due = False
        self.census_due = self.stale_due = True
        self.at_us = state.at_us
        self.belt_um = state.belt_um

    # -- codes on the lane ------------------------------------------------------------------------------------------

    def know_code(self, code: str, seq: int) -> None:
        """Remember that this code is on the lane, at the bench or in the release area."""
        if code:
            insort(self.codes.setdefault(code, []), seq)  # by number, as a restored core finds them

    def forget_code(self, code: str, seq: int) -> None:
        """The parcel is finished for good."""
        seqs = self.codes.get(code)
        if seqs and seq in seqs:
            seqs.remove(seq)
            if not seqs:
                del self.codes[code]

    # -- deadlines --------------------------------------------------------------------------------------------------

    def due_belt(self, belt_um: int, kind: int, number: int) -> None:
        """A deadline on the belt: fires with the first input at or behind this position."""
        heappush(self.state.belt_due, (belt_um, kind, number))

    def due_time(self, at_us: int, kind: int, number: int) -> None:
        """A deadline on the lane clock."""
        heappush(self.state.time_due, (at_us, kind, number))

    # -- grounds, alarms, messages ----------------------------------------------------------------------------------

    def ground(self, parcel: Parcel, ground: Ground, *, announce: bool = True) -> bool:
        """Add a ground (or note it as advisory). False when it is known already."""
        if ground in parcel.grounds or ground in parcel.advisory:
            return False
        if ground in self.state.advisory and ground in ADVISABLE:
            parcel.advisory.append(ground)
        else:
            parcel.grounds.append(ground)
            if ground in parcel.cleared:
                parcel.cleared.remove(ground)
        if announce:
            self.events.append(GroundAdded(at_us=self.at_us, belt_um=self.belt_um, seq=parcel.seq, ground=ground))
        return True

    def alarm(self, number: Alarm, seq: int = 0, detail: str = "") -> None:
        """Raise an alarm of the catalogue, unless an open one stands for it."""
        self._announce(alarms.raised(self.state.alarms, number, self.state.at_us, detail[:DETAIL_MAX]), seq, detail)

    def retell(self, number: Alarm, detail: str) -> None:
        """The list of silent devices in an open alarm changed."""
        self._announce(alarms.retold(self.state.alarms, number, detail[:DETAIL_MAX]), 0, detail)

    def _announce(self, entry: alarms.Entry | None, seq: int, detail: str) -> None:
        if entry is not None:
            self.events.append(
                AlarmRaised(
                    at_us=self.at_us,
                    belt_um=self.belt_um,
                    number=entry.number,
                    seq=seq,
                    detail=detail[:DETAIL_MAX],
                    follows=entry.follows,
                )
            )

    def calm(self, number: Alarm) -> None:
        """The cause of an alarm is gone."""
        if number in self.state.alarms.entries and alarms.cleared(self.state.alarms, number):
            self.events.append(AlarmCleared(at_us=self.at_us, belt_um=self.belt_um, number=int(number)))

    def message(self, seq: int, kind: MessageKind, revision: int, via: Via) -> None:
        """Queue a message; its idempotency key names schema, site, lane, parcel, kind and revision."""
        text = f'{self.message_prefix},{seq},"{kind}",{revision}]'
        key = hashlib.sha256(text.encode()).hexdigest()
        self.events.append(
            MessageQueued(
                at_us=self.at_us,
                belt_um=self.belt_um,
                seq=seq,
                message=kind,
                revision=revision,
                via=via,
                idempotency_key=key,
            )
        )
        self.commands.append(Send(idempotency_key=key))

    def want(self, cause: Cause, seq: int = 0, detail: str = "", person: str = "") -> None:
        """Ask for a change of state; ``running.settle`` obeys at the end of the step."""
        self.census_due = True
        self.wants.append((cause, seq, detail, person))

    # -- views of the state -----------------------------------------------------------------------------------------

    def executing(self) -> bool:
        """Only in EXECUTE permits exist."""
        return self.machine.state is _EXECUTE

    def stopping(self) -> bool:
        """Whether this step has found a reason to stop: a permit issued now would end with the step."""
        return any(kind_of(cause) is not Kind.SUSPEND for cause, _, _, _ in self.wants)

    def tail_known(self, parcel: Parcel) -> bool:
        """Whether its tail has passed the induct eye."""
        return parcel.body.tail_um != NOT_MEASURED

    def snapshot(self) -> str:
        """The state as canonical JSON text; the deadlines sorted, because a heap's inner order is mere history."""
        self.state.time_due.sort()
        self.state.belt_due.sort()
        return to_text(self.state)

    def end(self) -> None:
        """Close a step with its snapshot: it comes last, when everything else has happened."""
        self.snapshot_due = False
        self.events.append(Snapshot(at_us=self.at_us, belt_um=self.belt_um, state=self.snapshot()))
