"""``lane draw``: the public digits of the random draw, rolled by a person ahead of the epochs that use them."""

from pathlib import Path
from typing import Any

import click

from lane.cli.data import check_person, data_option, json_option, lane_kind, role_of, write_json
from lane.draw import rolled
from lane.mailbox import MailboxDown, ask
from lane.model.words import LaneKind, Role
from lane.runtime.orders import ROLLERS


@click.group()
def draw() -> None:
    """Random draw: enter rolled digits, see how many epochs are ready."""


@draw.command("enter")
@click.argument("digits", required=False)
@click.option("--prompt", is_flag=True, help="Ask for the digits, so that they stand in no command history.")
@click.option("--person", required=True, help="Officer or supervisor who rolled them.")
@data_option
@json_option
def enter(digits: str | None, prompt: bool, person: str, data: Path, json_path: Path | None) -> None:
    """Enter 20 rolled DIGITS (ten-sided dice) for every epoch that waits for a nonce.

    \b
    Spaces between the digits are allowed; quote them then.
      lane draw enter --prompt --person wang --data RUN
      lane draw enter "04817 33926 58140 72695" --person wang --data RUN
    """
    if (digits is None) is not prompt:
        raise click.UsageError("expected either DIGITS or --prompt")
    try:
        packed = rolled(digits if digits is not None else str(click.prompt("20 rolled digits")))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    role = role_of(data, person, Role.OFFICER)
    if lane_kind(data) is LaneKind.LIVE and role not in ROLLERS:
        raise click.ClickException(f"--person: {person} is {role}; expected an officer or a supervisor")
    check_person(data, person, None)
    answer = _asked(data, {"digits": packed, "person": person})
    if not answer.get("accepted"):
        raise click.ClickException(f"refused: {answer.get('reason', 'no reason given')}")
    click.echo(f"digits entered by {person}: {_epochs(answer['epochs'])}")
    write_json(json_path, answer)


@draw.command("queue")
@data_option
@json_option
def queue(data: Path, json_path: Path | None) -> None:
    """How many committed epochs have their nonce and can be opened."""
    ready = _asked(data, {"ask": "state"}).get("epochs_ready")
    if not isinstance(ready, int):
        raise click.ClickException(f"{data}: expected the lane to tell its epochs, it told none")
    click.echo(_epochs(ready))
    write_json(json_path, {"epochs_ready": ready})


def _epochs(ready: int) -> str:
    return f"{ready} {'epoch' if ready == 1 else 'epochs'} ready"


def _asked(data: Path, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return ask(data, message)
    except MailboxDown as error:
        raise click.ClickException(f"the lane does not answer: {error}") from error
