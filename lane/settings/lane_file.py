"""Reads a lane file (schema of ``config/lanes/demo.toml``) with the tables it names, and converts everything to
integers: mm to micrometres, seconds to microseconds, percent to per mille and ppm."""

import zipfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import lane
from lane.model.config import ContentConfig, CoreConfig, DrawConfig, GateConfig, Layout
from lane.model.words import Design, LaneKind, Mode
from lane.permits import branch_um, decision_um, follow_um
from lane.settings.devices import DeviceReader
from lane.settings.reader import SettingsError, Table, TomlFile
from lane.settings.station import Destination, StationConfig, VisionSettings
from lane.settings.tables import load_carriers, load_matrix
from vision.signatures import BASIS_FILE, load_signatures, model_sha256

SITE_PATTERN = r"[A-Z0-9-]{1,32}"
BELT_MM_MAX = 60_000
"""A lane of 60 m is longer than any inspection tunnel's conveyor; a larger number is a slip of the unit."""
REVIEW_MM = 4_000
"""Belt between tunnel exit and decision point that review and vision need at the demo lane's speed."""


def config_root(lane_file: Path) -> Path:
    """Folder of the data files (matrix, carriers, devices, models) that belong to a lane file.

    A lane file in ``X/lanes/`` uses ``X``; one that stands elsewhere (a resolved copy) uses the shipped ``config/``.
    """
    near = lane_file.resolve().parent.parent
    if (near / "disposition.csv").is_file():
        return near
    return Path(lane.__file__).resolve().parent.parent / "config"


def load_lane(path: Path, *, for_run: bool = False) -> StationConfig:
    """Read and check a lane file and everything it names, without touching a device.

    ``for_run`` also refuses addresses ``sim://``, which only the twin resolves. Raises ``SettingsError`` with one
    line per problem (file, line, key, expectation).
    """
    file = TomlFile.load(path)
    root = file.root()
    base = config_root(path)
    root.text("schema", pattern=r"lane-config/1", hint='"lane-config/1" (a lane file)')
    file.finish()  # another kind of file: its keys would all be complained of
    station = _read(root, base, path, for_run)
    root.close()
    file.finish()
    return station


def _read(root: Table, base: Path, path: Path, for_run: bool) -> StationConfig:
    lane_table = root.table("lane")
    layout = _layout(root.table("layout"))
    gate = _gate(root.table("gate", required=False))
    vision = _vision(root.table("vision"), base)
    declarations = root.table("declarations", required=False)
    status_ttl_s = declarations.scaled("status_ttl_s", 1, 86_400, default=600, unit="s")
    declarations.close()
    kind = lane_table.word("kind", LaneKind)
    outbox_max, destinations = _release(root.table("release"), kind)
    reader = DeviceReader(base, kind, lane_table.word("mode", Mode, Mode.PRODUCTION), for_run=for_run)
    devices = reader.read(root.table("devices"))
    console = root.table("console", required=False)
    host = console.text("host", "127.0.0.1", pattern=r"[0-9A-Za-z_.:\-]{1,100}", hint="a host name or address")
    port = console.scaled("port", 0, 65_535, default=0)
    console.close()
    core = _core(root, lane_table, layout, gate, base, vision, kind)
    return StationConfig(
        core=core,
        lane_file=path,
        devices=devices,
        vision=vision,
        destinations=destinations,
        outbox_max=outbox_max,
        status_ttl_s=status_ttl_s,
        console_host=host,
        console_port=port,
        warnings=(*_warnings(core), *reader.warnings),
    )


def _core(
    root: Table, table: Table, layout: Layout, gate: GateConfig, base: Path, vision: VisionSettings, kind: LaneKind
) -> CoreConfig:
    try:
        matrix, matrix_sha256 = load_matrix(base / "disposition.csv")
    except SettingsError as error:
        root.take_over(error.problems)
        matrix, matrix_sha256 = (), ""
    try:
        carriers = load_carriers(base / "carriers.toml")
    except SettingsError as error:
        root.take_over(error.problems)
        carriers = ()
    tracking = root.table("tracking", required=False)
    core = CoreConfig(
        site=table.text("site", pattern=SITE_PATTERN, hint="1..32 of A-Z 0-9 -"),
        lane=table.text("lane", pattern=SITE_PATTERN, hint="1..32 of A-Z 0-9 -"),
        kind=kind,
        mode=table.word("mode", Mode, Mode.PRODUCTION),
        speed_um_s=table.scaled("speed_mm_s", 50, 1_000, 1_000, unit="mm/s"),
        layout=layout,
        matrix=matrix,
        matrix_sha256=matrix_sha256,
        model_sha256=_model_sha256(root, vision.signatures_path),
        carriers=carriers,
        gate=gate,
        content=_content(root.table("content", required=False)),
        draw=_draw(root.table("draw", required=False), kind),
        review_enabled=table.boolean("review_enabled", True),
        bench_places=table.scaled("bench_places", 1, 100_000, default=40),
        release_places=table.scaled("release_places", 1, 1_000_000, default=10_000),
        report_lag_us=tracking.scaled("report_lag_ms", 20, 60_000, 1_000, 300, "ms"),
        link_hold_us=tracking.scaled("link_hold_ms", 100, 600_000, 1_000, 1_000, "ms"),
    )
    tracking.close()
    table.close()
    _check_geometry(core, root)
    return core


def _layout(table: Table) -> Layout:
    def at(key: str) -> int:
        return table.millimetres(key, 0, BELT_MM_MAX)

    layout = Layout(
        reader_um=at("reader_mm"),
        scale_um=at("scale_mm"),
        tunnel_entry_um=at("tunnel_entry_mm"),
        detector_um=at("detector_mm"),
        tunnel_exit_um=at("tunnel_exit_mm"),
        second_reader_um=at("second_reader_mm"),
        divert_um=at("divert_mm"),
        gate_um=at("gate_mm"),
        exit_release_um=at("exit_release_mm"),
        exit_inspect_um=at("exit_inspect_mm"),
        parcel_um_min=table.millimetres("parcel_mm_min", 30, 1_000),
        parcel_um_max=table.millimetres("parcel_mm_max", 100, 3_000),
        gap_um_min=table.millimetres("gap_mm_min", 50, 5_000),
        eye_window_um=table.millimetres("eye_window_mm", 5, 200, 20),
    )
    table.close()
    order = ("reader", "scale", "tunnel_entry", "detector", "tunnel_exit", "second_reader", "divert", "gate")
    values = [(name, getattr(layout, f"{name}_um")) for name in order]
    for (left, a), (right, b) in pairwise(values):
        if a >= b:
            table.complain(f"{right}_mm", f"expected beyond {left}_mm ({a // 1000}), was {b // 1000}")
    for name in ("exit_release", "exit_inspect"):
        if getattr(layout, f"{name}_um") <= layout.gate_um:
            table.complain(f"{name}_mm", f"expected beyond gate_mm ({layout.gate_um // 1000})")
    if layout.parcel_um_min >= layout.parcel_um_max:
        table.complain("parcel_mm_max", "expected more than parcel_mm_min")
    return layout


def _gate(table: Table) -> GateConfig:
    gate = GateConfig(
        command_us=table.scaled("command_ms", 5, 1_000, 1_000, 40, "ms"),
        travel_us=table.scaled("travel_ms", 20, 3_000, 1_000, 300, "ms"),
        settle_us=table.scaled("settle_ms", 0, 2_000, 1_000, 50, "ms"),
        feedback_us_max=table.scaled("feedback_ms_max", 30, 5_000, 1_000, 450, "ms"),
        margin_um=table.millimetres("margin_mm", 0, 500, 30),
    )
    if gate.feedback_us_max <= gate.travel_us:
        table.complain("feedback_ms_max", f"expected more than travel_ms ({gate.travel_us // 1000})")
    table.close()
    return gate


def _content(table: Table) -> ContentConfig:
    bound = table.text("bound", "0.95", pattern=r"0\.[0-9]{1,6}", hint='a probability as text, "0.5".."0.999999"')
    bound_ppm = int(Fraction(bound) * 1_000_000) if bound else 0
    if bound and not 500_000 <= bound_ppm < 1_000_000:
        table.complain("bound", f'expected "0.5".."0.999999", was "{bound}"')
    content = ContentConfig(
        bound_ppm=bound_ppm,
        gross_permille=table.scaled("gross_percent", 0, 50, 10, 3, "percent", quoted=True),
        gross_mg_min=table.scaled("gross_g_min", 0, 10_000, 1_000, 50, "g"),
        count_max=table.scaled("count_max", 1, 1_000, default=60),
        vision_us_max=table.scaled("vision_s_max", 0, 60, 1_000_000, 4, "s"),
    )
    table.close()
    return content


def _draw(table: Table, kind: LaneKind) -> DrawConfig:
    rate = table.text(
        "rate",
        "0.055",
        pattern=r"[0-9]{1,9}(\.[0-9]{1,9})?|[0-9]{1,9}/[1-9][0-9]{0,8}",
        hint='a rate as text, such as "0.055" or "11/200"',
    )
    value = Fraction(rate)
    low, high = (Fraction(1, 1000), Fraction(1, 2)) if kind is LaneKind.LIVE else (Fraction(0), Fraction(1))
    if not low <= value <= high:
        table.complain("rate", f"expected {low}..{high} on a {kind.value} lane, was {rate}")
    elif value.denominator > 1_000_000:
        table.complain("rate", f"expected a fraction with denominator of at most 1000000, was {value}")
    draw = DrawConfig(
        rate=rate,
        design=table.word("design", Design, Design.RATE_HELD),
        epoch_draws_max=table.scaled("epoch_draws_max", 1, 4_096, default=4_096),
        epoch_us_max=table.scaled("epoch_h_max", 0, 4, 3_600_000_000, 4, "h"),
    )
    table.close()
    return draw


def _vision(table: Table, base: Path) -> VisionSettings:
    name = table.text("signatures", pattern=r"[A-Za-z0-9_.\-]{1,100}", hint="a file name in config/models/")
    settings = VisionSettings(
        workers=table.scaled("workers", 1, 16, default=2),
        signatures_path=base / "models" / name,
        memory_mb_max=table.scaled("memory_mb_max", 256, 65_536, default=2_048, unit="MiB"),
    )
    if name and not settings.signatures_path.is_file():
        table.complain("signatures", f"expected a file, {settings.signatures_path} is none")
    table.close()
    return settings


def _release(table: Table, kind: LaneKind) -> tuple[int, tuple[Destination, ...]]:
    outbox_max = table.scaled("outbox_max", 10, 10_000, default=10_000)
    test = table.boolean("test_receivers", False)
    if test and kind is LaneKind.LIVE:
        table.complain("test_receivers", "a twin-only setting: expected false on a live lane")
    if kind is LaneKind.TWIN and not test:
        table.complain("test_receivers", "expected true: a twin lane sends to test receivers only")
    destinations = tuple(_destination(item, test) for item in table.tables("destination"))
    if not destinations:
        table.complain("destination", "expected at least one [[release.destination]]")
    names = [item.name for item in destinations]
    if len(set(names)) != len(names):
        table.complain("destination", f"expected distinct names, was {', '.join(names)}")
    table.close()
    return outbox_max, destinations


def _destination(table: Table, test: bool) -> Destination:
    kind = table.text("kind", pattern=r"file|http", hint="file | http")
    web = kind == "http"
    target = (
        table.text("url", pattern=r"https?://[^\s]{1,500}", hint="an http(s) URL")
        if web
        else table.text("path", pattern=r"[^\x00]{1,500}", hint="a folder")
    )
    destination = Destination(
        name=table.text("name", pattern=r"[A-Za-z0-9_\-]{1,40}", hint="a short name"),
        kind=kind,
        target=target,
        secret_file=table.text("secret_file", hint="file with the signing secret") if web else "",
        wait_for_ack=table.boolean("wait_for_ack", False) if not web else False,
        test_receiver=test,
    )
    if web and not test and target.startswith("http://"):
        table.complain("url", "expected https:// on a live lane")
    table.close()
    return destination


def _model_sha256(table: Table, signatures: Path) -> str:
    if not signatures.is_file():
        return ""
    basis = signatures.parent / BASIS_FILE
    try:
        load_signatures(signatures)
        with zipfile.ZipFile(basis) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            table.complain("vision.signatures", f"{basis}: {damaged} is damaged (its checksum differs)")
        return model_sha256(signatures)
    except OSError as error:
        problem = f"{error.filename}: can't be read ({error.strerror}); it belongs to {signatures.name}"
    except zipfile.BadZipFile as error:
        problem = f"{basis}: expected the table that belongs to {signatures.name}: {error}"
    except ValueError as error:
        problem = str(error) if str(signatures) in str(error) else f"{signatures}: {error}"
    table.complain("vision.signatures", problem)
    return ""


def _check_geometry(core: CoreConfig, root: Table) -> None:
    if core.layout.divert_um and decision_um(core) <= core.layout.second_reader_um - core.layout.parcel_um_max:
        root.complain("gate", "the decision point falls before the second reader: expected a shorter gate window")
    least_mm, gap_mm = -(-follow_um(core) // 1000), core.layout.gap_um_min // 1000
    if 0 < gap_mm < least_mm:
        reason = "the gate needs that much belt to close behind a released parcel"
        root.complain("layout.gap_mm_min", f"expected at least {least_mm}, {reason}; was {gap_mm}")


def _warnings(core: CoreConfig) -> tuple[str, ...]:
    told = []
    room = decision_um(core) - core.layout.tunnel_exit_um
    if room < REVIEW_MM * 1_000 * core.speed_um_s // 500_000:
        told.append(f"only {room // 1000} mm of belt between tunnel exit and decision point: reviews will come late")
    branch, least = core.layout.exit_release_um - core.layout.divert_um, branch_um(core)
    if branch < least:
        told.append(
            f"only {branch // 1000} mm of belt between divert eye and release exit, expected {least // 1000}: what the "
            "eye finds wrong may have left before the belt stands"
        )
    return tuple(told)
