"""Generator of synthetic declared lists for benchmarks: CEB621 messages of 100 lists, CSV files of 5,000.

All numbers are invented; buyer fields say SYNTHETIC. Waybills are spread over the number range by a multiplicative
hash, so that the store's index meets them in no order (the worst case for it).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

XML_LISTS_PER_FILE = 100
CSV_LISTS_PER_FILE = 5_000
SPREAD = 6_364_136_223_846_793_005
GOODS = (
    ("MP-900", "婴儿配方奶粉3段", "1901101000", "122", 90_000, "900g/罐"),
    ("CC-030", "辅酶软胶囊", "2106909090", "142", 6_000, "60粒/瓶"),
    ("SK-384", "补水面膜", "3304990029", "140", 38_400, "384g/盒"),
    ("TS-001", "纯棉短袖衫", "6109100010", "011", 18_000, "均码"),
    ("SH-002", "运动鞋", "6404110000", "025", 85_000, "42码"),
    ("CF-250", "速溶咖啡", "2101110000", "136", 25_000, "250g/袋"),
)
"""(sku, name, HS code, unit, legal grams x 100, spec)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One file written."""

    path: Path
    lists: int


def waybill(number: int) -> str:
    """Waybill of list ``number``: 13 digits in no order."""
    return f"T{(number * SPREAD) % 10**13:013d}"


def write_xml_lists(folder: Path, first: int, count: int, draw: random.Random) -> Iterator[Written]:
    """Write lists ``first`` .. as CEB621 messages, file by file."""
    for start in range(first, first + count, XML_LISTS_PER_FILE):
        yield _write_xml(folder, start, min(XML_LISTS_PER_FILE, first + count - start), draw)


def write_csv_lists(folder: Path, first: int, count: int, draw: random.Random) -> Iterator[Written]:
    """Write lists ``first`` .. as CSV, file by file."""
    for start in range(first, first + count, CSV_LISTS_PER_FILE):
        yield _write_csv(folder, start, min(CSV_LISTS_PER_FILE, first + count - start), draw)


def _contents(draw: random.Random) -> list[tuple[int, tuple[str, str, str, str, int, str], int]]:
    lines = 1 + (draw.random() < 0.4) + (draw.random() < 0.15)
    return [(n, draw.choice(GOODS), draw.randint(1, 6)) for n in range(1, lines + 1)]


def _write_csv(folder: Path, first: int, count: int, draw: random.Random) -> Written:
    out = ["carrier,waybill,list_no,order_no,status,status_at,line_no,sku,name,hs_code,qty,unit,legal_qty,legal_unit,"]
    out.append("net_kg,gross_kg,spec\n")
    for number in range(first, first + count):
        contents = _contents(draw)
        grams = sum(goods[4] * quantity for _, goods, quantity in contents) // 100
        parcel = f"4101986180,{waybill(number)},49212025I{number:09d},T-{number},800,20251121093000001"
        masses = f"{grams // 1000}.{grams % 1000:03d},{(grams + 250) // 1000}.{(grams + 250) % 1000:03d}"
        for line_no, (sku, name, hs_code, unit, mass, spec), quantity in contents:
            kg = f"{mass * quantity // 100_000}.{mass * quantity % 100_000:05d}"
            out.append(f"{parcel},{line_no},{sku},{name},{hs_code},{quantity},{unit},{kg},035,{masses},{spec}\n")
    path = folder / "csv" / f"lists-{first:08d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(out), encoding="utf-8")
    return Written(path=path, lists=count)


def _write_xml(folder: Path, first: int, count: int, draw: random.Random) -> Written:
    guid = f"{first:032X}"
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ceb:CEB621Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" '
        f'guid="{guid[:8]}-{guid[8:12]}-{guid[12:16]}-{guid[16:20]}-{guid[20:]}" version="1.0">\n'
    ]
    for number in range(first, first + count):
        out.append(_inventory(number, _contents(draw)))
    out.append(
        "<ceb:BaseTransfer><ceb:copCode>SYNTHETIC</ceb:copCode><ceb:copName>SYNTHETIC</ceb:copName>"
        "<ceb:dxpMode>DXP</ceb:dxpMode><ceb:dxpId>DXPSYNTHETIC</ceb:dxpId></ceb:BaseTransfer>\n</ceb:CEB621Message>\n"
    )
    path = folder / "xml" / f"{first // 100_000:03d}" / f"ceb621-{first:08d}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(out), encoding="utf-8")
    return Written(path=path, lists=count)


def _inventory(number: int, contents: list[tuple[int, tuple[str, str, str, str, int, str], int]]) -> str:
    grams = sum(goods[4] * quantity for _, goods, quantity in contents) // 100
    head = (
        f"<ceb:guid>{number:036X}</ceb:guid><ceb:appType>1</ceb:appType><ceb:appTime>20251121090000</ceb:appTime>"
        f"<ceb:appStatus>2</ceb:appStatus><ceb:orderNo>T-{number}</ceb:orderNo><ceb:ebpCode>4601W00009</ceb:ebpCode>"
        "<ceb:ebpName>SYNTHETIC</ceb:ebpName><ceb:ebcCode>4601W00002</ceb:ebcCode><ceb:ebcName>SYNTHETIC</ceb:ebcName>"
        f"<ceb:logisticsNo>{waybill(number)}</ceb:logisticsNo><ceb:logisticsCode>4101986180</ceb:logisticsCode>"
        f"<ceb:logisticsName>SYNTHETIC</ceb:logisticsName><ceb:copNo>C{number:012d}</ceb:copNo>"
        f"<ceb:preNo>B{number:017d}</ceb:preNo><ceb:assureCode>SYNTHETIC</ceb:assureCode>"
        f"<ceb:emsNo>T4601W000001</ceb:emsNo><ceb:invtNo>49212025I{number:09d}</ceb:invtNo><ceb:ieFlag>I</ceb:ieFlag>"
        "<ceb:declTime>20251121</ceb:declTime><ceb:customsCode>4601</ceb:customsCode><ceb:portCode>4601</ceb:portCode>"
        "<ceb:buyerIdType>1</ceb:buyerIdType><ceb:buyerIdNumber>SYNTHETIC</ceb:buyerIdNumber>"
        "<ceb:buyerName>SYNTHETIC</ceb:buyerName><ceb:buyerTelephone>SYNTHETIC</ceb:buyerTelephone>"
        "<ceb:consigneeAddress>SYNTHETIC</ceb:consigneeAddress><ceb:agentCode>4601W00001</ceb:agentCode>"
        "<ceb:agentName>SYNTHETIC</ceb:agentName><ceb:tradeMode>1210</ceb:tradeMode><ceb:trafMode>Y</ceb:trafMode>"
        "<ceb:country>142</ceb:country><ceb:freight>0</ceb:freight><ceb:insuredFee>0</ceb:insuredFee>"
        "<ceb:currency>142</ceb:currency><ceb:packNo>1</ceb:packNo>"
        f"<ceb:grossWeight>{(grams + 250) / 1000:.5f}</ceb:grossWeight>"
        f"<ceb:netWeight>{grams / 1000:.5f}</ceb:netWeight>"
    )
    lines = "".join(
        f"<ceb:InventoryList><ceb:gnum>{line_no}</ceb:gnum><ceb:itemRecordNo>{line_no}</ceb:itemRecordNo>"
        f"<ceb:itemNo>{sku}</ceb:itemNo><ceb:itemName>{name}</ceb:itemName><ceb:gcode>{hs_code}</ceb:gcode>"
        f"<ceb:gname>{name}</ceb:gname><ceb:gmodel>{spec}</ceb:gmodel><ceb:barCode>无</ceb:barCode>"
        "<ceb:country>116</ceb:country><ceb:currency>142</ceb:currency>"
        f"<ceb:qty>{quantity}</ceb:qty><ceb:unit>{unit}</ceb:unit><ceb:qty1>{mass * quantity / 100_000:.5f}</ceb:qty1>"
        "<ceb:unit1>035</ceb:unit1><ceb:price>88.00</ceb:price>"
        f"<ceb:totalPrice>{88 * quantity}.00</ceb:totalPrice></ceb:InventoryList>\n"
        for line_no, (sku, name, hs_code, unit, mass, spec), quantity in contents
    )
    return f"<ceb:Inventory><ceb:InventoryHead>{head}</ceb:InventoryHead>\n{lines}</ceb:Inventory>\n"
