"""Words of declarations that reach the store and the screens."""

from enum import StrEnum


class ReceiptKind(StrEnum):
    """Which message a receipt record comes from (number of the CEB message; CSV and JSON statuses count as 622)."""

    LIST = "622"
    CANCEL_REQUEST = "623"
    CANCEL = "624"
    RETURN_REQUEST = "625"
    RETURN = "626"


class Reason(StrEnum):
    """Why customs returned a list: the class of the receipt's free text, which itself is dropped."""

    NONE = ""
    CONSIGNEE_RECORD = "CONSIGNEE_RECORD"
    ORDER_NOT_MATCHED = "ORDER_NOT_MATCHED"
    IDENTITY_CHECK = "IDENTITY_CHECK"
    COUNTRY_MISMATCH = "COUNTRY_MISMATCH"
    DEPOSIT_OR_BALANCE = "DEPOSIT_OR_BALANCE"
    OTHER = "OTHER"


class Flag(StrEnum):
    """Quality flags of a list or a line. Flags inform; only ``UNUSABLE`` becomes a ground (DECLARATION_UNUSABLE)."""

    PACK_NO = "PACK_NO"  # packNo is not 1
    PRE_NO_ABSENT = "PRE_NO_ABSENT"
    NO_IDENTITY = "NO_IDENTITY"  # no receipt can reach this list
    EMS_NO_ABSENT = "EMS_NO_ABSENT"  # bonded list without account book
    ITEM_RECORD_ABSENT = "ITEM_RECORD_ABSENT"  # bonded line without account-book item
    LINE_SEQUENCE = "LINE_SEQUENCE"  # line numbers are not 1..n
    LEGAL_ABSENT = "LEGAL_ABSENT"  # legal quantity or unit missing
    OUT_OF_RANGE = "OUT_OF_RANGE"  # a number is no decimal or outside its range, and counts as absent
    TEXT_CUT = "TEXT_CUT"  # a text was longer than the limit
    UNUSABLE = "UNUSABLE"  # quantity or unit absent where it is mandatory, or out of range
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    QTY_ABSENT = "QTY_ABSENT"
    QTY_NOT_WHOLE = "QTY_NOT_WHOLE"
    QTY_ZERO = "QTY_ZERO"
    WIDE = "WIDE"  # set of unknown size: a wide interval
    NET_SUM = "NET_SUM"  # weight check (a)
    UNIT_MASS = "UNIT_MASS"  # weight check (c)
    RECEIPT_TIE = "RECEIPT_TIE"  # different statuses at one time: the stricter class won
    AFTER_TERMINAL = "AFTER_TERMINAL"  # status after 899 or 700


class Precheck(StrEnum):
    """Advisory comparison of order, waybill and list. Shown, never a ground."""

    AGREES = "AGREES"
    DIFFERS = "DIFFERS"
    NOT_CHECKED = "NOT_CHECKED"
