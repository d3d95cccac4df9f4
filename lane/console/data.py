"""What the pages read: who looks, the lane's state, parcels, pictures, and the live connection."""

import asyncio
import json
from typing import Any

from fastapi import APIRouter, HTTPException, Response, WebSocket, WebSocketDisconnect

from lane.console.access import AtDesk, Signed, same_origin
from lane.console.live import Hub
from lane.console.pictures import overlay_json, picture_png
from lane.console.sessions import COOKIE, ORDERS
from lane.model.words import LaneKind, Role

router = APIRouter()


@router.get("/api/me")
def me(desk: AtDesk, session: Signed) -> dict[str, Any]:
    """Whoever is signed in, and what the role may do."""
    orders = sorted(ORDERS[session.role])
    nonces = session.role is Role.SUPERVISOR and desk.kind is LaneKind.LIVE
    return {"person": session.person, "role": session.role, "orders": orders, "nonces": nonces}


@router.get("/api/state")
def state(desk: AtDesk, _: Signed) -> dict[str, Any]:
    """Everything the Lane page shows."""
    return desk.hub.state()


@router.get("/api/parcels")
def parcels(desk: AtDesk, _: Signed, find: str = "") -> list[dict[str, Any]]:
    """Parcels whose waybill, code, list, order or lane number fits, newest first."""
    return [view.brief() for view in desk.hub.view.find(find[:80])[:50]]


@router.get("/api/parcels/{seq}")
def parcel(desk: AtDesk, _: Signed, seq: int) -> dict[str, Any]:
    """One parcel with its records; 404 when it is no longer in memory."""
    view = desk.hub.view.parcel(seq)
    if view is None:
        raise HTTPException(404, f"Parcel {seq} is not among the last parcels of this lane.")
    return {**view.detail(), "story": _story(desk.hub, view.records, hide_draw=not view.decided)}


@router.get("/api/images/{sha256}.png")
async def image(desk: AtDesk, _: Signed, sha256: str) -> Response:
    """An X-ray picture of this run as PNG; 404 when it is missing or its bytes do not match its hash."""
    png = await asyncio.to_thread(picture_png, desk.run, sha256)
    if png is None:
        raise HTTPException(404, "No such picture in this run, or its bytes do not match its hash.")
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=86400, immutable"})


@router.get("/api/overlays/{sha256}.json")
def overlay(desk: AtDesk, _: Signed, sha256: str) -> Response:
    """Outlines of the pieces found in a picture."""
    text = overlay_json(desk.run, sha256)
    if text is None:
        raise HTTPException(404, "No outlines are stored for this picture.")
    return Response(text, media_type="application/json")


@router.websocket("/live")
async def live(socket: WebSocket, desk: AtDesk) -> None:
    """The newest state whenever it changes; closed with 4401 to strangers and when the session ends."""
    token = socket.cookies.get(COOKIE)
    if not same_origin(socket.headers) or desk.sessions.find(token) is None:
        await socket.close(4401)
        return
    await socket.accept()
    try:
        async for message in desk.hub.messages():
            if desk.sessions.find(token, using=False) is None:
                await socket.close(4401)
                return
            await socket.send_text(message)
    except (WebSocketDisconnect, RuntimeError):
        return


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
