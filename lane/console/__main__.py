"""The console's process: ``python -m lane.console --run RUN``; ends when its standard input closes."""

import argparse
import asyncio
import json
import os
import secrets
import socket
import sys
from pathlib import Path

import uvicorn

from lane.console.server import make_app
from lane.model.words import LaneKind
from lane.users import Users

ADDRESS_FILE = "console.json"
"""RUN/console.json tells the address; owner-only, because a twin lane's one-time entry stands in it."""


def main() -> None:
    """Serve one run until the supervisor's pipe closes (``--keep``: until interrupted)."""
    parser = argparse.ArgumentParser(prog="python -m lane.console", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--users", type=Path, required=True, help="database of named users")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--kind", type=LaneKind, choices=list(LaneKind), default=LaneKind.LIVE)
    parser.add_argument("--keep", action="store_true", help="do not watch standard input")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments))


async def serve(arguments: argparse.Namespace) -> None:
    """Bind first, so that the address written is the address served."""
    bound = socket.create_server((arguments.host, arguments.port))
    host, port = bound.getsockname()[:2]
    token = secrets.token_urlsafe(24) if arguments.kind is LaneKind.TWIN else ""
    app = make_app(arguments.run, Users(arguments.users), kind=arguments.kind, one_time_token=token)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="on"))
    _write_address(arguments.run / ADDRESS_FILE, f"http://{host}:{port}", token)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    if not arguments.keep:
        closed = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
        await asyncio.wait({serving, closed}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
    await serving


def _write_address(path: Path, url: str, token: str) -> None:
    text = json.dumps({"url": url, "one_time": f"{url}/enter?token={token}" if token else ""})
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


if __name__ == "__main__":
    main()
