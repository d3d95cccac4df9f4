"""Personal fields never pass the parser: planted markers are in no byte of the store and in no output."""

import io
import logging
import re
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.cli.declarations import declarations
from lane.declarations.records import Declaration, DeclaredLine, Receipt
from lane.declarations.store import DeclarationStore
from lane.interfaces.ceb import read_ceb
from lane.interfaces.ceb_fields import SHAPES
from lane.interfaces.ceb_writer import write_ceb621, write_ceb622
from lane.interfaces.csv_lists import read_csv
from lane.interfaces.faults import FileRefusedError
from lane.interfaces.importer import import_paths
from lane.interfaces.json_lists import read_json
from lane.model.declared import ParcelKey

MARKER = "PERSONAL-7f3a-王小明"
ASCII_MARKER = "PERSONAL-7f3a"
LINE = DeclaredLine(line_no=1, sku="S", name="milk powder", qty_e5=600_000, unit="122", item_record_no="1")


def a_list(waybill: str) -> Declaration:
    return Declaration(
        key=ParcelKey(carrier="C1", waybill=waybill), lines=(LINE,), list_no=f"L{waybill}", ems_no="E", gross_mg=10
    )


def every_message() -> dict[str, bytes]:
    """One file per format with the marker in everything that is dropped."""
    personal = "buyerName buyerIdNumber buyerTelephone buyerRegNo consignee consigneeAddress consigneeTelephone note "
    personal += "consigneeDistrict goodsInfo reason ebcName agentName logisticsName itemDescribe price"
    planted = "".join(f"<{name}>{MARKER}</{name}>" for name in personal.split())
    heads = {
        "CEB311Message": f"<Order><OrderHead><orderNo>O1</orderNo>{planted}</OrderHead>"
        f"<OrderList><gnum>1</gnum>{planted}</OrderList></Order>",
        "CEB511Message": "<Logistics><LogisticsHead><logisticsNo>T1</logisticsNo><logisticsCode>C1</logisticsCode>"
        f"{planted}</LogisticsHead></Logistics>",
        "CEB623Message": f"<InvtCancel><invtNo>L5</invtNo><logisticsNo>T5</logisticsNo>{planted}</InvtCancel>",
        "CEB625Message": f"<InvtRefund><InvtRefundHead><invtNo>L6</invtNo>{planted}</InvtRefundHead><InvtRefundList>"
        f"{planted}</InvtRefundList></InvtRefund>",
        "CEB711Message": f"<Delivery><DeliveryHead><logisticsCode>C1</logisticsCode>{planted}</DeliveryHead>"
        f"<DeliveryList><gnum>1</gnum><logisticsNo>T1</logisticsNo>{planted}</DeliveryList></Delivery>",
    }
    files = {f"{root}.xml": f"<{root}>{inner}</{root}>".encode() for root, inner in heads.items()}
    receipt = Receipt(code="100", return_time="20251121093000001", list_no="LT1", cop_no="c", agent_code="A", inner="7")
    files["list.xml"] = write_ceb621([a_list("T1")], personal_marker=MARKER)
    files["receipt.xml"] = write_ceb622([receipt], personal_marker=MARKER)
    files["a.csv"] = f"carrier,waybill,line_no,buyer,phone\nC1,T2,1,{MARKER},{MARKER}\n".encode()
    files["a.jsonl"] = (
        f'{{"schema":"lane-declaration/1","carrier":"C1","waybill":"T3","buyer":{{"name":"{MARKER}"}},'
        f'"note":"{MARKER}","lines":[{{"line_no":1,"note":"{MARKER}"}}]}}\n'
        f'{{"schema":"lane-postal/1","item_id":"CC473124829CN","sender":"{MARKER}","addressee":{{"e-mail":"{MARKER}"}},'
        '"contents":[{"line_no":1}]}\n'
    ).encode()
    return files


def broken_variants() -> dict[str, bytes]:
    """The same messages, each broken in a way that makes the parser stop next to a marker."""
    files: dict[str, bytes] = {}
    for name, data in every_message().items():
        cut = data.rfind(MARKER.encode()) + len(ASCII_MARKER)
        files[f"cut-{name}"] = data[:cut]
        files[f"latin-{name}"] = data.replace("王".encode(), b"\xff\xfe")
        files[f"key-{name}"] = re.sub(rb"(logisticsNo>|\"waybill\":\"|\"item_id\":\")[^<\"]*", rb"\1", data)
        files[f"wrong-{name}"] = re.sub(
            rb"(<gnum>|<qty>|returnTime>|\"line_no\":)[^<}]*", rb"\1 " + MARKER.encode(), data
        )
    return files


@pytest.mark.parametrize("files", [every_message, broken_variants], ids=["sound", "broken"])
def test_no_planted_marker_is_in_any_byte_that_is_written_or_printed(
    tmp_path: Path, files: Callable[[], dict[str, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    inbox, data = tmp_path / "in", tmp_path / "data"
    inbox.mkdir()
    for name, content in files().items():
        assert ASCII_MARKER.encode() in content
        (inbox / name).write_bytes(content)
    runner = CliRunner()
    output = runner.invoke(
        declarations, ["import", str(inbox), "--data", str(data), "--json", str(tmp_path / "figures.json")]
    ).output
    for number in ("T1", "T2", "T3", "CC473124829CN"):
        shown = runner.invoke(declarations, ["show", number, "--data", str(data), "--json", str(tmp_path / number)])
        output += shown.output
    assert "lists" in output
    assert ASCII_MARKER not in output
    assert "王小明" not in output
    assert ASCII_MARKER not in caplog.text
    written = [file for file in tmp_path.rglob("*") if file.is_file() and inbox not in file.parents]
    assert len(written) >= 3
    for file in written:
        content = file.read_bytes()
        assert ASCII_MARKER.encode() not in content, file.name
        assert "王小明".encode() not in content, file.name


def test_exceptions_hold_no_marker(tmp_path: Path) -> None:
    caught: list[BaseException] = []
    for name, data in broken_variants().items():
        try:
            if name.endswith(".xml"):
                list(read_ceb(data))
            elif name.endswith(".csv"):
                list(read_csv(data, imported_at=""))
            else:
                list(read_json(data, imported_at=""))
        except FileRefusedError as error:
            caught.append(error)
    assert len(caught) > 10
    for one in caught:
        text = io.StringIO()
        traceback.print_exception(one, file=text)
        assert ASCII_MARKER not in text.getvalue()
        assert one.__context__ is None, "a chained exception may hold what it read"
        assert one.__cause__ is None


def test_dropped_fields_are_on_no_allow_list() -> None:
    allowed = {name for shape in SHAPES.values() for name in shape.head_fields | shape.line_fields}
    personal = re.compile("buyer|consignee|note|goodsInfo|reason$|Name|telephone|address", re.IGNORECASE)
    assert {name for name in allowed if personal.search(name)} == {"itemName", "gname"}


def test_the_store_keeps_what_the_lane_needs(tmp_path: Path) -> None:
    (tmp_path / "list.xml").write_bytes(write_ceb621([a_list("T1")], personal_marker=MARKER))
    with DeclarationStore.open(tmp_path / "data") as store:
        import_paths(store, [tmp_path / "list.xml"], now_wall=1)
        assert store.answer(1, "T1", at_us=0, belt_um=0, now_wall=1).items[0].name == "milk powder"
