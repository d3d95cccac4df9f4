"""What persons order: each order goes to the core's mailbox in the name of whoever is signed in."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from lane.console.access import AtDesk, Signed
from lane.console.sessions import ORDERS
from lane.draw import rolled
from lane.mailbox import MailboxDown, ask
from lane.model.words import Role

NOT_FIELDS = frozenset({"order", "person", "role", "token", "ask", "ack", "digits"})
"""What a request to the core says besides an order's own fields: the session and this server say it, never the page.
With ``ask`` among them an officer would be told the core's own figures, the draw's counters too."""

router = APIRouter()


class OrderRequest(BaseModel):
    """One order: its name in ``lane.orders`` and its own fields; person and role come from the session."""

    order: str = Field(min_length=1, max_length=40)
    fields: dict[str, Any] = Field(default_factory=dict)


class Rolled(BaseModel):
    """Twenty rolled digits for the epochs that wait; spaces allowed."""

    digits: str = Field(min_length=1, max_length=80)


@router.post("/api/orders")
async def order(desk: AtDesk, session: Signed, request: OrderRequest) -> dict[str, Any]:
    """Give one order; answers what the core said: 403 when it is not for the role, 503 when the core is down."""
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
    return await _answer(desk.run, message)


@router.post("/api/nonces")
async def nonces(desk: AtDesk, session: Signed, request: Rolled) -> dict[str, Any]:
    """Enter the rolled digits of the draw; for supervisors."""
    if session.role is not Role.SUPERVISOR:
        raise HTTPException(403, f"Rolled digits are entered by a supervisor, not by the role {session.role}.")
    try:
        digits = rolled(request.digits)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return await _answer(desk.run, {"digits": digits, "person": session.person})


async def _answer(run: Path, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return await asyncio.to_thread(ask, run, message)
    except MailboxDown as down:
        raise HTTPException(503, f"The lane's core does not answer: {down}") from down
    except ValueError as error:
        raise HTTPException(413, f"The order is too long: {error}") from error
