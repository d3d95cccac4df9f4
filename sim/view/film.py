"""A recording folded into what the page draws: plain lists of whole milliseconds and tenths of a millimetre."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devices.signals import EyeChanged, GateInPosition, SafetyChanged
from lane.errors import ALARMS, Alarm
from lane.events import machine, parcel
from lane.inputs import DeclarationAnswer, LaneStarted
from lane.model.config import EYES
from lane.model.words import Route, State, Via
from sim.recording import Recording
from sim.view.motion import Motion, position
from sim.view.words import alarm_title, told

PARCELS_MAX = 20_000
"""A page with more parcels than this grows beyond what a browser opens at once (some 20 MB)."""
SCHEMA = "sim-film/1"


class FilmError(Exception):
    """The recording can't be shown: says why and what to do."""


@dataclass(slots=True)
class _Parcel:
    """One passage. Times in microseconds of the lane clock, -1: not yet."""

    seq: int
    head_um: int
    came_us: int
    length_um: int = 0
    left_us: int = -1
    route: str = ""
    code: str = ""
    status: str = ""
    drawn: bool = False
    weight_mg: int = -1
    finding: str = ""
    compared_us: int = -1
    decided: str = ""
    decided_us: int = -1
    grounds: list[str] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    bench: str = ""
    bench_us: int = -1


class Film:
    """Folds records one by one; ``plain`` gives the page's data."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._motion = Motion(recording.config.speed_um_s)
        self._parcels: dict[int, _Parcel] = {}
        self._names: dict[int, dict[int, str]] = {}
        self._eyes: dict[str, list[tuple[int, bool]]] = {eye: [] for eye in EYES}
        self._gate: list[tuple[int, str]] = []
        self._beam: list[tuple[int, bool]] = []
        self._states: list[tuple[int, str, str]] = []
        self._alarms: list[list[Any]] = []
        self._standing: dict[int, list[list[Any]]] = {}
        self._events: list[tuple[int, str, str, int]] = []
        self._wall: tuple[int, str] = 0, ""
        self._first_us = self._last_us = -1
        self._folds: dict[type, Callable[[Any], None]] = {
            EyeChanged: lambda item: self._eyes[item.eye].append((item.at_us, item.blocked)),
            GateInPosition: lambda item: self._gate.append((item.at_us, str(item.position))),
            SafetyChanged: lambda item: self._beam.append((item.at_us, item.xray_on)),
            LaneStarted: self._started,
            DeclarationAnswer: self._declared,
            machine.StateChanged: self._state,
            machine.AlarmRaised: self._raised,
            machine.AlarmCleared: self._cleared,
            parcel.ParcelInducted: self._inducted,
            parcel.ParcelMeasured: self._measured,
            parcel.ParcelIdentified: self._identified,
            parcel.ParcelDrawn: self._drawn,
            parcel.DeclarationPinned: self._pinned,
            parcel.ParcelWeighed: self._weighed,
            parcel.ContentCompared: self._compared,
            parcel.DispositionDecided: self._decided,
            parcel.ParcelReleased: self._released,
            parcel.ParcelDiverted: self._diverted,
            parcel.CustodyUnproven: self._unproven,
            parcel.BenchRecorded: self._recorded,
        }

    def saw(self, record: Any) -> None:
        """One record, in order."""
        at_us = record.at_us
        self._first_us = at_us if self._first_us < 0 else min(self._first_us, at_us)
        self._last_us = max(self._last_us, at_us)
        self._motion.saw(record)
        fold = self._folds.get(type(record))
        if fold is not None:
            fold(record)
        line = told(record)
        if line is not None:
            self._events.append((at_us, str(line[0]), line[1], getattr(record, "seq", 0)))

    # --- folding

    def _started(self, item: LaneStarted) -> None:
        if not self._wall[1]:
            self._wall = item.at_us, item.wall_at

    def _declared(self, item: DeclarationAnswer) -> None:
        self._names[item.seq] = {line.line_no: line.name for line in item.items}

    def _state(self, event: machine.StateChanged) -> None:
        self._states.append((event.at_us, State(event.reached).name, event.cause))

    def _raised(self, event: machine.AlarmRaised) -> None:
        text = ALARMS[Alarm(event.number)]
        title = f"{alarm_title(event.number)} {event.detail}".rstrip()
        row = [event.at_us, -1, event.number, title, text.way_out, str(text.priority)]
        self._alarms.append(row)
        self._standing.setdefault(event.number, []).append(row)

    def _cleared(self, event: machine.AlarmCleared) -> None:
        for row in self._standing.pop(event.number, ()):
            row[1] = event.at_us

    def _inducted(self, event: parcel.ParcelInducted) -> None:
        self._parcels[event.seq] = _Parcel(event.seq, event.head_um, event.at_us)

    def _at(self, event: Any) -> _Parcel:
        """The parcel of an event; one from before the recording began stands at its place from now on."""
        if event.seq not in self._parcels:
            self._parcels[event.seq] = _Parcel(event.seq, event.belt_um, event.at_us)
        return self._parcels[event.seq]

    def _measured(self, event: parcel.ParcelMeasured) -> None:
        self._at(event).length_um = event.length_um

    def _identified(self, event: parcel.ParcelIdentified) -> None:
        self._at(event).code = event.code

    def _drawn(self, event: parcel.ParcelDrawn) -> None:
        self._at(event).drawn = event.effective

    def _pinned(self, event: parcel.DeclarationPinned) -> None:
        self._at(event).status = str(event.status_class)

    def _weighed(self, event: parcel.ParcelWeighed) -> None:
        self._at(event).weight_mg = event.mg

    def _compared(self, event: parcel.ContentCompared) -> None:
        body, names = self._at(event), self._names.get(event.seq, {})
        body.finding, body.compared_us = str(event.finding), event.at_us
        body.lines = [
            [
                names.get(line.line_no, f"line {line.line_no}"), _interval(line.expected_lo, line.expected_hi),
                _interval(line.seen_lo, line.seen_hi), str(line.finding),
            ]
            for line in event.lines
        ]  # fmt: skip

    def _decided(self, event: parcel.DispositionDecided) -> None:
        body = self._at(event)
        body.decided, body.decided_us = str(event.route), event.at_us
        body.grounds = [str(ground) for ground in event.grounds]

    def _released(self, event: parcel.ParcelReleased) -> None:
        if event.via is Via.GATE:
            self._leave(event, str(Route.RELEASE))

    def _diverted(self, event: parcel.ParcelDiverted) -> None:
        self._leave(event, str(Route.INSPECT))

    def _unproven(self, event: parcel.CustodyUnproven) -> None:
        self._leave(event, "UNPROVEN")

    def _leave(self, event: Any, route: str) -> None:
        body = self._at(event)
        if body.left_us < 0:
            body.left_us, body.route = event.at_us, route

    def _recorded(self, event: parcel.BenchRecorded) -> None:
        body = self._at(event)
        body.bench, body.bench_us = str(event.result), event.at_us

    # --- the page's data

    def plain(self, from_s: float = 0.0, to_s: float | None = None) -> dict[str, Any]:
        """Everything between two moments (seconds from the beginning of the recording).

        Raises FilmError when there is nothing, or more than a page can hold.
        """
        if self._first_us < 0:
            raise FilmError("expected records, the recording has none; run the lane first")
        if to_s is not None and to_s <= from_s:
            raise FilmError(f"expected --to after --from ({from_s:g} s), was {to_s:g} s; change --from or --to")
        zero = self._first_us + int(from_s * 1e6)
        end = self._last_us if to_s is None else min(self._last_us, self._first_us + int(to_s * 1e6))
        if end <= zero:
            length = (self._last_us - self._first_us) / 1e6
            raise FilmError(
                f"expected a time before the end, the recording lasts {length:.0f} s; change --from or --to"
            )
        shown = [one for one in self._parcels.values() if one.came_us <= end and not 0 <= _last_us(one) < zero]
        if len(shown) > PARCELS_MAX:
            raise FilmError(
                f"expected at most {PARCELS_MAX:,} parcels in one page, were {len(shown):,}; name a part of the run "
                "with --from and --to (seconds)"
            )

        def ms(at_us: int) -> int:
            return -1 if at_us < 0 else max(0, at_us - zero + 500) // 1_000

        def part(rows: list[Any]) -> list[list[Any]]:
            """Rows of the part; of those before it only the last, which still holds."""
            before = [row for row in rows if row[0] < zero]
            return [[ms(row[0]), *row[1:]] for row in (*before[-1:], *(row for row in rows if zero <= row[0] <= end))]

        return {
            "schema": SCHEMA,
            **self._head(zero),
            "length_ms": ms(end),
            "belt": self._belt(zero, end),
            "parcels": [_row(one, ms) for one in shown],
            "eyes": {eye: part(sorted(rows)) for eye, rows in self._eyes.items()},
            "gate": part(self._gate),
            "beam": part(self._beam),
            "states": part(self._states),
            "alarms": [
                [ms(row[0]), ms(row[1]), *row[2:]] for row in self._alarms if row[0] <= end and not 0 <= row[1] < zero
            ],
            "events": [[ms(row[0]), *row[1:]] for row in sorted(self._events) if zero <= row[0] <= end],
        }

    def _head(self, zero: int) -> dict[str, Any]:
        config, recording = self._recording.config, self._recording
        layout = config.layout
        stations = {
            "induct": 0, "reader": layout.reader_um, "scale": layout.scale_um, "tunnel_entry": layout.tunnel_entry_um,
            "detector": layout.detector_um, "tunnel_exit": layout.tunnel_exit_um,
            "second_reader": layout.second_reader_um, "divert": layout.divert_um, "gate": layout.gate_um,
            "exit_release": layout.exit_release_um, "exit_inspect": layout.exit_inspect_um,
        }  # fmt: skip
        return {
            "name": recording.name,
            "origin": "SYNTHETIC" if recording.synthetic else "MACHINE",
            "lane": f"{config.site} {config.lane}",
            "speed_mm_s": config.speed_um_s // 1_000,
            "config_sha256": recording.config_sha256,
            "facts": {name: str(value) for name, value in recording.facts.items()},
            "wall_at": self._wall[1],
            "wall_ms": (self._wall[0] - zero) // 1_000,
            "stations": {name: at_um // 100 for name, at_um in stations.items()},
        }

    def _belt(self, zero: int, end: int) -> list[list[int]]:
        points = self._motion.points()
        inside = [point for point in points if zero < point[0] < end]
        edges = (zero, position(points, zero)), *inside, (end, position(points, end))
        return [[(at_us - zero) // 1_000, belt_um // 100] for at_us, belt_um in edges]


def _interval(low: int, high: int) -> str:
    if low < 0:
        return "-"
    return str(low) if low == high else f"{low}..{high}"


def _last_us(body: _Parcel) -> int:
    """Last thing known of it, -1: still somewhere."""
    return (
        -1
        if body.left_us < 0 or (body.route == Route.INSPECT and body.bench_us < 0)
        else max(body.left_us, body.bench_us)
    )


def _row(body: _Parcel, ms: Callable[[int], int]) -> dict[str, Any]:
    return {
        "seq": body.seq, "head": body.head_um // 100, "length": (body.length_um or 300_000) // 100,
        "came": ms(body.came_us), "left": ms(body.left_us), "route": body.route, "code": body.code,
        "status": body.status, "drawn": body.drawn, "grams": body.weight_mg // 1_000 if body.weight_mg >= 0 else -1,
        "finding": body.finding, "compared": ms(body.compared_us), "decided": body.decided,
        "decided_ms": ms(body.decided_us), "grounds": body.grounds, "lines": body.lines, "bench": body.bench,
        "bench_ms": ms(body.bench_us),
    }  # fmt: skip


def film_of(recording: Recording) -> Film:
    """All records of a recording, folded."""
    film = Film(recording)
    for record in recording.records():
        film.saw(record)
    return film
