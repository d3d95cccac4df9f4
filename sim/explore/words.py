"""What whoever looks on knows of a lane from its manuals; written from outside, with none of the controller's rules."""

from lane.controller.state import GateSeen
from lane.permits import PermitState

AUXILIARY = frozenset({"reader", "second_reader", "scale"})
"""Devices without which the lane runs on: what lacks their reading is opened."""
AWAY = (GateSeen.MOVING, GateSeen.RELEASE)
"""Where the gate is not home."""
IN_FORCE = (PermitState.ISSUED, PermitState.USED)
"""A permit that has not ended."""
PERMIT_NO_MAX = 65_000
"""Numbers of permits run up to here, by the manual of the lane I/O."""
TESTS = (65_534, 65_535)
"""Numbers of the watchdog's proof, by the same manual."""
