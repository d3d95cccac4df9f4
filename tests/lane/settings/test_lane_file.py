"""The lane file: what it becomes, and what is said of a wrong one."""

from pathlib import Path

import pytest

from lane.model.words import Design, LaneKind
from lane.permits import decision_um
from lane.settings.lane_file import load_lane
from lane.settings.reader import SettingsError


def changed(folder: Path, old: str, new: str) -> Path:
    """The demo lane file with one replacement."""
    path = folder / "lanes" / "demo.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def problems(path: Path, *, for_run: bool = False) -> list[str]:
    """What is wrong with a lane file, without the path."""
    with pytest.raises(SettingsError) as caught:
        load_lane(path, for_run=for_run)
    return [line.replace(f"{path}", "demo.toml") for line in caught.value.problems]


def test_the_demo_lane_becomes_integers(folder: Path) -> None:
    station = load_lane(folder / "lanes" / "demo.toml")
    core = station.core
    assert (core.site, core.lane, core.kind) == ("HZ01", "L3", LaneKind.TWIN)
    assert core.speed_um_s == 500_000
    assert (core.layout.detector_um, core.layout.eye_window_um) == (2_300_000, 20_000)
    assert (core.gate.command_us, core.gate.feedback_us_max) == (80_000, 300_000)
    assert (core.report_lag_us, core.link_hold_us) == (300_000, 1_000_000)
    assert (core.content.bound_ppm, core.content.gross_permille, core.content.gross_mg_min) == (980_000, 30, 50_000)
    assert (core.draw.rate, core.draw.design, core.draw.epoch_us_max) == ("0.055", Design.RATE_HELD, 14_400_000_000)
    assert len(core.matrix) == 96
    assert core.carriers[0].check == "s10"
    assert decision_um(core) == 7_200_000 - 155_000 - 30_000
    assert station.warnings == ()
    assert station.device("drive").profile == "belt-drive"


def test_run_refuses_each_simulated_address_by_line(folder: Path) -> None:
    found = problems(folder / "lanes" / "demo.toml", for_run=True)
    assert len(found) == 8
    assert all("exists in the twin only" in line for line in found)
    assert found[0].startswith("demo.toml:73: devices.io.address: sim://io")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("gap_mm_min = 300", "gap_mm_min = 3000000", "layout.gap_mm_min: expected 50..5000 mm, was 3000000"),
        (
            "gap_mm_min = 300",
            "gap_mm_min = 110",
            "layout.gap_mm_min: expected at least 120, the gate needs that much belt to close behind a released parcel",
        ),
        ("gap_mm_min = 300", "gap_mmmin = 300", "layout.gap_mmmin: unknown key, did you mean 'gap_mm_min'?"),
        ('kind = "twin"', 'kind = "live"', "release.test_receivers: a twin-only setting"),
        ('rate = "0.055"', 'rate = "1.5"', "draw.rate: expected 0..1 on a twin lane, was 1.5"),
        ('address = "sim://io"', 'address = "serial:///dev/x"', "devices.io.address: expected tcp://host:port"),
        ('address = "sim://io"', 'address = "tcp://host:70000"', "devices.io.address: expected tcp://host:port"),
        ("report_lag_ms = 300 ", "report_lag_ms = 3 ", "tracking.report_lag_ms: expected 20..60000 ms, was 3"),
        ("divert_mm = 7200", "divert_mm = 7400", "layout.gate_mm: expected beyond divert_mm (7400), was 7350"),
        ("travel_ms = 180", "travel_ms = 500", "gate.feedback_ms_max: expected more than travel_ms (500)"),
        ('signatures = "signatures.json"', 'signatures = "x.json"', "vision.signatures: expected a file"),
        ('profile = "lane-io"', 'profile = "lane-iO"', "devices.io.profile: expected a profile name"),
        ('schema = "lane-config/1"', 'schema = "lane-config/9"', 'schema: expected "lane-config/1"'),
        ('bound = "0.98"', 'bound = "0.2"', 'content.bound: expected "0.5".."0.999999", was "0.2"'),
        ("[[release.destination]]", "[[release.destinations]]", "release.destinations: unknown key, did you mean"),
        ("speed_mm_s = 500", "speed_mm_s = true", "lane.speed_mm_s: expected 50..1000 mm/s, was true"),
    ],
)
def test_a_wrong_value_is_named_with_its_line_and_what_was_expected(
    folder: Path, old: str, new: str, expected: str
) -> None:
    found = problems(changed(folder, old, new))
    assert any(expected in line and line.startswith("demo.toml:") for line in found), found


def test_a_live_lane_takes_only_a_rate_between_one_in_a_thousand_and_one_half(folder: Path) -> None:
    changed(folder, 'kind = "twin"', 'kind = "live"')
    changed(folder, "test_receivers = true", "test_receivers = false")
    path = changed(folder, 'rate = "0.055"', 'rate = "0"')
    assert any("draw.rate: expected 1/1000..1/2 on a live lane, was 0" in line for line in problems(path))


def test_a_matrix_that_releases_elsewhere_is_refused(folder: Path) -> None:
    path = folder / "disposition.csv"
    text = path.read_text()
    path.write_text(text.replace("REVIEWED,CLEAR,no,SOUND,INSPECT", "REVIEWED,CLEAR,no,SOUND,RELEASE"))
    found = problems(folder / "lanes" / "demo.toml")
    assert "RELEASE is allowed in RELEASED/CLEAR/no/SOUND only, was REVIEWED/CLEAR/no/SOUND" in found[0]


def test_a_matrix_with_a_missing_and_a_doubled_cell_names_both(folder: Path) -> None:
    path = folder / "disposition.csv"
    rows = path.read_text().splitlines()
    rows[5] = rows[4]
    path.write_text("\n".join(rows))
    found = "\n".join(problems(folder / "lanes" / "demo.toml"))
    assert "appears twice" in found
    assert "is missing" in found


def test_a_bad_carrier_table_is_refused_with_its_own_file_name(folder: Path) -> None:
    (folder / "carriers.toml").write_text('[[carrier]]\nname = "a"\nlength_min = 9\nlength_max = 3\ncheck = "luhn"\n')
    found = "\n".join(problems(folder / "lanes" / "demo.toml"))
    assert "carriers.toml:5: carrier[0].check: expected none | s10 | sscc | gtin" in found
    assert "expected at least length_min (9)" in found


def test_a_short_way_to_the_decision_point_is_warned_of(folder: Path) -> None:
    changed(folder, "second_reader_mm = 6700", "second_reader_mm = 4000")
    changed(folder, "divert_mm = 7200", "divert_mm = 4500")
    path = changed(folder, "gate_mm = 7350", "gate_mm = 4650")
    assert "reviews will come late" in load_lane(path).warnings[0]
