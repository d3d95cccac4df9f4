"""All exhibits, by name."""

from sim.museum.bug import Bug
from sim.museum.bugs_belt import BUGS as BELT
from sim.museum.bugs_content import BUGS as CONTENT
from sim.museum.bugs_draw import BUGS as DRAW
from sim.museum.bugs_gate import BUGS as GATE
from sim.museum.bugs_machine import BUGS as MACHINE

BUGS: dict[str, Bug] = {bug.name: bug for bug in (*BELT, *GATE, *CONTENT, *DRAW, *MACHINE)}
"""Every deliberate bug; ``tests/sim/museum`` proves that each still fits the code."""
