"""The disposition: from status class, evidence, draw and tracking to route and bench instruction, by a table of data.

The matrix is ``config/disposition.csv`` (96 rows); it is refused unless every cell is there once and RELEASE stands at
(RELEASED, CLEAR, not drawn, SOUND) only. A RELEASE cell with any open ground still routes INSPECT. Nothing here knows
time: no row and no timeout turns doubt into release.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from lane.model.grounds import GROUNDS, Axis, Ground
from lane.model.words import (
    INSTRUCTION_STRICTNESS,
    Evidence,
    Instruction,
    Route,
    StatusClass,
    Tracking,
)

HEADER = ("status_class", "evidence", "drawn", "tracking", "route", "instruction")
Row = tuple[str, str, str, str, str, str]
Cell = tuple[StatusClass, Evidence, bool, Tracking]
Matrix = dict[Cell, tuple[Route, Instruction]]
RELEASE_CELL: Cell = (StatusClass.RELEASED, Evidence.CLEAR, False, Tracking.SOUND)

_STRICTNESS = {instruction: rank for rank, instruction in enumerate(INSTRUCTION_STRICTNESS)}
_CLASS_STRICTNESS = (
    StatusClass.RELEASED,
    StatusClass.REVIEWED,
    StatusClass.PENDING,
    StatusClass.UNKNOWN,
    StatusClass.ORDERED,
    StatusClass.REJECTED,
    StatusClass.DETAINED,
)
"""Laxest first; NONE stands outside: no declaration, so no class to compare."""
_CLASS_RANK = {status: rank for rank, status in enumerate(_CLASS_STRICTNESS)}

_CLEAR, _UNPROVEN, _DISCREPANT = Evidence.CLEAR, Evidence.UNPROVEN, Evidence.DISCREPANT
_SOUND, _DOUBTFUL, _RELEASE, _INSPECT = Tracking.SOUND, Tracking.DOUBTFUL, Route.RELEASE, Route.INSPECT
_AXIS_DISCREPANT, _AXIS_UNPROVEN, _AXIS_TRACKING, _AXIS_DRAW = (
    Axis.DISCREPANT,
    Axis.UNPROVEN,
    Axis.TRACKING,
    Axis.DRAW,
)
_NONE, _NO_CLASS, _WAS_RELEASED = Instruction.NONE, StatusClass.NONE, StatusClass.RELEASED
_TO_UNKNOWN = frozenset({Ground.STATUS_STALE, Ground.STATUS_UNKNOWN})
_TO_REJECTED = Ground.LIST_WITHDRAWN
STATUS_GROUNDS: dict[StatusClass, Ground] = {
    StatusClass.REVIEWED: Ground.STATUS_REVIEWED,
    StatusClass.ORDERED: Ground.INSPECTION_ORDERED,
    StatusClass.PENDING: Ground.STATUS_PENDING,
    StatusClass.REJECTED: Ground.STATUS_REJECTED,
    StatusClass.DETAINED: Ground.STATUS_DETAINED,
    StatusClass.UNKNOWN: Ground.STATUS_UNKNOWN,
    StatusClass.NONE: Ground.NO_DECLARATION,
}
"""The ground that each class but RELEASED stands for."""


class Disposition(Struct, frozen=True, kw_only=True, gc=False):
    """Route and instruction, and the cell they come from."""

    route: Route
    instruction: Instruction
    status_class: StatusClass
    evidence: Evidence
    drawn: bool
    tracking: Tracking


def parse_matrix(text: str) -> tuple[Row, ...]:
    """Rows of ``config/disposition.csv``. Raises ValueError naming the line on a wrong header or column count."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or tuple(lines[0].split(",")) != HEADER:
        raise ValueError(f"disposition matrix: expected header {','.join(HEADER)}, was {lines[0] if lines else ''!r}")
    rows: list[Row] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = tuple(line.split(","))
        if len(cells) != len(HEADER):
            raise ValueError(f"disposition matrix, row {number}: expected 6 columns, was {len(cells)}")
        rows.append((cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]))
    return tuple(rows)


def load_matrix(rows: Sequence[Row]) -> Matrix:
    """Check the rows and make the table. Raises ValueError on an unknown word, a doubled or a missing cell, or a
    RELEASE anywhere but at its one cell."""
    matrix: Matrix = {}
    for number, row in enumerate(rows, start=1):
        try:
            cell = (StatusClass(row[0]), Evidence(row[1]), {"yes": True, "no": False}[row[2]], Tracking(row[3]))
            answer = (Route(row[4]), Instruction(row[5]))
        except (ValueError, KeyError) as error:
            raise ValueError(f"disposition matrix, row {number}: unknown word in {','.join(row)}") from error
        if cell in matrix:
            raise ValueError(f"disposition matrix, row {number}: cell {','.join(row[:4])} stands twice")
        if (answer[0] is Route.RELEASE) and cell != RELEASE_CELL:
            raise ValueError(f"disposition matrix, row {number}: RELEASE is allowed at RELEASED,CLEAR,no,SOUND only")
        if answer[0] is Route.INSPECT and answer[1] is Instruction.NONE:
            raise ValueError(f"disposition matrix, row {number}: INSPECT needs an instruction for the bench")
        matrix[cell] = answer
    wanted = len(StatusClass) * len(Evidence) * 2 * len(Tracking)
    if len(matrix) != wanted:
        raise ValueError(f"disposition matrix: expected {wanted} cells, was {len(matrix)}")
    return matrix


def stricter_class(one: StatusClass, other: StatusClass) -> StatusClass:
    """The stricter of two classes; NONE (no declaration) stays NONE."""
    if StatusClass.NONE in (one, other):
        return StatusClass.NONE
    return one if _CLASS_RANK[one] >= _CLASS_RANK[other] else other


def is_stricter(new: StatusClass, old: StatusClass) -> bool:
    """Whether a changed class is stricter than the old one (NONE counts as stricter than RELEASED only)."""
    if new is old:
        return False
    if new is _NO_CLASS:
        return old is _WAS_RELEASED
    if old is _NO_CLASS:
        return True
    return _CLASS_RANK[new] > _CLASS_RANK[old]


def matrix_class(status: StatusClass, grounds: Iterable[Ground]) -> StatusClass:
    """Class of the matrix row: a silent feed counts as UNKNOWN, a withdrawn list as REJECTED, if that is stricter."""
    for ground in grounds:
        if ground in _TO_UNKNOWN:
            status = stricter_class(status, StatusClass.UNKNOWN)
        elif ground is _TO_REJECTED:
            status = stricter_class(status, StatusClass.REJECTED)
    return status


def stricter(one: Instruction, other: Instruction) -> Instruction:
    """The stricter of two instructions: DETAIN > RETURN > OPEN > IDENTIFY > RESCAN > HOLD > NONE."""
    return one if _STRICTNESS[one] >= _STRICTNESS[other] else other


def decide(matrix: Matrix, status: StatusClass, grounds: Sequence[Ground]) -> Disposition:
    """Disposition of a parcel with these open grounds. Only an empty list at the RELEASE cell gives RELEASE."""
    evidence, tracking, drawn, wanted = _CLEAR, _SOUND, False, _NONE
    for ground in grounds:
        row = GROUNDS[ground]
        axis = row.axis
        if axis is _AXIS_DISCREPANT:
            evidence = _DISCREPANT
        elif axis is _AXIS_UNPROVEN:
            if evidence is _CLEAR:
                evidence = _UNPROVEN
        elif axis is _AXIS_TRACKING:
            tracking = _DOUBTFUL
        elif axis is _AXIS_DRAW:
            drawn = True
        wanted = stricter(wanted, row.do)
    status = matrix_class(status, grounds)
    route, instruction = matrix[(status, evidence, drawn, tracking)]
    if grounds and route is _RELEASE:
        route, instruction = _INSPECT, stricter(wanted, Instruction.HOLD)
    if route is _INSPECT:
        instruction = stricter(instruction, wanted)
    assert route is _INSPECT or not grounds, "I2: RELEASE with an open ground"
    return Disposition(
        route=route,
        instruction=instruction,
        status_class=status,
        evidence=evidence,
        drawn=drawn,
        tracking=tracking,
    )
