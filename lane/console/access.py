"""What every route is given: the desk it works at, and who is signed in there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Cookie, Depends, HTTPException
from starlette.requests import HTTPConnection

from lane.console.live import Hub
from lane.console.sessions import Session, Sessions
from lane.model.words import LaneKind
from lane.users import Users

Token = Annotated[str | None, Cookie()]
"""Value of the session's cookie; a route's parameter of this type is called ``lane_session``, as the cookie is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One console over one run directory; ``app.state.desk`` of its web application."""

    run: Path
    users: Users
    kind: LaneKind
    hub: Hub
    sessions: Sessions


async def desk_of(connection: HTTPConnection) -> Desk:
    """The desk behind a request or a WebSocket."""
    desk = connection.app.state.desk
    assert isinstance(desk, Desk), "the application has no desk: make it with make_app"
    return desk


AtDesk = Annotated[Desk, Depends(desk_of)]
"""A route's parameter for the desk; it lets everybody in."""


def signed_in(desk: AtDesk, lane_session: Token = None) -> Session:
    """The session of whoever asks. Raises HTTPException 401 when there is none."""
    session = desk.sessions.find(lane_session)
    if session is None:
        raise HTTPException(401, "Not signed in, or the session has ended: sign in again.")
    return session


Signed = Annotated[Session, Depends(signed_in)]
"""A route's parameter that lets in only who is signed in."""


def same_origin(headers: Mapping[str, str]) -> bool:
    """A browser always names the origin of a change; it must be the address that the page came from."""
    origin = headers.get("origin")
    return origin is not None and origin.split("://", 1)[-1] == headers.get("host", "")
