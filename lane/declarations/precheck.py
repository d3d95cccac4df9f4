"""Advisory pre-check: do order (CEB311), waybill message (CEB511) and list agree? Shown, never a ground or verdict.

Customs matches order, payment and waybill; the lane consumes that verdict. Compared here: order number, waybill
number, platform, line numbers, sum of quantities, country. Consignees are not compared: they never enter.
"""

import json
from collections.abc import Sequence

from lane.declarations.records import Declaration
from lane.declarations.words import Precheck

DIRECT = "9610"
"""Direct trade: the list's country is where the goods come from. Bonded goods leave a warehouse in the country."""


def compare(declaration: Declaration, orders: Sequence[str], waybill_orders: Sequence[str]) -> Precheck:
    """Compare a list with what is known of its order and its waybill.

    ``orders``: stored bodies of orders with the list's order number; ``waybill_orders``: order numbers that waybill
    messages name for the parcel. NOT_CHECKED unless both sides were supplied.
    """
    if not orders or not waybill_orders:
        return Precheck.NOT_CHECKED
    fits = declaration.order_no in waybill_orders and any(_fits(declaration, body) for body in orders)
    return Precheck.AGREES if fits else Precheck.DIFFERS


def _fits(declaration: Declaration, body: str) -> bool:
    ebp_code, lines = json.loads(body)
    ordered = {int(gnum): int(quantity) for gnum, quantity, _ in lines}
    declared = {line.line_no: line.qty_e5 for line in declaration.lines}
    if ebp_code and declaration.ebp_code and ebp_code != declaration.ebp_code:
        return False
    countries = {country for _, _, country in lines if country}
    return (
        set(ordered) == set(declared)
        and sum(ordered.values()) == sum(declared.values())
        and not (declaration.trade_mode == DIRECT and countries and declaration.country not in countries)
    )
