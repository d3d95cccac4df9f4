"""The closed union of all events: ``match`` over it ends in ``assert_never``."""

from lane.events.machine import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmShelved,
    BeltFlushed,
    GateProven,
    GroundModeSet,
    MessageDone,
    OrderRefused,
    RuleAdded,
    Snapshot,
    StateChanged,
    TrackingStray,
)
from lane.events.parcel import (
    BenchRecorded,
    ContentCompared,
    CustodyMoved,
    CustodyUnproven,
    DeclarationPinned,
    DispositionDecided,
    GroundAdded,
    InspectionOrdered,
    MessageQueued,
    ParcelDiverted,
    ParcelDrawn,
    ParcelIdentified,
    ParcelInducted,
    ParcelMeasured,
    ParcelReleased,
    ParcelScanned,
    ParcelWeighed,
    PermitIssued,
    PermitUsed,
    PermitVoided,
    RecallRaised,
    ReviewAnswered,
    ReviewRequested,
    StatusUpdated,
    TrackingLost,
)

AnyEvent = (
    StateChanged
    | OrderRefused
    | ParcelInducted
    | ParcelMeasured
    | ParcelIdentified
    | ParcelDrawn
    | DeclarationPinned
    | StatusUpdated
    | ParcelWeighed
    | ParcelScanned
    | ContentCompared
    | ReviewRequested
    | ReviewAnswered
    | InspectionOrdered
    | DispositionDecided
    | PermitIssued
    | PermitUsed
    | PermitVoided
    | GateProven
    | ParcelReleased
    | ParcelDiverted
    | CustodyUnproven
    | CustodyMoved
    | TrackingLost
    | TrackingStray
    | GroundAdded
    | BeltFlushed
    | AlarmRaised
    | AlarmCleared
    | AlarmAcknowledged
    | AlarmShelved
    | RuleAdded
    | GroundModeSet
    | BenchRecorded
    | MessageQueued
    | MessageDone
    | RecallRaised
    | Snapshot
)
