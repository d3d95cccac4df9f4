"""``lane bench`` (results of opening parcels) and ``lane users`` (who may sign in)."""

import os
from pathlib import Path

import click

from lane.cli.data import (
    PASSWORD_VARIABLE,
    check_person,
    data_option,
    give_order,
    json_option,
    role_of,
    write_json,
)
from lane.model.words import BenchResult, Role
from lane.users import UserError, Users

LINES_MAX = 99
PIECES_MAX = 1_000_000


@click.group()
def bench() -> None:
    """Results of opening parcels by hand."""


class FoundPieces(click.ParamType[tuple[int, int]]):
    """``LINE=PIECES``: what was found of one declared line."""

    name = "line=pieces"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Both numbers, in range."""
        if isinstance(value, tuple):
            return value
        line_no, equals, pieces = value.partition("=")
        if not (equals and line_no.isdecimal() and pieces.isdecimal()):
            self.fail(f"expected LINE=PIECES such as 1=6, was {value!r}", param, ctx)
        if not (1 <= int(line_no) <= LINES_MAX and int(pieces) <= PIECES_MAX):
            self.fail(f"expected line 1..{LINES_MAX} and at most {PIECES_MAX} pieces, was {value!r}", param, ctx)
        return int(line_no), int(pieces)


@bench.command("record")
@click.argument("seq", type=click.IntRange(1))
@click.argument("result", type=click.Choice([word.value for word in BenchResult], case_sensitive=False))
@click.option("--found", type=FoundPieces(), multiple=True, help="Pieces found of a declared line, e.g. 1=6; repeat.")
@click.option("--seal", default="", help="Number of the new seal.")
@click.option("--person", required=True, help="Officer who opened the parcel.")
@click.option("--second", default="", help="Second person, where two are required.")
@data_option
@json_option
def record(
    seq: int,
    result: str,
    found: tuple[tuple[int, int], ...],
    seal: str,
    person: str,
    second: str,
    data: Path,
    json_path: Path | None,
) -> None:
    """Record the RESULT of opening lane parcel SEQ.

    \b
    INSPECTED_AND_RELEASED needs a customs status of class RELEASED; every other result but RESCAN needs --second.
      lane bench record 17 INSPECTED_AND_RELEASED --found 1=6 --person li.wei --data RUN
    """
    role = role_of(data, person, Role.OFFICER)
    check_person(data, person, role)
    if second:
        check_person(data, second, None)
    answer = give_order(
        data,
        "RecordBench",
        person,
        role,
        seq=seq,
        result=result.upper(),
        found=[list(pair) for pair in found],
        seal=seal,
        second=second,
    )
    click.echo(f"recorded: parcel {seq} {result.upper()} (journal record {answer['index']})")
    write_json(json_path, answer)


@click.group()
def users() -> None:
    """Named users of a lane (console and orders)."""


def _new_password(name: str) -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    return str(click.prompt(f"new password of {name}", hide_input=True, confirmation_prompt=True))


@users.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role if role is not Role.SYSTEM]),
    default=Role.OFFICER.value,
    show_default=True,
)
@data_option
def add(name: str, role: str, data: Path) -> None:
    """Add user NAME. The password is asked for (or taken from LANE_PASSWORD)."""
    try:
        Users(data / "users.db").add(name, Role(role), _new_password(name))
    except UserError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"user {name} ({role}) added")


@users.command("passwd")
@click.argument("name")
@data_option
def passwd(name: str, data: Path) -> None:
    """Change the password of user NAME."""
    try:
        Users(data / "users.db").set_password(name, _new_password(name))
    except UserError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"password of {name} changed")


@users.command("disable")
@click.argument("name")
@data_option
def disable(name: str, data: Path) -> None:
    """Forbid user NAME to sign in or act."""
    try:
        Users(data / "users.db").set_enabled(name, False)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"user {name} disabled")


@users.command("list")
@data_option
@json_option
def list_users(data: Path, json_path: Path | None) -> None:
    """List the users."""
    try:
        found = Users(data / "users.db").list()
    except UserError as error:
        raise click.ClickException(str(error)) from error
    for user in found:
        click.echo(f"{user.name:32} {user.role.value:12} {'' if user.enabled else 'disabled'}".rstrip())
    if not found:
        click.echo("no users yet: `lane users add NAME --role supervisor --data RUN`", err=True)
    write_json(json_path, [{"name": u.name, "role": u.role.value, "enabled": u.enabled} for u in found])
