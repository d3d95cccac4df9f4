"""The console's web server: pages, one WebSocket, orders into the mailbox. No device, no controller (C8)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from lane.console import data, orders, pages
from lane.console.access import Desk, Signed, same_origin
from lane.console.limits import BodyLimit
from lane.console.live import Hub
from lane.console.sessions import Sessions
from lane.model.words import LaneKind
from lane.users import Users

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

router = APIRouter()


def make_app(run: Path, users: Users, *, kind: LaneKind, one_time_token: str = "") -> FastAPI:
    """The console over one run directory. ``one_time_token`` signs in once, as a twin officer, on a twin lane only."""
    sessions = Sessions(one_time_token=one_time_token if kind is LaneKind.TWIN else "")
    app = FastAPI(title="X-ray lane console", lifespan=_follow, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(run=run, users=users, kind=kind, hub=Hub(run), sessions=sessions)
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    app.add_middleware(BodyLimit)
    app.exception_handler(RequestValidationError)(_unreadable)
    app.middleware("http")(_guard)  # added last, so that it stands before the limit and sees its refusals too
    for part in (router, pages.router, data.router, orders.router):
        app.include_router(part)
    return app


@router.get("/openapi.json")
def openapi(_: Signed, request: Request) -> dict[str, Any]:
    """This description of the requests; for signed-in persons."""
    app = request.app
    assert isinstance(app, FastAPI)
    return app.openapi()


@asynccontextmanager
async def _follow(app: FastAPI) -> AsyncIterator[None]:
    """While the server runs, its hub follows the journal."""
    follower = asyncio.create_task(app.state.desk.hub.follow())
    try:
        yield
    finally:
        follower.cancel()


async def _unreadable(_: Request, error: RequestValidationError) -> Response:
    # What was sent is not sent back: it may be a password, or text that no answer can hold.
    wrong = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    return JSONResponse({"detail": "; ".join(wrong).encode("utf-8", "replace").decode()}, 422)


async def _guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Changes come from our own pages only, and every answer tells the browser what it may do with it."""
    if request.method not in ("GET", "HEAD") and not same_origin(request.headers):
        named = "origin" in request.headers
        why = "the request comes from another origin" if named else "the request names no origin"
        return JSONResponse({"detail": f"Refused: {why}."}, 403)
    response = await answer(request)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
