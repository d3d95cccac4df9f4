"""What a deliberate bug is."""

from dataclasses import dataclass

from sim.museum.patching import Constant, Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One exhibit. ``wrong``: what is wrong, in one sentence, as a reviewer would say it. ``parts``: the wrong lines.

    ``equivalent``: why no run of the core twin can show it ("" for all others); such a bug is listed, not searched.
    ``without``: a second line of defence behind the bug, taken out of the sound core too, so that the hunt compares a
    lane that has only the first line with one that has neither. ``masked_by`` says in words what was taken out.
    """

    name: str
    wrong: str
    parts: tuple[Edit | Constant, ...]
    equivalent: str = ""
    without: tuple[Edit | Constant, ...] = ()
    masked_by: str = ""
