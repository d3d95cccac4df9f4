"""What the mailbox answers: orders, acknowledgements, nonces, live figures."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from msgspec.structs import fields as fields_of

from lane.codec import CodecError, from_plain
from lane.draw import rolled
from lane.inputs import AnyInput, MessageAcknowledged, OrderGiven
from lane.model.words import Role
from lane.orders import AnyOrder, Start, Unhold, refusal_of
from lane.runtime.core import CoreStopped
from lane.users import TWIN_PREFIX, Users

ORDERS: dict[str, type] = {cls.__name__: cls for cls in get_args(AnyOrder)}
KEY_HEX = 64

Post = Callable[[AnyInput], Awaitable[tuple[int, str]]]
EnterDigits = Callable[[str, str], Awaitable[int]]

REQUESTS = frozenset({"order", "ask", "ack", "digits"})
"""What a request can be. One that is two of them is refused: a caller who checked one might be answered the other."""

ROLLERS = frozenset({Role.OFFICER, Role.SUPERVISOR})
"""Who may enter the public digits of the draw."""

STARTING = (Start, Unhold)
"""Orders that wait until this process can see: parcels inducted before would all go to INSPECT."""


class OrderRefusal(ValueError):
    """The request is no order that this person may give; nothing was recorded."""


class OrderDesk:
    """Turns requests into inputs. Persons of a live lane need an account in the role they act in."""

    def __init__(
        self,
        *,
        twin: bool,
        users: Users,
        post: Post,
        stamp: Callable[[], tuple[int, int]],
        state: Callable[[], dict[str, Any]],
        enter_digits: EnterDigits,
        unready: Callable[[], str] = lambda: "",
    ) -> None:
        self._twin = twin
        self._users = users
        self._post = post
        self._stamp = stamp
        self._state = state
        self._enter_digits = enter_digits
        self._unready = unready

    async def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer one request of the mailbox."""
        try:
            if len(asked := sorted(REQUESTS & message.keys())) > 1:
                return _refused(f"expected one request, was {' and '.join(asked)}")
            match message:
                case {"ask": "state"}:
                    return self._state()
                case {"ack": str(key)}:
                    return await self._acknowledge(key)
                case {"order": str(name)}:
                    return await self._order(name, message)
                case {"digits": str(digits), "person": str(person)}:
                    self._check_roller(person)
                    return {"accepted": True, "epochs": await self._enter_digits(rolled(digits), person)}
                case _:
                    return _refused('expected "order", "ask", "ack" or "digits"')
        except (OrderRefusal, ValueError) as error:
            return _refused(str(error))
        except CoreStopped as error:
            return _refused(f"the core stops: {error}")

    async def _order(self, name: str, message: dict[str, Any]) -> dict[str, Any]:
        cls = ORDERS.get(name)
        if cls is None:
            raise OrderRefusal(f"unknown order {name!r}; known: {', '.join(sorted(ORDERS))}")
        fields = {key: value for key, value in message.items() if key not in ("order", "token")}
        fields.setdefault("nonce", secrets.token_hex(8))
        for field in fields_of(cls):
            if not field.required:
                fields.setdefault(field.name, field.default)
        try:
            order: AnyOrder = from_plain(cls, fields)
        except CodecError as error:
            said = str(error)  # it begins with the order's name where a field is wrong
            raise OrderRefusal(said if said.startswith(name) else f"{name}: {said}") from error
        self._check_person(order.person, order.role, name)
        if isinstance(order, STARTING) and (reason := self._unready()):
            raise OrderRefusal(f"{name}: {reason}")
        second = getattr(order, "second", "")
        if second:
            self._check_person(second, None)
        at_us, belt_um = self._stamp()
        index, reason = await self._post(OrderGiven(at_us=at_us, belt_um=belt_um, order=order))
        answer: dict[str, Any] = {"accepted": not reason, "index": index}
        return {**answer, "reason": reason} if reason else answer

    async def _acknowledge(self, key: str) -> dict[str, Any]:
        if len(key) != KEY_HEX or not set(key) <= set("0123456789abcdef"):
            raise OrderRefusal("ack: expected 64 lower-case hex digits")
        at_us, belt_um = self._stamp()
        index, _ = await self._post(MessageAcknowledged(at_us=at_us, belt_um=belt_um, idempotency_key=key))
        return {"accepted": True, "index": index}

    def _check_roller(self, person: str) -> None:
        """Nonces are rolled by officers and supervisors."""
        self._check_person(person, None)
        user = None if self._twin else self._users.find(person)
        if user is not None and user.role not in ROLLERS:
            raise OrderRefusal(f"person: {person!r} is {user.role}; expected an officer or a supervisor")

    def _check_person(self, person: str, role: Role | None, order: str = "") -> None:
        if role is not None and order and (reason := refusal_of(order, role)):
            raise OrderRefusal(f"{order}: {reason}")
        if self._twin:
            if not person:
                raise OrderRefusal("person: expected a name")
            return
        if person.startswith(TWIN_PREFIX):
            raise OrderRefusal(f"person: {person!r} exists on twin lanes only")
        user = self._users.find(person)
        if user is None:
            raise OrderRefusal(f"person: no enabled user {person!r}; see `lane users list`")
        if role is not None and user.role is not role:
            raise OrderRefusal(f"role: {person!r} is {user.role}, not {role}")


def _refused(reason: str) -> dict[str, Any]:
    return {"accepted": False, "reason": reason}
