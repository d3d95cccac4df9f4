"""What a demo prints at its end: figures in words, and where to look next."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sim.demo.setup import DemoFiles

STATES_SHOWN = 12


def print_summary(console: Console, figures: dict[str, Any], files: DemoFiles, json_file: Path | None) -> None:
    """Print the summary of one run."""
    parcels, judged, draw = figures["parcels"], figures["referee"], figures["draw"]
    sound = judged["sound_parcels_inspected"]
    latency, devices = figures["latency_ms"], figures["devices"]
    rows = [
        (
            "parcels",
            f"{parcels['inducted']} inducted, {parcels['released']} released at the gate, "
            f"{parcels['inspected']} to INSPECT, {parcels['released_at_bench']} of those released at the bench",
        ),
        ("rule-violating releases", _violations(judged)),
        ("content errors missed", f"{judged['missed_content']} of {judged['content_errors']}"),
        ("sound parcels inspected", f"{sound['inspected']} of {sound['sound']} ({_words(sound['by_family'])})"),
        ("unaccounted, custody unproven", f"{judged['unaccounted']}, {judged['custody_unproven']}"),
        ("release messages", f"{judged['release_messages']} for {judged['released_parcels']} released parcels"),
        ("findings", _words(figures["findings"])),
        ("random draw", f"{draw['selected']} of {draw['n']} ({draw['rate']:.1%})"),
        ("image to disposition", _percentiles(latency["image_to_disposition"])),
        ("exit to release message", _percentiles(latency["exit_to_release_message"])),
        ("devices", f"{devices['requests']} requests, {devices['failures']} failures"),
        ("throughput", f"{figures['throughput_per_hour']} parcels/h of plant time"),
        ("memory, time", f"{figures['peak_rss_mb']} MB at most, {figures['wall_s']} s"),
    ]
    table = Table(title="Summary (SYNTHETIC)", show_header=False)
    for row in rows:
        table.add_row(*row)
    console.print(table, highlight=False)
    _print_trouble(console, figures)
    _print_next(console, figures, files, json_file)


def _print_trouble(console: Console, figures: dict[str, Any]) -> None:
    """Alarms, refused orders, slow plant: only when there were any."""
    if figures["alarms"]:
        console.print(f"alarms: {'; '.join(figures['alarms'][:STATES_SHOWN])}", highlight=False, soft_wrap=True)
    if figures["refused"]:
        console.print(f"refused: {'; '.join(figures['refused'][:STATES_SHOWN])}", highlight=False, soft_wrap=True)
    starved_s = (figures["plant"].get("starved_us") or 0) / 1e6
    if starved_s > 1:
        console.print(
            f"too slow for speed {figures['speed']} on this machine: parcels waited {starved_s:.0f} s of plant time"
        )


def _print_next(console: Console, figures: dict[str, Any], files: DemoFiles, json_file: Path | None) -> None:
    """Commands that lead on."""
    lines = [
        "Where to look next",
        f"  lane verify {files.run}",
        f"  lane replay {files.run}",
        f"  lane console {files.run}",
        f"  lane declarations show {figures.get('example_waybill') or 'WAYBILL'} --data {files.run}",
        f"  {files.twin}  what only plant and referee knew, and the logs",
    ]
    if json_file is not None:
        lines.append(f"  {json_file}  all figures")
    console.print("\n".join(lines), highlight=False, soft_wrap=True, markup=False)


def _words(counts: dict[str, int]) -> str:
    """Counts by name, in words."""
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _violations(judged: dict[str, Any]) -> str:
    """How many releases broke a rule, and which."""
    shown = "; ".join(judged["violations_shown"])
    return f"{judged['rule_violating_releases']}{': ' if shown else ''}{shown}"


def _percentiles(row: dict[str, Any]) -> str:
    return f"p50 {row.get('p50')} ms, p99 {row.get('p99')} ms"
