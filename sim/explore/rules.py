"""What every code means that a search, a story, a tour of the museum or a comparison of fields shows, in plain words.

Codes are checked elsewhere in this building and only explained here; ``sim/RULES.md`` is written from these tables
(``python -m tests.sim.rules_page``), and its tests fail when a code is checked that nobody explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass

RULES: Mapping[str, str] = {
    "I1": "A body leaves through the gate only by a permit of its own that was used; nobody has two.",
    "I2": "A decision to release and its permit stand on no open ground; what is found before the blade ends the "
    "permit, and one officer clears only what one officer may clear.",
    "I3": "A parcel is decided once, and a permit follows a decision to release.",
    "I4": "Lane numbers and draws follow without a gap: every parcel has exactly one draw, in order.",
    "I5": "What is drawn for opening by hand, or has no draw, is neither decided to release, nor permitted, nor "
    "released by the belt.",
    "I6": "A draw that took effect stays: for its parcel, and for its waybill when that comes again.",
    "I7": "Every inducted parcel is on the belt or has exactly one end.",
    "I8": "A body at the release exit without a permit is told by an alarm.",
    "I9": "A picture belongs to one parcel, and a parcel to one picture.",
    "I10": "A permit is used at most once, inside its window, and ends once.",
    "I11": "Nothing is released while a device that it needs does not answer; the loss of one ends permits in force.",
    "I12": "Nothing is released on a status feed that is silent too long.",
    "I13": "What lay on the belt at a restart, a lost safety chain, a restarted lane I/O or a flush is not released.",
    "I14": "No acknowledged record is lost or altered, and the journal's root can be worked out anew.",
    "I15": "No two signed checkpoints contradict each other.",
    "I16": "After a failed commit no permit is given and none stays in force.",
    "I17": "Permits are in force, and the gate opens, only while the lane is in EXECUTE.",
    "I18": "Decisions rest on the lane's own clock, which a step of the wall clock does not move.",
    "I19": "Every collection of the core is bounded.",
    "I20": "Test pictures never decide a release.",
    "I21": "Whoever judges a picture does not learn of the draw before the decision.",
    "I22": "No buyer's personal data is in any record, page, file or error.",
    "I23": "The same seed gives the same journal, byte for byte.",
    "I24": "Every state knows what to do with every input: no exception in the core, and states follow each other.",
    "I25": "A restart, and with it another configuration or build, closes the draw's epoch; the next one is a new one.",
    "I26": "Where two persons are needed, they are two.",
    "I27": "The bench never holds more parcels than it has places, and stops induction only while it is full.",
    "I28": "A count that comes after its deadline is recorded and lifts nothing.",
    "R1": "Who is released is judged by a picture of that body and of no other.",
    "R2": "A decision to release stands on recorded evidence that agrees: picture, list, stable weight, count.",
    "R3": "A draw is the one that its key gives, with the right chance, and durable before its picture exists.",
    "R4": "Every lane number has an end in the books.",
    "R5": "Nothing is released against its status; a status that worsens after the release calls the parcel back.",
    "R6": "What is unknown or ambiguous is opened: code, second code, the same waybill twice, size, list.",
    "R7": "After any crash the journal is whole up to one of its records, and verifies.",
    "R8": "Every stop has its alarm, and no alarm follows one that nobody raised.",
    "R9": "Nothing is released while nobody reaches the lane I/O.",
    "R10": "A body is released at most once.",
    "R11": "Neighbours of a body that is lost, stray or too close are opened.",
    "R12": "A permit that ended in good time keeps the gate closed.",
    "R13": "A gate that does not open for its permit is noticed.",
    "R14": "An order whose nonce was used is refused.",
    "R15": "An edge is taken for the body in whose window it lies, and for no other.",
    "R16": "Faults of tracking have their effect: a jam or a stray at the open gate stops the belt, a second fault "
    "flushes it, a missed divert eye ends the permit.",
    "R17": "Evidence that was seen to fail is among the parcel's grounds.",
    "R18": "No body passes the open gate against a rule, not even one that stands behind it when the belt has stopped "
    "and is taken to the bench.",
    "L1": "A minute after the last fault the lane is at work.",
    "L2": "From then on it takes parcels at 95 % of its rate or more; what a full bench holds back does not count.",
    "L3": "The shift is completed and the belt runs empty.",
    "L4": "No alarm stands a minute and more after the end of its cause.",
    "L5": "Nothing waits for a draw or for the bench at the end.",
}
"""I: invariants of a lane. R: what a referee sees who knows the true bodies. L: the lane comes back to life."""

ELSEWHERE: Mapping[str, str] = {
    "I8": "tests/lane/core/test_belt_and_gate.py",
    "I14": "tests/lane/journal/test_kill.py",
    "I15": "tests/lane/journal/test_log.py",
    "I18": "tests/lane/runtime/test_clock.py",
    "I21": "tests/lane/views/test_lane_view.py",
    "I22": "tests/acceptance/test_privacy.py",
    "I23": "tests/sim/equalities/test_clocks.py",
    "I25": "tests/lane/core/test_restart.py",
    "R7": "tests/lane/journal/test_log.py",
}
"""Rules that no run of the search can break by itself, and the tests that hold them."""

OF_THE_HUNT: Mapping[str, str] = {
    "E1": "More sound parcels are opened for tracking, identity or device grounds.",
    "E2": "More sound parcels are opened for content, declaration or order.",
    "E3": "Another share of the parcels is drawn.",
    "E4": "The lane stops more often.",
    "E5": "More errors of content pass unseen.",
    "E6": "More parcels leave by an exit that nobody proved.",
    "E7": "Fewer parcels are released.",
    "E8": "The blade moves under a body more often.",
    "L0": "The core runs in a circle: a case takes minutes instead of seconds.",
    "T0": "The twin itself stumbled; this names no bug.",
}
"""How the museum names a bug that breaks no rule: the same cases with it and without it."""

VIOLATIONS: Mapping[str, str] = {
    "UNTRACKED": "The body has no lane number.",
    "NO_DECISION": "No decision to release was made before the blade.",
    "NO_PERMIT": "It has no permit.",
    "IDENTITY": "Another code than the body's own was recorded, or it has none.",
    "DECLARATION": "Nobody declared it.",
    "STATUS": "Its customs status is not RELEASED.",
    "SAMPLE": "It was drawn for opening by hand, or never drawn.",
    "NO_IMAGE": "It has no picture.",
    "FALSE_RECORD": "The records say released, and the body went elsewhere.",
    "TWICE": "One parcel has two ends.",
    "MESSAGE": "Release messages differ from the released parcels.",
}
"""Words of the referee: why a body at the release exit, or the record of it, is wrong."""

DUTIES: Mapping[str, str] = {
    "H0": "Watchdog: without a heartbeat for its time the gate goes home and induction ends.",
    "H1": "A release is one pulse with a longest time, never a level.",
    "H2": "A blade that is not where it was commanded after its time stops the belt.",
    "H3": "The destination is latched at the divert eye: a permit for a body past it is refused.",
    "H4": "The gate closes at the parcel's own tail, by the encoder.",
    "H5": "Two heads at the divert eye closer than the least gap close the gate.",
    "H6": "After a restart the gate goes to INSPECT first, and what is on the belt is not trusted (the controller's).",
    "H7": "A second look at the identity before the gate: second reader. Position alone is no identity (the lane's).",
}
"""Duties of what stands in the field, which a dead or late controller can't keep."""


FIELDS: Mapping[str, str] = {
    "level": "remote I/O, its release output a level, a watchdog of a whole second",
    "second": "remote I/O with pulses, a watchdog of a whole second",
    "plain": "remote I/O with pulses, a watchdog of 300 ms",
    "io": "our lane I/O: pulses inside an encoder window",
    "plc": "a lane PLC",
}
"""What stands beside the controller in a case."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault: what goes wrong, what must follow, and where it happens when no part of the twin brings it about."""

    wrong: str
    follows: str
    where: str = ""


_FILES, _PROCESSES, _CONSOLE = "files of the journal", "processes", "console and orders"

# fmt: off
FAULTS: Mapping[str, Entry] = {
    "F01": Entry("answer late or lost (Modbus TCP)", "UNKNOWN, reconnect; permits in force end, INSPECT"),
    "F02": Entry("late answer of another request (RTU)", "never accepted; quiet line"),
    "F03": Entry("answer with transaction id 0 or another one", "refused"),
    "F04": Entry("answer of another unit, function or length", "refused"),
    "F05": Entry("exception: busy, illegal address", "bounded repeat, then a fault of the device"),
    "F06": Entry("bits turned over, noise", "refused by checksum"),
    "F07": Entry("answer byte by byte, or cut", "put together, or timed out"),
    "F08": Entry("answer twice", "the second is ignored"),
    "F09": Entry("connection reset", "reconnect within a second; longer: the lane holds"),
    "F10": Entry("connection stands, nothing passes", "heartbeat too old within three cycles"),
    "F11": Entry("links come and go, or are refused", "reconnects with capped, jittered pauses"),
    "F12": Entry("lane I/O restarts, counters at zero", "boot counter: flush, proof of the watchdog, hold"),
    "F13": Entry("heartbeat frozen, or a device silent", "as a lost link"),
    "F14": Entry("another device behind an address", "identity differs: refused"),
    "F15": Entry("a second master on the bus", "foreign writes are refused, or noticed: gate home, belt stops, flush"),
    "F16": Entry("output watchdog switched off", "the proof at start fails: no EXECUTE"),
    "F17": Entry("write taken, output does not move", "the gate is missed: alarm, no release recorded"),
    "F18": Entry("gate slow", "the blade is proven home before the next parcel, or the belt stops"),
    "F19": Entry("gate stuck", "belt stops, no further permits"),
    "F20": Entry("end switches bounce or lie", "hold, INSPECT"),
    "F21": Entry("an eye flickers", "one parcel"),
    "F22": Entry("an eye stuck on, a body held", "jam: hold"),
    "F23": Entry("an eye stuck off, a body missed", "lost: it and its neighbours to INSPECT"),
    "F24": Entry("two bodies too close, touching or overlapping", "both to INSPECT"),
    "F25": Entry("a body too long", "INSPECT"),
    "F26": Entry("a parcel taken off by hand", "lost: neighbours to INSPECT"),
    "F27": Entry("a body put on by hand, or an edge of nothing", "stray: INSPECT, alarm"),
    "F28": Entry("two parcels change places", "codes or lengths differ: INSPECT"),
    "F29": Entry("slip, speed, encoder in doubt", "windows missed, or a flush"),
    "F30": Entry("the belt stops or coasts", "picture in the tunnel refused: INSPECT"),
    "F31": Entry("the belt runs back", "windows follow; picture in the tunnel refused"),
    "F32": Entry("emergency stop, guard open", "abort; what is on the belt is flushed"),
    "F33": Entry("power returns with a loaded belt", "flush"),
    "F34": Entry("no read", "INSPECT"),
    "F35": Entry("two codes on one parcel", "INSPECT"),
    "F36": Entry("one label read twice", "one parcel"),
    "F37": Entry("the same waybill on another parcel", "both to INSPECT"),
    "F38": Entry("another code than the parcel's", "place, second reader or list decides, else INSPECT"),
    "F39": Entry("garbage, control bytes, endless lines (serial)", "refused, bounded memory"),
    "F40": Entry("serial plug pulled and put back", "reopened"),
    "F41": Entry("picture cut", "INSPECT"),
    "F42": Entry("two bodies in one picture", "both to INSPECT"),
    "F43": Entry("an earlier picture again", "INSPECT"),
    "F44": Entry("pictures exchanged", "INSPECT"),
    "F45": Entry("dose low, dark lines, X-rays out", "INSPECT, or hold"),
    "F46": Entry("counting crashes or hangs", "given up at its deadline: INSPECT"),
    "F47": Entry("a count that is no number, or absurd", "refused: INSPECT"),
    "F48": Entry("a count too late", "recorded, lifts nothing"),
    "F49": Entry("another model than configured", "INSPECT"),
    "F50": Entry("declaration late, missing or changed, status worse", "INSPECT; the pinned version stands"),
    "F51": Entry("declarations or status feed down", "all to INSPECT"),
    "F52": Entry("lists or orders do not agree", "INSPECT"),
    "F53": Entry("release messages fail, double, pile up", "kept and sent once; induction stops when full"),
    "F54": Entry("a commit fails", "outputs safe, the core ends"),
    "F55": Entry("disk or quota full", "told before; closing records have room of their own", _FILES),
    "F56": Entry("write cut, page torn, power cut at any call", "no acknowledged record lost", _FILES),
    "F57": Entry("bits rot in rows or pictures", "found and named", _FILES),
    "F58": Entry("journal cut or rolled back", "refused against its signed checkpoint", _FILES),
    "F59": Entry("two cores", "the second ends", _PROCESSES),
    "F60": Entry("the core is killed", "restart from the journal; the belt is flushed"),
    "F61": Entry("the core stands still", "watchdog: outputs fall, stale permits end"),
    "F62": Entry("disk slow", "permits too late end"),
    "F63": Entry("the wall clock steps", "a record, no other behaviour"),
    "F64": Entry("the machine was suspended", "all deadlines are over: INSPECT", _PROCESSES),
    "F65": Entry("memory or file handles run out", "others end before the core", _PROCESSES),
    "F66": Entry("no processor time", "late permits end", _PROCESSES),
    "F67": Entry("the bench is full", "induction stops"),
    "F68": Entry("an order twice", "the second is refused"),
    "F69": Entry("stolen session, foreign page, role too low", "refused", _CONSOLE),
    "F70": Entry("no second party takes checkpoints, or it refuses", "the lane runs on", "no such party yet"),
    "F71": Entry("no epoch, key or nonce for the draw", "no induction"),
    "F72": Entry("a parcel comes again and again", "earlier draws stay; the third time INSPECT"),
    "T01": Entry("weight not stable", "not taken"),
    "T02": Entry("weight of another body", "differs from the declared one, or is not bound"),
    "T03": Entry("the scale repeats its last value", "differs from the declared one, or is not bound"),
    "T04": Entry("picture never stored", "INSPECT"),
    "T05": Entry("picture stored late", "INSPECT when it is too late"),
    "T06": Entry("count of another picture", "not taken"),
    "T07": Entry("event ring overrun", "flush"),
    "T08": Entry("reader or scale silent", "alarm; what lacks its reading goes to INSPECT"),
    "T09": Entry("persons change their minds, are late, or hold the lane", "only the order in force counts"),
}
# fmt: on
"""The fault catalogue. T: kinds of the twin beyond the numbered ones."""
