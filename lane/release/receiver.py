"""The bundled test receiver: takes messages, loses and doubles some on purpose, and acts exactly once per key.

It is declared a test receiver by whoever configures it; a real receiver follows the same rule: look the idempotency key
up and act in one transaction, then answer.
"""

import json
import random
import sqlite3
import threading
import time
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lane.release.transport import verify_signature

BODY_BYTES_MAX = 1024 * 1024


@dataclass(slots=True)
class Counts:
    """What the receiver saw and did."""

    requests: int = 0
    lost_before: int = 0
    lost_after: int = 0
    doubled: int = 0
    repeated: int = 0
    acted: int = 0
    refused: int = 0


class Inbox:
    """Acts once per idempotency key; the ledger is a SQLite table with the key as its primary key."""

    def __init__(self, ledger: Path, *, loss: float, duplicate: float, seed: int) -> None:
        self.counts = Counts()
        self._random = random.Random(seed)
        self._loss = loss
        self._duplicate = duplicate
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(ledger, check_same_thread=False, isolation_level=None)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS acted(idempotency_key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT"
        )

    def take(self, key: str, body: bytes) -> bool:
        """One delivery. Returns whether the sender gets an answer."""
        with self._lock:
            self.counts.requests += 1
            fate = self._random.random()
            if fate < self._loss / 2:
                self.counts.lost_before += 1
                return False
            self._act(key, body)
            if self._random.random() < self._duplicate:
                self.counts.doubled += 1
                self._act(key, body)
            if fate < self._loss:
                self.counts.lost_after += 1
                return False
            return True

    def refuse(self) -> None:
        """Count a request with a wrong signature or form."""
        with self._lock:
            self.counts.requests += 1
            self.counts.refused += 1

    def messages(self) -> list[bytes]:
        """Bodies acted upon, in order."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT body FROM acted ORDER BY rowid")]

    def summary(self) -> dict[str, int]:
        """The counts as plain data."""
        with self._lock:
            return asdict(self.counts)

    def close(self) -> None:
        """Close the ledger."""
        self._connection.close()

    def _act(self, key: str, body: bytes) -> None:
        inserted = self._connection.execute("INSERT OR IGNORE INTO acted VALUES (?, ?)", (key, body)).rowcount
        if inserted:
            self.counts.acted += 1
        else:
            self.counts.repeated += 1


def serve(inbox: Inbox, secret: bytes, *, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """An HTTP server around an inbox (not yet running: call ``serve_forever``)."""

    class Handler(BaseHTTPRequestHandler):
        """One POST is one message."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Check signature and key, act, answer (or hang up)."""
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(min(length, BODY_BYTES_MAX))
            headers = {name.lower(): value for name, value in self.headers.items()}
            key = headers.get("idempotency-key", "")
            if not verify_signature(secret, headers, body, int(time.time())) or _key_of(body) != key:
                inbox.refuse()
                self._answer(401, {"accepted": False, "reason": "signature or idempotency key"})
            elif inbox.take(key, body):
                self._answer(200, {"idempotency_key": key, "accepted": True})
            else:
                self.close_connection = True

        def _answer(self, status: int, answer: dict[str, object]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the summary tells the counts."""

    return ThreadingHTTPServer((host, port), Handler)


def take_dropped(folder: Path, inbox: Inbox) -> int:
    """Take messages from a drop folder and write their acknowledgement files; returns how many were answered."""
    answered = 0
    for path in sorted(folder.glob("*.json")):
        acknowledgement = path.with_suffix(".ack")
        body = path.read_bytes()
        key = _key_of(body)
        if acknowledgement.exists() or key != path.stem or not inbox.take(key, body):
            continue
        temporary = path.with_suffix(".ack-part")
        temporary.write_text(json.dumps({"idempotency_key": key, "accepted": True}), encoding="utf-8")
        temporary.replace(acknowledgement)
        answered += 1
    return answered


def _key_of(body: bytes) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    key = message.get("idempotency_key") if isinstance(message, dict) else ""
    return key if isinstance(key, str) else ""
