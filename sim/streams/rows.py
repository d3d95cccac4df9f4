"""Columns of a stream file as messages: the published JSON Schema is made from them (``stream_schema``).

One row is one parcel. Unknown columns are refused by name: a stream has no place for buyers' data. Columns that may
be missing have a default. Masses are grams with at most three decimals, quantities have at most five.
"""

import inspect
import json
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

SCHEMA_ID = "xray-lane-stream/1"
TIME_US_MAX = 10**14
"""Three years: a larger time is no microsecond count from the start of a stream."""

Time = Annotated[int, Meta(ge=0, le=TIME_US_MAX, description="comes to the feeder, microseconds from the start")]
Side = Annotated[int, Meta(ge=1, le=5_000, description="millimetres")]
Grams = Annotated[Decimal, Meta(description="grams, up to 3 decimals")]
Quantity = Annotated[Decimal, Meta(description="up to 5 decimals")]
Text = Annotated[str, Meta(max_length=512)]


class ItemRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many visible pieces of one kind of goods, truly in the parcel."""

    sku: Text
    pieces: Annotated[int, Meta(ge=1, le=10_000)]


class LineRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One declared line. ``pieces``: visible pieces it stands for (0: the quantity); unit codes are JGS-20."""

    sku: Text
    qty: Quantity
    unit: Text
    name: Text = ""
    hs_code: Text = ""
    spec: Text = ""
    legal_qty: Quantity | None = None
    legal_unit: Text = ""
    second_qty: Quantity | None = None
    second_unit: Text = ""
    pieces: Annotated[int, Meta(ge=0, le=10_000)] = 0
    unit_g: Grams = Decimal(0)


class ListRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The head of the declared list. ``status`` "": no receipt ever came."""

    waybill: Text
    carrier: Text = ""
    list_no: Text = ""
    order_no: Text = ""
    status: Text = "800"
    gross_g: Grams | None = None
    net_g: Grams | None = None


class ParcelRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One parcel of a stream.

    ``barcode`` "": no reader gets it. ``l_mm`` lies along the belt. ``declared``: head of the list (absent: the list,
    if there is one, is the barcode's and released). ``declared_lines`` empty: nobody declared the parcel.
    ``true_items`` empty: as declared. ``image_ref``: ``synthetic:SEED`` or a name of the sender's own.
    """

    t_us: Time
    barcode: Text
    l_mm: Side
    w_mm: Side
    h_mm: Side
    g: Grams
    declared: ListRow | None = None
    declared_lines: tuple[LineRow, ...] = ()
    true_items: tuple[ItemRow, ...] = ()
    image_ref: Text = ""


COLUMNS = ParcelRow.__struct_fields__
NESTED = ("declared", "declared_lines", "true_items")
"""Columns that hold JSON in a CSV cell."""
REQUIRED = ("t_us", "barcode", "l_mm", "w_mm", "h_mm", "g")


def stream_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one row of a stream."""
    schema = json.loads(msgspec.json.encode(msgspec.json.schema(ParcelRow)))
    for row in schema["$defs"].values():
        row["description"] = inspect.cleandoc(row["description"])  # Python versions differ in a docstring's margin
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}
