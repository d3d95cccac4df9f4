"""The rack against devices of the manual on real sockets and ptys."""

import asyncio
import itertools
from pathlib import Path

import pytest

from devices.commands import AllowInduction, Light, RunBelt, SetBeam, ShowLight, StopBelt
from devices.rack import DeviceAddress, Rack, RackConfig, RackError
from devices.signals import (
    BeltMoved,
    BeltState,
    EncoderDoubt,
    LinkLost,
    LinkRestored,
    OutputProven,
    SafetyChanged,
)
from tests.devices.demo_devices import OUTPUTS, PROFILES
from tests.devices.lane_bench import a_lane


def test_first_act_after_connect_is_the_safe_state(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            writes = [pdu[0] * 0x10000 + int.from_bytes(pdu[1:3], "big") for pdu in lane.io.requests]
            first = [code for code in writes if code >> 16 in (6, 16)][:3]
            assert first == [0x100030, 0x100014, 0x100018], "owner, output word 0 and gate at rest come before all else"
            assert lane.io.requests[0][0] == 16
            assert lane.drive.commands[0] == 5
            assert lane.source.requests[0] == bytes.fromhex("0600110000")

    asyncio.run(story())


def test_belt_runs_and_stands_and_reports_itself(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(RunBelt(speed_um_s=500_000))
            await lane.until(lambda: lane.drive.running)
            await lane.until(lambda: any(s.running for s in lane.signals if isinstance(s, BeltState)))
            state = next(s for s in lane.signals if isinstance(s, BeltState) and s.running)
            assert (state.speed_um_s, state.fault) == (500_000, False)
            await lane.rack.apply(StopBelt())
            await lane.until(lambda: not lane.drive.running)
            await lane.until(lambda: not [s for s in lane.signals if isinstance(s, BeltState)][-1].running)

    asyncio.run(story())


def test_belt_position_is_reported_each_quarter_metre(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            for _ in range(60):
                lane.io.encoder += 200
                await asyncio.sleep(0.005)
            await lane.until(lambda: lane.of(BeltMoved)[-1].belt_um >= 1_500_000)
            moved = [s for s in lane.signals if isinstance(s, BeltMoved)]
            gaps = [b.belt_um - a.belt_um for a, b in itertools.pairwise(moved)]
            assert max(gaps) < 700_000
            assert max(s.speed_um_s for s in moved) > 500_000
            await lane.until(lambda: lane.rack.belt(lane.now()) >= 1_700_000)

    asyncio.run(story())


def test_induction_and_light_are_one_word_and_read_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(AllowInduction(allowed=True))
            await lane.rack.apply(ShowLight(light=Light.GREEN))
            await lane.until(lambda: lane.io.holding[OUTPUTS] == 3)
            await lane.until(
                lambda: any(s.point == "allow_induction" for s in lane.signals if isinstance(s, OutputProven))
            )
            await lane.rack.apply(ShowLight(light=Light.RED))
            await lane.until(lambda: lane.io.holding[OUTPUTS] == 9)

    asyncio.run(story())


def test_a_black_hole_is_noticed_and_the_trip_is_told_on_return(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(AllowInduction(allowed=True))
            await lane.until(lambda: lane.io.holding[OUTPUTS] == 1)
            lane.signals.clear()
            slave = lane.slaves["io"]
            slave.black_hole = True
            await lane.until(lambda: bool(lane.of(LinkLost)), seconds=2)
            await lane.until(lambda: lane.io.tripped)
            slave.black_hole = False
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            back = next(s for s in lane.signals if isinstance(s, LinkRestored))
            assert back.role == "io"
            assert back.watchdog_tripped
            assert back.gap_us > 300_000
            await lane.until(lambda: not lane.io.tripped)
            await asyncio.sleep(0.1)
            assert lane.io.holding[OUTPUTS] & 1 == 0, "induction is not allowed again without the lane"

    asyncio.run(story())


def test_a_short_break_without_a_trip_keeps_what_was_wanted(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(AllowInduction(allowed=True))
            await lane.until(lambda: lane.io.holding[OUTPUTS] == 1)
            lane.io.ignore_watchdog = True
            lane.signals.clear()
            lane.slaves["io"].drop()
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            assert [type(s) for s in lane.signals if isinstance(s, LinkLost | LinkRestored)] == [LinkLost, LinkRestored]
            back = next(s for s in lane.signals if isinstance(s, LinkRestored))
            assert not back.watchdog_tripped
            await lane.until(lambda: lane.io.holding[OUTPUTS] == 1)

    asyncio.run(story())


def test_a_hung_up_pty_is_found_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.signals.clear()
            lane.pty.unplug()
            await lane.until(lambda: bool(lane.of(LinkLost)))
            lane.pty.plug()
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            assert [s.role for s in lane.signals if isinstance(s, LinkLost | LinkRestored)] == ["drive", "drive"]

    asyncio.run(story())


def test_a_frozen_life_counter_is_loss_of_the_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.signals.clear()
            lane.io.life_frozen = 17
            await lane.until(lambda: bool(lane.of(LinkLost)))
            lost = next(s for s in lane.signals if isinstance(s, LinkLost))
            assert "life counter" in lost.reason

    asyncio.run(story())


def test_an_encoder_that_contradicts_the_drive_is_doubt(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(RunBelt(speed_um_s=500_000))
            await lane.until(lambda: bool(lane.of(EncoderDoubt)))
            doubt = next(s for s in lane.signals if isinstance(s, EncoderDoubt))
            assert doubt.reason == "encoder says 0 mm/s, drive says 500 mm/s"

    asyncio.run(story())


def test_an_orderly_end_leaves_every_device_safe(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.until(lambda: bool(lane.of(SafetyChanged)))
            for command in (RunBelt(speed_um_s=300_000), AllowInduction(allowed=True), SetBeam(on=True)):
                await lane.rack.apply(command)
            await lane.until(lambda: lane.drive.running and lane.source.holding[0x11] == 1)
            await lane.until(lambda: lane.io.holding[OUTPUTS] == 1)
            await lane.rack.stop()
            assert (lane.drive.running, lane.io.holding[OUTPUTS], lane.source.holding[0x11]) == (False, 0, 0)

    asyncio.run(story())


def test_figures_name_requests_failures_and_cycle_times_of_every_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.slaves["io"].drop()
            await lane.until(lambda: bool(lane.of(LinkLost)))
            await lane.until(lambda: all(lane.rack.connected.values()))
            await asyncio.sleep(0.2)
            figures = lane.rack.figures()
            assert set(figures) == {"io", "drive", "cabinet", "source"}
            io = figures["io"]
            assert io["reconnects"] == io["losses"] == 1
            assert isinstance(io["requests"], int)
            assert io["requests"] > 20
            cycle = io["cycle_ms"]
            assert isinstance(cycle, dict)
            assert cycle["p99"] >= cycle["p50"] > 10
            assert len(lane.rack.capture) == 4

    asyncio.run(story())


def test_a_profile_of_another_role_is_refused_before_any_port_is_touched() -> None:
    config = RackConfig(
        devices={"io": DeviceAddress(address="tcp://127.0.0.1:1", profile_path=PROFILES / "belt-drive.toml")}
    )
    with pytest.raises(RackError, match="expected a profile of role remote_io, was belt_drive"):
        asyncio.run(_make(config))


async def _make(config: RackConfig) -> None:
    Rack(config, now=lambda: 0, emit=lambda signal: None)
