"""Configuration of the core: plain integers. Millimetres and seconds exist only in the TOML file.

``lane.settings`` reads, checks and converts ``config/lanes/*.toml``; every field names its bound there.
"""

from dataclasses import dataclass, field

from lane.model.words import Design, LaneKind, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where stations stand, as belt distance from the induct eye (micrometres)."""

    reader_um: int
    scale_um: int
    tunnel_entry_um: int
    detector_um: int
    tunnel_exit_um: int
    second_reader_um: int
    divert_um: int
    gate_um: int
    exit_release_um: int
    exit_inspect_um: int
    parcel_um_min: int
    parcel_um_max: int
    gap_um_min: int

    eye_window_um: int = 20_000
    """An edge belongs to a parcel when within max(this, 1 % of the distance since the last eye)."""


EYE_INDUCT = "induct"
EYE_TUNNEL_ENTRY = "tunnel_entry"
EYE_TUNNEL_EXIT = "tunnel_exit"
EYE_DIVERT = "divert"
EYE_EXIT_RELEASE = "exit_release"
EYE_EXIT_INSPECT = "exit_inspect"
EYES = (EYE_INDUCT, EYE_TUNNEL_ENTRY, EYE_TUNNEL_EXIT, EYE_DIVERT, EYE_EXIT_RELEASE, EYE_EXIT_INSPECT)
"""Names of the six photo-eyes, in belt order; the two exits stand on their own branches."""

READER_FIRST = "reader"
READER_SECOND = "second_reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """Divert gate: travel and command times that fix the decision point."""

    command_us: int = 40_000
    travel_us: int = 300_000
    settle_us: int = 50_000
    feedback_us_max: int = 450_000
    margin_um: int = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentConfig:
    """Comparison of picture and weight with the declared list."""

    bound_ppm: int = 950_000
    """MATCH (or SHORT, OVER) needs at least this posterior; set by ``lane learn bound`` on seeds of its own."""
    gross_permille: int = 30
    gross_mg_min: int = 50_000
    """Weight check (b): max(3 %, 50 g) plus the scale's own error."""
    count_max: int = 60
    vision_us_max: int = 4_000_000
    """Deadline of a count after the image is stored (lane clock)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawConfig:
    """Random draw (LaneDraw v1)."""

    rate: str = "0.055"
    design: Design = Design.RATE_HELD
    epoch_draws_max: int = 4_096
    epoch_us_max: int = 4 * 3_600 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierPattern:
    """Label format of one carrier: length bounds, alphabet (``digits`` or ``alnum``), prefix, check-digit rule
    (``none``, ``s10``, ``sscc``, ``gtin``)."""

    name: str
    prefix: str
    length_min: int
    length_max: int
    alphabet: str
    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreConfig:
    """Everything that ``LaneController`` is told. Hashed into every run."""

    site: str
    lane: str
    kind: LaneKind
    mode: Mode
    speed_um_s: int
    layout: Layout
    matrix: tuple[tuple[str, str, str, str, str, str], ...]
    """Disposition matrix: (status class, evidence, drawn yes|no, tracking, route, instruction), 96 rows."""
    matrix_sha256: str
    model_sha256: str
    carriers: tuple[CarrierPattern, ...]
    gate: GateConfig = field(default_factory=GateConfig)
    content: ContentConfig = field(default_factory=ContentConfig)
    draw: DrawConfig = field(default_factory=DrawConfig)
    review_enabled: bool = True
    bench_places: int = 40
    """Diverted parcels not yet finished; full: Suspend."""
    release_places: int = 10_000
    """Released parcels not yet handed over (a status recall can still reach them); full: Suspend."""
    link_gap_us_max: int = 1_000_000
    """A longer gap of a needed device holds the lane (wall time)."""
    link_hold_us: int = 1_000_000
    """Lane time from the loss of a needed device to the Hold while it is still lost (settings: the same gap times
    the twin's speed factor, because the lane clock runs that much faster than wall time)."""
    report_lag_us: int = 300_000
    """Longest lane time between an edge, read or switch and the core hearing of it (polling, serial frames). Nothing
    is declared lost, unread or unproven before the belt has moved on by as much."""
