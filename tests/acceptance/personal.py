"""Messages with a marker in every field that an import must drop, sound ones and broken ones."""

import base64
import json
import re
from typing import Any

from tests.acceptance.conftest import MARKER

ASCII_MARKER, NAME = "PERSONAL-7f3a", "王小明"
"""The two parts of the marker: what a program cuts or re-encodes keeps one of them."""
_PERSONAL = (
    "buyerName buyerIdType buyerIdNumber buyerTelephone buyerRegNo consignee consigneeAddress consigneeTelephone "
    "consigneeDistrict consigneeName consigneeId note goodsInfo reason returnInfo ebcName ebpName agentName "
    "logisticsName copName areaName itemDescribe price totalPrice discount insuredFee freight acturalPaid batchNumbers "
    "payCode payName payTransactionId licenseNo assureCode voyageNo telephone email"
)
PERSONAL = _PERSONAL.split()
FIELDS = "".join(f"<ceb:{name}>{MARKER}-{number}</ceb:{name}>" for number, name in enumerate(PERSONAL))
HEADS = {
    "CEB311Message": "<ceb:Order><ceb:OrderHead><ceb:orderNo>O1</ceb:orderNo>@</ceb:OrderHead><ceb:OrderList>"
    "<ceb:gnum>1</ceb:gnum><ceb:qty>1</ceb:qty>@</ceb:OrderList></ceb:Order>",
    "CEB511Message": "<ceb:Logistics><ceb:LogisticsHead><ceb:logisticsNo>T1</ceb:logisticsNo>"
    "<ceb:logisticsCode>C1</ceb:logisticsCode>@</ceb:LogisticsHead></ceb:Logistics>",
    "CEB621Message": "<ceb:Inventory><ceb:InventoryHead><ceb:logisticsNo>T21</ceb:logisticsNo><ceb:logisticsCode>C1"
    "</ceb:logisticsCode><ceb:invtNo>L21</ceb:invtNo>@</ceb:InventoryHead><ceb:InventoryList><ceb:gnum>1</ceb:gnum>"
    "<ceb:gname>milk</ceb:gname><ceb:qty>1</ceb:qty><ceb:unit>142</ceb:unit>@</ceb:InventoryList></ceb:Inventory>",
    "CEB622Message": "<ceb:InventoryReturn><ceb:invtNo>L21</ceb:invtNo><ceb:returnStatus>300</ceb:returnStatus>"
    "<ceb:returnTime>20251121093000001</ceb:returnTime>@</ceb:InventoryReturn>",
    "CEB623Message": "<ceb:InvtCancel><ceb:invtNo>L23</ceb:invtNo><ceb:logisticsNo>T23</ceb:logisticsNo>@"
    "</ceb:InvtCancel>",
    "CEB624Message": "<ceb:InvtCancelReturn><ceb:invtNo>L23</ceb:invtNo><ceb:returnStatus>100</ceb:returnStatus>"
    "<ceb:returnTime>20251121093000001</ceb:returnTime>@</ceb:InvtCancelReturn>",
    "CEB625Message": "<ceb:InvtRefund><ceb:InvtRefundHead><ceb:invtNo>L25</ceb:invtNo>@</ceb:InvtRefundHead>"
    "<ceb:InvtRefundList>@</ceb:InvtRefundList></ceb:InvtRefund>",
    "CEB626Message": "<ceb:InvtRefundReturn><ceb:invtNo>L25</ceb:invtNo><ceb:returnStatus>100</ceb:returnStatus>"
    "<ceb:returnTime>20251121093000001</ceb:returnTime>@</ceb:InvtRefundReturn>",
    "CEB711Message": "<ceb:Delivery><ceb:DeliveryHead><ceb:logisticsCode>C1</ceb:logisticsCode>@</ceb:DeliveryHead>"
    "<ceb:DeliveryList><ceb:gnum>1</ceb:gnum><ceb:logisticsNo>T1</ceb:logisticsNo>@</ceb:DeliveryList></ceb:Delivery>",
}


def _message(root: str, inner: str) -> bytes:
    space = 'xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
    words = inner.replace("@", FIELDS)
    transfer = f"<ceb:BaseTransfer>{FIELDS}</ceb:BaseTransfer>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ceb:{root} {space}>{words}{transfer}</ceb:{root}>\n'.encode()


def sound() -> dict[str, bytes]:
    """One readable file per format."""
    files = {f"{root}.xml": _message(root, inner) for root, inner in HEADS.items()}
    inside = base64.b64encode(files["CEB621Message.xml"]).decode()
    files["envelope.xml"] = (
        f"<DxpMsg><TransInfo><ReceiverIds>{MARKER}</ReceiverIds></TransInfo><Data>{inside}</Data></DxpMsg>".encode()
    )
    cells = ",".join(f"{MARKER}-{number}" for number in range(len(PERSONAL)))
    files["a.csv"] = f"carrier,waybill,line_no,{','.join(PERSONAL)}\nC1,T31,1,{cells}\n".encode()
    files["b.csv"] = files["a.csv"].replace(b"T31", b"T32").decode().encode("gb18030")
    texts = dict.fromkeys(PERSONAL, MARKER)
    listed: dict[str, Any] = {
        "schema": "lane-declaration/1",
        "carrier": "C1",
        "waybill": "T41",
        "buyer": texts,
        **texts,
    }
    postal: dict[str, Any] = {
        "schema": "lane-postal/1", "item_id": "CC473124829CN", "sender": texts,
        "addressee": {"address": [MARKER, texts]}, "sender_name": MARKER, **texts,
    }  # fmt: skip
    listed["lines"] = postal["contents"] = [{"line_no": 1, "name": "milk", "qty": "1", "unit": "142", **texts}]
    files["a.jsonl"] = "\n".join(json.dumps(one, ensure_ascii=False) for one in (listed, postal)).encode()
    files["escaped.jsonl"] = json.dumps(listed | {"waybill": "T42"}).encode()
    return files


def broken() -> dict[str, bytes]:
    """The same files, each broken in several ways that make a parser stop beside a marker or trip over one."""
    files: dict[str, bytes] = {}
    marker = MARKER.encode()
    for name, data in sound().items():
        cut = data.rfind(ASCII_MARKER.encode()) if ASCII_MARKER.encode() in data else len(data) // 2
        files[f"cut-{name}"] = data[: cut + len(ASCII_MARKER)]
        files[f"bytes-{name}"] = data.replace(NAME.encode(), b"\xff\xfe", 1)
        files[f"key-{name}"] = re.sub(rb"(logisticsNo>|invtNo>|\"waybill\": \"|\"item_id\": \")[^<\"]+", rb"\1", data)
        value = re.sub(rb"(gnum>|qty>|returnTime>|returnStatus>|\"line_no\": |\"qty\": )[^<},]+", rb"\1" + marker, data)
        files[f"value-{name}"] = value
        files[f"column-{name}"] = data.replace(b"line_no", marker, 1)
        files[f"doctype-{name}"] = data.replace(b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY x "' + marker + b'">]>\n', 1)
        files[f"entity-{name}"] = data.replace(marker, b"&" + ASCII_MARKER.encode() + b";", 1)
        files[f"tag-{name}"] = data.replace(b"<ceb:note>", b"<ceb:note " + marker + b">", 1)
        files[f"utf16-{name}"] = data.decode("utf-8", "replace").encode("utf-16")
    row = f"C1,T51,1,5,{MARKER}\nC1,T51,1,{MARKER},{MARKER}\nC1,T51,2,6,{MARKER}\nC1,{MARKER * 4},x,6,{MARKER}\n"
    files["contradicting.csv"] = f"carrier,waybill,line_no,net_kg,note\n{row}".encode()
    files["short.csv"] = f"carrier,waybill,line_no,note\nC1,T52,1,{MARKER},{MARKER}\n".encode()
    files["quote.csv"] = f'carrier,waybill,line_no,note\nC1,T53,1,"{MARKER}\n'.encode()
    files["json.json"] = json.dumps([MARKER, {"schema": MARKER}, {MARKER: 1}], ensure_ascii=False).encode()
    return files
