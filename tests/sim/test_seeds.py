"""One bound for the seeds of all commands."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from lane.cli.run import run as lane_run
from sim.cli import Forward, demo, learn, sim
from sim.seeds import SEED, SEED_MAX


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    real = command.real() if isinstance(command, Forward) else command
    yield name, real
    for below, one in real.commands.items() if isinstance(real, click.Group) else ():
        yield from _commands(one, f"{name} {below}")


SEEDED = {
    f"{name} --{option.name}": option
    for root in (sim, demo, learn)
    for name, command in _commands(root, root.name or "")
    for option in command.params
    if "seed" in str(option.name) or option.name == "replication"
}


def test_the_commands_with_a_seed_are_known() -> None:
    assert {"sim run --seed", "sim streams make --seed", "sim museum --seed", "demo --seed"} <= SEEDED.keys()
    assert len(SEEDED) >= 14


@pytest.mark.parametrize("name", SEEDED)
def test_every_seed_has_the_same_bounds(name: str) -> None:
    assert SEEDED[name].type is SEED


def test_a_seed_beyond_the_bound_is_refused_and_the_bound_itself_is_not() -> None:
    (option,) = [one for one in lane_run.params if one.name == "seed"]
    for bounded in (SEED, option.type):
        assert bounded.convert(SEED_MAX, None, None) == 2**53 - 1
        with pytest.raises(click.BadParameter, match="0<=x<=9007199254740991"):
            bounded.convert(SEED_MAX + 1, None, None)
    refused = CliRunner().invoke(sim, ["run", __file__, "--seed", "1e3"])
    assert refused.exit_code == 2
