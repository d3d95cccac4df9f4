"""Hardware safety chain as cabinet and source report it: observed, never claimed (C9).

An unknown state never counts as closed. A gap up to one second keeps the last known chain but takes X-ray readiness
away at once; after that every part of the chain counts as open.
"""

import asyncio
from collections.abc import Mapping

from devices.drivers.context import DeviceContext
from devices.signals import SafetyChanged

KEEP_S = 1.0
"""As long as a link gap needs no person (the lane's own limit)."""


class SafetyStatus:
    """Merges what the cabinet and the source say into one signal."""

    def __init__(self, context: DeviceContext, roles: frozenset[str]) -> None:
        self.context = context
        self.roles = roles & {"cabinet", "source"}
        self._flags: dict[str, Mapping[str, bool]] = {}
        self._connected: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._told: tuple[bool, ...] | None = None

    def report(self, role: str, flags: Mapping[str, bool]) -> None:
        """Status bits of one poll."""
        timer = self._timers.pop(role, None)
        if timer is not None:
            timer.cancel()
        self._flags[role] = flags
        self._connected.add(role)
        self._tell()

    def lost(self, role: str) -> None:
        """The device is lost: readiness goes at once, the rest after ``KEEP_S``."""
        self._connected.discard(role)
        if role not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[role] = loop.call_later(KEEP_S, self._expire, role)
        self._tell()

    def chain_closed(self) -> bool:
        """Emergency stop, guard, interlocks and key, all read closed on connected devices."""
        if self._connected != self.roles:
            return False
        cabinet, source = self._of("cabinet"), self._of("source")
        closed = all(cabinet.get(name, False) for name in ("estop", "guard", "interlock", "key"))
        return closed and (source.get("interlock", False) if "source" in self.roles else True)

    def ready(self) -> bool:
        """Chain closed, both devices ready, none with a fault."""
        ready = all(self._of(role).get("ready", False) and not self._of(role).get("fault", True) for role in self.roles)
        return self.chain_closed() and ready

    def stop(self) -> None:
        """No timers left."""
        for timer in self._timers.values():
            timer.cancel()

    def _of(self, role: str) -> Mapping[str, bool]:
        return self._flags.get(role, {})

    def _expire(self, role: str) -> None:
        self._flags.pop(role, None)
        self._flags[role] = {}
        self._tell()

    def _tell(self) -> None:
        if set(self._flags) != self.roles:
            return  # not everyone was heard yet, and nobody was waited for in vain
        cabinet, source = self._of("cabinet"), self._of("source")
        state = (
            cabinet.get("estop", False),
            cabinet.get("guard", False),
            cabinet.get("interlock", False) and ("source" not in self.roles or source.get("interlock", False)),
            cabinet.get("key", False),
            cabinet.get("xray_on", False) or source.get("xray_on", False),
            self.ready(),
        )
        if state == self._told:
            return
        self._told = state
        estop, guard, interlock, key, xray_on, ready = state
        self.context.emit(
            SafetyChanged(
                estop_ok=estop,
                guard_ok=guard,
                interlock_ok=interlock,
                key_on=key,
                xray_on=xray_on,
                xray_ready=ready,
                **self.context.here(),
            )
        )
