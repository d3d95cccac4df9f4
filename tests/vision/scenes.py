"""Parcels for tests: a rendered picture, the declared lines and the weights."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sim.goods import carton_for, declared_masses, parcel_masses
from sim.xray.frames import frame, picture
from sim.xray.render import render
from vision.item_count import ExpectedLine, ItemCount
from vision.pipeline import Pipeline, Scales, Seen
from vision.verify import Verdict

SIGNATURES = Path(__file__).resolve().parents[2] / "config" / "models" / "signatures.json"
Contents = Sequence[tuple[str, int]]


@cache
def pipeline() -> Pipeline:
    """The shipped signatures, loaded once."""
    return Pipeline.load(SIGNATURES)


def lines_of(declared: Contents) -> list[ExpectedLine]:
    """Exact expected counts."""
    return [
        ExpectedLine(line_no=number, sku=sku, name=f"goods {number}", count_lo=count, count_hi=count, unit_mg=0)
        for number, (sku, count) in enumerate(declared, start=1)
    ]


def judge(
    declared: Contents, true: Contents, seed: int, *, scale_mg: int | None = None, gross_mg: int | None = None,
    lines: list[ExpectedLine] | None = None,
) -> tuple[ItemCount, Seen, Verdict]:  # fmt: skip
    """Render the true contents and judge them against the declared ones."""
    carton = carton_for(declared, true)
    weight = parcel_masses(true, carton, seed).gross_mg if scale_mg is None else scale_mg
    gross = declared_masses(declared, carton, seed)[1] if gross_mg is None else gross_mg
    scan = frame(render(true, carton, seed))
    scales = Scales(scale_mg=weight, error_mg=3_000, gross_mg=gross)
    return pipeline().count(scan, lines_of(declared) if lines is None else lines, scales, "ab" * 32)


def image(contents: Contents, seed: int) -> bytes:
    """A picture file of a parcel."""
    return picture(render(contents, carton_for(contents), seed))
