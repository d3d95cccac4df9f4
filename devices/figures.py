"""Figures of links and devices, for state answers, reports and benchmarks."""

from collections.abc import Iterable

from devices.drivers.serial_device import SerialDevice
from devices.ranks import nearest_rank
from devices.unit_runner import UnitRunner


def modbus_figures(runner: UnitRunner) -> dict[str, object]:
    """Counters of the port and cycle times of the unit (wall milliseconds)."""
    figures = runner.port.link.figures
    return {
        "port": runner.port.link.address.key,
        "requests": figures.requests,
        "replies": figures.replies,
        "retries": figures.retries,
        "failures": sum(figures.failures.values()),
        "failures_by_reason": {str(reason): count for reason, count in sorted(figures.failures.items())},
        "reconnects": figures.reconnects,
        "losses": runner.losses,
        "cycle_ms": _milliseconds(runner.cycle_us),
        "latency_ms": _milliseconds(figures.latency_us),
    }


def serial_figures(device: SerialDevice) -> dict[str, object]:
    """Frames and parser errors of a serial device."""
    errors = dict(device.link.framer.errors)
    for kind, count in device.errors.items():
        errors[kind] = errors.get(kind, 0) + count
    return {
        "port": device.link.address.key,
        "frames": device.link.frames,
        "failures": sum(errors.values()),
        "failures_by_reason": dict(sorted(errors.items())),
        "reconnects": device.link.reconnects,
    }


def _milliseconds(values_us: Iterable[int]) -> dict[str, float]:
    ordered = sorted(values_us)
    ranks = {"p50": 500, "p99": 990, "max": 1_000}
    return {name: (nearest_rank(ordered, permille) or 0) / 1_000 for name, permille in ranks.items()}
