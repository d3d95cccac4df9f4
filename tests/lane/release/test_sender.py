"""Delivery: exactly once in effect, whatever the network does."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lane.events.machine import MessageDone
from lane.model.words import MessageKind, Via
from lane.release import sender as sender_module
from lane.release.receiver import Inbox, serve, take_dropped
from lane.release.render import idempotency_key
from lane.release.sender import Attempt, Sender
from lane.release.transport import (
    TransportError,
    accepted,
    drop_file,
    read_secret,
    signature,
    verify_signature,
)
from lane.settings.station import Destination
from tests.lane.release.release_parcels import LANE, SITE, Book, passage, queued, started

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A journal stand-in with 25 released parcels, the first of which also has a bench message."""
    book = Book(tmp_path / "journal.db")
    book.feed([started()])
    for seq in range(1, 26):
        book.feed(passage(seq, seq * 1_000_000))
    book.feed([queued(1, MessageKind.BENCH_RESULT, 90_000_000, via=Via.BENCH)])
    return book


def drain(run: Path, destinations: tuple[Destination, ...], done: Callable[[str], None], count: int) -> None:
    """Run a sender until ``count`` messages were acknowledged."""
    seen: list[str] = []

    def acknowledge(key: str) -> None:
        done(key)
        seen.append(key)

    async def session() -> None:
        sender = Sender(run, destinations, acknowledge)
        task = asyncio.create_task(sender.run())
        async with asyncio.timeout(60):
            while len(seen) < count and not task.done():  # noqa: ASYNC110 - acknowledged in threads
                await asyncio.sleep(0.01)
        task.cancel()
        sender.close()

    asyncio.run(session())
    assert len(seen) == count


def acknowledging(path: Path) -> Callable[[str], None]:
    """What the core does with an acknowledgement, on the stand-in."""

    def done(key: str) -> None:
        connection = sqlite3.connect(path, timeout=5)
        with connection:
            connection.execute("UPDATE outbox SET state = 'done' WHERE idempotency_key = ?", (key,))
        connection.close()

    return done


def test_a_lossy_doubling_receiver_acts_exactly_once_per_message(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "RETRY_S_FIRST", 0.02)
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    inbox = Inbox(tmp_path / "ledger.db", loss=0.2, duplicate=0.2, seed=7)
    server = serve(inbox, SECRET)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    hook = Destination(name="hook", kind="http", target=url, secret_file=str(secret), test_receiver=True)
    try:
        drain(tmp_path, (hook,), acknowledging(tmp_path / "journal.db"), 26)
    finally:
        server.shutdown()
        server.server_close()
    counts = inbox.summary()
    assert counts["acted"] == 26
    assert counts["lost_before"] + counts["lost_after"] > 0
    assert counts["doubled"] > 0
    assert counts["repeated"] == counts["requests"] - counts["lost_before"] + counts["doubled"] - 26
    acted = [json.loads(body) for body in inbox.messages()]
    assert sorted(message["parcel_number"] for message in acted) == sorted([*range(1, 26), 1])
    of_first = [message["kind"] for message in acted if message["parcel_number"] == 1]
    assert of_first == ["RELEASE", "BENCH_RESULT"]


def test_a_drop_folder_with_a_receiver_acknowledges_by_file(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "RETRY_S_FIRST", 0.02)
    inbox = Inbox(tmp_path / "ledger.db", loss=0.2, duplicate=0.2, seed=1)
    stop = threading.Event()

    def receive() -> None:
        while not stop.wait(0.02):
            take_dropped(tmp_path / "outbox", inbox)

    thread = threading.Thread(target=receive)
    thread.start()
    drop = Destination(name="drop", kind="file", target="outbox", wait_for_ack=True, test_receiver=True)
    try:
        drain(tmp_path, (drop,), acknowledging(tmp_path / "journal.db"), 26)
    finally:
        stop.set()
        thread.join()
    assert inbox.summary()["acted"] == 26
    assert sorted(path.suffix for path in (tmp_path / "outbox").iterdir()) == [".ack"] * 26 + [".json"] * 26


def test_a_synthetic_message_never_leaves_to_a_real_receiver(book: Book, tmp_path: Path) -> None:
    drop = Destination(name="drop", kind="file", target="outbox", test_receiver=False)

    async def session() -> list[str]:
        seen: list[str] = []
        sender = Sender(tmp_path, (drop,), seen.append)
        task = asyncio.create_task(sender.run())
        await asyncio.sleep(0.2)
        task.cancel()
        sender.close()
        return seen

    assert asyncio.run(session()) == []
    assert not (tmp_path / "outbox").exists()


def test_waits_double_from_one_second_to_one_minute() -> None:
    attempt = Attempt()
    waits = []
    for _ in range(9):
        attempt.failed(100.0)
        waits.append(attempt.not_before_s - 100.0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_a_file_is_dropped_whole_and_once(tmp_path: Path) -> None:
    drop_file(tmp_path / "o", "k", b"{}", wait_for_ack=False)
    drop_file(tmp_path / "o", "k", b"other", wait_for_ack=False)
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "o").iterdir()] == [("k.json", b"{}")]
    with pytest.raises(TransportError, match=r"no acknowledgement k\.ack yet"):
        drop_file(tmp_path / "o", "k", b"{}", wait_for_ack=True)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # Vector of the specification's reference libraries: msg_p5jXN8AQM9LWM0D4loKWxJek, 1614265330.
    import base64

    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v1,wrong {made}",
    }
    assert verify_signature(secret, headers, body, 1614265330 + 300)
    assert not verify_signature(secret, headers, body, 1614265330 + 301)
    assert not verify_signature(secret, headers, body + b" ", 1614265330)
    assert not verify_signature(secret, {}, body, 1614265330)


@pytest.mark.parametrize(
    ("reply", "good"),
    [
        (b'{"idempotency_key":"k","accepted":true}', True),
        (b'{"idempotency_key":"x","accepted":true}', False),
        (b'{"idempotency_key":"k","accepted":1}', False),
        (b"[]", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_only_an_explicit_acceptance_of_this_key_counts(reply: bytes, good: bool) -> None:
    assert accepted(reply, "k") is good


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o644)
    with pytest.raises(TransportError, match="expected mode 0600, was 0644"):
        read_secret(path)
    path.chmod(0o600)
    assert read_secret(path) == SECRET
    path.write_bytes(b"short")
    with pytest.raises(TransportError, match="at least 24 bytes"):
        read_secret(path)


def test_the_core_takes_an_acknowledgement_only_for_what_waits(book: Book) -> None:
    key = idempotency_key(SITE, LANE, 3, MessageKind.RELEASE, 1)
    done = MessageDone(at_us=1, belt_um=0, idempotency_key=key)
    book.feed([done, done])
    state = book.connection.execute("SELECT state, done_at_us FROM outbox WHERE idempotency_key = ?", (key,)).fetchone()
    assert state == ("done", 1)
