"""Belt motion: position as an exact integer function of time, with ramps.

Positions are micrometres of belt travel since the plant was built, times microseconds of plant time.
"""

RAMP_UM_S2 = 1_000_000
"""Acceleration of the belt drive, 1,000 mm/s2 (device manual, section 2)."""

_US = 1_000_000  # microseconds in a second


class Belt:
    """A belt that ramps to a wanted speed and keeps it. Never runs backwards.

    ``line``: (time, position, speed) from which on the belt moves evenly.
    """

    __slots__ = ("_accel", "_p0", "_p1", "_t0", "_t1", "_v0", "line", "target_um_s")

    def __init__(self) -> None:
        self.target_um_s = 0
        self._t0 = self._t1 = 0  # ramp from t0 to t1, steady after
        self._p0 = self._p1 = 0
        self._v0 = 0
        self._accel = 0
        self.line = (0, 0, 0)

    def set_speed(self, now_us: int, speed_um_s: int) -> None:
        """From now on ramp to ``speed_um_s`` (0: stop). Raises ValueError for a negative speed."""
        if speed_um_s < 0:
            raise ValueError(f"belt speed {speed_um_s} um/s: expected 0 or more")
        if speed_um_s == self.target_um_s:
            return
        position, speed = self.position(now_us), self.speed(now_us)
        change = speed_um_s - speed
        ramp_us = abs(change) * _US // RAMP_UM_S2
        self.target_um_s = speed_um_s
        self._t0, self._p0, self._v0 = now_us, position, speed
        self._accel = RAMP_UM_S2 if change > 0 else -RAMP_UM_S2
        self._t1 = now_us + ramp_us
        self._p1 = self._ramp_position(self._t1)
        self.line = (self._t1, self._p1, speed_um_s)

    def position(self, at_us: int) -> int:
        """Belt position at a time not before the last change of speed."""
        if at_us >= self._t1:
            return self._p1 + self.target_um_s * (at_us - self._t1) // _US
        return self._ramp_position(at_us)

    def speed(self, at_us: int) -> int:
        """Speed in um/s."""
        if at_us >= self._t1:
            return self.target_um_s
        return max(0, self._v0 + self._accel * (at_us - self._t0) // _US)

    def steady_from(self) -> int:
        """Time from which the speed is constant."""
        return self._t1

    def time_of(self, position_um: int) -> int | None:
        """First time at which the belt has reached ``position_um``; None when it stops before."""
        if position_um > self._p1:
            if self.target_um_s == 0:
                return None
            return self._t1 - (self._p1 - position_um) * _US // self.target_um_s
        if position_um == self._p1 and self._t0 == self._t1:
            return self._t1
        low, high = self._t0, self._t1
        while low < high:
            middle = (low + high) // 2
            if self._ramp_position(middle) >= position_um:
                high = middle
            else:
                low = middle + 1
        return low

    def _ramp_position(self, at_us: int) -> int:
        elapsed = at_us - self._t0
        return self._p0 + (2 * self._v0 * elapsed + self._accel * elapsed * elapsed // _US) // (2 * _US)
