"""The same bounds in all commands: seeds, counts, real numbers."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from lane.cli.run import run as lane_run
from sim.arguments import SEED, SEED_MAX, RealRange
from sim.cli import Forward, demo, learn, sim


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    real = command.real() if isinstance(command, Forward) else command
    yield name, real
    for below, one in real.commands.items() if isinstance(real, click.Group) else ():
        yield from _commands(one, f"{name} {below}")


OPTIONS = {
    f"{name} --{option.name}": option
    for root in (sim, demo, learn)
    for name, command in _commands(root, root.name or "")
    for option in command.params
}
SEEDED = {name: option for name, option in OPTIONS.items() if "seed" in name or name.endswith(" --replication")}
REAL = {name: option for name, option in OPTIONS.items() if isinstance(option.type, click.types.FloatParamType)}
COUNTS = {
    name: option for name, option in OPTIONS.items() if name.rpartition("--")[2] in ("parcels", "workers", "requests")
}


def test_the_commands_with_a_seed_are_known() -> None:
    assert {"sim run --seed", "sim streams make --seed", "sim museum --seed", "demo --seed"} <= SEEDED.keys()
    assert len(SEEDED) >= 14
    assert {"sim view --from_s", "sim oracles --share"} <= REAL.keys()
    assert {"sim run --parcels", "sim residual --workers"} <= COUNTS.keys()


@pytest.mark.parametrize("name", SEEDED)
def test_every_seed_has_the_same_bounds(name: str) -> None:
    assert SEEDED[name].type is SEED


@pytest.mark.parametrize("name", COUNTS)
def test_every_count_has_a_bound_that_is_told(name: str) -> None:
    with pytest.raises(click.BadParameter, match="is not in the range"):
        COUNTS[name].type.convert(10**23, None, None)


@pytest.mark.parametrize("name", REAL)
def test_no_real_number_is_nan(name: str) -> None:
    assert isinstance(REAL[name].type, RealRange)
    with pytest.raises(click.BadParameter, match="was nan"):
        REAL[name].type.convert("nan", None, None)


def test_a_seed_beyond_the_bound_is_refused_and_the_bound_itself_is_not() -> None:
    (option,) = [one for one in lane_run.params if one.name == "seed"]
    for bounded in (SEED, option.type):
        assert bounded.convert(SEED_MAX, None, None) == 2**53 - 1
        with pytest.raises(click.BadParameter, match="0<=x<=9007199254740991"):
            bounded.convert(SEED_MAX + 1, None, None)
    refused = CliRunner().invoke(sim, ["run", __file__, "--seed", "1e3"])
    assert refused.exit_code == 2
