"""Orders of persons: who may ask what, reviews, bench results, custody, rules, alarms. A refusal always says why."""

from collections.abc import Callable

from lane import alarms
from lane import machine as packml
from lane.controller import evidence, running
from lane.controller.deciding import revise
from lane.controller.desk import Desk
from lane.controller.permitting import doubt
from lane.controller.state import NONCES_MAX, RULES_MAX, Place, ReviewState, Rule
from lane.errors import Cause
from lane.events.machine import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmShelved,
    GroundModeSet,
    OrderRefused,
    RuleAdded,
)
from lane.events.parcel import (
    BenchRecorded,
    CustodyMoved,
    InspectionOrdered,
    ParcelReleased,
    ReviewAnswered,
)
from lane.inputs import OrderGiven
from lane.machine import Command
from lane.model.grounds import ADVISABLE, Ground
from lane.model.words import BenchResult, Custody, MessageKind, StatusClass, Via
from lane.orders import (
    Abort,
    AcknowledgeAlarm,
    AddRule,
    AnyOrder,
    Clear,
    Complete,
    Hold,
    Inspect,
    KeyIn,
    MoveCustody,
    Order,
    RecordBench,
    Reset,
    Review,
    SetGroundMode,
    ShelveAlarm,
    Start,
    Stop,
    Unhold,
    refusal_of,
)

RULE_US_MAX = 7 * 24 * 3_600 * 1_000_000
"""A supervisor's rule lasts a week at most; a standing rule is a change of configuration."""
ONE_PERSON = frozenset({BenchResult.INSPECTED_AND_RELEASED, BenchResult.RESCAN})
"""Results that one officer may record alone; all others need a second person."""
CUSTODY_AFTER = {
    BenchResult.INSPECTED_AND_RELEASED: Custody.IN_RELEASE_AREA,
    BenchResult.ORDER_MODIFIED: Custody.HELD,
    BenchResult.ORDER_DELETED: Custody.BACK_IN_WAREHOUSE,
    BenchResult.TRANSFERRED_TO_ANTI_SMUGGLING: Custody.WITH_AUTHORITY,
    BenchResult.RETURNED: Custody.BACK_IN_WAREHOUSE,
    BenchResult.DETAINED: Custody.WITH_AUTHORITY,
    BenchResult.RESCAN: Custody.BACK_IN_WAREHOUSE,
}
"""Where a parcel is after its bench result; HELD stays at the bench until a new list version arrives."""
HANDED_OVER = frozenset({Custody.DEPARTED, Custody.WITH_AUTHORITY, Custody.BACK_IN_WAREHOUSE})
"""From here on the lane no longer answers for the parcel and forgets it."""
MOVABLE = {
    Custody.IN_RELEASE_AREA: frozenset({Custody.IN_CAGE, Custody.DEPARTED, Custody.AT_BENCH}),
    Custody.IN_CAGE: frozenset({Custody.IN_RELEASE_AREA, Custody.DEPARTED, Custody.AT_BENCH}),
    Custody.AT_BENCH: frozenset({Custody.HELD, Custody.WITH_AUTHORITY}),
    Custody.HELD: frozenset({Custody.AT_BENCH, Custody.WITH_AUTHORITY, Custody.BACK_IN_WAREHOUSE}),
    Custody.UNPROVEN: frozenset({Custody.AT_BENCH}),
    Custody.REMOVED: frozenset({Custody.AT_BENCH}),
}
"""From where to where a parcel may be moved by hand. A recalled one may not depart."""

_COMMANDS: dict[type[Order], Command] = {
    Reset: Command.RESET,
    Start: Command.START,
    Unhold: Command.UNHOLD,
    Clear: Command.CLEAR,
    Complete: Command.COMPLETE,
}
_CAUSES: dict[type[Order], tuple[Command, Cause]] = {
    Stop: (Command.STOP, Cause.STOPPED_BY_PERSON),
    Hold: (Command.HOLD, Cause.HELD_BY_PERSON),
    Abort: (Command.ABORT, Cause.ABORTED_BY_PERSON),
}

_RELEASED_BY_BENCH, _MODIFIED, _RELEASED = (
    BenchResult.INSPECTED_AND_RELEASED,
    BenchResult.ORDER_MODIFIED,
    StatusClass.RELEASED,
)
_RESULT_MESSAGE, _RELEASE_MESSAGE, _BENCH = MessageKind.BENCH_RESULT, MessageKind.RELEASE, Via.BENCH
_AT_BENCH = Custody.AT_BENCH


def order_given(desk: Desk, item: OrderGiven) -> None:
    """Check person and nonce, then obey or refuse."""
    order = item.order
    desk.census_due = True
    reason = _allowed(desk, order)
    if not reason:
        reason = _HANDLERS[type(order)](desk, order)
    if reason:
        desk.events.append(
            OrderRefused(
                at_us=desk.at_us,
                belt_um=desk.belt_um,
                order=type(order).__name__,
                person=order.person,
                reason=reason,
            )
        )


def _allowed(desk: Desk, order: AnyOrder) -> str:
    nonces = desk.state.nonces
    if not order.person:
        return "an order needs a named person"
    if not order.nonce:
        return "an order needs a nonce"
    if order.nonce in nonces:
        return "this order was given before (used nonce)"
    reason = refusal_of(type(order).__name__, order.role)
    if reason:
        return reason
    nonces[order.nonce] = desk.state.at_us
    if len(nonces) > NONCES_MAX:
        del nonces[next(iter(nonces))]
    return ""


def _state_order(desk: Desk, order: Order) -> str:
    if type(order) in _CAUSES:
        given, cause = _CAUSES[type(order)]
        refused = packml.reach(desk.machine.state, given) is None
        if refused:
            return packml.refusal(desk.machine.state, given)
        desk.want(cause, person=order.person)
        return ""
    return running.command(desk, _COMMANDS[type(order)], Cause.ORDERED, order.person)


def _two(order: AddRule | SetGroundMode | RecordBench) -> str:
    if not order.second or order.second == order.person:
        return "two different persons are needed"
    return ""


def _review(desk: Desk, order: Review) -> str:
    """Bound to parcel and picture; only while the question is open."""
    parcel = desk.state.parcels.get(order.seq)
    if parcel is None:
        return f"parcel {order.seq} is not on the belt"
    if parcel.decided:
        return f"parcel {order.seq} is decided already"
    if parcel.review is not ReviewState.ASKED:
        return f"nobody was asked about parcel {order.seq}"
    if order.image_sha256 != parcel.image_sha256:
        return "the answer names another picture than the parcel's"
    cleared = [ground for ground in parcel.review_grounds if ground in parcel.grounds] if order.clear else []
    parcel.review = ReviewState.CLEARED if order.clear else ReviewState.INSPECT
    parcel.reviewer = order.person
    for ground in cleared:
        parcel.grounds.remove(ground)
        parcel.cleared.append(ground)
    desk.events.append(
        ReviewAnswered(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=order.seq,
            image_sha256=order.image_sha256,
            person=order.person,
            clear=order.clear,
            cleared=tuple(cleared),
        )
    )
    if not order.clear:
        desk.ground(parcel, Ground.OFFICER_ORDER)
    return ""


def _inspect(desk: Desk, order: Inspect) -> str:
    parcel = desk.state.parcels.get(order.seq)
    if parcel is None:
        return f"parcel {order.seq} is not on the belt"
    desk.events.append(
        InspectionOrdered(at_us=desk.at_us, belt_um=desk.belt_um, seq=order.seq, person=order.person, rule="")
    )
    doubt(desk, parcel, Ground.OFFICER_ORDER)
    return ""


def _record_bench(desk: Desk, order: RecordBench) -> str:
    """The result of opening a parcel ends its way (or sends it round again)."""
    state = desk.state
    place = state.bench.get(order.seq) or state.unproven.get(order.seq)
    if place is None:
        return f"parcel {order.seq} is not at the bench"
    if order.person == place.reviewer or (order.second and order.second == place.reviewer):
        return f"{place.reviewer} judged this parcel's picture and may not record its bench result"
    if order.result not in ONE_PERSON:
        reason = _two(order)
        if reason:
            return f"{order.result}: {reason}"
    if order.result is _RELEASED_BY_BENCH:
        if place.status_class is not _RELEASED:
            return f"status class is {place.status_class}, a release needs RELEASED"
        if place.quarantined:
            return "the second authority has not released it"
        counted = {line_no for line_no, _ in order.found}
        missing = [str(line_no) for line_no in place.count_lines if line_no not in counted]
        if missing:
            return f"the content is in doubt: expected pieces found of every line, line {', '.join(missing)} missing"
    desk.events.append(
        BenchRecorded(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=order.seq,
            result=order.result,
            found=order.found,
            seal=order.seal,
            person=order.person,
            second=order.second,
        )
    )
    desk.message(order.seq, _RESULT_MESSAGE, revise(place, _RESULT_MESSAGE), _BENCH)
    state.bench.pop(order.seq, None)
    state.unproven.pop(order.seq, None)
    if order.result is _RELEASED_BY_BENCH:
        place.recalled = False
        state.released[order.seq] = place
        desk.events.append(
            ParcelReleased(at_us=desk.at_us, belt_um=desk.belt_um, seq=order.seq, via=_BENCH, permit_no=0, exit_um=0)
        )
        desk.message(order.seq, _RELEASE_MESSAGE, revise(place, _RELEASE_MESSAGE), _BENCH)
    elif order.result is _MODIFIED:
        state.bench[order.seq] = place
    _moved(desk, place, CUSTODY_AFTER[order.result], "", order.person)
    return ""


def _moved(desk: Desk, place: Place, custody: Custody, container: str, person: str) -> None:
    place.custody = custody
    desk.events.append(
        CustodyMoved(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=place.seq,
            custody=custody,
            container=container,
            person=person,
        )
    )
    if custody in HANDED_OVER:
        desk.state.released.pop(place.seq, None)
        desk.state.bench.pop(place.seq, None)
        desk.forget_code(place.code, place.seq)


def _move_custody(desk: Desk, order: MoveCustody) -> str:
    state = desk.state
    place = state.released.get(order.seq) or state.bench.get(order.seq) or state.unproven.get(order.seq)
    if place is None:
        return f"parcel {order.seq} is neither at the bench nor in the release area"
    if order.custody not in MOVABLE[place.custody]:
        return f"parcel {order.seq} is {place.custody}; from there it can't become {order.custody}"
    if place.recalled and order.custody is not _AT_BENCH:
        return f"parcel {order.seq} is recalled: it may only go to the bench"
    if order.custody is _AT_BENCH:
        state.released.pop(order.seq, None)
        state.unproven.pop(order.seq, None)
        state.bench[order.seq] = place
        if order.seq not in desk.codes.get(place.code, ()):
            desk.know_code(place.code, order.seq)
    _moved(desk, place, order.custody, order.container, order.person)
    return ""


def _acknowledge(desk: Desk, order: AcknowledgeAlarm) -> str:
    ended = alarms.acknowledged(desk.state.alarms, order.number)
    if ended is None:
        return f"alarm {order.number} does not wait for an acknowledgement"
    desk.events.append(
        AlarmAcknowledged(at_us=desk.at_us, belt_um=desk.belt_um, number=order.number, person=order.person)
    )
    if ended:
        desk.events.append(AlarmCleared(at_us=desk.at_us, belt_um=desk.belt_um, number=order.number))
    return ""


def _shelve(desk: Desk, order: ShelveAlarm) -> str:
    reason = alarms.shelved(desk.state.alarms, order.number, desk.state.at_us, order.until_us)
    if not reason:
        desk.events.append(
            AlarmShelved(
                at_us=desk.at_us,
                belt_um=desk.belt_um,
                number=order.number,
                person=order.person,
                until_us=order.until_us,
            )
        )
    return reason


def _add_rule(desk: Desk, order: AddRule) -> str:
    """Upward only: a rule can ask for more opening, never for less."""
    state = desk.state
    reason = _two(order)
    if reason:
        return reason
    if not (order.sku or order.hs_prefix or order.declarant):
        return "a rule needs goods, an HS prefix or a declarant"
    if not state.at_us < order.until_us <= state.at_us + RULE_US_MAX:
        return "a rule ends within seven days"
    state.rules[:] = [rule for rule in state.rules if rule.until_us > state.at_us]
    if len(state.rules) >= RULES_MAX:
        return f"{RULES_MAX} rules are in force already"
    state.rules.append(
        Rule(
            rule=order.rule,
            sku=order.sku,
            hs_prefix=order.hs_prefix,
            declarant=order.declarant,
            until_us=order.until_us,
        )
    )
    desk.events.append(
        RuleAdded(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            rule=order.rule,
            sku=order.sku,
            hs_prefix=order.hs_prefix,
            declarant=order.declarant,
            until_us=order.until_us,
            person=order.person,
            second=order.second,
        )
    )
    for parcel in state.parcels.values():
        if parcel.answered and not parcel.decided:
            evidence.apply_rules(desk, parcel)
    return ""


def _ground_mode(desk: Desk, order: SetGroundMode) -> str:
    """Advisory or enforced, for parcels judged from here on."""
    reason = _two(order)
    if reason:
        return reason
    if order.ground not in ADVISABLE:
        return f"{order.ground} can't be advisory: only content and weight grounds can"
    advisory = desk.state.advisory
    if order.advisory and order.ground not in advisory:
        advisory.append(order.ground)
    elif not order.advisory and order.ground in advisory:
        advisory.remove(order.ground)
    desk.events.append(
        GroundModeSet(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            ground=order.ground,
            advisory=order.advisory,
            person=order.person,
            second=order.second,
        )
    )
    return ""


def _key_in(desk: Desk, order: KeyIn) -> str:
    """Recorded with the order for the bench; it never lifts INSPECT."""
    if order.text != order.again:
        return "both entries must be the same"
    known = desk.state.parcels.get(order.seq) or desk.state.bench.get(order.seq)
    return "" if known is not None else f"parcel {order.seq} is neither on the belt nor at the bench"


_HANDLERS: dict[type[Order], Callable[[Desk, "AnyOrder"], str]] = {
    **dict.fromkeys((Reset, Start, Stop, Hold, Unhold, Abort, Clear, Complete), _state_order),
    Review: _review,  # type: ignore[dict-item]
    Inspect: _inspect,  # type: ignore[dict-item]
    RecordBench: _record_bench,  # type: ignore[dict-item]
    MoveCustody: _move_custody,  # type: ignore[dict-item]
    AcknowledgeAlarm: _acknowledge,  # type: ignore[dict-item]
    ShelveAlarm: _shelve,  # type: ignore[dict-item]
    AddRule: _add_rule,  # type: ignore[dict-item]
    SetGroundMode: _ground_mode,  # type: ignore[dict-item]
    KeyIn: _key_in,  # type: ignore[dict-item]
}
