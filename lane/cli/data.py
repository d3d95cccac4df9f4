"""Options and answers that several commands share: the data directory, JSON output, orders through the mailbox."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import platformdirs

from lane.mailbox import MailboxDown, ask
from lane.model.words import LaneKind, Role
from lane.users import TWIN_PREFIX, UserError, Users

CORE = Path("config") / "core.json"
CLOSED = Path("checkpoints") / "container.json"
"""The fingerprint of a journal that was closed in order; it is gone as soon as a lane opens the journal again."""
F = TypeVar("F", bound=Callable[..., Any])
PASSWORD_VARIABLE = "LANE_PASSWORD"
"""Where a script puts the password of the person who acts, so that it stands in no command line."""


def data_option(command: F) -> F:
    """``--data DIR``: the run or data directory."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        default=lambda: Path(platformdirs.user_data_dir("xray-lane")),
        show_default="the platform's user data folder",
        help="Data directory (the run directory of a lane).",
    )(command)


def json_option(command: F) -> F:
    """``--json FILE``: also write the answer as JSON."""
    return click.option(
        "--json", "json_path", type=click.Path(path_type=Path), help="Write the answer to this file as JSON."
    )(command)


def write_json(path: Path | None, value: Any) -> None:
    """Write an answer as JSON, if asked for."""
    if path is not None:
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def lane_kind(data: Path) -> LaneKind:
    """Kind of the lane that runs in a directory. Raises ``click.ClickException`` when none ever ran there."""
    try:
        return LaneKind(_core(data)["kind"])
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{data / CORE}: expected the kind of a lane in it") from error


def lane_name(data: Path) -> tuple[str, str]:
    """Site and name of the lane that runs in a directory. Raises ``click.ClickException`` when none ever ran there."""
    core = _core(data)
    try:
        return str(core["site"]), str(core["lane"])
    except (KeyError, TypeError) as error:
        raise click.ClickException(f"{data / CORE}: expected site and name of a lane in it") from error


def _core(data: Path) -> Any:
    path = data / CORE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path}: no lane has run here; name its run directory with --data") from error


def check_person(data: Path, person: str, role: Role | None) -> None:
    """Ask for the person's password on a live lane (a twin lane's persons are simulated or trusted)."""
    if lane_kind(data) is LaneKind.TWIN:
        return
    if person.startswith(TWIN_PREFIX):
        raise click.ClickException(f"--person: {person} exists on twin lanes only")
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt(f"password of {person}", hide_input=True)
    try:
        user = Users(data / "users.db").check(person, password)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    if user is None:
        raise click.ClickException(f"--person: name or password of {person} is wrong")
    if role is not None and user.role is not role:
        raise click.ClickException(f"--person: {person} is {user.role}, not {role}")


def role_of(data: Path, person: str, default: Role) -> Role:
    """Role of a person: from the account, or the default on a twin lane."""
    try:
        user = Users(data / "users.db").find(person)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    return user.role if user is not None else default


def give_order(data: Path, order: str, person: str, role: Role, **fields: Any) -> dict[str, Any]:
    """Send an order to the core of a run; click errors when it is down or refuses."""
    try:
        answer = ask(data, {"order": order, "person": person, "role": role.value, **fields})
    except MailboxDown as error:
        if (data / CLOSED).exists():
            raise click.ClickException(
                f"nothing was recorded: this run has ended ({data} was closed in order); "
                "orders are taken only while its lane runs"
            ) from error
        raise click.ClickException(f"nothing was recorded: {error}") from error
    if not answer.get("accepted"):
        raise click.ClickException(f"refused: {answer.get('reason', 'no reason given')}")
    return answer
