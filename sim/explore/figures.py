"""Figures of a search: what the JSON file holds and what the table shows, each share with its interval."""

import platform
from collections import Counter
from typing import Any

from sim.explore.residual import REASONS
from sim.explore.search import UNEXPLAINED, Finding, Plan, SearchResult
from sim.faults import CATALOGUE, FaultKind
from sim.intervals import share_between

GOALS = (
    "crash with the gate open",
    "two bodies within the least gap at the divert eye",
    "verdict within 1 ms before the latch",
    "verdict within 1 ms after the latch",
    "verdict within 1 ms before the eye",
    "verdict within 1 ms after the eye",
    "verdict after the latch",
    "no-read beside a neighbour's code",
    "drawn parcel without its image",
    "foreign body inside another's window",
    "restart with a torn last record",
    "PLC restart during a pulse",
    "ring overflow",
    "permit expired unused",
    "induction stopped by a full bench",
    "officer's decision after the deadline",
)
"""States that a search must have reached, or it has not looked where lanes go wrong."""
DOUBTS = ("tracking", "identity", "device")
DOUBTS_PERMILLE_MAX = 5
"""Of sound parcels without faults at most 0.5 % may be opened for tracking, identity and device grounds."""
SHOWN_MAX = 200
"""Explained findings in the file, behind all that are not explained."""
MILLION = 1_000_000


def figures_of(plan: Plan, result: SearchResult, workers: int) -> dict[str, Any]:
    """Everything that a report needs, ready for JSON. Seconds and speed are the only figures that differ by machine."""
    sums, findings = result.figures, result.findings
    parcels, residual = sums["parcels"], _residual(sums)
    shown = [*result.unexplained, *[finding for finding in findings if finding.known][:SHOWN_MAX]]
    return {
        "parcels": parcels,
        "parcels_per_s": round(parcels / result.seconds, 1) if result.seconds else 0,
        "wall_s": round(result.seconds, 1),
        "cases": sums["cases"],
        "inputs": sums["inputs"],
        "violations": {
            "rule_violating_releases": sum(row["releases"] for row in residual),
            "unexplained_releases": sum(row["releases"] for row in residual if row["risk"] == UNEXPLAINED),
            "taken_back_behind_the_gate": sum(row["taken_back"] for row in residual),
            "unexplained_cases": sums["unexplained cases"],
            "lost_from_the_books": sums["rule R4"],
            "cases_by_rule": {name[5:]: sums[name] for name in sorted(sums) if name.startswith("rule ")},
        },
        "residual": residual,
        "faults_injected": {name: sums[f"id {name}"] for name in catalogue_ids()},
        "faults_by_kind": {str(kind): sums[f"fault {kind}"] for kind in FaultKind},
        "sometimes": {goal: result.goals[goal] for goal in GOALS},
        "efficiency": _efficiency(sums),
        "findings": [_plain(finding) for finding in shown],
        "findings_left_out": sums["findings"] - len(shown),
        "conditions": {
            "seed": plan.seed, "modes": [str(mode) for mode in plan.modes], "workers": workers,
            "fields": [str(place) for place in plan.fields], "parcels_per_case": plan.size,
            "left_out": [str(kind) for kind in plan.without],
            "python": platform.python_version(), "origin": "SYNTHETIC",
        },
    }  # fmt: skip


def catalogue_ids() -> list[str]:
    """Every id that the search can inject, in order."""
    return sorted({shape.id for shape in CATALOGUE.values()})


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "number": finding.number, "seed": finding.seed, "mode": str(finding.mode), "field": str(finding.field),
        "rules": list(finding.rules), "releases": finding.releases, "known": finding.known, "told": list(finding.told),
        "crash": finding.crash[-400:],
    }  # fmt: skip


def _residual(sums: Counter[str]) -> list[dict[str, Any]]:
    """Rule-violating releases by field and reason: how many, of how many parcels, per million, with its interval; and
    how many bodies more the same risk let past the blade, which were taken from behind it."""
    rows = []
    kinds = ("releases ", "taken ")
    for place, name in sorted({tuple(key.split(" ", 2)[1:]) for key in sums if key.startswith(kinds) and sums[key]}):
        count, parcels = sums[f"releases {place} {name}"], sums[f"parcels {place}"]
        low, high = share_between(min(count, parcels), parcels)
        rows.append(
            {
                "field": place, "risk": name, "releases": count, "parcels": parcels,
                "per_million_faulted_parcels": round(count * MILLION / parcels, 1),
                "interval_95": [round(low * MILLION, 1), round(high * MILLION, 1)],
                "taken_back": sums[f"taken {place} {name}"],
                "reason": " ".join(REASONS.get(part, "not explained yet: see its story") for part in name.split(" + ")),
            }
        )  # fmt: skip
    return rows


def _efficiency(sums: Counter[str]) -> dict[str, Any]:
    """What safety costs: sound parcels opened without any fault, by family and ground, and stops by mode."""
    sound = sums["sound"]
    doubts = sum(sums[f"sound inspected {name}"] for name in DOUBTS)
    return {
        "sound_parcels_without_faults": sound,
        "inspected_by_family": {
            name[16:]: share(sums[name], sound) for name in sorted(sums) if name.startswith("sound inspected ")
        },
        "inspected_by_ground": {
            name[13:]: share(sums[name], sound) for name in sorted(sums) if name.startswith("sound ground ")
        },
        "tracking_identity_device": share(doubts, sound),
        "tracking_identity_device_within_limit": 1_000 * doubts <= DOUBTS_PERMILLE_MAX * sound,
        "stops_per_1000_by_mode": {
            name[6:]: round(1_000 * sums[name] / max(1, sums[f"fed {name[6:]}"]), 2)
            for name in sorted(sums)
            if name.startswith("stops ")
        },
    }


def share(count: int, of: int) -> dict[str, Any]:
    """A share in percent with its exact 95 % interval."""
    if not of:
        return {"count": count, "of": of, "percent": None, "interval_95": None}
    low, high = share_between(count, of)
    return {
        "count": count, "of": of, "percent": round(100 * count / of, 4),
        "interval_95": [round(100 * low, 4), round(100 * high, 4)],
    }  # fmt: skip
