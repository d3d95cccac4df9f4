"""Reads the specification text of a line (gmodel): pieces in one pack and mass of one unit. Pure.

Texts in the wild look like ``900g/罐``, ``30粒/盒``, ``384g/盒``, ``10g*30包/盒`` or ``4|3|奶粉|900g/罐|品牌``.
What is not understood counts as unknown; volumes are never compared.
"""

import re
from dataclasses import dataclass

SPEC_MASS_MG_MAX = 10**11
"""A unit heavier than 100 kg is no parcel's content: such a number in the text is not a mass."""
INNER_MAX = 100_000
"""More pieces than that in one pack are no count."""

_MASS_MG = {"kg": 10**6, "千克": 10**6, "公斤": 10**6, "mg": 1, "毫克": 1, "g": 10**3, "克": 10**3}
_MASS = r"(?<![\d.])(?P<mass>\d{1,9}(?:\.\d{1,6})?)\s*(?P<mass_unit>kg|千克|公斤|mg|毫克|g|克)(?![a-z])"
_PIECES = "粒|片|个|枚|支|只|包|袋|张|块|条|瓶|罐|盒|件|颗|双|把|根|卷|本|贴|pcs|pieces|pc|tablets|capsules|bags"
_PACKS = "盒|罐|瓶|箱|袋|包|桶|套|组|筒|打|件|个|支|条|板|提|box|can|tin|bottle|bag|pack|set|carton|pc|piece"
_PER = rf"\s*[/／每]\s*(?P<per>{_PACKS}|粒|片)"
_UNIT_MASS = re.compile(rf"{_MASS}(?:{_PER})?", re.IGNORECASE)
_TIMES = re.compile(rf"{_MASS}\s*[*xX×]\s*(?P<n>\d{{1,6}})\s*(?:{_PIECES})?(?:{_PER})?", re.IGNORECASE)
_TIMES_LEFT = re.compile(rf"(?<![\d.])(?P<n>\d{{1,6}})\s*(?:{_PIECES})?\s*[*xX×]\s*{_MASS}(?:{_PER})?", re.IGNORECASE)
_INNER = re.compile(rf"(?<![\d.])(?P<n>\d{{1,6}})\s*(?:{_PIECES})\s*[/／]\s*(?P<per>{_PACKS})(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the text says. ``inner``: pieces in one pack (0: unknown); ``mass_mg``: mass of one unit (0: unknown)."""

    inner: int = 0
    mass_mg: int = 0


def read_spec(text: str, unit_name: str = "") -> Spec:
    """Inner count and unit mass of a specification text.

    A mass per the declared unit's own name (``900g/罐`` for 罐) wins; otherwise the text must name one single mass.
    """
    if not text:
        return Spec()
    times = _TIMES.search(text) or _TIMES_LEFT.search(text)
    if times:
        count = int(times["n"])
        mass = _mass_mg(times["mass"], times["mass_unit"]) * count
        if 0 < count <= INNER_MAX and 0 < mass <= SPEC_MASS_MG_MAX:
            return Spec(inner=count, mass_mg=mass)
    return Spec(inner=_inner(text), mass_mg=_unit_mass(text, unit_name))


def _inner(text: str) -> int:
    counts = {int(match["n"]) for match in _INNER.finditer(text)}
    single = counts.pop() if len(counts) == 1 else 0
    return single if single <= INNER_MAX else 0


def _unit_mass(text: str, unit_name: str) -> int:
    found = [(_mass_mg(m["mass"], m["mass_unit"]), m["per"] or "") for m in _UNIT_MASS.finditer(text)]
    sound = [(mass, per) for mass, per in found if 0 < mass <= SPEC_MASS_MG_MAX]
    own = {mass for mass, per in sound if unit_name and per == unit_name}
    masses = own or {mass for mass, per in sound if per not in ("粒", "片")}
    return masses.pop() if len(masses) == 1 else 0


def _mass_mg(number: str, unit: str) -> int:
    whole, _, part = number.partition(".")
    return int(whole + part.ljust(6, "0")) * _MASS_MG[unit.lower()] // 10**6
