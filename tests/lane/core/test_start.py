"""Start-up: what must be there, flush run, watchdog proof."""

import pytest

from devices.commands import (
    AllowInduction,
    ProveWatchdog,
    RestGate,
    RunBelt,
    StopBelt,
)
from devices.signals import (
    BeltState,
    EyeChanged,
    LinkLost,
    WatchdogProven,
)
from lane.errors import Alarm, Cause
from lane.events.machine import AlarmRaised, StateChanged, TrackingStray
from lane.events.parcel import (
    ParcelDiverted,
)
from lane.model.grounds import Ground
from lane.model.words import Mode, State
from lane.orders import Hold, Reset, Start, Stop, Unhold
from tests.lane.core.boxes import MM
from tests.lane.core.helpers import MINUTE, alarms, back, grounds, lose, reach, refusals, running, state
from tests.lane.core.miniplant import MiniPlant


def test_start_flushes_a_whole_belt_then_proves_the_watchdog_then_executes() -> None:
    plant = running()
    kinds = [type(command) for command in plant.commands if not isinstance(command, AllowInduction | RestGate)]
    moves = [kind for kind in kinds if kind in (RunBelt, StopBelt, ProveWatchdog)]
    assert moves == [StopBelt, RunBelt, StopBelt, ProveWatchdog, RunBelt]
    assert plant.belt >= plant.config.layout.exit_inspect_um + plant.config.layout.parcel_um_max
    assert [event.reached for event in plant.of(StateChanged)] == [
        State.STOPPED, State.RESETTING, State.IDLE, State.STARTING, State.EXECUTE,
    ]  # fmt: skip
    assert plant.induction


def test_start_after_an_orderly_stop_needs_no_flush_run_but_a_new_proof() -> None:
    plant = running()
    plant.order(Stop)
    plant.run(MINUTE)
    before, belt = len(plant.commands), plant.belt
    plant.order(Reset)
    plant.order(Start)
    assert isinstance(plant.commands[before:][-1], ProveWatchdog)
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE
    assert plant.commands[before:].count(RunBelt(speed_um_s=500 * MM)) == 1
    assert plant.belt > belt


@pytest.mark.parametrize(
    ("unready", "reason"),
    [
        ("safety unknown", "safety chain has not reported"),
        ("guard open", "safety chain open: GUARD_OPEN"),
        ("no epoch", "no draw epoch"),
        ("no link", "no link to io"),
    ],
)
def test_reset_is_refused_while_something_is_missing_and_says_what(unready: str, reason: str) -> None:
    plant = MiniPlant()
    plant.begin()
    if unready == "safety unknown":
        plant.core.state.machine.safety_known = False
    elif unready == "guard open":
        plant.core.state.machine.safety_faults = [Cause.GUARD_OPEN]
    elif unready == "no epoch":
        plant.core.state.draw.is_open = False
    else:
        plant.give(LinkLost(**plant.now(), role="io", port="p", unit=1, reason="timeout"))
    plant.order(Reset)
    assert state(plant) is State.STOPPED
    assert reason in refusals(plant)[0]


def test_watchdog_that_does_not_fall_aborts_the_start() -> None:
    plant = MiniPlant()
    plant.hooks[ProveWatchdog] = lambda command: bool(
        plant.give(WatchdogProven(**plant.now(), ok=False, drop_us=0, reason="output stayed on"))
    )
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.run(MINUTE)
    assert state(plant) is State.ABORTED
    assert Alarm.WATCHDOG_UNPROVEN in alarms(plant)


def test_proof_without_an_answer_aborts_the_start() -> None:
    plant = MiniPlant()
    plant.hooks[ProveWatchdog] = lambda command: True
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.run(3 * MINUTE)
    assert state(plant) is State.ABORTED


def test_drive_that_does_not_start_holds_the_lane() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.run_until(lambda: ProveWatchdog() in plant.commands, MINUTE)
    plant.hooks[RunBelt] = lambda command: True
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.BELT_STUCK in alarms(plant)


def test_drive_that_does_not_start_for_the_flush_run_holds_the_lane_instead_of_letting_it_wait_for_ever() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.hooks[RunBelt] = lambda command: True
    plant.order(Start)
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    assert Alarm.BELT_STUCK in alarms(plant)
    del plant.hooks[RunBelt]
    plant.order(Unhold)
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE


def test_an_unhold_soon_after_another_is_not_held_by_the_deadline_of_the_first() -> None:
    plant = running()

    def slow_drive(command: RunBelt) -> bool:
        plant.after(700_000, lambda: plant._obey(command))
        return True

    plant.hooks[RunBelt] = slow_drive
    plant.order(Hold)
    plant.run(1_000_000)
    plant.order(Unhold)
    plant.run(100_000)
    plant.order(Hold)
    plant.run(4_500_000)
    plant.order(Unhold)
    plant.run(2_000_000)
    assert state(plant) is State.EXECUTE
    assert Alarm.BELT_STUCK not in alarms(plant)


def test_no_watchdog_proof_while_the_belt_may_be_on_its_way_to_speed() -> None:
    plant = running()
    plant.give(EyeChanged(**plant.now(), eye="divert", blocked=True))
    lose(plant)
    back(plant, tripped=True)
    plant.run(2_000_000)
    assert state(plant) is State.HELD
    plant.filter = lambda item: None if isinstance(item, BeltState) and item.running else item
    before = len(plant.commands)
    plant.order(Unhold)
    plant.give(EyeChanged(**plant.now(), eye="divert", blocked=False))
    assert not [command for command in plant.commands[before:] if isinstance(command, ProveWatchdog)]
    plant.filter = lambda item: item
    plant.give(BeltState(**plant.now(), running=True, speed_um_s=500 * MM))
    plant.run(MINUTE)
    moves = [type(one) for one in plant.commands[before:] if isinstance(one, RunBelt | StopBelt | ProveWatchdog)]
    assert moves == [RunBelt, StopBelt, ProveWatchdog, RunBelt]
    assert state(plant) is State.EXECUTE


def test_unknown_bodies_in_the_flush_run_raise_no_alarm() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.order(Start)
    plant.run(2_000_000)
    plant.give(EyeChanged(**plant.now(), eye="divert", blocked=True))
    plant.run(1_000_000)
    plant.give(EyeChanged(**plant.now(), eye="divert", blocked=False))
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE
    assert len(plant.of(TrackingStray)) == 1
    assert not alarms(plant)


def test_commissioning_mode_issues_no_permit() -> None:
    plant = running(1, mode=Mode.COMMISSIONING)
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.LANE_NOT_EXECUTING}


def test_an_eye_that_stays_covered_after_a_flush_run_holds_the_lane_and_is_named() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.order(Reset)
    plant.give(EyeChanged(**plant.now(), eye="exit_release", blocked=True))
    plant.order(Start)
    plant.run(MINUTE)
    assert state(plant) is State.HELD
    told = [event.detail for event in plant.of(AlarmRaised) if event.number == Alarm.JAM]
    assert told == ["eye exit_release stays covered while the belt runs empty"]
    plant.order(Unhold)
    plant.run(MINUTE)
    assert state(plant) is State.HELD, "nothing was freed"
    plant.give(EyeChanged(**plant.now(), eye="exit_release", blocked=False))
    plant.order(Unhold)
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE
