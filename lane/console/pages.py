"""Pages, and the ways in and out: by name and password, by the one-time address of a demo."""

import html
from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from lane.console.access import AtDesk, Token
from lane.console.sessions import COOKIE
from lane.model.words import Role

STATIC = Path(__file__).parent / "static"
PAGES = ("lane", "bench", "parcel")
MESSAGE_LINE = '<p id="message" class="message" role="status"></p>'
USED_ADDRESS = "This one-time address was used already. Sign in by name, or start a new demo."

router = APIRouter()


class SignIn(BaseModel):
    """Name and password of a named user."""

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


@router.get("/")
def start(desk: AtDesk, lane_session: Token = None) -> RedirectResponse:
    """The Lane page, or the sign-in page for who is not signed in."""
    return RedirectResponse("/lane" if desk.sessions.find(lane_session) else "/login")


@router.get("/login")
def login_page() -> FileResponse:
    """The sign-in page."""
    return FileResponse(STATIC / "login.html")


@router.get("/enter")
def enter(desk: AtDesk, token: str) -> Response:
    """Sign in by the one-time address of a twin lane; a used one shows the sign-in page and says why."""
    if not desk.sessions.spend_one_time(token):
        return HTMLResponse(_login_saying(USED_ADDRESS), 403)
    return _with_cookie(RedirectResponse("/lane", 303), desk.sessions.begin("twin-officer", Role.SUPERVISOR))


@router.post("/api/login")
def login(desk: AtDesk, sign_in: SignIn) -> Response:
    """Sign in by name: 401 for a wrong name or password, 429 while the name is locked."""
    if desk.sessions.locked(sign_in.name):
        raise HTTPException(429, "Too many wrong passwords: wait a minute, then try again.")
    user = desk.users.check(sign_in.name, sign_in.password)
    if user is None:
        desk.sessions.failed(sign_in.name)
        raise HTTPException(401, "Name or password is wrong.")
    return _with_cookie(JSONResponse({"person": user.name}), desk.sessions.begin(user.name, user.role))


@router.post("/api/logout")
def logout(desk: AtDesk, lane_session: Token = None) -> Response:
    """End the session, if there is one."""
    desk.sessions.end(lane_session)
    response = JSONResponse({})
    response.delete_cookie(COOKIE)
    return response


def _page(name: str) -> Callable[..., Response]:
    def page(desk: AtDesk, lane_session: Token = None) -> Response:
        if desk.sessions.find(lane_session) is None:
            return RedirectResponse("/login")
        return FileResponse(STATIC / f"{name}.html")

    return page


for _name in PAGES:
    router.get(f"/{_name}")(_page(_name))


def _login_saying(sentence: str) -> str:
    """The sign-in page with a sentence in its message line."""
    page = (STATIC / "login.html").read_text(encoding="utf-8")
    assert MESSAGE_LINE in page, "login.html has no message line"
    return page.replace(MESSAGE_LINE, MESSAGE_LINE.replace("></p>", f">{html.escape(sentence)}</p>"))


def _with_cookie(response: Response, token: str) -> Response:
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
    return response
