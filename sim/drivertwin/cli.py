"""``lane sim drivers``: protocol faults against the real links and drivers, in virtual time."""

import platform
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sim.arguments import MANY, SEED
from sim.outputs import expect_folders, write_figures
from sim.terminal import counting, followed

LANE_SHARE = 20
"""One request in so many is one of the whole lane."""
LANE_REQUESTS_PER_PARCEL = 900
"""Requests of the rack while one parcel passes, at the rate of the day scenario."""
LANE_FAULT_PPM = 100
LANE_PARCELS_MAX = 200
RESIDUAL_SHARE = 10
FRAMES_SHARE = 10
SCENARIO = Path(__file__).parents[2] / "config" / "scenarios" / "day.toml"


@click.command()
@click.option(
    "--requests", default=20_000, show_default=True, type=click.IntRange(100, MANY.max), help="Modbus requests in all."
)
@click.option("--seed", default=1, show_default=True, type=SEED, help="Seed of requests and faults.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
def drivers(requests: int, seed: int, json_file: Path | None) -> None:
    """Spoil the bytes between drivers and devices, and look for a wrong value that somebody believed.

    The real links and drivers talk to simulated devices over Modbus TCP, RTU and serial lines in memory, in virtual
    time. Answers come late, twice, cut, under other ids, with bits turned over; connections break. Every value that a
    caller gets is compared with the device's own. Same seed, same trace.

    Faults that a wire without transaction ids can't refuse by itself are measured apart and shown as a rate.
    """
    expect_folders(json=json_file)
    with counting(remaining=False) as progress:
        figures = run_all(requests, seed, progress)
    write_figures(json_file, figures)
    _show(Console(), figures)
    if figures["wrong"]:
        raise click.ClickException("wrong values were accepted: " + "; ".join(figures["wrong_shown"]))


def run_all(requests: int, seed: int, progress: Progress | None = None) -> dict[str, Any]:
    """Figures of all parts, ready for JSON."""
    from sim.drivertwin.requests_campaign import WRONG_SHOWN_MAX, by_catalogue, residual, run_wire
    from sim.drivertwin.serial_campaign import LineFault, run_serial
    from sim.drivertwin.wire_faults import Wire

    began = time.perf_counter()
    shares = {Wire.TCP: requests * 2 // 5, Wire.RTU: requests * 2 // 5, Wire.RTU_TCP: requests // 5}
    injected: Counter[str] = Counter()
    wires: dict[str, dict[str, Any]] = {}
    wrong: list[str] = []
    wires_s = 0.0
    for wire, share in shares.items():
        result = run_wire(wire, share, seed, tick=_tick(progress, f"{wire}", share))
        injected.update(by_catalogue(result, wire))
        wrong += result.wrong
        wires_s += result.wall_s
        wires[str(wire)] = {
            "requests": result.requests,
            "answered": result.answered,
            "gave_up": result.gave_up,
            "refused": dict(sorted(result.refused.items())),
            "injected": {str(fault): number for fault, number in sorted(result.injected.items())},
            "wrong": len(result.wrong),
            "reconnects": result.reconnects,
            "virtual_s": round(result.virtual_s, 3),
            "requests_per_s": round(result.requests / result.wall_s),
            "trace_sha256": result.trace_sha256,
        }
    frames = requests // FRAMES_SHARE
    serial = run_serial(frames, seed, tick=_tick(progress, "serial", frames))
    for kind, number in serial.injected.items():
        injected["F40" if kind is LineFault.PULLED else "F39"] += number
    lane = _lane(requests, seed, progress)
    injected.update(lane["faults_injected"])
    wrong += serial.wrong
    apart = residual(max(300, requests // RESIDUAL_SHARE), seed)
    digit = run_serial(max(300, frames // 2), seed, only=LineFault.DIGIT)
    apart.append(
        {
            "wire": "serial", "fault": str(LineFault.DIGIT), "meaning": "one digit became another",
            "requests": digit.frames, "injected": digit.injected[LineFault.DIGIT], "accepted": len(digit.wrong),
        }
    )  # fmt: skip
    return {
        "requests": requests,
        "requests_per_s": round(sum(shares.values()) / wires_s),
        "wrong": len(wrong),
        "wrong_shown": wrong[:WRONG_SHOWN_MAX],
        "faults_injected": dict(sorted(injected.items())),
        "wires": wires,
        "serial": {
            "frames": serial.frames,
            "signals": serial.signals,
            "refused": dict(sorted(serial.refused.items())),
            "injected": {str(fault): number for fault, number in sorted(serial.injected.items())},
            "wrong": len(serial.wrong),
            "held_bytes_max": serial.held_bytes_max,
            "trace_sha256": serial.trace_sha256,
        },
        "lane": lane,
        "residual": apart,
        "wall_s": round(time.perf_counter() - began, 1),
        "conditions": {"python": platform.python_version(), "seed": seed, "origin": "SYNTHETIC"},
    }


def _lane(requests: int, seed: int, progress: Progress | None) -> dict[str, Any]:
    """A whole lane on spoilt wires: what its referee says."""
    from sim.drivertwin.loop import run_virtual
    from sim.drivertwin.station import DriverStation
    from sim.scenario import load_scenario
    from sim.streams.make import make_stream

    parcels = min(LANE_PARCELS_MAX, max(1, requests // LANE_SHARE // LANE_REQUESTS_PER_PARCEL))
    plan = load_scenario(SCENARIO)
    stream = make_stream(plan.sized(parcels, seed))
    station = DriverStation(
        plan.config, stream, plan.settings, seed=seed, fault_ppm=LANE_FAULT_PPM,
        tick=_tick(progress, "whole lane", parcels),
    )  # fmt: skip
    began = time.perf_counter()
    run_virtual(lambda loop: station.run(loop, stream[-1].arrival_us * 3 + 600_000_000))
    report = station.referee.report()
    return {
        "parcels": parcels,
        "requests": station.requests,
        "requests_per_s": round(station.requests / (time.perf_counter() - began)),
        "ended": station.ended,
        "rule_violating_releases": report["rule_violating_releases"],
        "unaccounted": report["unaccounted"],
        "custody_unproven": report["custody_unproven"],
        "released": report["bodies_released"],
        "inspected": report["bodies_inspected"],
        "faults_injected": dict(sorted(station.lane.faults().items())),
        "signals": dict(sorted(station.signals.items())),
        "journal_sha256": station.sha256(),
    }


def _tick(progress: Progress | None, what: str, total: int) -> Callable[[int], object]:
    return (lambda done: None) if progress is None else followed(progress, what, total)


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table(title="SYNTHETIC - drivers on spoilt wires")
    for column in ("wire", "requests", "answered", "refused or given up", "faults", "wrong", "requests/s"):
        table.add_column(column, justify="left" if column == "wire" else "right")
    for name, wire in figures["wires"].items():
        refused = wire["gave_up"] + sum(wire["refused"].values())
        faults = sum(wire["injected"].values())
        row = (wire["requests"], wire["answered"], refused, faults, wire["wrong"], wire["requests_per_s"])
        table.add_row(name, *(str(value) for value in row))
    serial = figures["serial"]
    faults = sum(serial["injected"].values())
    table.add_row(
        "serial", str(serial["frames"]), str(serial["signals"]), str(sum(serial["refused"].values())), str(faults),
        str(serial["wrong"]), "-",
    )  # fmt: skip
    console.print(table)
    lane = figures["lane"]
    console.print(
        f"whole lane: {lane['parcels']} parcels, {lane['requests']} requests, {lane['released']} released, "
        f"{lane['rule_violating_releases']} against a rule, {lane['unaccounted']} unaccounted, "
        f"{lane['custody_unproven']} unproven"
    )
    apart = Table(title="What the wire can't refuse by itself (each alone, at 3 % of answers)")
    for column in ("wire", "fault", "injected", "accepted"):
        apart.add_column(column)
    for row in figures["residual"]:
        apart.add_row(row["wire"], row["meaning"], str(row["injected"]), str(row["accepted"]))
    console.print(apart)
