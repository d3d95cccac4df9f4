"""The summary of a demo, in words that a visitor reads."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.demo.report import print_summary
from sim.demo.setup import DemoFiles


def figures(**judged: Any) -> dict[str, Any]:
    percentiles = {"p50": 150.0, "p99": 400.0}
    return {
        "parcels": {"inducted": 20, "released": 11, "released_at_bench": 1, "inspected": 9, "removed": 0},
        "referee": {
            "rule_violating_releases": 0,
            "violations_shown": [],
            "missed_content": 0,
            "content_errors": 5,
            "sound_parcels_inspected": {"sound": 12, "inspected": 2, "by_family": {"content": 1, "draw": 1}},
            "unaccounted": 0,
            "custody_unproven": 0,
            "release_messages": 12,
            "released_parcels": 12,
            **judged,
        },
        "findings": {"MATCH": 13, "SHORT": 3},
        "draw": {"n": 20, "selected": 1, "rate": 0.05},
        "latency_ms": {"image_to_disposition": percentiles, "exit_to_release_message": percentiles},
        "devices": {"requests": 900, "failures": 0},
        "throughput_per_hour": 963,
        "peak_rss_mb": 596,
        "wall_s": 41.1,
        "alarms": [],
        "refused": [],
        "plant": {"starved_us": 0},
        "speed": 3,
    }


def printed(found: dict[str, Any], tmp_path: Path) -> str:
    out = io.StringIO()
    files = DemoFiles(run=tmp_path / "run", twin=tmp_path / "run.twin", sockets=tmp_path)
    print_summary(Console(file=out, width=160), found, files, None)
    return out.getvalue()


def test_releases_at_gate_and_bench_are_told_apart_and_nothing_looks_like_a_program(tmp_path: Path) -> None:
    text = printed(figures(), tmp_path)
    assert "20 inducted, 11 released at the gate, 9 to INSPECT, 1 of those released at the bench" in text
    assert "2 of 12 (content 1, draw 1)" in text
    assert "MATCH 13, SHORT 3" in text
    assert not set("{}[]'") & set(text)


def test_violations_are_listed(tmp_path: Path) -> None:
    text = printed(
        figures(rule_violating_releases=2, violations_shown=["STATUS body 3 seq 3", "TWICE body 4 seq 4"]), tmp_path
    )
    assert "2: STATUS body 3 seq 3; TWICE body 4 seq 4" in text
