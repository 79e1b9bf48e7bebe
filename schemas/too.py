"""Target-of-opportunity requests and what became of them."""

from dataclasses import dataclass
from datetime import datetime

from nuncius.schemas.vocabulary import Reality, RequestState, RunMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ToORequest:
    """One thing that a policy asks of one facility, because of one cause.

    Parameters
    ----------
    request_id
        From policy, facility and cause: revised, never doubled.
    revision
        Own count of changes.
    state
        ``proposed`` while wanted; ``rejected`` where the policy looked at it and does not want it, with the reason;
        ``cancelled`` when the cause is gone.
    policy, facility
        Name of the policy and of the site or telescope asked.
    cause_id, cause_kind
        The coincidence, candidate list or alert behind it, and which of the three.
    target_name, ra, dec, radius_deg
        ICRS degrees; ``radius_deg`` is the 90 % radius to cover, 0 for a point.
    window_start, window_stop
        When it can be observed from there, UTC.
    airmass_min
        Best airmass within the window.
    exposure_s, filter
        As the policy asks.
    priority
        0 lowest, as the policy says.
    needs_approval
        True unless the policy is automatic.
    reality, run_mode
        Of the cause. Real adapters accept only ``real`` and ``live``.
    expires
        After this the request is worth nothing, UTC.
    reason
        One sentence a person can act on.
    idempotency_key
        The same for every delivery of the same revision.
    issued_time
        The data's clock: the cause's.
    """

    request_id: str
    revision: int = 1
    state: RequestState
    policy: str
    facility: str
    cause_id: str
    cause_kind: str
    target_name: str
    ra: float
    dec: float
    radius_deg: float
    window_start: datetime | None = None
    window_stop: datetime | None = None
    airmass_min: float | None = None
    exposure_s: float
    filter: str = ""
    priority: float = 1.0
    needs_approval: bool = True
    reality: Reality
    run_mode: RunMode
    expires: datetime | None = None
    reason: str
    idempotency_key: str
    issued_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOStatus:
    """One change in the life of a request, as an adapter reports it.

    Parameters
    ----------
    request_id, revision
        Which request.
    state
        See `nuncius.schemas.vocabulary.RequestState`; ``recorded`` where no telescope was asked.
    facility, adapter
        Who was asked, through what.
    detail
        The facility's answer or why it was not asked.
    idempotency_key
        Of the delivery.
    """

    request_id: str
    revision: int
    state: RequestState
    facility: str
    adapter: str
    detail: str = ""
    idempotency_key: str = ""
