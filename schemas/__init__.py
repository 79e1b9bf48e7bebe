"""The vocabulary and the wire contract: frozen values, Avro schemas, codec. No I/O, no clock."""

from nuncius.schemas.alert import Alert, Citation, NotAnAlert, Photometry, Quantity
from nuncius.schemas.candidate import NO_TIME, CandidateBatch
from nuncius.schemas.candidate_row import CandidateRow
from nuncius.schemas.coincidence import (
    CandidateList,
    Coincidence,
    Counterpart,
    Coverage,
    Member,
    Pair,
    Significance,
)
from nuncius.schemas.errors import (
    CommitUnknown,
    Fault,
    LimitExceeded,
    LogDamaged,
    MalformedAlert,
    NunciusError,
    Quarantine,
    Retry,
    SettingsError,
    Stop,
    UnknownSchema,
)
from nuncius.schemas.localization import (
    Cone,
    Ellipse,
    Localization,
    Region,
    Shape,
    SkyMapRef,
)
from nuncius.schemas.plan import ObservationReport, PlannedTile
from nuncius.schemas.quarantined import Quarantined
from nuncius.schemas.stream import StreamCheckpoint, StreamDefinition, StreamProgress, StreamRow
from nuncius.schemas.too import ToORequest, ToOStatus

__all__ = [
    "NO_TIME",
    "Alert",
    "CandidateBatch",
    "CandidateList",
    "CandidateRow",
    "Citation",
    "Coincidence",
    "CommitUnknown",
    "Cone",
    "Counterpart",
    "Coverage",
    "Ellipse",
    "Fault",
    "LimitExceeded",
    "Localization",
    "LogDamaged",
    "MalformedAlert",
    "Member",
    "NotAnAlert",
    "NunciusError",
    "ObservationReport",
    "Pair",
    "Photometry",
    "PlannedTile",
    "Quantity",
    "Quarantine",
    "Quarantined",
    "Region",
    "Retry",
    "SettingsError",
    "Shape",
    "Significance",
    "SkyMapRef",
    "Stop",
    "StreamCheckpoint",
    "StreamDefinition",
    "StreamProgress",
    "StreamRow",
    "ToORequest",
    "ToOStatus",
    "UnknownSchema",
]
