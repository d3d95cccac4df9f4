"""What a demo run stands on: the stream, its declared lists, a resolved lane file, and where everything lies."""

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.streams.declare import write_declarations
from sim.streams.make import StreamSpec, make_stream
from sim.streams.truth import ParcelTruth
from sim.wire.stream_file import write_stream

CONFIG = Path(__file__).resolve().parents[2] / "config"
DEMO_LANE = CONFIG / "lanes" / "demo.toml"
SAMPLES = CONFIG / "samples"
WALL_KEYS = ("command_ms", "report_lag_ms", "link_hold_ms")
"""Lane times that stand for times on real wires."""
TRACKING = """
[tracking]
report_lag_ms = 300
link_hold_ms = 1000
"""
"""The defaults of a lane file that does not name them, so that they can grow."""
SAMPLE_PARCELS, SAMPLE_SEED = 60, 1
"""The stream whose declared lists are shipped in config/samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """Choices of one demo."""

    parcels: int = SAMPLE_PARCELS
    seed: int = SAMPLE_SEED
    speed: int = 3
    console: bool = True
    officers: bool = True
    """Twin officers bring a held lane back and empty the bench; without them a person does, in the console."""
    personal_marker: str = ""
    """Written into every personal field of the declared lists, so that a search can prove that nothing kept it."""
    lane_file: Path = DEMO_LANE


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFiles:
    """Places of one demo. ``run`` is the lane's own; ``twin`` beside it holds what only plant and referee may know."""

    run: Path
    twin: Path
    sockets: Path
    """Short folder for sockets: their paths are limited to some 100 bytes."""

    @property
    def stream(self) -> Path:
        """The parcels as they really are."""
        return self.twin / "stream.jsonl"

    @property
    def declared(self) -> Path:
        """The declared lists as files."""
        return self.twin / "declared"

    @property
    def truth(self) -> Path:
        """The referee's log."""
        return self.twin / "truth.jsonl"

    @property
    def addresses(self) -> Path:
        """Addresses of the simulated devices."""
        return self.twin / "addresses.json"

    @property
    def lane_file(self) -> Path:
        """The resolved lane file."""
        return self.run / "lane.toml"

    @property
    def control(self) -> Path:
        """Control socket of the wire twin."""
        return self.sockets / "control.sock"

    def close(self) -> None:
        """Remove the sockets' folder."""
        shutil.rmtree(self.sockets, ignore_errors=True)


def make_files(run: Path) -> DemoFiles:
    """Make the folders. Raises ``FileExistsError`` when the run directory already holds something."""
    twin = run.with_name(run.name + ".twin")
    for folder in (run, twin):
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder}: expected a new or empty folder; name another one with --out")
        folder.mkdir(parents=True, exist_ok=True)
    return DemoFiles(run=run.resolve(), twin=twin.resolve(), sockets=Path(tempfile.mkdtemp(prefix="lane-")))


def next_run(parent: Path) -> Path:
    """The first unused ``demo-N`` in a folder."""
    number = 1
    while (parent / f"demo-{number}").exists() or (parent / f"demo-{number}.twin").exists():
        number += 1
    return parent / f"demo-{number}"


def make_parcels(plan: DemoPlan) -> list[ParcelTruth]:
    """The plan's stream, with the exact quotas of the demo."""
    return make_stream(StreamSpec(seed=plan.seed, parcels=plan.parcels))


def declared_files(plan: DemoPlan, parcels: Sequence[ParcelTruth], files: DemoFiles) -> list[Path]:
    """Files with the declared lists: the shipped samples for the shipped stream, else freshly written ones."""
    write_stream(files.stream, parcels)
    if (plan.parcels, plan.seed) == (SAMPLE_PARCELS, SAMPLE_SEED) and not plan.personal_marker:
        return sorted(path for path in SAMPLES.iterdir() if path.suffix in (".xml", ".csv"))
    return write_declarations(parcels, files.declared, personal_marker=plan.personal_marker)


def resolve_lane(plan: DemoPlan, files: DemoFiles) -> None:
    """Write the lane file with real addresses.

    The times of ``WALL_KEYS`` grow with the speed: what a command or a report takes on the wire stays wall time, while
    the belt runs ``speed`` times faster. Raises ``ValueError`` when an address of the lane file stays unresolved.
    """
    addresses: dict[str, str] = json.loads(files.addresses.read_text(encoding="utf-8"))
    text = plan.lane_file.read_text(encoding="utf-8")

    def address(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in addresses:
            raise ValueError(f"{plan.lane_file}: address sim://{name}: expected one of {', '.join(sorted(addresses))}")
        return f'address = "{addresses[name]}"'

    text = re.sub(r'(?m)^address\s*=\s*"sim://([a-z_]+)"', address, text)
    if not re.search(r"(?m)^\[tracking\]", text):
        text += TRACKING
    keys = "|".join(WALL_KEYS)
    text = re.sub(rf"(?m)^((?:{keys})\s*=\s*)(\d+)", lambda m: f"{m[1]}{int(m[2]) * plan.speed}", text)
    files.lane_file.write_text(text, encoding="utf-8")
