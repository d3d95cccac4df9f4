"""Orders from the command line, when no lane takes them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.cli.main import main

ORDERS = (
    ["bench", "record", "1", "RESCAN", "--person", "twin-lin"],
    ["custody", "move", "1", "IN_CAGE", "--person", "twin-lin"],
)


def give(run: Path, order: list[str]) -> str:
    (run / "config").mkdir(exist_ok=True)
    (run / "config" / "core.json").write_text(json.dumps({"kind": "twin"}))
    result = CliRunner().invoke(main, [*order, "--data", str(run)])
    assert result.exit_code == 1
    return result.output


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_to_an_ended_run_says_that_it_has_ended(tmp_path: Path, order: list[str]) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "container.json").write_text("{}")
    said = give(tmp_path, order)
    assert "this run has ended" in said
    assert "start it" not in said


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_to_a_core_that_is_down_says_how_to_start_it(tmp_path: Path, order: list[str]) -> None:
    said = give(tmp_path, order)
    assert "start it with `lane run`" in said
    assert "has ended" not in said
