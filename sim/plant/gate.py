"""Divert gate: a blade moved out (RELEASE) by a valve and home (INSPECT) by a spring, with two end switches."""


class Gate:
    """Position in microseconds of travel: 0 is HOME (INSPECT), ``travel_us`` is OUT (RELEASE).

    ``stuck``: the blade does not move, whatever the valve does (a fault).
    """

    __slots__ = ("_at_us", "_moved", "_where", "direction", "stuck", "travel_us")

    def __init__(self, travel_us: int) -> None:
        self.travel_us = travel_us
        self.direction = 0  # +1 moving out, -1 moving home, 0 at rest
        self.stuck = False
        self._where = 0
        self._at_us = 0
        self._moved = -1

    def position(self, at_us: int) -> int:
        """Travel from home, 0..travel_us."""
        if self.direction == 0:
            return self._where
        return min(self.travel_us, max(0, self._where + self.direction * (at_us - self._at_us)))

    def drive(self, at_us: int, valve: bool) -> int | None:
        """The valve changed: start moving. Returns the time at which the blade arrives, None when it need not move."""
        self._where = self.position(at_us)
        self._at_us = at_us
        goal = self.travel_us if valve else 0
        distance = goal - self._where
        if self.stuck or distance == 0:
            self.direction = 0
            return None
        self.direction = 1 if distance > 0 else -1
        self._moved = at_us
        return at_us + abs(distance)

    def halt(self, at_us: int) -> None:
        """Stop where it is."""
        self._where, self._at_us, self.direction = self.position(at_us), at_us, 0

    def arrive(self, at_us: int) -> bool:
        """A planned arrival is due: come to rest. False when the blade was turned round meanwhile."""
        if self.direction == 0 or self.position(at_us) not in (0, self.travel_us):
            return False
        goal = self.travel_us if self.direction > 0 else 0
        if self.position(at_us) != goal:
            return False
        self._where, self._at_us, self.direction = goal, at_us, 0
        self._moved = at_us
        return True

    def home(self, at_us: int) -> bool:
        """End switch HOME."""
        return self.position(at_us) == 0

    def out(self, at_us: int) -> bool:
        """End switch OUT."""
        return self.position(at_us) == self.travel_us

    def moved_since(self, at_us: int) -> bool:
        """Whether the blade moved after ``at_us`` (it is moving, or came to rest later than that)."""
        return self.direction != 0 or self._moved > at_us
