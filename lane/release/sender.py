"""The message sender: a process of its own that takes waiting messages from the journal until they are accepted.

``python -m lane.release.sender RUN``; destinations are in ``RUN/config/release.json``. It only reads the journal;
acknowledgements go to the core through the mailbox. It ends when its standard input closes (the supervisor is gone).
Order per parcel is kept: a parcel's next message waits for the one before it.
"""

import argparse
import asyncio
import json
import logging
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from lane.codec import from_plain
from lane.mailbox import MailboxDown, ask
from lane.release.transport import TransportError, drop_file, post, read_secret
from lane.settings.station import Destination

LOOK_S = 0.05
"""Pause between looks at the outbox; with it the exit eye to acknowledgement stays near 100 ms."""
RETRY_S_FIRST = 1.0
RETRY_S_MAX = 60.0
"""Wait after a refusal: 1 s, doubling to 60 s."""
AT_ONCE_MAX = 8
"""Messages on their way at the same time; they belong to different parcels."""
LOOK_ROWS_MAX = 500

log = logging.getLogger("lane.release.sender")
Acknowledge = Callable[[str], None]


@dataclass(slots=True)
class Attempt:
    """What this process knows of one waiting message: who took it already, and when to try again."""

    taken: set[str] = field(default_factory=set)
    failures: int = 0
    not_before_s: float = 0.0

    def failed(self, now_s: float) -> None:
        """Plan the next try."""
        self.not_before_s = now_s + min(RETRY_S_FIRST * 2**self.failures, RETRY_S_MAX)
        self.failures += 1


class Sender:
    """Delivers what ``outbox`` in ``RUN/journal.db`` holds to every destination, again and again until accepted."""

    def __init__(self, run: Path, destinations: tuple[Destination, ...], acknowledge: Acknowledge) -> None:
        self._run = run
        self._destinations = destinations
        self._acknowledge = acknowledge
        self._attempts: dict[str, Attempt] = {}
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._parcels: set[int] = set()
        self._connection: sqlite3.Connection | None = None
        self._secrets = {item.name: read_secret(Path(item.secret_file)) for item in destinations if item.kind == "http"}

    async def run(self) -> None:
        """Look and send until cancelled."""
        async with httpx.AsyncClient() as client:
            while True:
                for key, seq, synthetic, body in self._waiting():
                    self._start(client, key, seq, synthetic, body)
                await asyncio.sleep(LOOK_S)

    def _start(self, client: httpx.AsyncClient, key: str, seq: int, synthetic: bool, body: bytes) -> None:
        attempt = self._attempts.setdefault(key, Attempt())
        if attempt.not_before_s > time.monotonic() or len(self._flying) >= AT_ONCE_MAX:
            return
        task = asyncio.create_task(self._send(client, attempt, key, synthetic, body))
        self._flying[key] = task
        self._parcels.add(seq)

        def landed(done: asyncio.Task[None]) -> None:
            del self._flying[key]
            self._parcels.discard(seq)
            if not done.cancelled():
                done.result()

        task.add_done_callback(landed)

    async def _send(self, client: httpx.AsyncClient, attempt: Attempt, key: str, synthetic: bool, body: bytes) -> None:
        try:
            for destination in self._destinations:
                if destination.name in attempt.taken:
                    continue
                await self._deliver(client, destination, key, synthetic, body)
                attempt.taken.add(destination.name)
            await asyncio.to_thread(self._acknowledge, key)
            self._attempts.pop(key, None)
        except (TransportError, MailboxDown) as error:
            if attempt.failures == 0:
                log.warning("message %s... waits: %s", key[:12], error)
            attempt.failed(time.monotonic())

    async def _deliver(
        self, client: httpx.AsyncClient, destination: Destination, key: str, synthetic: bool, body: bytes
    ) -> None:
        if synthetic and not destination.test_receiver:
            raise TransportError(f"{destination.name}: is no test receiver, the message is synthetic")
        if destination.kind == "file":
            folder = self._run / destination.target
            await asyncio.to_thread(drop_file, folder, key, body, wait_for_ack=destination.wait_for_ack)
        else:
            await post(client, destination, self._secrets[destination.name], key, body, int(time.time()))

    def _waiting(self) -> list[tuple[str, int, bool, bytes]]:
        """Waiting messages in journal order, the oldest of each parcel only, without those on their way."""
        try:
            connection = self._connect()
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT idempotency_key, seq, synthetic, body FROM outbox WHERE state = 'waiting' ORDER BY idx LIMIT ?",
                (LOOK_ROWS_MAX,),
            ).fetchall()
        except sqlite3.OperationalError as error:
            log.warning("the journal can't be read at the moment: %s", error)
            self.close()
            return []
        seen = set(self._parcels)
        oldest = []
        for key, seq, synthetic, body in rows:
            if seq not in seen:
                seen.add(seq)
                oldest.append((key, seq, bool(synthetic), bytes(body)))
        return oldest

    def _connect(self) -> sqlite3.Connection | None:
        path = self._run / "journal.db"
        if self._connection is None and path.exists():
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone() is None:
                connection.close()
                return None
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Let go of the journal."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def acknowledge_to(run: Path) -> Acknowledge:
    """Tells the core of a run that a message was accepted."""

    def acknowledge(key: str) -> None:
        answer = ask(run, {"ack": key})
        if not answer.get("accepted"):
            raise MailboxDown(str(answer.get("reason", "the core did not take the acknowledgement")))

    return acknowledge


async def serve(run: Path, destinations: tuple[Destination, ...]) -> None:
    """Send until standard input closes."""
    sender = Sender(run, destinations, acknowledge_to(run))
    sending = asyncio.create_task(sender.run())
    closed = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
    done, _ = await asyncio.wait({sending, closed}, return_when=asyncio.FIRST_COMPLETED)
    sending.cancel()
    if sending in done:
        await sending


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="python -m lane.release.sender", description=__doc__)
    parser.add_argument("run", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    plain = json.loads((arguments.run / "config" / "release.json").read_text(encoding="utf-8"))
    asyncio.run(serve(arguments.run, from_plain(tuple[Destination, ...], plain)))


if __name__ == "__main__":
    main()
