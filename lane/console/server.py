"""The console's web server: pages, one WebSocket, orders into the mailbox. No device, no controller (C8)."""

import asyncio
import html
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Cookie, Depends, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from lane.console.limits import BodyLimit
from lane.console.live import Hub
from lane.console.pictures import overlay_json, picture_png
from lane.console.sessions import COOKIE, ORDERS, Session, Sessions
from lane.draw import rolled
from lane.mailbox import MailboxDown, ask
from lane.model.words import LaneKind, Role
from lane.users import Users

STATIC = Path(__file__).parent / "static"
PAGES = ("lane", "bench", "parcel")
MESSAGE_LINE = '<p id="message" class="message" role="status"></p>'
USED_ADDRESS = "This one-time address was used already. Sign in by name, or start a new demo."
NOT_FIELDS = frozenset({"order", "person", "role", "token", "ask", "ack", "digits"})
"""What a request to the core says besides an order's own fields: the session and this server say it, never the page.
With ``ask`` among them an officer would be told the core's own figures, the draw's counters too."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class SignIn(BaseModel):
    """Name and password of a named user."""

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class OrderRequest(BaseModel):
    """One order: its name in ``lane.orders`` and its own fields; person and role come from the session."""

    order: str = Field(min_length=1, max_length=40)
    fields: dict[str, Any] = Field(default_factory=dict)


class Rolled(BaseModel):
    """Twenty rolled digits for the epochs that wait; spaces allowed."""

    digits: str = Field(min_length=1, max_length=80)


def make_app(run: Path, users: Users, *, kind: LaneKind, one_time_token: str = "") -> FastAPI:
    """The console over one run directory. ``one_time_token`` signs in once, as a twin officer, on a twin lane only."""
    hub = Hub(run)
    sessions = Sessions(one_time_token=one_time_token if kind is LaneKind.TWIN else "")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        follower = asyncio.create_task(hub.follow())
        try:
            yield
        finally:
            follower.cancel()

    app = FastAPI(title="X-ray lane console", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(BodyLimit)

    @app.exception_handler(RequestValidationError)
    async def unreadable(_: Request, error: RequestValidationError) -> Response:
        # What was sent is not sent back: it may be a password, or text that no answer can hold.
        wrong = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        return JSONResponse({"detail": "; ".join(wrong).encode("utf-8", "replace").decode()}, 422)

    def signed_in(lane_session: Annotated[str | None, Cookie()] = None) -> Session:
        session = sessions.find(lane_session)
        if session is None:
            raise HTTPException(401, "Not signed in, or the session has ended: sign in again.")
        return session

    Signed = Annotated[Session, Depends(signed_in)]

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        origin = request.headers.get("origin")
        if request.method not in ("GET", "HEAD") and not _same_origin(origin, request.headers):
            why = "the request names no origin" if origin is None else "the request comes from another origin"
            return JSONResponse({"detail": f"Refused: {why}."}, 403)
        response = await answer(request)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.get("/")
    def start(lane_session: Annotated[str | None, Cookie()] = None) -> RedirectResponse:
        return RedirectResponse("/lane" if sessions.find(lane_session) else "/login")

    @app.get("/login")
    def login_page() -> FileResponse:
        return FileResponse(STATIC / "login.html")

    @app.get("/openapi.json")
    def openapi(_: Signed) -> dict[str, Any]:
        return app.openapi()

    @app.get("/enter")
    def enter(token: str) -> Response:
        if not sessions.spend_one_time(token):
            return HTMLResponse(_login_saying(USED_ADDRESS), 403)
        return _with_cookie(RedirectResponse("/lane", 303), sessions.begin("twin-officer", Role.SUPERVISOR))

    @app.post("/api/login")
    def login(sign_in: SignIn) -> Response:
        if sessions.locked(sign_in.name):
            raise HTTPException(429, "Too many wrong passwords: wait a minute, then try again.")
        user = users.check(sign_in.name, sign_in.password)
        if user is None:
            sessions.failed(sign_in.name)
            raise HTTPException(401, "Name or password is wrong.")
        return _with_cookie(JSONResponse({"person": user.name}), sessions.begin(user.name, user.role))

    @app.post("/api/logout")
    def logout(lane_session: Annotated[str | None, Cookie()] = None) -> Response:
        sessions.end(lane_session)
        response = JSONResponse({})
        response.delete_cookie(COOKIE)
        return response

    for page in PAGES:
        app.get(f"/{page}")(_page(page, sessions))

    @app.get("/api/me")
    def me(session: Signed) -> dict[str, Any]:
        orders = sorted(ORDERS[session.role])
        nonces = session.role is Role.SUPERVISOR and kind is LaneKind.LIVE
        return {"person": session.person, "role": session.role, "orders": orders, "nonces": nonces}

    @app.get("/api/state")
    def state(_: Signed) -> dict[str, Any]:
        return hub.state()

    @app.get("/api/parcels")
    def parcels(_: Signed, find: str = "") -> list[dict[str, Any]]:
        return [view.brief() for view in hub.view.find(find[:80])[:50]]

    @app.get("/api/parcels/{seq}")
    def parcel(_: Signed, seq: int) -> dict[str, Any]:
        view = hub.view.parcel(seq)
        if view is None:
            raise HTTPException(404, f"Parcel {seq} is not among the last parcels of this lane.")
        return {**view.detail(), "story": _story(hub, view.records, hide_draw=not view.decided)}

    @app.get("/api/images/{sha256}.png")
    async def image(_: Signed, sha256: str) -> Response:
        png = await asyncio.to_thread(picture_png, run, sha256)
        if png is None:
            raise HTTPException(404, "No such picture in this run, or its bytes do not match its hash.")
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=86400, immutable"})

    @app.get("/api/overlays/{sha256}.json")
    def overlay(_: Signed, sha256: str) -> Response:
        text = overlay_json(run, sha256)
        if text is None:
            raise HTTPException(404, "No outlines are stored for this picture.")
        return Response(text, media_type="application/json")

    @app.post("/api/orders")
    async def order(session: Signed, request: OrderRequest) -> dict[str, Any]:
        if request.order not in ORDERS[session.role]:
            raise HTTPException(403, f"{request.order} is not for the role {session.role}.")
        if extra := sorted(NOT_FIELDS & request.fields.keys()):
            raise HTTPException(422, f"fields: {', '.join(extra)} can't be given here.")
        message = {
            **request.fields,
            "order": request.order,
            "person": session.person,
            "role": str(session.role),
            "nonce": request.fields.get("nonce") or secrets.token_hex(8),
        }
        return await _answer(run, message)

    @app.post("/api/nonces")
    async def nonces(session: Signed, request: Rolled) -> dict[str, Any]:
        if session.role is not Role.SUPERVISOR:
            raise HTTPException(403, f"Rolled digits are entered by a supervisor, not by the role {session.role}.")
        try:
            digits = rolled(request.digits)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return await _answer(run, {"digits": digits, "person": session.person})

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        if not _same_origin(socket.headers.get("origin"), socket.headers) or (
            sessions.find(socket.cookies.get(COOKIE)) is None
        ):
            await socket.close(4401)
            return
        await socket.accept()
        try:
            async for message in hub.messages():
                if sessions.find(socket.cookies.get(COOKIE), using=False) is None:
                    await socket.close(4401)
                    return
                await socket.send_text(message)
        except (WebSocketDisconnect, RuntimeError):
            return

    return app


async def _answer(run: Path, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return await asyncio.to_thread(ask, run, message)
    except MailboxDown as down:
        raise HTTPException(503, f"The lane's core does not answer: {down}") from down
    except ValueError as error:
        raise HTTPException(413, f"The order is too long: {error}") from error


def _login_saying(sentence: str) -> str:
    """The sign-in page with a sentence in its message line."""
    page = (STATIC / "login.html").read_text(encoding="utf-8")
    assert MESSAGE_LINE in page, "login.html has no message line"
    return page.replace(MESSAGE_LINE, MESSAGE_LINE.replace("></p>", f">{html.escape(sentence)}</p>"))


def _page(name: str, sessions: Sessions) -> Callable[..., Response]:
    def page(lane_session: Annotated[str | None, Cookie()] = None) -> Response:
        if sessions.find(lane_session) is None:
            return RedirectResponse("/login")
        return FileResponse(STATIC / f"{name}.html")

    return page


def _with_cookie(response: Response, token: str) -> Response:
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
    return response


def _same_origin(origin: str | None, headers: Any) -> bool:
    """A browser always names the origin of a change; it must be the address that the page came from."""
    return origin is not None and origin.split("://", 1)[-1] == headers.get("host", "")


def _story(hub: Hub, records: list[int], *, hide_draw: bool) -> list[dict[str, Any]]:
    """The parcel's records as data; the draw's record only after the decision."""
    story = []
    for index in records:
        body = hub.tail.body(index)
        if body is None:
            continue
        record = json.loads(body)
        if hide_draw and record["kind"] == "ParcelDrawn":
            continue
        story.append({"index": index, **record})
    return story
