"""The console's server without a browser: what a request may bring, and what it must never bring back."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lane.console import server
from lane.console.limits import BODY_BYTES_MAX
from lane.model.words import LaneKind
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

    monkeypatch.setattr(server, "ask", ask)
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


@pytest.mark.parametrize("name", sorted(server.NOT_FIELDS))
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

    monkeypatch.setattr(server, "ask", too_long)
    answer = officer.post("/api/orders", json={"order": "Inspect", "fields": {"seq": 4}}, headers=ORIGIN)
    assert answer.status_code == 413
