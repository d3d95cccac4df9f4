"""Profiles: shipped ones are sound, wrong ones are refused with file, line, key and expectation."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from devices.cli import devices
from devices.profile import ProfileError, load_profile, parse_profile
from devices.registers import Register
from devices.requests import Failure, LinkFailure
from tests.devices.demo_devices import PROFILES

DRIVE = (PROFILES / "belt-drive.toml").read_text(encoding="utf-8")
HERE = Path("drive.toml")


def problems(text: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, HERE)
    return list(caught.value.problems)


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_profile_is_sound_and_names_its_sources(path: Path) -> None:
    profile = load_profile(path)
    assert profile.id == path.stem
    assert all("section" in register.source for register in profile.registers.values())


def test_unknown_key_is_an_error_with_file_line_and_a_guess() -> None:
    text = DRIVE.replace("turnaround_ms = 5", "turnaronud_ms = 5")
    line = text.splitlines().index("turnaronud_ms = 5") + 1
    assert problems(text) == [f"drive.toml:{line}: link.turnaronud_ms: unknown key; did you mean 'turnaround_ms'?"]


def test_unknown_table_is_an_error() -> None:
    assert problems(DRIVE + "\n[failsave]\nx = 1\n")[0].endswith("failsave: unknown table; did you mean 'failsafe'?")


def test_overlapping_registers_are_named_with_both_spans() -> None:
    text = DRIVE.replace("addr = 0x2101", "addr = 0x2100")
    assert problems(text)[0].endswith("speed_actual (0x2100..0x2100) overlaps status (0x2100..0x2100)")


def test_a_word_of_two_registers_overlaps_its_second_half() -> None:
    text = DRIVE.replace("addr = 0x2100\n", 'addr = 0x2100\ntype = "u32"\n')
    assert "overlaps status (0x2100..0x2101)" in problems(text)[0]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('src = "MANUAL.md section 2, 0x2103"', "", "reg.6.src: missing"),
        ("safe = 5\n", "", "command: an actuator needs its safe value"),
        ("timeout_ms = 120", "timeout_ms = 20", "link.timeout_ms: expected 50..5000, was 20"),
        ("baud = 115200", "baud = 1200", "link.cycle_ms: expected at least"),
        ("max_regs = 4", "max_regs = 126", "link.max_regs: expected 1..125, was 126"),
        ('role = "belt_drive"', 'role = "belt"', "profile.role: expected one of"),
        ("watchdog_ms = 500\n", "watchdog_ms = 200\n", "worst wait of a safety write, 255 ms"),
        ("max = 1000000\nsafe", "max = -1\nsafe", "speed_wanted: expected at least min 0, was -1"),
        ("fc_w = 6\naddr = 0x2000", "fc_w = 7\naddr = 0x2000", "reg.0.fc_w: expected one of 5, 6, 15, 16, was 7"),
        ("running = [0x1, 0x1]", "running = 1", "status.running: expected [mask, value], was 1"),
        ('name = "status"', 'name = "command"', "'command' is taken by register 0"),
        ('reg = "device_id"', 'reg = "device"', "no register 'device'; did you mean 'device_id'?"),
        ("guard_ms = 1", "guard_ms = true", "link.guard_ms: expected an integer, was True"),
        ("[failsafe]", "[failsafe]\nnope = 1", "failsafe.nope: unknown key"),
    ],
)
def test_each_mistake_is_named_where_it_stands(old: str, new: str, says: str) -> None:
    assert old in DRIVE
    text = DRIVE.replace(old, new, 1)
    found = problems(text)
    assert any(says in line for line in found), found
    assert all(line.startswith("drive.toml:") for line in found)


def test_all_problems_are_told_at_once() -> None:
    text = DRIVE.replace("guard_ms = 1", "guard_ms = 500").replace("late_window_ms", "late_windows_ms")
    assert len(problems(text)) == 2


def test_a_device_with_actuators_must_say_what_it_does_in_silence() -> None:
    assert "needs [failsafe]" in problems(DRIVE[: DRIVE.index("[failsafe]")])[0]


def test_an_xray_output_needs_external_safety() -> None:
    text = (PROFILES / "xray-source.toml").read_text(encoding="utf-8")
    assert "needs requires_external_safety = true" in problems(text.replace("requires_external_safety = true", ""))[0]


def test_a_register_of_the_owner_is_written_with_room_for_the_token_and_needs_a_claim() -> None:
    io = (PROFILES / "lane-io.toml").read_text(encoding="utf-8")
    alone = io.replace("fc_w = 16\naddr = 0x0010\n", "fc_w = 6\naddr = 0x0010\n")
    assert problems(alone)[0].endswith("owned: heartbeat: the owner's token goes with the value: needs fc_w = 16")
    unclaimed = io.replace('name = "claim"', 'name = "calim"')
    assert problems(unclaimed)[0].endswith("owned: a device with an owner needs a register named 'claim'")


def test_what_is_no_toml_or_no_text_says_so(tmp_path: Path) -> None:
    assert problems("[profile\n")[0].startswith("drive.toml:1: not TOML:")
    wrong = tmp_path / "x.toml"
    wrong.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="expected UTF-8, byte 0 is none"):
        load_profile(wrong)
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "absent.toml")


def test_a_missing_register_of_the_role_is_a_profile_error() -> None:
    with pytest.raises(ProfileError, match="role belt_drive needs a register named 'torque'"):
        parse_profile(DRIVE, HERE).register("torque")


def test_values_are_integers_in_named_units_with_their_bounds() -> None:
    drive = parse_profile(DRIVE, HERE)
    speed = drive.register("speed_actual")
    assert speed.decode((500,)) == 500_000
    with pytest.raises(LinkFailure) as caught:
        speed.decode((1_200,))
    assert caught.value.kind is Failure.RANGE
    assert drive.register("status").flags(0b101) == {"running": True, "at_speed": False, "fault": True}
    with pytest.raises(LinkFailure, match="device_id: expected 0xd101, was 0x0001"):
        drive.register("device_id").decode((1,))
    assert Register(name="t", address=0, kind="s16").decode((0xFFFE,)) == -2
    assert Register(name="c", address=0, kind="u32").encode(0x12345) == (1, 0x2345)


def test_a_register_without_a_manual_page_is_never_written() -> None:
    draft = Register(name="ramp", address=1, write_function=6, source="unverified")
    assert draft.is_draft
    with pytest.raises(ValueError, match="from no manual page"):
        draft.encode(1)


def test_lint_passes_shipped_profiles_and_fails_a_broken_one(tmp_path: Path) -> None:
    broken = tmp_path / "drive.toml"
    broken.write_text(DRIVE.replace("addr = 0x2101", "addr = 0x2100"), encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(devices, ["lint", "lane-io", "belt-drive"]).exit_code == 0
    result = runner.invoke(devices, ["lint", str(broken)])
    assert result.exit_code == 1
    assert "overlaps" in result.output
    assert "1 problem" in result.output


def test_list_shows_all_profiles_and_writes_json(tmp_path: Path) -> None:
    target = tmp_path / "list.json"
    result = CliRunner().invoke(devices, ["list", "--json", str(target)])
    assert result.exit_code == 0
    assert "lane-io" in result.output
    assert target.read_text(encoding="utf-8").count('"id"') == 7
