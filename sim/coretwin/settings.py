"""What a scenario may vary around the lane of a core twin."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.coretwin.breakdowns import Fitters
from sim.coretwin.fault_rates import FaultRates
from sim.coretwin.loop import LoopSpec
from sim.coretwin.reviewers import ReviewSpec
from sim.coretwin.verdicts import VerdictModel
from sim.faults import Fault
from sim.officers import BenchSpec
from sim.plant.options import PlantOptions
from sim.world.downtime import Downtime
from vision.item_count import ItemCount


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinSettings:
    """``recorded``: vision results of a wire run by body number, used instead of the verdict model.

    ``cage_parcels``: released parcels that leave together. Times in microseconds: ``command_us`` from the core to an
    actuator, ``declaration_us`` of a look-up, ``image_us`` from the last line to the stored image, ``message_us`` to
    an acknowledgement, ``cage_us`` from a full cage to its departure, ``attend_us`` until a person reacts to a stop
    or an alarm, ``held_us`` until a parcel with a wrong list goes back to the warehouse.
    ``belt_report_um``: belt travel between two reports of the encoder; 0: only on a change of speed, because in
    virtual time every input brings the belt position of its instant and the reports say nothing new.
    ``reviewers``: officers at the screen (None: nobody answers there). ``loop``: a third way out for late verdicts.
    ``downtimes`` of devices, and who repairs them. ``fault_rates``: faults drawn by rate, besides ``faults``.
    ``branch_cleared``: after a stop the officer brings what lies behind the gate to the bench, as the alarms ask.
    ``keep_records``, ``keep_inputs``: hold the journal's bytes, the inputs (for a replay).
    """

    verdicts: VerdictModel = field(default_factory=VerdictModel)
    bench: BenchSpec = field(default_factory=BenchSpec)
    recorded: Mapping[int, ItemCount] | None = None
    cage_parcels: int = 100
    command_us: int = 15_000
    declaration_us: int = 5_000
    image_us: int = 60_000
    message_us: int = 80_000
    cage_us: int = 60_000_000
    attend_us: int = 30_000_000
    held_us: int = 900_000_000
    belt_report_um: int = 0
    faults: tuple[Fault, ...] = ()
    fault_rates: FaultRates | None = None
    plant: PlantOptions = field(default_factory=PlantOptions)
    reviewers: ReviewSpec | None = None
    loop: LoopSpec | None = None
    downtimes: tuple[Downtime, ...] = ()
    fitters: Fitters = field(default_factory=Fitters)
    branch_cleared: bool = True
    keep_records: bool = False
    keep_inputs: bool = False
