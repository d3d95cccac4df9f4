"""A bound on what a request may bring, kept before anything is parsed."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

BODY_BYTES_MAX = 64 * 1024
"""As much as the core's mailbox takes; the largest order needs less than 8 KiB."""


class BodyLimit:
    """ASGI middleware: a request with a longer body is answered with 413 and its body is not kept."""

    def __init__(self, app: App, bytes_max: int = BODY_BYTES_MAX) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take the whole body, up to the limit, then hand it on in one piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller went away
            body += message.get("body", b"")
            if len(body) > self._bytes_max:
                await self._refuse(send)
                return
            if not message.get("more_body", False):
                break
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def once() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, once, send)

    async def _refuse(self, send: Send) -> None:
        text = f'{{"detail":"The request is too long: at most {self._bytes_max} bytes."}}'.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
        headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": text})
