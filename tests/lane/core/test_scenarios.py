"""Runs ``scenarios.txt``: parcels described in words, and how each one must end."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from devices.signals import BarcodeRead
from lane.commands import AskDeclaration, Count
from lane.events.parcel import CustodyUnproven, DispositionDecided, ParcelDiverted, ParcelReleased
from lane.inputs import AnyInput, VisionFailed
from lane.model.grounds import Ground
from lane.model.words import StatusClass
from tests.lane.core.boxes import MM, Box, config
from tests.lane.core.miniplant import MiniPlant
from vision.item_count import Acquisition, Origin

FILE = Path(__file__).with_name("scenarios.txt")
NORMAL_GAP = 700 * MM


@dataclass
class Scenario:
    """One scenario: parcels by letter, and their ends."""

    title: str
    parcels: list[tuple[str, str]] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)


def scenarios() -> Iterator[Scenario]:
    current: Scenario | None = None
    for line in FILE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if current is not None:
                yield current
            current = Scenario(title=line)
            continue
        assert current is not None
        name, _, rest = line.strip().partition(": ")
        if name.startswith("then "):
            current.ends[name.removeprefix("then ")] = rest
        else:
            current.parcels.append((name, rest))
    if current is not None:
        yield current


class Stage:
    """A mini plant on which the words of a scenario are acted."""

    def __init__(self) -> None:
        self.plant = MiniPlant(config())
        self.names: dict[str, int] = {}
        self.silent: set[int] = set()
        self.crash: set[int] = set()
        self.double: set[int] = set()
        self.plant.hooks[AskDeclaration] = lambda command: command.seq in self.silent
        self.plant.hooks[Count] = self._crash
        self.plant.filter = self._double

    def _crash(self, command: Count) -> bool:
        if command.seq not in self.crash:
            return False
        now = self.plant.now()
        failed = VisionFailed(
            **now, seq=command.seq, image_sha256=command.image_sha256, reason="worker died", timeout=False
        )
        self.plant.after(50_000, lambda: self.plant.give(failed))
        return True

    def _double(self, item: AnyInput) -> AnyInput:
        if isinstance(item, BarcodeRead) and item.text.endswith("TWICE"):
            self.plant.give(replace(item, text="T99999999"))
        return item

    def act(self, name: str, words: str) -> None:
        seq = len(self.names) + 1
        self.names[name] = seq
        box = Box(code=f"T{seq:09d}")
        gap = NORMAL_GAP
        if words == "close behind":
            gap = 200 * MM
        elif words == "just behind":
            gap = 320 * MM
        else:
            self._special(box, seq, words)
        self.plant.lay(box, gap)

    def _special(self, box: Box, seq: int, words: str) -> None:
        for pattern, change in SPECIALS:
            match = re.fullmatch(pattern, words)
            if match:
                change(self, box, seq, *match.groups())
                return
        raise AssertionError(f"scenarios.txt: nobody knows what {words!r} means")


def put(name: str, value: Any) -> Callable[..., None]:
    """The parcel differs in one fact."""

    def change(stage: Stage, box: Box, seq: int) -> None:
        setattr(box, name, value)

    return change


def answer(**fields: Any) -> Callable[..., None]:
    def change(stage: Stage, box: Box, seq: int) -> None:
        box.answer.update(fields)

    return change


def image(**fields: Any) -> Callable[..., None]:
    def change(stage: Stage, box: Box, seq: int) -> None:
        box.image.update(fields)

    return change


def same_label(stage: Stage, box: Box, seq: int, other: str) -> None:
    box.code = f"T{stage.names[other]:09d}"


def repeated_image(stage: Stage, box: Box, seq: int, other: str) -> None:
    box.image["image_sha256"] = sha256(b"%d" % stage.names[other]).hexdigest()


def slipped(stage: Stage, box: Box, seq: int, way_mm: str) -> None:
    for eye in ("tunnel_exit", "divert", "exit_inspect"):
        box.slip_um[eye] = int(way_mm) * MM


def remember(where: str) -> Callable[..., None]:
    def change(stage: Stage, box: Box, seq: int) -> None:
        getattr(stage, where).add(seq)

    return change


SPECIALS: list[tuple[str, Callable[..., None]]] = [
    ("sound", lambda stage, box, seq: None),
    ("one too few", put("seen", 1)),
    ("one too many", put("seen", 3)),
    ("doubtful count", put("p_ppm", 700_000)),
    ("unexplained object", lambda stage, box, seq: box.counted.update(unexplained=1)),
    ("other model", lambda stage, box, seq: box.counted.update(model_sha256="e" * 64)),
    ("no label", put("readable", False)),
    ("foreign label", put("code", "HELLO WORLD")),
    ("two labels", put("code", "T1234TWICE")),
    ("same label as (.)", same_label),
    ("second time on the belt", answer(inductions=1)),
    ("third time on the belt", answer(inductions=2)),
    ("drawn before", answer(sticky_from=77, inductions=1)),
    ("no declaration", put("found", False)),
    ("no answer", remember("silent")),
    ("status (.*)", lambda stage, box, seq, word: setattr(box, "status", StatusClass(word))),
    ("claimed by two lists", answer(grounds=(Ground.DECLARATION_CONFLICT,))),
    ("list withdrawn", answer(grounds=(Ground.LIST_WITHDRAWN,))),
    ("too heavy", put("scale_mg", 1_060_000)),
    ("no weight", put("scale_mg", -1)),
    ("no picture", put("scan", False)),
    ("no count", put("vision", False)),
    ("vision crashed", remember("crash")),
    ("picture cut off", image(acquisition=Acquisition.CUT)),
    ("lines missing", lambda stage, box, seq: box.image.update(gaps=3, lines=397)),
    ("picture too long", put("longer_um", 50 * MM)),
    ("real picture on a twin", image(origin=Origin.MACHINE)),
    ("test picture", image(origin=Origin.TEST)),
    ("picture from elsewhere", image(from_um=0)),
    ("picture of (.) again", repeated_image),
    ("too long", put("length_um", 900 * MM)),
    ("too short", put("length_um", 60 * MM)),
    ("taken off in the tunnel", put("removed_at_um", 2_500 * MM)),
    ("taken off behind the divert eye", put("removed_at_um", 7_900 * MM)),
    (r"slips (\d+) mm", slipped),
]


def end_of(plant: MiniPlant, seq: int) -> str:
    """How a parcel ended, in the words of the file."""
    for event in reversed(plant.events):
        if getattr(event, "seq", 0) != seq:
            continue
        if isinstance(event, ParcelReleased):
            return "RELEASE"
        if isinstance(event, CustodyUnproven):
            return "UNPROVEN"
        if isinstance(event, ParcelDiverted):
            return " ".join(["INSPECT", event.instruction, *sorted(event.grounds)])
    return "REMOVED" if seq not in plant.core.state.parcels else "ON BELT"


@pytest.mark.parametrize("scenario", list(scenarios()), ids=lambda scenario: scenario.title)
def test_scenario(scenario: Scenario) -> None:
    stage = Stage()
    stage.plant.start()
    for name, words in scenario.parcels:
        stage.act(name, words)
    stage.plant.run(90_000_000)
    ends = {name: end_of(stage.plant, seq) for name, seq in stage.names.items()}
    assert ends == {name: _sorted(end) for name, end in scenario.ends.items()}
    decided = stage.plant.of(DispositionDecided)
    assert [event.seq for event in decided] == sorted(event.seq for event in decided)


def _sorted(end: str) -> str:
    """The file lists grounds in any order."""
    words = end.split()
    return " ".join([*words[:2], *sorted(words[2:])])
