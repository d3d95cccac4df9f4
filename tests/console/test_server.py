"""The console's server without a browser: what a request may bring, and what it must never bring back."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lane.console import orders, pages, server
from lane.console.limits import BODY_BYTES_MAX
from lane.model.words import LaneKind, Role
from lane.users import Users

ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Requests that reached the mailbox; the core accepts all of them."""
    taken: list[dict[str, Any]] = []
    lock = threading.Lock()

    def ask(run: Path, message: dict[str, Any]) -> dict[str, Any]:
        with lock:
            taken.append(message)
        return {"accepted": True, "index": 1}

    monkeypatch.setattr(orders, "ask", ask)
    return taken


@pytest.fixture
def officer(tmp_path: Path, asked: list[dict[str, Any]]) -> Iterator[TestClient]:
    """Somebody signed in by the one-time address of a twin lane."""
    app = server.make_app(tmp_path, Users(tmp_path / "users.db"), kind=LaneKind.TWIN, one_time_token="once")
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    assert client.get("/enter", params={"token": "once"}).status_code == 303
    yield client
    client.close()


def test_an_order_reaches_the_core_in_the_name_of_whoever_is_signed_in(
    officer: TestClient, asked: list[dict[str, Any]]
) -> None:
    answer = officer.post("/api/orders", json={"order": "Inspect", "fields": {"seq": 4, "nonce": "n"}}, headers=ORIGIN)
    assert answer.status_code == 200
    assert asked == [{"order": "Inspect", "seq": 4, "nonce": "n", "person": "twin-officer", "role": "supervisor"}]


@pytest.mark.parametrize("name", sorted(orders.NOT_FIELDS))
def test_fields_of_an_order_can_be_no_other_request(
    officer: TestClient, asked: list[dict[str, Any]], name: str
) -> None:
    answer = officer.post("/api/orders", json={"order": "Inspect", "fields": {"seq": 4, name: "state"}}, headers=ORIGIN)
    assert (answer.status_code, answer.json()) == (422, {"detail": f"fields: {name} can't be given here."})
    assert asked == []


@pytest.mark.parametrize("path", ["/api/orders", "/api/login"])
def test_a_long_body_is_refused_before_it_is_parsed(officer: TestClient, path: str) -> None:
    answer = officer.post(path, content=b"x" * (BODY_BYTES_MAX + 1), headers=ORIGIN)
    assert answer.status_code == 413
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_body_that_comes_in_pieces_without_a_length_is_bounded_too(officer: TestClient) -> None:
    answer = officer.post("/api/login", content=iter([b"x" * 1_000] * 100), headers=ORIGIN)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"\\ud800","password":"\\ud800-secret"}',
        b'{"name":5,"password":["secret"]}',
        b"{",
        b"null",
        b"[" * 9_999,
    ],
)
def test_an_unreadable_sign_in_is_refused_and_nothing_of_it_is_sent_back(officer: TestClient, body: bytes) -> None:
    answer = officer.post("/api/login", content=body, headers={**ORIGIN, "Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert "secret" not in answer.text


def test_an_order_longer_than_the_mailbox_takes_is_refused_as_such(
    officer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(run: Path, message: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("request: expected at most 65536 bytes, was 70000")

    monkeypatch.setattr(orders, "ask", too_long)
    answer = officer.post("/api/orders", json={"order": "Inspect", "fields": {"seq": 4}}, headers=ORIGIN)
    assert answer.status_code == 413


def signed(tmp_path: Path, role: Role, kind: LaneKind = LaneKind.LIVE) -> TestClient:
    """Somebody signed in by name."""
    users = Users(tmp_path / "users.db")
    users.add("somebody", role, "correct horse 9 battery")
    client = TestClient(server.make_app(tmp_path, users, kind=kind), follow_redirects=False)
    body = {"name": "somebody", "password": "correct horse 9 battery"}
    assert client.post("/api/login", json=body, headers=ORIGIN).status_code == 200
    return client


def test_a_supervisor_enters_rolled_digits_with_spaces(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    client = signed(tmp_path, Role.SUPERVISOR)
    assert client.get("/api/me").json()["nonces"] is True
    answer = client.post("/api/nonces", json={"digits": "04817 33926 58140 72695"}, headers=ORIGIN)
    assert answer.status_code == 200
    assert asked == [{"digits": "04817339265814072695", "person": "somebody"}]
    answer = client.post("/api/nonces", json={"digits": "123"}, headers=ORIGIN)
    assert (answer.status_code, len(asked)) == (422, 1)
    assert "expected 20 digits" in answer.json()["detail"]


def test_an_officer_enters_no_digits_and_shelves_no_alarm(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    client = signed(tmp_path, Role.OFFICER)
    me = client.get("/api/me").json()
    assert me["nonces"] is False
    assert "MoveCustody" in me["orders"]
    assert not {"ShelveAlarm", "AddRule", "SetGroundMode"} & set(me["orders"])
    for path, body in (
        ("/api/nonces", {"digits": "1" * 20}),
        ("/api/orders", {"order": "ShelveAlarm", "fields": {"number": 402, "until_us": 9}}),
    ):
        assert client.post(path, json=body, headers=ORIGIN).status_code == 403
    assert asked == []


def test_a_used_one_time_address_shows_the_sign_in_page_and_says_why(officer: TestClient) -> None:
    answer = officer.get("/enter", params={"token": "once"})
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'id="login"' in answer.text
    assert pages.USED_ADDRESS in answer.text


def test_a_change_without_an_origin_is_told_from_one_with_another(officer: TestClient) -> None:
    body = {"order": "Stop"}
    assert officer.post("/api/orders", json=body).json() == {"detail": "Refused: the request names no origin."}
    other = officer.post("/api/orders", json=body, headers={"Origin": "http://evil.invalid"})
    assert other.json() == {"detail": "Refused: the request comes from another origin."}


def test_the_description_of_the_requests_is_for_signed_in_persons(officer: TestClient, tmp_path: Path) -> None:
    assert "/api/nonces" in officer.get("/openapi.json").json()["paths"]
    officer.cookies.clear()
    assert officer.get("/openapi.json").status_code == 401
