"""Target-of-opportunity requests and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from nuncius.schemas.plan import Ask, PlannedTile
from nuncius.schemas.vocabulary import Reality, RequestState, RunMode

Wish = Literal[Ask, "ready"]
"""What a policy asks (`Ask`), or ``ready``: it would, and nobody knows yet where to."""


class Position(NamedTuple):
    """Where to look, ICRS degrees, and the 90 % radius to cover; 0 for a point."""

    ra: float
    dec: float
    radius_deg: float


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
        The coincidence, candidate list or alert behind it, and which of the three; or who asked, as ``skyportal``.
    target_name, ra, dec, radius_deg
        ICRS degrees; ``radius_deg`` is the 90 % radius to cover, 0 for a point. The three are None where nothing says
        yet where to look; a later revision has them once a notice does.
    window_start, window_stop
        When it can be observed from there, UTC; None where no position is known.
    airmass_min
        Best airmass within the window.
    exposure_s, filter
        As the policy asks.
    ask
        ``pointing``: one field on the position; ``tiles``, ``galaxies``: those of ``tiles``, in their order; ``ready``:
        there is no position yet, so make ready, and look where you can.
    tiles, probability
        The plan, and the probability of the map that it covers; empty and None for a pointing.
    site, instrument
        Where the telescope stands (empty where the facility chooses), and what it looks with.
    position_angle_deg
        Of the field's upper edge, or of the slit, north through east; None where nobody asks for one.
    max_airmass, moon_separation_min_deg
        What the facility must keep to, as the policy says.
    priority
        0 lowest, as the policy says.
    preempt
        Whether the policy lets it interrupt what runs.
    team_only
        Whether it must not reach an adapter that shows others what is asked.
    needs_approval
        True unless the policy is automatic and nothing is in ``doubt``.
    doubt
        Of what is wanted although its cause's owner once took it back: both notices with their times, in words, as in
        `nuncius.schemas.coincidence.Member`; empty elsewhere.
    reality, run_mode
        Of the cause. Real adapters accept only ``real`` and ``live``.
    event_thread, event_class, event_time
        The event behind it, e.g. ``lvk:S190814bv`` and ``cbc``, and when it was, UTC.
    follows
        Ids of the alerts that it rests on.
    supersedes
        Ids of the requests in whose place it comes: their causes went into its own.
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
    ra: float | None
    dec: float | None
    radius_deg: float | None
    window_start: datetime | None = None
    window_stop: datetime | None = None
    airmass_min: float | None = None
    exposure_s: float
    filter: str = ""
    ask: Wish = "pointing"
    tiles: tuple[PlannedTile, ...] = ()
    probability: float | None = None
    site: str = ""
    instrument: str = ""
    position_angle_deg: float | None = None
    max_airmass: float | None = None
    moon_separation_min_deg: float | None = None
    priority: float = 1.0
    preempt: bool = False
    team_only: bool = False
    needs_approval: bool = True
    doubt: str = ""
    reality: Reality
    run_mode: RunMode
    event_thread: str = ""
    event_class: str = ""
    event_time: datetime | None = None
    follows: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    expires: datetime | None = None
    reason: str
    idempotency_key: str
    issued_time: datetime | None = None

    @property
    def position(self) -> Position | None:
        """Where to look; None where that is not known."""
        if self.ra is None or self.dec is None or self.radius_deg is None:
            return None
        return Position(self.ra, self.dec, self.radius_deg)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOStatus:
    """One change in the life of a request, as an adapter, a person or a clock reports it.

    Parameters
    ----------
    request_id, revision
        Which request.
    state
        See `nuncius.schemas.vocabulary.RequestState`; ``recorded`` where no telescope was asked.
    facility, adapter
        Who was asked, through what; a person's yes or no comes with the adapter ``person``.
    detail
        The facility's answer or why it was not asked.
    idempotency_key
        Of the delivery.
    reference
        The facility's own name for what it accepted; what it is cancelled or looked up by.
    who
        The person who said yes or no; empty elsewhere.
    time
        When it was so, UTC.
    taken
        Numbers of the plan's tiles that were observed so far; None where the facility does not say which.
    """

    request_id: str
    revision: int
    state: RequestState
    facility: str
    adapter: str
    detail: str = ""
    idempotency_key: str = ""
    reference: str = ""
    who: str = ""
    time: datetime | None = None
    taken: tuple[int, ...] | None = None
