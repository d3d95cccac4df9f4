"""The disposition matrix: one test per cell of ``config/disposition.csv``, against the table below."""

from dataclasses import dataclass
from itertools import product

import pytest

from lane.disposition import (
    STATUS_GROUNDS,
    decide,
    is_stricter,
    load_matrix,
    matrix_class,
    parse_matrix,
    stricter,
    stricter_class,
)
from lane.model.grounds import GROUNDS, Axis, Ground
from lane.model.words import (
    INSTRUCTION_STRICTNESS,
    Evidence,
    Instruction,
    Route,
    StatusClass,
    Tracking,
)
from tests.lane.core.boxes import MATRIX


@dataclass(frozen=True)
class Columns:
    """One row of the table: CLEAR, CLEAR and drawn, DISCREPANT, UNPROVEN or DOUBTFUL."""

    clear: str
    drawn: str
    discrepant: str
    unproven: str


TABLE = {
    StatusClass.RELEASED: Columns("RELEASE", "OPEN", "OPEN", "RESCAN"),
    StatusClass.REVIEWED: Columns("HOLD", "OPEN", "OPEN", "RESCAN"),
    StatusClass.ORDERED: Columns("OPEN", "OPEN", "OPEN", "OPEN"),
    StatusClass.PENDING: Columns("HOLD", "HOLD", "OPEN", "HOLD"),
    StatusClass.REJECTED: Columns("RETURN", "RETURN", "DETAIN", "RETURN"),
    StatusClass.DETAINED: Columns("DETAIN", "DETAIN", "DETAIN", "DETAIN"),
    StatusClass.UNKNOWN: Columns("OPEN", "OPEN", "OPEN", "OPEN"),
    StatusClass.NONE: Columns("IDENTIFY", "OPEN", "OPEN", "IDENTIFY"),
}
CELLS = list(product(StatusClass, Evidence, (False, True), Tracking))
MATRIX_TABLE = load_matrix(MATRIX)


def wanted(cell: tuple[StatusClass, Evidence, bool, Tracking]) -> tuple[Route, Instruction]:
    status, evidence, drawn, tracking = cell
    row = TABLE[status]
    asked: list[str] = []
    if evidence is Evidence.DISCREPANT:
        asked.append(row.discrepant)
    elif evidence is Evidence.UNPROVEN or tracking is Tracking.DOUBTFUL:
        asked.append(row.unproven)
    if drawn:
        asked.append(row.drawn)
    if not asked:
        asked.append(row.clear)
    if asked == ["RELEASE"]:
        return Route.RELEASE, Instruction.NONE
    return Route.INSPECT, max((Instruction(word) for word in asked), key=INSTRUCTION_STRICTNESS.index)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(str(part) for part in cell))
def test_cell_is_the_one_of_the_design(cell: tuple[StatusClass, Evidence, bool, Tracking]) -> None:
    assert MATRIX_TABLE[cell] == wanted(cell)


_EVIDENCE_GROUND = {
    Evidence.CLEAR: [],
    Evidence.DISCREPANT: [Ground.COUNT_SHORT],
    Evidence.UNPROVEN: [Ground.COUNT_UNCERTAIN],
}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(str(part) for part in cell))
def test_grounds_find_their_cell_and_the_strictest_instruction(
    cell: tuple[StatusClass, Evidence, bool, Tracking],
) -> None:
    status, evidence, drawn, tracking = cell
    grounds = list(_EVIDENCE_GROUND[evidence])
    if drawn:
        grounds.append(Ground.RANDOM_DRAW)
    if tracking is Tracking.DOUBTFUL:
        grounds.append(Ground.FLUSHED)
    if status in STATUS_GROUNDS:
        grounds.append(STATUS_GROUNDS[status])
    result = decide(MATRIX_TABLE, status, grounds)
    asked = [wanted(cell)[1], *(GROUNDS[ground].do for ground in grounds)]
    assert (result.status_class, result.evidence, result.drawn, result.tracking) == cell
    assert result.route is wanted(cell)[0]
    assert result.instruction is max(asked, key=INSTRUCTION_STRICTNESS.index)


@pytest.mark.parametrize("ground", list(Ground))
def test_no_ground_alone_ever_leaves_the_release_route(ground: Ground) -> None:
    result = decide(MATRIX_TABLE, StatusClass.RELEASED, [ground])
    assert result.route is Route.INSPECT
    assert result.instruction is not Instruction.NONE


def test_order_ground_at_the_release_cell_goes_to_inspect_and_open() -> None:
    result = decide(MATRIX_TABLE, StatusClass.RELEASED, [Ground.OFFICER_ORDER])
    assert (result.evidence, result.tracking, result.drawn) == (Evidence.CLEAR, Tracking.SOUND, False)
    assert (result.route, result.instruction) == (Route.INSPECT, Instruction.OPEN)


def test_discrepant_wins_over_unproven_in_any_order() -> None:
    for grounds in ([Ground.COUNT_OVER, Ground.NO_IMAGE], [Ground.NO_IMAGE, Ground.COUNT_OVER]):
        assert decide(MATRIX_TABLE, StatusClass.RELEASED, grounds).evidence is Evidence.DISCREPANT


def test_missing_draw_counts_as_drawn() -> None:
    assert decide(MATRIX_TABLE, StatusClass.RELEASED, [Ground.DRAW_MISSING]).drawn


def test_silent_feed_makes_the_class_unknown_and_a_withdrawn_list_rejected_if_that_is_stricter() -> None:
    assert matrix_class(StatusClass.RELEASED, [Ground.STATUS_STALE]) is StatusClass.UNKNOWN
    assert matrix_class(StatusClass.DETAINED, [Ground.STATUS_STALE]) is StatusClass.DETAINED
    assert matrix_class(StatusClass.RELEASED, [Ground.LIST_WITHDRAWN]) is StatusClass.REJECTED
    assert matrix_class(StatusClass.NONE, [Ground.LIST_WITHDRAWN]) is StatusClass.NONE


def test_strictness_of_classes_is_a_total_order_with_no_declaration_apart() -> None:
    order = ["RELEASED", "REVIEWED", "PENDING", "UNKNOWN", "ORDERED", "REJECTED", "DETAINED"]
    for low, high in product(range(len(order)), repeat=2):
        one, other = StatusClass(order[low]), StatusClass(order[high])
        assert is_stricter(other, one) is (high > low)
        assert stricter_class(one, other) is StatusClass(order[max(low, high)])
    assert is_stricter(StatusClass.NONE, StatusClass.RELEASED)
    assert not is_stricter(StatusClass.NONE, StatusClass.DETAINED)
    assert is_stricter(StatusClass.RELEASED, StatusClass.NONE)


def test_stricter_instruction_follows_the_design_order() -> None:
    assert stricter(Instruction.HOLD, Instruction.DETAIN) is Instruction.DETAIN
    assert stricter(Instruction.OPEN, Instruction.IDENTIFY) is Instruction.OPEN


def test_every_status_ground_is_decided_by_its_cell() -> None:
    assert all(GROUNDS[ground].axis is Axis.STATUS for ground in STATUS_GROUNDS.values())
    assert set(STATUS_GROUNDS) == set(StatusClass) - {StatusClass.RELEASED}


def rows() -> list[list[str]]:
    return [list(row) for row in MATRIX]


def as_rows(cells: list[list[str]]) -> tuple[tuple[str, str, str, str, str, str], ...]:
    return parse_matrix("status_class,evidence,drawn,tracking,route,instruction\n" + "\n".join(map(",".join, cells)))


def test_loader_refuses_a_missing_cell() -> None:
    with pytest.raises(ValueError, match="expected 96 cells, was 95"):
        load_matrix(as_rows(rows()[:-1]))


def test_loader_refuses_a_doubled_cell() -> None:
    cells = rows()
    cells[5] = cells[4]
    with pytest.raises(ValueError, match=r"row 6: cell .* stands twice"):
        load_matrix(as_rows(cells))


@pytest.mark.parametrize("number", range(1, 96))
def test_loader_refuses_release_anywhere_but_at_its_one_cell(number: int) -> None:
    cells = rows()
    cells[number][4] = "RELEASE"
    with pytest.raises(ValueError, match="RELEASE is allowed at"):
        load_matrix(as_rows(cells))


@pytest.mark.parametrize("column", range(6))
def test_loader_refuses_an_unknown_word_in_any_column(column: int) -> None:
    cells = rows()
    cells[7][column] = "PERHAPS"
    with pytest.raises(ValueError, match="row 8: unknown word"):
        load_matrix(as_rows(cells))


def test_loader_refuses_inspect_without_an_instruction() -> None:
    cells = rows()
    cells[9][5] = "NONE"
    with pytest.raises(ValueError, match="needs an instruction"):
        load_matrix(as_rows(cells))


def test_parser_refuses_a_wrong_header_and_a_short_row() -> None:
    with pytest.raises(ValueError, match="expected header"):
        parse_matrix("a,b\n")
    with pytest.raises(ValueError, match="expected header"):
        parse_matrix("")
    with pytest.raises(ValueError, match="row 2: expected 6 columns, was 2"):
        parse_matrix("status_class,evidence,drawn,tracking,route,instruction\nRELEASED,CLEAR\n")


def test_a_matrix_without_its_release_cell_still_releases_nothing() -> None:
    cells = rows()
    assert cells[0][4] == "RELEASE"
    cells[0][4:] = ["INSPECT", "OPEN"]
    assert decide(load_matrix(as_rows(cells)), StatusClass.RELEASED, []).route is Route.INSPECT
