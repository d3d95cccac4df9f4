"""Devices of a lane file: profiles in the right role, ports that two devices may share, drafts on a productive lane."""

import subprocess
import sys
from pathlib import Path

import pytest

from lane.runtime.run_directory import RunDirectory
from lane.runtime.supervisor import EXIT_REFUSED
from lane.settings.lane_file import load_lane
from lane.settings.reader import SettingsError

ROOT = Path(__file__).resolve().parents[3]
WIRED = {
    "io": "tcp://127.0.0.1:1502",
    "drive": "rtu:///dev/ttyS8?baud=115200",
    "cabinet": "tcp://127.0.0.1:1503",
    "source": "tcp://127.0.0.1:1504",
    "reader": "serial:///dev/ttyS5",
    "second_reader": "serial:///dev/ttyS6",
    "scale": "serial:///dev/ttyS7",
    "detector": "tcp://127.0.0.1:1505",
}


def wired(folder: Path, **addresses: str) -> Path:
    """The demo lane on real addresses, some of them changed."""
    path = folder / "lanes" / "demo.toml"
    text = path.read_text(encoding="utf-8")
    for role, address in (WIRED | addresses).items():
        text = text.replace(f'"sim://{role}"', f'"{address}"')
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    """What is wrong with a lane file, without its path."""
    with pytest.raises(SettingsError) as caught:
        load_lane(path, for_run=True)
    return [line.removeprefix(f"{path}:") for line in caught.value.problems]


def replace(path: Path, old: str, new: str) -> None:
    """One replacement in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_lane_on_ports_of_their_own_is_accepted(folder: Path) -> None:
    assert load_lane(wired(folder), for_run=True).warnings == ()


def test_a_lane_io_without_an_owner_is_warned_of(folder: Path) -> None:
    profile = folder / "devices" / "lane-io.toml"
    assert profile.read_text(encoding="utf-8").count("owned = true\n") == 6
    profile.write_text(profile.read_text(encoding="utf-8").replace("owned = true\n", ""), encoding="utf-8")
    (warning,) = load_lane(wired(folder), for_run=True).warnings
    assert warning.startswith("devices.io.profile: lane-io obeys whoever writes to it: let nobody but this lane")


def test_a_profile_of_another_role_is_named_with_line_key_and_expectation(folder: Path) -> None:
    path = wired(folder)
    replace(path, 'profile = "xray-source"', 'profile = "xray-cabinet"')
    line = path.read_text().splitlines().index("[devices.source]") + 3
    expected = "expected a profile of role xray_source, xray-cabinet is of role xray_cabinet"
    assert problems(path) == [f"{line}: devices.source.profile: {expected}"]


def test_a_core_whose_profile_became_wrong_is_not_started_again(folder: Path, tmp_path: Path) -> None:
    path = wired(folder)
    run = RunDirectory(tmp_path / "run")
    run.prepare(load_lane(path, for_run=True), speed=1, seed=1)
    replace(path, 'profile = "xray-source"', 'profile = "xray-cabinet"')
    core = subprocess.run(
        [sys.executable, "-m", "lane.station", str(run.path)], cwd=ROOT, input="", capture_output=True, text=True
    )
    assert core.returncode == EXIT_REFUSED, core.stderr
    assert "devices.source.profile: expected a profile of role xray_source" in core.stderr
    assert "Traceback" not in core.stderr


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ({"second_reader": "serial:///dev/ttyS5"}, "/dev/ttyS5 is the port of devices.reader: expected a port of its"),
        ({"scale": "serial:///dev/ttyS8"}, "/dev/ttyS8 is the port of devices.drive: expected a port of its own"),
        ({"cabinet": "tcp://127.0.0.1:1502"}, "127.0.0.1:1502 is the port of devices.io: expected another unit than 1"),
        (
            {"source": "tcp://127.0.0.1:1505"},
            "127.0.0.1:1505 is the port of devices.source: expected a port of its own",
        ),
        ({"drive": "rtutcp://127.0.0.1:1502"}, "expected tcp:// for both, was rtutcp://"),
        ({"io": "rtu:///dev/ttyS9"}, "profile lane-io expected tcp://, was rtu://"),
    ],
)
def test_two_devices_on_one_port_are_refused(folder: Path, addresses: dict[str, str], expected: str) -> None:
    found = problems(wired(folder, **addresses))
    assert len(found) == 1
    assert found[0].partition(":")[0].isdecimal()
    assert expected in found[0]


def test_a_serial_port_by_its_other_name_is_the_same_port(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/ttyS5")
    assert "is the port of devices.reader" in problems(wired(folder, second_reader=f"serial://{tmp_path}/by-id"))[0]


def test_units_of_one_gateway_and_devices_of_one_line_may_share_their_port(folder: Path) -> None:
    path = wired(folder, cabinet="tcp://127.0.0.1:1502?unit=7", source="tcp://127.0.0.1:1502?unit=8")
    assert load_lane(path, for_run=True).device("source").address.endswith("unit=8")
    path.write_text((ROOT / "config" / "lanes" / "demo.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("xray-cabinet", "xray-source"):
        replace(folder / "devices" / f"{name}.toml", 'transport = ["tcp"]', 'transport = ["tcp", "rtutcp"]')
    line = "rtutcp://127.0.0.1:1600"
    load_lane(wired(folder, drive=f"{line}?unit=6", cabinet=f"{line}?unit=7", source=f"{line}?unit=8"), for_run=True)


def test_a_draft_that_can_be_written_stops_a_productive_lane_and_warns_a_twin(folder: Path) -> None:
    drive = folder / "devices" / "belt-drive.toml"
    replace(drive, 'src = "MANUAL.md section 2, 0x2000"', 'src = "unverified"')
    path = wired(folder)
    text = 'belt-drive can write command, but the source is "unverified"'
    assert load_lane(path, for_run=True).warnings == (f"devices.drive.profile: {text}: it is read, never written",)
    replace(path, 'kind = "twin"', 'kind = "live"')
    replace(path, "test_receivers = true", "test_receivers = false")
    found = problems(path)
    assert [problem.partition(": ")[2] for problem in found] == [
        f"devices.drive.profile: {text}: on a live lane in PRODUCTION expected manual and page in src"
    ]
