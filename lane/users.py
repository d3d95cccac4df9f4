"""Named users of a lane: who may sign in, in which role. Passwords are kept as argon2id hashes only.

The list is a small SQLite file ``users.db`` in the data directory. The first user comes from ``lane users add``.
"""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lane.model.words import Role

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
PASSWORD_LENGTH_MIN = 12
"""ASVS 5.0 asks for at least 8 and recommends 15; twelve is what an officer types several times a shift."""
PASSWORD_LENGTH_MAX = 256
USERS_MAX = 1_000
TWIN_PREFIX = "twin-"
"""Names of simulated persons: accepted on a twin lane without an account, refused everywhere else."""

_TABLE = """CREATE TABLE IF NOT EXISTS user(
  name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1) STRICT"""
_HASHER = PasswordHasher()


class UserError(ValueError):
    """A user can't be added or changed: says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One account."""

    name: str
    role: Role
    enabled: bool


class Users:
    """The accounts in one file (``DATA/users.db``). Safe to use from several processes at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, name: str, role: Role, password: str) -> None:
        """Create an account. Raises ``UserError`` for a bad or used name, SYSTEM role, or weak password."""
        if not NAME_PATTERN.fullmatch(name) or name.startswith(TWIN_PREFIX):
            raise UserError(f"name: expected 2..32 of a-z 0-9 . _ - and not {TWIN_PREFIX}..., was {name!r}")
        if role is Role.SYSTEM:
            raise UserError("role: expected a person's role, was system")
        hashed = _hash(name, password)
        with closing(self._connect(create=True)) as connection, connection:
            if connection.execute("SELECT count(*) FROM user").fetchone()[0] >= USERS_MAX:
                raise UserError(f"expected at most {USERS_MAX} users")
            try:
                insert = "INSERT INTO user(name, role, password) VALUES (?, ?, ?)"
                connection.execute(insert, (name, role.value, hashed))
            except sqlite3.IntegrityError as error:
                raise UserError(f"name: {name!r} exists already") from error

    def set_password(self, name: str, password: str) -> None:
        """Change a password. Raises ``UserError`` for an unknown name or a weak password."""
        self._update(name, "password", _hash(name, password))

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Allow or forbid an account. Raises ``UserError`` for an unknown name."""
        self._update(name, "enabled", int(enabled))

    def list(self) -> list[User]:
        """All accounts by name (none when the file does not exist). Raises ``UserError`` for a damaged file."""
        if not self._path.exists():
            return []
        with closing(self._connect()) as connection:
            rows = connection.execute("SELECT name, role, enabled FROM user ORDER BY name").fetchall()
        return [User(name=name, role=Role(role), enabled=bool(enabled)) for name, role, enabled in rows]

    def find(self, name: str) -> User | None:
        """An enabled account by name."""
        return next((user for user in self.list() if user.name == name and user.enabled), None)

    def check(self, name: str, password: str) -> User | None:
        """The account when name and password are right. An unknown name costs the same time as a wrong password."""
        dummy = _dummy_hash()
        stored = dummy
        if self._path.exists():
            with closing(self._connect()) as connection:
                row = connection.execute("SELECT password FROM user WHERE name = ? AND enabled", (name,)).fetchone()
            stored = row[0] if row else dummy
        try:
            _HASHER.verify(stored, password[:PASSWORD_LENGTH_MAX])
        except (VerificationError, InvalidHashError):
            return None
        return self.find(name) if stored is not dummy else None

    def _update(self, name: str, column: str, value: object) -> None:
        with closing(self._connect(create=True)) as connection, connection:
            cursor = connection.execute(f"UPDATE user SET {column} = ? WHERE name = ?", (value, name))
            if cursor.rowcount == 0:
                raise UserError(f"name: no user {name!r}")

    def _connect(self, *, create: bool = False) -> sqlite3.Connection:
        if create and not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, timeout=5.0)
        try:
            if create:
                connection.execute(_TABLE)
            connection.execute("SELECT count(*) FROM user").fetchone()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise UserError(f"{self._path}: expected a list of users: {error}") from error
        return connection


def _hash(name: str, password: str) -> str:
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise UserError(f"password: expected {PASSWORD_LENGTH_MIN}..{PASSWORD_LENGTH_MAX} characters")
    if name in password.casefold():
        raise UserError("password: expected one without the name in it")
    return _HASHER.hash(password)


@cache
def _dummy_hash() -> str:
    """Nobody's password, to spend the same time on unknown names. Made on first use: hashing takes 64 MiB."""
    return _HASHER.hash("no such person")
