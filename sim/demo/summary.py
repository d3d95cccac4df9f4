"""The figures of a demo run, from journal, referee and live figures."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lane.views.tail import JournalTail
from sim.demo.processes import Memory
from sim.demo.story import Story
from sim.referee import Referee
from sim.world.meter import quantile

READ_AT_ONCE = 500


@dataclass(slots=True, kw_only=True)
class Parts:
    """What a summary is made of. ``live``: the lane's own figures just before its end."""

    story: Story
    referee: Referee
    memory: Memory
    live: dict[str, Any]
    plant: dict[str, Any]
    speed: int
    wall_s: float
    run: Path


def figures(parts: Parts) -> dict[str, Any]:
    """All figures, ready for JSON."""
    story, judged = parts.story, parts.referee.report()
    latency = parts.live.get("latency_ms", {})
    hours = max(1, story.last_left_us - story.first_inducted_us) / 3_600e6
    return {
        "lane_kind": "twin",
        "origin": "SYNTHETIC",
        "parcels": {
            "inducted": len(story.rows),
            "released": judged["released_by_gate"],
            "released_at_bench": judged["released_parcels"] - judged["released_by_gate"],
            "inspected": len(story.diverted),
            "removed": judged["bodies_removed"],
        },
        "referee": judged,
        "findings": {str(name): count for name, count in sorted(story.findings.items())},
        "draw": {
            "n": story.draws,
            "selected": story.selected,
            "rate": round(story.selected / story.draws, 4) if story.draws else 0.0,
        },
        "latency_ms": {
            "image_to_disposition": latency.get("image_to_disposition", wall_ms(story.scan_to_finding_us, parts.speed)),
            "exit_to_release_message": latency.get(
                "exit_to_release_message", wall_ms(story.exit_to_message_us, parts.speed)
            ),
        },
        "devices": _devices(parts.live.get("devices", {})),
        "throughput_per_hour": round(story.gone / hours) if story.last_left_us > 0 else 0,
        "peak_rss_mb": round(parts.memory.peak_mb),
        "peak_rss_mb_by_process": {name: round(mb) for name, mb in sorted(parts.memory.peak_mb_by_process.items())},
        "plant": {name: parts.plant.get(name) for name in ("fed", "left", "starved_us", "lags", "lag_us_max")},
        "states": [f"{at_us / 1e6:.1f}s {state.name} {cause}".rstrip() for at_us, state, cause in story.states],
        "alarms": [f"{number} {detail}".rstrip() for number, detail in story.alarms],
        "refused": story.refused,
        "example_waybill": next((row.code for row in story.rows.values() if row.code and row.goods), ""),
        "messages_waiting": len(story.waiting),
        "epochs_revealed": story.revealed,
        "records": story.records,
        "journal_sha256": journal_sha256(parts.run),
        "speed": parts.speed,
        "wall_s": round(parts.wall_s, 1),
    }


def wall_ms(values_us: list[int], speed: int) -> dict[str, Any]:
    """Percentiles in wall milliseconds of lane-clock differences (0 of no values)."""
    ordered = sorted(values_us)
    percentiles = {f"p{p}": round((quantile(ordered, p) or 0) / speed / 1_000, 1) for p in (50, 99)}
    return {"count": len(values_us), **percentiles}


def _devices(live: dict[str, Any]) -> dict[str, Any]:
    """The devices' figures with the totals that the summary names; ``cycle_ms`` is the lane I/O's."""
    ports: dict[str, Any] = live.get("ports", live)
    rows = [value for value in ports.values() if isinstance(value, dict)]
    total = {
        "requests": sum(int(row.get("requests", 0)) for row in rows),
        "failures": sum(int(row.get("failures", 0)) for row in rows),
        "cycle_ms": ports.get("io", {}).get("cycle_ms", {"p50": 0.0, "p99": 0.0}),
    }
    return {**live, **{name: live.get(name, value) for name, value in total.items()}}


def journal_sha256(run: Path) -> str:
    """SHA-256 over (u32 big-endian length, canonical bytes) of all records in order."""
    digest = hashlib.sha256()
    tail = JournalTail(run)
    index = 0
    while (body := tail.body(index)) is not None:
        digest.update(len(body).to_bytes(4, "big") + body)
        index += 1
    tail.close()
    return digest.hexdigest()
