"""The mailbox: bounded lines, replies, a clear error when the core is down."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from lane.mailbox import LINE_BYTES_MAX, Mailbox, MailboxDown, ask, socket_path


async def echo(message: dict[str, Any]) -> dict[str, Any]:
    """Answers with what it got."""
    return {"accepted": True, "got": message}


def talk(run: Path, *lines: bytes) -> list[bytes]:
    """Send raw lines to a running mailbox; the replies."""

    def client() -> list[bytes]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(socket_path(run)))
            file = connection.makefile("rwb")
            replies = []
            for line in lines:
                file.write(line)
                file.flush()
                replies.append(file.readline())
            return replies

    async def session() -> list[bytes]:
        mailbox = Mailbox(run, echo)
        await mailbox.start()
        try:
            return await asyncio.to_thread(client)
        finally:
            await mailbox.stop()

    return asyncio.run(session())


def test_several_requests_on_one_connection_get_their_replies_in_order(tmp_path: Path) -> None:
    replies = talk(tmp_path, b'{"ask":"a"}\n', b'{"ask":"b"}\n')
    assert replies == [b'{"accepted":true,"got":{"ask":"a"}}\n', b'{"accepted":true,"got":{"ask":"b"}}\n']


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"not json\n", b"expected one JSON object per line"),
        (b"[1]\n", b"expected a JSON object"),
        (b"\xff\xfe\n", b"expected one JSON object per line"),
        (b"x" * (LINE_BYTES_MAX + 10) + b"\n", b"expected a line of at most"),
    ],
)
def test_a_line_that_is_no_request_gets_a_reason(tmp_path: Path, line: bytes, expected: bytes) -> None:
    (reply,) = talk(tmp_path, line)
    assert b'"accepted":false' in reply
    assert expected in reply


def test_without_a_core_the_caller_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MailboxDown, match="start it with `lane run`"):
        ask(tmp_path, {"ask": "state"})


def test_a_long_run_path_gets_a_socket_elsewhere_and_leaves_nothing_behind(tmp_path: Path) -> None:
    run = tmp_path / ("long" * 40)
    run.mkdir()

    async def session() -> dict[str, Any]:
        mailbox = Mailbox(run, echo)
        await mailbox.start()
        assert socket_path(run).parent != run
        assert socket_path(run).stat().st_mode & 0o077 == 0
        answer = await asyncio.to_thread(ask, run, {"ask": "state"})
        await mailbox.stop()
        return answer

    assert asyncio.run(session()) == {"accepted": True, "got": {"ask": "state"}}
    assert list(run.iterdir()) == []


def test_a_socket_left_by_a_killed_core_is_replaced(tmp_path: Path) -> None:
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(tmp_path / "mailbox.sock"))
    old.close()
    assert talk(tmp_path, b"{}\n") == [b'{"accepted":true,"got":{}}\n']


def test_nesting_deeper_than_any_order_gets_a_reason_and_the_connection_goes_on(tmp_path: Path) -> None:
    deep, sound = talk(tmp_path, b"[" * 30_000 + b"]" * 30_000 + b"\n", b'{"ask":"b"}\n')
    assert b"expected one JSON object per line" in deep
    assert b'"accepted":true' in sound


def test_half_a_surrogate_pair_in_a_reply_is_written_as_its_escape(tmp_path: Path) -> None:
    (reply,) = talk(tmp_path, b'{"person":"\\ud800"}\n')
    assert reply == b'{"accepted":true,"got":{"person":"\\ud800"}}\n'


def test_a_caller_that_never_ends_its_line_is_sent_away(tmp_path: Path) -> None:
    def client() -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(socket_path(tmp_path)))
            connection.sendall(b'{"ask":')
            return connection.recv(100)

    async def session() -> bytes:
        mailbox = Mailbox(tmp_path, echo, call_s_max=0.05)
        await mailbox.start()
        try:
            return await asyncio.wait_for(asyncio.to_thread(client), 20)
        finally:
            await mailbox.stop()

    assert asyncio.run(session()) == b""


def test_a_caller_that_asks_without_end_leaves_the_loop_to_others(tmp_path: Path) -> None:
    def client() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(socket_path(tmp_path)))
            connection.sendall(b'{"ask":"a"}\n' * 1_000)
            connection.recv(1)

    async def session() -> int:
        answered = 0

        async def count(_: dict[str, Any]) -> dict[str, Any]:
            nonlocal answered
            answered += 1
            return {}

        mailbox = Mailbox(tmp_path, count)
        await mailbox.start()
        try:
            await asyncio.to_thread(client)
            return answered
        finally:
            await mailbox.stop()

    assert 1 <= asyncio.run(session()) < 1_000
