"""Orders in, figures out: a Unix socket of the core, JSON lines, bounded.

Only the core writes the journal, so everything a person asks goes through here; with the core down a caller gets
``MailboxDown``, never silence. Request and reply:

``{"order": "<class in lane/orders.py>", "person":..., "role":..., "nonce":..., ...fields}``
    -> ``{"accepted": true, "index": n}`` once the order's record is durable (``refused`` carries the core's reason when
    it did not obey) or ``{"accepted": false, "reason": ...}`` when it was not even an order.
``{"ask": "state"}``
    -> live figures of the lane.
``{"ack": "<idempotency key>"}``
    -> a receiver took this message (from the sender process).

The socket belongs to the core's user alone (mode 0600); who may use it acts for the person named in an order, after
checking that person's password (console and command line do).
"""

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 64 * 1024
"""The largest order (a bench result of 99 lines) needs less than 8 KiB."""
REPLY_BYTES_MAX = 1024 * 1024
"""Live figures of a full lane with all devices stay far below."""
CONNECTIONS_MAX = 64
"""Console, sender, and a handful of command lines; more callers are refused, not queued."""
PATH_BYTES_MAX = 100
"""``sun_path`` holds 108 bytes on Linux; longer run paths get a socket in a temporary directory."""
ANSWER_S_MAX = 10.0
"""A commit takes milliseconds; a core that does not answer for so long is down."""
CALL_S_MAX = 30.0
"""A caller that sends no whole line, or reads no reply, for so long is sent away: it holds one of the few places."""
PAUSE_S = 0.01
"""Between two requests of one connection: nobody's questions may hold up the loop that steers the gate."""
SOCKET_NAME = "mailbox.sock"
POINTER_NAME = "mailbox.path"

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class MailboxDown(RuntimeError):
    """The core of this run does not answer: it is not running, or it is starting again."""


def ask(run: Path, message: dict[str, Any], *, timeout_s: float = ANSWER_S_MAX) -> dict[str, Any]:
    """Send one request to the core of a run and return its reply (blocking).

    Raises ``MailboxDown`` when the core does not answer.
    """
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"request: expected at most {LINE_BYTES_MAX} bytes, was {len(line)}")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(socket_path(run)))
            connection.sendall(line)
            reply = _read_line(connection)
        answer = json.loads(reply)
    except (OSError, ValueError) as error:
        raise MailboxDown(
            f"the core of {run} does not answer ({error}): start it with `lane run`, or name the right run directory"
        ) from error
    if not isinstance(answer, dict):
        raise MailboxDown(f"the core of {run} answered no object")
    return answer


def _read_line(connection: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n"):
        chunk = connection.recv(65_536)
        if not chunk:
            raise ConnectionError("it closed the connection")
        data += chunk
        if len(data) > REPLY_BYTES_MAX:
            raise ConnectionError("its reply is too long")
    return bytes(data)


def socket_path(run: Path) -> Path:
    """Where the mailbox of a run is (or was): in the run directory, or where ``mailbox.path`` points."""
    pointer = run / POINTER_NAME
    if pointer.is_file():
        return Path(pointer.read_text(encoding="utf-8").strip())
    return (run / SOCKET_NAME).resolve()


class Mailbox:
    """The core's end. One request per line; a connection may send many, one at a time."""

    def __init__(self, run: Path, handler: Handler, *, call_s_max: float = CALL_S_MAX) -> None:
        self._run = run
        self._handler = handler
        self._call_s_max = call_s_max
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the socket (replacing what a killed core left behind)."""
        path = self._choose_path()
        path.unlink(missing_ok=True)
        previous = os.umask(stat.S_IRWXG | stat.S_IRWXO)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(path), limit=LINE_BYTES_MAX)
        finally:
            os.umask(previous)

    async def stop(self) -> None:
        """Close the socket and its connections."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        socket_path(self._run).unlink(missing_ok=True)
        (self._run / POINTER_NAME).unlink(missing_ok=True)

    def _choose_path(self) -> Path:
        near = (self._run / SOCKET_NAME).resolve()
        pointer = self._run / POINTER_NAME
        if len(os.fsencode(near)) <= PATH_BYTES_MAX:
            pointer.unlink(missing_ok=True)
            return near
        path = Path(tempfile.mkdtemp(prefix="lane-")) / SOCKET_NAME
        pointer.write_text(f"{path}\n", encoding="utf-8")
        return path

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._tasks) > CONNECTIONS_MAX:
                await _reply(writer, _refused(f"the mailbox has {CONNECTIONS_MAX} callers already: try again"))
            else:
                await self._converse(reader, writer)
        except (ConnectionError, TimeoutError):
            return  # the caller went away or fell silent; its order, if any, is in the journal
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(self._call_s_max):
                    line = await reader.readline()
            except ValueError:
                await _reply(writer, _refused(f"expected a line of at most {LINE_BYTES_MAX} bytes"))
                return
            if not line:
                return
            answer = await self._answer(line)
            async with asyncio.timeout(self._call_s_max):
                await _reply(writer, answer)
            await asyncio.sleep(PAUSE_S)

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            return _refused(f"expected one JSON object per line: {error}")
        if not isinstance(message, dict):
            return _refused("expected a JSON object")
        return await self._handler(message)


def _refused(reason: str) -> dict[str, Any]:
    return {"accepted": False, "reason": reason}


async def _reply(writer: asyncio.StreamWriter, reply: dict[str, Any]) -> None:
    text = json.dumps(reply, separators=(",", ":"), ensure_ascii=False)
    # A reason may quote half a surrogate pair out of the request; written as its escape it is JSON again.
    writer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    await writer.drain()
