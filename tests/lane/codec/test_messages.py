"""What every message promises, whatever builds it: named fields only, never changed, equal by value, fit to travel."""

import pickle
import typing
from typing import Any

import pytest

from devices import commands as device_commands
from devices.signals import EyeChanged
from lane import codec, commands, orders
from lane.inputs import EpochOpened
from lane.model.words import Design
from vision.item_count import ExpectedLine, ItemCount, LineCount

MESSAGES = [
    *codec.KINDS.values(),
    *typing.get_args(orders.AnyOrder),
    *typing.get_args(commands.AnyCommand),
    ExpectedLine,
    LineCount,
    ItemCount,
]
EYE = EyeChanged(at_us=1, belt_um=2, eye="induct", blocked=True)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda cls: cls.__name__)
def test_every_message_is_frozen_and_takes_named_fields_only(message: Any) -> None:
    config = message.__struct_config__
    assert config.frozen
    assert config.eq
    assert not config.gc, "messages hold no circles, so the collector has nothing to look for"
    assert message.__match_args__ == ()
    if message.__struct_fields__:
        with pytest.raises(TypeError):
            message(1)


def test_a_message_never_changes() -> None:
    with pytest.raises(AttributeError):
        EYE.eye = "divert"  # type: ignore[misc]


def test_a_missing_or_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="belt_um"):
        EyeChanged(at_us=1, eye="induct", blocked=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="colour"):
        EyeChanged(at_us=1, belt_um=2, eye="induct", blocked=True, colour=1)  # type: ignore[call-arg]


def test_messages_are_equal_by_value_and_kind_and_survive_the_way_between_processes() -> None:
    again = EyeChanged(at_us=1, belt_um=2, eye="induct", blocked=True)
    assert (again, hash(again)) == (EYE, hash(EYE))
    other: Any = device_commands.RestGate()
    assert device_commands.StopBelt() != other
    assert pickle.loads(pickle.dumps(EYE)) == EYE


def test_the_key_of_an_epoch_is_not_shown() -> None:
    opened = EpochOpened(
        at_us=1,
        belt_um=2,
        epoch=3,
        commitment="c",
        nonce="n",
        rate="0.055",
        design=Design.RATE_HELD,
        config_sha256="a",
        build_sha256="b",
        key=b"secret key bytes",
    )
    assert "secret" not in repr(opened)
    assert repr(opened).startswith("EpochOpened(at_us=1, belt_um=2, epoch=3, commitment='c'")
