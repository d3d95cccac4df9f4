"""The state at a glance, for screens and the command line. Draws of undecided parcels stay hidden."""

from typing import Any

from lane.controller.state import LaneState


def glance(state: LaneState, belt_um: int) -> dict[str, Any]:
    """PackML state, causes, parcels on the belt with their positions, alarms, draw counters."""
    machine = state.machine
    return {
        "state": machine.state.name,
        "cause": ", ".join(machine.causes or machine.throttles),
        "phase": machine.phase.value,
        "induction": machine.induction,
        "parcels": [
            {
                "seq": parcel.seq,
                "code": parcel.code,
                "position_mm": (belt_um - parcel.body.head_um) // 1_000,
                "decided": parcel.decided,
                "route": parcel.route.value if parcel.decided else "",
            }
            for parcel in state.parcels.values()
        ],
        "bench": len(state.bench),
        "released": len(state.released),
        "alarms": alarms(state),
        "draw": {"epoch": state.draw.epoch, "n": state.draw.n, "selected": state.draw.selected},
        "links_down": sorted(machine.links),
    }


def alarms(state: LaneState) -> list[dict[str, Any]]:
    """Open alarms in the order in which they were raised."""
    return [
        {
            "number": entry.number,
            "state": entry.state.value,
            "raised_us": entry.raised_us,
            "count": entry.count,
            "follows": entry.follows,
        }
        for entry in state.alarms.entries.values()
    ]
