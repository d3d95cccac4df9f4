"""``lane release`` (messages, test receiver, event feed) and ``lane custody`` (where, move, manifests)."""

import json
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from lane.cli.data import check_person, data_option, give_order, json_option, lane_name, role_of, write_json
from lane.model.words import Custody, Role
from lane.release.custody import CustodyError, connect, in_container, may_load, where
from lane.release.feed import feed
from lane.release.manifest import CONTAINER_TYPES, open_manifest, render_manifest, require_open, store_closed
from lane.release.receiver import Inbox, serve, take_dropped
from lane.release.transport import TransportError, read_secret

FOLLOW_S = 0.5
SHOWN_MAX = 50


@click.group()
def release() -> None:
    """Release messages: what waits, the bundled test receiver, the event feed."""


@release.command("pending")
@data_option
@json_option
def pending(data: Path, json_path: Path | None) -> None:
    """Messages that no receiver has accepted yet (and those that were refused as synthetic)."""
    rows = _rows(data, "SELECT idempotency_key, seq, kind, state FROM outbox WHERE state <> 'done' ORDER BY idx")
    answer = [
        {"idempotency_key": key, "parcel_number": seq, "kind": kind, "state": state} for key, seq, kind, state in rows
    ]
    for row in answer[:SHOWN_MAX]:
        click.echo(f"{row['parcel_number']:>8} {row['kind']:13} {row['state']:8} {row['idempotency_key']}")
    click.echo(f"{len(answer)} message{'' if len(answer) == 1 else 's'} not accepted")
    write_json(json_path, answer)


@release.command("resend")
@click.argument("parcel", type=click.IntRange(1))
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="Folder to write the messages to.")
@data_option
def resend(parcel: int, folder: Path, data: Path) -> None:
    """Write the messages of lane parcel PARCEL once more, byte for byte, into a folder.

    A receiver that has them already recognises the idempotency key and does nothing.
    """
    rows = _rows(data, "SELECT idempotency_key, body FROM outbox WHERE seq = ? ORDER BY idx", parcel)
    if not rows:
        raise click.ClickException(f"parcel {parcel}: no message in {data}")
    folder.mkdir(parents=True, exist_ok=True)
    for key, body in rows:
        (folder / f"{key}.json").write_bytes(body)
    click.echo(f"{len(rows)} message{'' if len(rows) == 1 else 's'} written to {folder}")


@release.command("receive")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True, help="0: any free port.")
@click.option("--secret", "secret_path", type=click.Path(path_type=Path), help="File with the signing secret (HTTP).")
@click.option("--drop", "drop", type=click.Path(path_type=Path), help="Take messages from this folder instead of HTTP.")
@click.option("--ledger", type=click.Path(path_type=Path), default=Path("received.db"), show_default=True)
@click.option("--loss", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of answers lost.")
@click.option("--duplicate", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share taken twice.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), help="End after so long (default: Ctrl-C).")
@json_option
def receive(
    port: int,
    secret_path: Path | None,
    drop: Path | None,
    ledger: Path,
    loss: float,
    duplicate: float,
    seed: int,
    seconds: float | None,
    json_path: Path | None,
) -> None:
    """The bundled test receiver: loses and doubles messages on purpose, and acts once per idempotency key."""
    if (secret_path is None) == (drop is None):
        raise click.UsageError("give --secret FILE (HTTP) or --drop DIR (files)")
    try:
        inbox = Inbox(ledger, loss=loss, duplicate=duplicate, seed=seed)
    except sqlite3.Error as error:
        raise click.ClickException(f"--ledger {ledger}: {error}") from error
    stop = threading.Event()
    try:
        if drop is not None:
            worker = threading.Thread(target=_take_files, args=(drop, inbox, stop), daemon=True)
            click.echo(f"taking messages from {drop}")
        else:
            assert secret_path is not None
            server = serve(inbox, read_secret(secret_path), port=port)
            worker = threading.Thread(target=server.serve_forever, daemon=True)
            click.echo(f"listening on http://127.0.0.1:{server.server_address[1]}/")
        worker.start()
        _wait(seconds)
    except TransportError as error:
        raise click.ClickException(str(error)) from error
    finally:
        stop.set()
    summary = inbox.summary()
    click.echo(" ".join(f"{name}={value}" for name, value in summary.items()))
    write_json(json_path, summary)


def _take_files(folder: Path, inbox: Inbox, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        take_dropped(folder, inbox)


def _wait(seconds: float | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while end is None or time.monotonic() < end:
            time.sleep(0.1)
    except KeyboardInterrupt:
        return


@release.command("feed")
@click.option("--from", "start", type=click.IntRange(0), default=0, show_default=True, help="First journal record.")
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C.")
@data_option
def feed_command(start: int, follow: bool, data: Path) -> None:
    """What happened to parcels, as JSON lines: inducted, scanned, held, opened, released, handed_over."""
    try:
        while True:
            for line in feed(data, start):
                click.echo(json.dumps(line, ensure_ascii=False))
                start = line["index"] + 1
            if not follow:
                return
            time.sleep(FOLLOW_S)
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        return


@click.group()
def custody() -> None:
    """Where parcels are, and exit manifests."""


@custody.command("where")
@click.argument("parcel")
@data_option
@json_option
def where_command(parcel: str, data: Path, json_path: Path | None) -> None:
    """Where is PARCEL (waybill, code, list number, or the lane's own number)?"""
    try:
        places = where(data, parcel)
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
    for place in places:
        more = f" in {place['container']}" if place["container"] else ""
        grounds = f"  grounds {' '.join(place['grounds'])}" if place["grounds"] else ""
        recalled = "  RECALLED" if place["recalled"] else ""
        click.echo(
            f"{place['parcel_number']:>8} {place['waybill'] or place['code'] or '-':24} {place['custody']}{more} "
            f"since {place['since']}{grounds}{recalled}"
        )
    write_json(json_path, places)
    if not places:
        raise click.ClickException(f"{parcel}: not known to this lane")


@custody.command("move")
@click.argument("parcel", type=click.IntRange(1))
@click.argument("to", type=click.Choice([word.value for word in Custody], case_sensitive=False))
@click.option("--container", default="", help="Cage, bag or truck.")
@click.option("--person", required=True)
@data_option
def move(parcel: int, to: str, container: str, person: str, data: Path) -> None:
    """Lane parcel PARCEL changed its place TO."""
    role = role_of(data, person, Role.OFFICER)
    check_person(data, person, role)
    give_order(data, "MoveCustody", person, role, seq=parcel, custody=to.upper(), container=container)
    click.echo(f"parcel {parcel}: {to.upper()}{' in ' + container if container else ''}")


@custody.group("manifest")
def manifest() -> None:
    """Exit manifests: open one per cage, bag or truck, scan parcels in, close it."""


@manifest.command("open")
@click.argument("manifest_id")
@click.option("--container", type=click.Choice(CONTAINER_TYPES), default="cage", show_default=True)
@click.option("--vehicle", default="", help="Number plate, for a truck.")
@data_option
def manifest_open(manifest_id: str, container: str, vehicle: str, data: Path) -> None:
    """Begin manifest MANIFEST_ID."""
    try:
        connect(data).close()
        open_manifest(data, manifest_id, container, vehicle)
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"manifest {manifest_id} open")


@manifest.command("add")
@click.argument("manifest_id")
@click.argument("parcel")
@click.option("--person", required=True)
@data_option
def manifest_add(manifest_id: str, parcel: str, person: str, data: Path) -> None:
    """Load scan: PARCEL (waybill or lane number) goes into MANIFEST_ID."""
    role = role_of(data, person, Role.OFFICER)
    check_person(data, person, role)
    try:
        require_open(data, manifest_id)
        seq = _one_parcel(data, parcel)
        reason = may_load(data, seq, manifest_id)
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
    if reason:
        raise click.ClickException(f"refused: {reason}")
    give_order(data, "MoveCustody", person, role, seq=seq, custody=Custody.IN_CAGE.value, container=manifest_id)
    click.echo(f"parcel {seq} in {manifest_id}: {len(in_container(data, manifest_id))} parcels")


@manifest.command("remove")
@click.argument("manifest_id")
@click.argument("parcel", type=click.IntRange(1))
@click.option("--person", required=True)
@data_option
def manifest_remove(manifest_id: str, parcel: int, person: str, data: Path) -> None:
    """Take lane parcel PARCEL out of MANIFEST_ID again (a recalled one must come out)."""
    role = role_of(data, person, Role.OFFICER)
    check_person(data, person, role)
    try:
        require_open(data, manifest_id)
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
    give_order(data, "MoveCustody", person, role, seq=parcel, custody=Custody.IN_RELEASE_AREA.value, container="")
    click.echo(f"parcel {parcel} out of {manifest_id}")


@manifest.command("close")
@click.argument("manifest_id")
@click.option("--person", required=True)
@data_option
@json_option
def manifest_close(manifest_id: str, person: str, data: Path, json_path: Path | None) -> None:
    """Close MANIFEST_ID: refused while a recalled parcel is in it. Its parcels are handed over."""
    role = role_of(data, person, Role.OFFICER)
    check_person(data, person, role)
    site, name = lane_name(data)
    try:
        closed = render_manifest(data, manifest_id, site=site, lane=name)
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
    still_inside = {
        place["seq"] for place in in_container(data, manifest_id) if place["custody"] == Custody.IN_CAGE.value
    }
    for parcel in closed["parcels"]:
        if parcel["parcel_number"] not in still_inside:
            continue
        give_order(
            data, "MoveCustody", person, role,
            seq=parcel["parcel_number"], custody=Custody.DEPARTED.value, container=manifest_id,
        )  # fmt: skip
    path = store_closed(data, closed)
    click.echo(f"manifest {manifest_id}: {closed['parcel_count']} parcels, sha256 {closed['sha256']}, {path}")
    write_json(json_path, closed)


def _one_parcel(data: Path, text: str) -> int:
    places = where(data, text)
    if not places:
        raise CustodyError(f"{text}: not known to this lane")
    ready = [place for place in places if place["custody"] == Custody.IN_RELEASE_AREA.value]
    return int((ready or places)[0]["parcel_number"])


def _rows(data: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    try:
        with closing(connect(data)) as connection:
            return connection.execute(query, values).fetchall()
    except CustodyError as error:
        raise click.ClickException(str(error)) from error
