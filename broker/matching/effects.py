"""What the engines ask the service to publish; the service interprets them in one `match`."""

from dataclasses import dataclass
from datetime import datetime

from nuncius.schemas.coincidence import CandidateList, Coincidence


@dataclass(frozen=True, slots=True)
class PublishCoincidence:
    """A coincidence that is new or says something else than before; its revision is counted already.

    Parameters
    ----------
    record
        The coincidence.
    combined_map
        The FITS file that ``record.combined_map`` names; empty where it names none.
    """

    record: Coincidence
    combined_map: bytes = b""


@dataclass(frozen=True, slots=True)
class PublishList:
    """A candidate list that is new or says something else than before; its revision is counted already."""

    record: CandidateList


@dataclass(frozen=True, slots=True)
class TooLate:
    """An alert that came after the stated lateness: not matched, but counted.

    Only what could have changed something is told: an alert that a rule or identity takes, an update, a retraction.

    Parameters
    ----------
    alert_id, thread_id
        Of the alert.
    event_time
        When its event was, UTC.
    watermark
        The event time the engine had reached, UTC.
    """

    alert_id: str
    thread_id: str
    event_time: datetime
    watermark: datetime


Effect = PublishCoincidence | PublishList | TooLate
