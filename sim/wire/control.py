"""Orders of campaigns to the wire twin: pull cables, press the emergency stop, ask where bodies really are.

A Unix socket, one JSON object per line in, one per line out. Faults that last run on by themselves; the reply comes at
once. For campaigns and tests only: the controller has no way to this socket.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from lane.model.words import Route
from sim.wire.clock import wall_us
from sim.wire.lane import WireLane

LINE_BYTES_MAX = 4_096
SECONDS_MAX = 600.0
"""Longest fault of a campaign."""

Order = dict[str, Any]


class Control:
    """Serves the control socket."""

    def __init__(self, lane: WireLane, path: Path) -> None:
        self._lane = lane
        self._path = path
        self._server: asyncio.Server | None = None
        self._faults: set[asyncio.Task[None]] = set()
        self.stopped = asyncio.Event()

    async def start(self) -> None:
        """Open the socket."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_BYTES_MAX)

    async def stop(self) -> None:
        """Close the socket and end running faults."""
        if self._server is not None:
            self._server.close()
        for task in list(self._faults):
            task.cancel()
        await asyncio.gather(*self._faults, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line), separators=(",", ":")).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> Order:
        try:
            order = json.loads(line)
            return {"ok": True, "wall_us": wall_us(), **self.obey(order)}
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            return {"ok": False, "reason": f"{type(error).__name__}: {error}"}

    def obey(self, order: Order) -> Order:
        """Do one order; the returned facts are the reply."""
        lane = self._lane
        name = order["do"]
        role = str(order.get("role", "io"))
        match name:
            case "tcp_close":
                lane.tcp[role].close_connections()
            case "tcp_black_hole":
                self._begin(lane.tcp[role].black_hole(_seconds(order)))
            case "tcp_refuse":
                self._begin(lane.tcp[role].refuse(_seconds(order)))
            case "pty_hangup":
                self._begin(lane.serial[str(order["role"])].hang_up(_seconds(order)))
            case "safety":
                lane.chain.set(**{str(key): bool(value) for key, value in order["set"].items()})
            case "io_freeze":
                lane.io.freeze_life(bool(order["on"]))
            case "io_restart":
                lane.restart_io()
            case "gate_stick":
                lane.plant.gate.stuck = bool(order["on"])
            case "remove":
                lane.plant.remove(lane.moment().at_us, int(order["body"]))
                lane.truth.write("REMOVED", lane.plant.now_us, body=int(order["body"]))
            case "truth":
                return truth(lane)
            case "stop":
                self.stopped.set()
            case _:
                raise ValueError(f"do: unknown order {name!r}")
        lane.truth.write("FAULT", lane.plant.now_us, order=order)
        return {}

    def _begin(self, fault: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(fault)
        self._faults.add(task)
        task.add_done_callback(self._faults.discard)


def _seconds(order: Order) -> float:
    seconds = float(order["seconds"])
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"seconds: expected more than 0 and at most {SECONDS_MAX}, was {seconds}")
    return seconds


def truth(lane: WireLane) -> Order:
    """Where everything really is."""
    now = lane.moment()
    plant = lane.plant
    bodies = [
        {
            "body": number,
            "head_mm": (now.belt_um - body.head_um) // 1_000,
            "length_mm": body.length_um // 1_000,
            "route": "" if body.route is None else str(body.route),
        }
        for number, body in plant.bodies.items()
    ]
    released = sum(left.route is Route.RELEASE for left in plant.left)
    gate = "INSPECT" if plant.gate.home(now.at_us) else "RELEASE" if plant.gate.out(now.at_us) else "MOVING"
    facts: dict[str, Callable[[], Any]] = {
        "at_us": lambda: now.at_us,
        "belt_um": lambda: now.belt_um,
        "speed_um_s": lambda: plant.belt.speed(now.at_us),
        "bodies": lambda: bodies,
        "fed": lambda: len(plant.fed),
        "left": lambda: len(plant.left),
        "released": lambda: released,
        "gate": lambda: gate,
        "valve": lambda: plant.io.valve,
        "tripped": lambda: plant.io.tripped,
        "drive_fault": lambda: lane.drive.fault,
        "beam": lambda: lane.source.on,
        "rendered": lambda: lane.pictures.rendered,
        "starved_us": lambda: plant.starved_us,
        "lags": lambda: lane.clock.lags,
        "lag_us_max": lambda: lane.clock.lag_us_max,
        "peers": lambda: {role: len(port.connections) for role, port in lane.tcp.items()},
    }
    return {name: fact() for name, fact in facts.items()}


class ControlClient:
    """Blocking client of the control socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def do(self, name: str, **facts: Any) -> Order:
        """Give one order and return the reply. Raises ``RuntimeError`` when it was refused."""
        import socket

        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5.0)
            connection.connect(str(self._path))
            connection.sendall(json.dumps({"do": name, **facts}).encode() + b"\n")
            with connection.makefile("rb") as reply:
                answer = json.loads(reply.readline())
        if not answer.get("ok"):
            raise RuntimeError(f"{name}: {answer.get('reason')}")
        assert isinstance(answer, dict)
        return answer
