"""Who may write to the lane I/O: one controller, known by its token (device manual, section 1, Owner)."""

OWNER_US = 5_000_000
"""Wall time without a word of the owner after which another controller may become it."""


class Owner:
    """The owner's token, kept over a loss of power. ``refused``: claims and writes refused since power-up."""

    __slots__ = ("_heard_us", "refused", "token")

    def __init__(self) -> None:
        self.token = 0
        self.refused = 0
        self._heard_us = -1  # wall time of the owner's last word; -1: not since power-up

    def power_up(self) -> None:
        """Power returns: the token stands, its silence counts from here."""
        self.refused, self._heard_us = 0, -1

    def claim(self, token: int, wall_us: int) -> bool:
        """A controller wants to be the owner. True: it is."""
        if self._heard_us < 0:
            self._heard_us = wall_us
        silent = wall_us - self._heard_us >= OWNER_US
        if token == 0 or (token != self.token and self.token != 0 and not silent):
            self.refused += 1
            return False
        self.token, self._heard_us = token, wall_us
        return True

    def admits(self, token: int, wall_us: int) -> bool:
        """Whether a write with this token is the owner's: that is a word of his, any other is counted."""
        if token == 0 or token != self.token:
            self.refused += 1
            return False
        self._heard_us = wall_us
        return True
