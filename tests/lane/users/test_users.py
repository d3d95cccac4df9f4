"""Named users: argon2id, roles, refusals."""

import sqlite3
from pathlib import Path

import pytest

from lane.model.words import Role
from lane.users import UserError, Users

GOOD = "correct horse 9 battery"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """One officer."""
    users = Users(tmp_path / "data" / "users.db")
    users.add("li.wei", Role.OFFICER, GOOD)
    return users


def test_only_the_right_password_of_an_enabled_user_signs_in(users: Users) -> None:
    user = users.check("li.wei", GOOD)
    assert user is not None
    assert user.role is Role.OFFICER
    assert users.check("li.wei", GOOD + "x") is None
    assert users.check("nobody", GOOD) is None
    users.set_enabled("li.wei", False)
    assert users.check("li.wei", GOOD) is None
    assert users.find("li.wei") is None


def test_a_changed_password_replaces_the_old_one(users: Users) -> None:
    users.set_password("li.wei", "another long secret")
    assert users.check("li.wei", GOOD) is None
    assert users.check("li.wei", "another long secret") is not None


@pytest.mark.parametrize(
    ("name", "role", "password", "expected"),
    [
        ("Li Wei", Role.OFFICER, GOOD, "name: expected"),
        ("twin-officer", Role.OFFICER, GOOD, "name: expected"),
        ("li.wei", Role.OFFICER, GOOD, "exists already"),
        ("zhao", Role.SYSTEM, GOOD, "a person's role"),
        ("zhao", Role.OFFICER, "short", "password: expected 12..256"),
        ("zhao", Role.OFFICER, "my name is zhao!", "without the name"),
    ],
)
def test_bad_accounts_are_refused(users: Users, name: str, role: Role, password: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        users.add(name, role, password)
    assert [user.name for user in users.list()] == ["li.wei"]


def test_an_unknown_name_can_not_be_changed(users: Users) -> None:
    with pytest.raises(UserError, match="no user 'zhao'"):
        users.set_password("zhao", GOOD)


def test_the_file_is_private_and_holds_no_password(users: Users, tmp_path: Path) -> None:
    path = tmp_path / "data" / "users.db"
    assert path.stat().st_mode & 0o077 == 0
    stored = sqlite3.connect(path).execute("SELECT password FROM user").fetchone()[0]
    assert stored.startswith("$argon2id$")
    assert GOOD.encode() not in path.read_bytes()


def test_no_file_means_no_users(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.db")
    assert users.list() == []
    assert users.check("a", "b") is None
    assert not (tmp_path / "users.db").exists()
