"""Which elements of which CEB message are read. Everything else never becomes an object (allow-list).

Names and mandatory marks: message specification of the CEB messages, edition 202205.
"""

from dataclasses import dataclass
from enum import StrEnum


class Wrapper(StrEnum):
    """Elements that hold one record each."""

    ORDER = "Order"
    WAYBILL = "Logistics"
    LIST = "Inventory"
    LIST_RETURN = "InventoryReturn"
    CANCEL = "InvtCancel"
    CANCEL_RETURN = "InvtCancelReturn"
    REFUND = "InvtRefund"
    REFUND_RETURN = "InvtRefundReturn"
    DELIVERY = "Delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One message: its record element, the element with the head fields, the one with a line's fields."""

    wrapper: Wrapper
    head: str
    head_fields: frozenset[str]
    line: str = ""
    line_fields: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LIST_HEAD_FIELDS = _words(
    "appType appTime appStatus orderNo ebpCode ebcCode logisticsNo logisticsCode copNo preNo emsNo invtNo ieFlag "
    "declTime customsCode agentCode tradeMode loctNo country packNo grossWeight netWeight"
)
LIST_LINE_FIELDS = _words("gnum itemRecordNo itemNo itemName gcode gname gmodel barCode qty unit qty1 unit1 qty2 unit2")
RETURN_FIELDS = _words("customsCode ebcCode agentCode copNo preNo invtNo returnStatus returnTime returnInfo")
APPLICATION_FIELDS = _words("appTime ebcCode logisticsNo logisticsCode copNo preNo invtNo agentCode")

SHAPES: dict[str, Shape] = {
    "CEB311Message": Shape(
        wrapper=Wrapper.ORDER,
        head="OrderHead",
        head_fields=_words("orderNo ebpCode"),
        line="OrderList",
        line_fields=_words("gnum qty country"),
    ),
    "CEB511Message": Shape(
        wrapper=Wrapper.WAYBILL,
        head="LogisticsHead",
        head_fields=_words("logisticsCode logisticsNo orderNo"),
    ),
    "CEB621Message": Shape(
        wrapper=Wrapper.LIST,
        head="InventoryHead",
        head_fields=LIST_HEAD_FIELDS,
        line="InventoryList",
        line_fields=LIST_LINE_FIELDS,
    ),
    "CEB622Message": Shape(wrapper=Wrapper.LIST_RETURN, head="InventoryReturn", head_fields=RETURN_FIELDS),
    "CEB623Message": Shape(wrapper=Wrapper.CANCEL, head="InvtCancel", head_fields=APPLICATION_FIELDS),
    "CEB624Message": Shape(wrapper=Wrapper.CANCEL_RETURN, head="InvtCancelReturn", head_fields=RETURN_FIELDS),
    "CEB625Message": Shape(wrapper=Wrapper.REFUND, head="InvtRefundHead", head_fields=APPLICATION_FIELDS),
    "CEB626Message": Shape(wrapper=Wrapper.REFUND_RETURN, head="InvtRefundReturn", head_fields=RETURN_FIELDS),
    "CEB711Message": Shape(
        wrapper=Wrapper.DELIVERY,
        head="DeliveryHead",
        head_fields=_words("logisticsCode billNo"),
        line="DeliveryList",
        line_fields=_words("gnum logisticsNo"),
    ),
}
ENVELOPE = "DxpMsg"
ENVELOPE_DATA = "Data"
"""The transport envelope holds the business message in base64."""
