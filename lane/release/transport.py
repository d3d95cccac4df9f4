"""Two ways a message leaves: a file in a drop folder, and a signed HTTP POST. Both may happen twice, and say so.

A webhook follows the Standard Webhooks specification (headers ``webhook-id``, ``webhook-timestamp``,
``webhook-signature`` = ``v1,`` + base64 of HMAC-SHA256 over ``id.timestamp.body``) and carries ``Idempotency-Key``.
"""

import base64
import binascii
import hashlib
import hmac
import json
from pathlib import Path

import httpx

from lane.journal.disk import sync_directory, write_whole
from lane.settings.station import Destination

HTTP_S_MAX = 10.0
"""A receiver that needs longer to accept one message is as good as down; the message is sent again."""
REPLY_BYTES_MAX = 64 * 1024
SECRET_BYTES_MIN = 24
"""Standard Webhooks: a secret of 24..64 bytes."""
FILE_MODE = 0o666
"""Who may read or change a dropped file is left to the umask: it belongs to its receiver."""
SIGNATURE_AGE_S_MAX = 300
"""A receiver refuses a signature older or newer than five minutes (replay)."""


class TransportError(RuntimeError):
    """The message was not accepted; the text says by whom and why."""


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Value of ``webhook-signature``."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def verify_signature(secret: bytes, headers: dict[str, str], body: bytes, now_s: int) -> bool:
    """Whether a webhook's headers (lower-case names) fit its body and time."""
    try:
        timestamp = int(headers.get("webhook-timestamp", ""))
    except ValueError:
        return False
    if abs(now_s - timestamp) > SIGNATURE_AGE_S_MAX:
        return False
    expected = signature(secret, headers.get("webhook-id", ""), timestamp, body)
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


def read_secret(path: Path) -> bytes:
    """Signing secret from a file only its owner can read: ``whsec_`` + base64, or at least 24 plain bytes.

    Raises ``TransportError`` naming the file and what was expected.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_bytes().strip()
    except OSError as error:
        raise TransportError(f"{path}: the signing secret can't be read ({error.strerror})") from error
    if mode & 0o077:
        raise TransportError(f"{path}: expected mode 0600, was {mode & 0o777:04o}")
    if text.startswith(b"whsec_"):
        try:
            text = base64.b64decode(text[6:], validate=True)
        except binascii.Error as error:
            raise TransportError(f"{path}: expected base64 after whsec_") from error
    if len(text) < SECRET_BYTES_MIN:
        raise TransportError(f"{path}: expected at least {SECRET_BYTES_MIN} bytes of secret")
    return text


def drop_file(folder: Path, key: str, body: bytes, *, wait_for_ack: bool) -> None:
    """Lay a message into a folder: temporary name, fsync, rename, fsync of the folder. Repeating it is harmless.

    Raises ``TransportError`` when it can't be written, or (``wait_for_ack``) while ``<key>.ack`` is not there.
    """
    path = folder / f"{key}.json"
    acknowledgement = folder / f"{key}.ack"
    try:
        if not (path.exists() or acknowledgement.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(path.with_suffix(".part"), path, body, FILE_MODE)
            sync_directory(folder)
        if wait_for_ack and not accepted(acknowledgement.read_bytes() if acknowledgement.exists() else b"", key):
            raise TransportError(f"{folder}: no acknowledgement {acknowledgement.name} yet")
    except OSError as error:
        raise TransportError(f"{folder}: can't be written ({error.strerror})") from error


def accepted(reply: bytes, key: str) -> bool:
    """Whether a reply is ``{"idempotency_key": key, "accepted": true}``."""
    try:
        answer = json.loads(reply)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("idempotency_key") == key and answer.get("accepted") is True


async def post(
    client: httpx.AsyncClient, destination: Destination, secret: bytes, key: str, body: bytes, now_s: int
) -> None:
    """POST a message once. Raises ``TransportError`` unless the receiver accepted this very key."""
    headers = {
        "content-type": "application/json",
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": str(now_s),
        "webhook-signature": signature(secret, key, now_s, body),
    }
    try:
        reply = await client.post(destination.target, content=body, headers=headers, timeout=HTTP_S_MAX)
    except httpx.HTTPError as error:
        raise TransportError(f"{destination.name}: {type(error).__name__}: {error}") from error
    if not reply.is_success:
        raise TransportError(f"{destination.name}: answered {reply.status_code}")
    if len(reply.content) > REPLY_BYTES_MAX or not accepted(reply.content, key):
        raise TransportError(f"{destination.name}: answered without accepting {key[:12]}...")
