"""Who is signed in. Sessions live in this process only: a restart of the console signs everybody out."""

import hmac
import secrets
from dataclasses import dataclass
from time import monotonic

from lane.model.words import Role
from lane.orders import ORDERS_OF

SESSION_S_MAX = 12 * 3600
"""A session ends absolutely after a long shift (ASVS 5.0, V7.3.2)."""
SESSION_IDLE_S_MAX = 1800
"""... and after half an hour without a request (ASVS 5.0, V7.3.1)."""
SESSIONS_MAX = 100
"""More people than a lane has; the oldest session ends when one more signs in."""
FAILURES_MAX = 5
"""Wrong passwords per name before sign-in is locked for ``LOCK_S``."""
LOCK_S = 60.0
NAMES_WATCHED_MAX = 1_000
"""Names with failures remembered; the oldest is forgotten (bounds memory under guessing)."""

COOKIE = "lane_session"

TWO_PERSONS = frozenset({"AddRule", "SetGroundMode"})
"""Orders that always need a second person come with the two-person flow, not from one session."""

ORDERS: dict[Role, frozenset[str]] = {role: orders - TWO_PERSONS for role, orders in ORDERS_OF.items()}
"""Which orders a role may give from the console: the lane's own table without those for two persons."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One signed-in person."""

    person: str
    role: Role
    began: float
    used: float


class Sessions:
    """Open sessions by token, failures by name, and the one-time entry token of a demo."""

    def __init__(self, *, one_time_token: str = "") -> None:
        self._open: dict[str, Session] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._one_time_token = one_time_token

    def begin(self, person: str, role: Role) -> str:
        """Open a session; returns its token (256 random bits)."""
        now = monotonic()
        while len(self._open) >= SESSIONS_MAX:
            self._open.pop(next(iter(self._open)))
        token = secrets.token_urlsafe(32)
        self._open[token] = Session(person=person, role=role, began=now, used=now)
        self._failures.pop(person, None)
        return token

    def find(self, token: str | None, *, using: bool = True) -> Session | None:
        """The session behind a cookie, if it is still alive; a person's use keeps it alive (a page that only shows
        what happens is no use)."""
        if not token:
            return None
        session = self._open.get(token)
        now = monotonic()
        if session is None:
            return None
        if now - session.began > SESSION_S_MAX or now - session.used > SESSION_IDLE_S_MAX:
            del self._open[token]
            return None
        if using:
            session.used = now
        return session

    def end(self, token: str | None) -> None:
        """Sign out."""
        if token:
            self._open.pop(token, None)

    def locked(self, name: str) -> bool:
        """Too many wrong passwords for this name, too recently."""
        count, last = self._failures.get(name, (0, 0.0))
        return count >= FAILURES_MAX and monotonic() - last < LOCK_S

    def failed(self, name: str) -> None:
        """Count a wrong password."""
        while len(self._failures) >= NAMES_WATCHED_MAX:
            self._failures.pop(next(iter(self._failures)))
        self._failures[name] = (self._failures.get(name, (0, 0.0))[0] + 1, monotonic())

    def spend_one_time(self, token: str) -> bool:
        """True once for the right token, never again."""
        right = bool(self._one_time_token) and hmac.compare_digest(token.encode(), self._one_time_token.encode())
        if right:
            self._one_time_token = ""
        return right
