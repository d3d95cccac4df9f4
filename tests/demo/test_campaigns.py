"""What the campaigns call a fault; their runs as a whole are commands of their own."""

from pathlib import Path

from rich.console import Console

from sim.demo.cable_campaign import CABLES, CableCampaign, Pull, When, _has_come
from sim.demo.kill_campaign import Hit, KillCampaign, Moment
from sim.demo.session import Session
from sim.demo.setup import DemoPlan, make_files
from sim.demo.story import Story


def session(tmp_path: Path) -> Session:
    made = Session(plan=DemoPlan(seed=4), files=make_files(tmp_path / "run"), console=Console(quiet=True))
    made.story = Story()
    made.files.close()
    return made


def hit(number: int, moment: Moment) -> Hit:
    return Hit(
        number=number, moment=moment, at_us=0, on_belt=5, records=10, wall_us=0, wanted=moment, tail_sha256="",
        drive_stopped_ms=480, valve_closed_ms=0, flushed=True, executing_ms=5_000, records_kept=True,
    )  # fmt: skip


def test_ten_clean_kills_of_every_kind_are_no_fault(tmp_path: Path) -> None:
    campaign = KillCampaign(session(tmp_path))
    assert sorted(campaign._kinds) == sorted(list(Moment) * 2)
    campaign.hits = [hit(number, moment) for number, moment in enumerate(campaign._kinds, 1)]
    assert campaign.faults() == []


def test_every_broken_promise_after_a_kill_is_named(tmp_path: Path) -> None:
    campaign = KillCampaign(session(tmp_path))
    campaign.hits = [hit(number, moment) for number, moment in enumerate(campaign._kinds, 1)]
    bad = campaign.hits[0]
    bad.drive_stopped_ms, bad.valve_closed_ms = -1, 501
    bad.flushed = bad.records_kept = False
    bad.executing_ms = -1
    assert [text.split(": ")[1] for text in campaign.faults()] == [
        "drive stopped after -1 ms",
        "valve closed after 501 ms",
        "belt not flushed",
        "records lost",
        "lane did not run again",
    ]


def test_missing_kills_and_kinds_are_faults(tmp_path: Path) -> None:
    campaign = KillCampaign(session(tmp_path))
    campaign.hits = [hit(1, Moment.ANY)]
    assert campaign.faults()[0] == "1 of 10 kills before the end"
    assert "no kill gate open" in campaign.faults()


def pull(person: bool | None, *, held: bool) -> Pull:
    return Pull(
        name="cable", when=When.OPEN, person_expected=person, gate_open=True, wall_us=0, valve_closed_ms=400,
        gate_home_ms=700, executing_ms=2_000, held=held, reasons=["io: no reply"],
    )  # fmt: skip


def test_hold_is_judged_by_the_length_of_the_gap(tmp_path: Path) -> None:
    campaign = CableCampaign(session(tmp_path), cables=())
    campaign.pulls = [pull(True, held=True), pull(False, held=False), pull(None, held=True), pull(None, held=False)]
    assert campaign.faults() == []
    campaign.pulls = [pull(True, held=False), pull(False, held=True)]
    assert campaign.faults() == [
        "cable, gate open: the lane did not hold",
        "cable, gate open: the lane held although the gap was short",
    ]


def test_open_gate_must_close_in_time_and_all_cables_must_be_pulled(tmp_path: Path) -> None:
    campaign = CableCampaign(session(tmp_path))
    late = pull(True, held=True)
    late.valve_closed_ms = 501
    campaign.pulls = [late]
    assert campaign.faults() == [
        f"{len(CABLES)} cables were not pulled before the end",
        "cable, gate open: the valve did not close in time",
    ]


def test_quiet_moment_has_bodies_on_the_belt_but_none_near_the_gate() -> None:
    near, far = {"head_mm": 6_000}, {"head_mm": 3_000}
    assert _has_come(When.QUIET, {"bodies": [far]})
    assert not _has_come(When.QUIET, {"bodies": [far, near]})
    assert not _has_come(When.QUIET, {"bodies": []})
    assert _has_come(When.OPEN, {"bodies": [near], "valve": True})
