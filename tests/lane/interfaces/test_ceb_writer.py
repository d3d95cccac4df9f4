"""Messages that the simulator writes are in the official format."""

from pathlib import Path

import pytest
from lxml import etree

from lane.declarations.records import Declaration, DeclaredLine, Receipt
from lane.interfaces.ceb_writer import write_ceb621, write_ceb622
from lane.model.declared import ParcelKey

SCHEMA = Path(__file__).resolve().parents[4] / "shared" / "data" / "ceb-202205" / "ceb-import-202205.xsd"


def a_list(**changes: object) -> Declaration:
    line = DeclaredLine(
        line_no=1, sku="MP-900", name="婴儿配方奶粉", hs_code="1901101000", qty_e5=600_000, unit="122",
        legal_qty_e5=540_000, legal_unit="035", spec="900g/罐", item_record_no="1",
    )  # fmt: skip
    values: dict[str, object] = {
        "key": ParcelKey(carrier="4101986180", waybill="T20251121000017"),
        "lines": (line,),
        "list_no": "49212025I000000017",
        "order_no": "T-17",
        "cop_no": "C000017",
        "pre_no": "B20251121000000017",
        "agent_code": "4601W00001",
        "ebc_code": "4601W00002",
        "app_time": "20251121090000",
        "gross_mg": 6_100_000,
        "net_mg": 5_400_000,
    }
    return Declaration(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    if not SCHEMA.exists():
        pytest.skip("no copy of the official schema beside the repository")
    return etree.XMLSchema(etree.parse(str(SCHEMA)))


def test_a_written_list_message_is_valid_against_the_official_schema(schema: etree.XMLSchema) -> None:
    document = etree.fromstring(write_ceb621([a_list()], personal_marker="MARKER-17"))
    assert schema.validate(document), schema.error_log


def test_a_written_receipt_message_is_valid_against_the_official_schema(schema: etree.XMLSchema) -> None:
    receipt = Receipt(
        code="800", return_time="20251121093000001", list_no="49212025I000000017", pre_no="B20251121000000017",
        cop_no="C000017", agent_code="4601W00001", inner="2600",
    )  # fmt: skip
    document = etree.fromstring(write_ceb622([receipt], personal_marker="MARKER-17"))
    assert schema.validate(document), schema.error_log


def test_a_message_holds_one_to_a_hundred_lists() -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        write_ceb621([])
    with pytest.raises(ValueError, match="1 to 100"):
        write_ceb621([a_list()] * 101)
