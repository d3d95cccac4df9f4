"""Inputs and events for journal tests, made without a controller."""

from typing import Any

from devices.signals import EyeChanged
from lane.draw import draw_hash, is_selected, parse_rate, probability
from lane.events.parcel import ParcelDrawn, ParcelInducted
from lane.inputs import EpochOpened
from lane.model.words import Design

SITE, LANE = "HZ01", "L3"
ORIGIN = f"{SITE}/{LANE}/log1"


def eye(at: int, **fields: Any) -> EyeChanged:
    """An eye edge at this time."""
    return EyeChanged(**{"at_us": at, "belt_um": at * 2, "eye": "induct", "blocked": True, **fields})


def inducted(seq: int, at: int) -> ParcelInducted:
    """A body reached the lane."""
    return ParcelInducted(at_us=at, belt_um=at * 2, seq=seq, head_um=at * 2)


def drawn(
    opened: EpochOpened, seq: int, parcel_key: str, n: int, selected: int, at: int, passages: int = 0, sticky: int = 0
) -> ParcelDrawn:
    """An honest draw in an open epoch."""
    p = probability(parse_rate(opened.rate), opened.design, n, selected)
    d = draw_hash(opened.key, SITE, LANE, opened.epoch, seq, parcel_key.encode())
    hit = is_selected(d, *p)
    return ParcelDrawn(
        at_us=at,
        belt_um=at * 2,
        epoch=opened.epoch,
        seq=seq,
        parcel_key=parcel_key,
        design=Design(opened.design),
        rate=opened.rate,
        n=n,
        selected=selected,
        p_num=p[0],
        p_den=p[1],
        d=d.hex(),
        drawn=hit,
        counts=passages == 0,
        sticky_from=sticky,
        effective=hit or sticky > 0,
    )
