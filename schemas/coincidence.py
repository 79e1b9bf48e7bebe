"""What the engines say: coincidences of events, and ranked candidates for an event."""

from dataclasses import dataclass
from datetime import datetime

from nuncius.schemas.localization import SkyMapRef
from nuncius.schemas.vocabulary import Arm, Null, Reality, RunMode, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One event of a coincidence, by the notices that were used.

    Parameters
    ----------
    event_id
        The association it belongs to (the thread id of its earliest-issued member).
    threads
        All threads of the event: the same burst seen by several instruments.
    alert_ids
        The exact alerts whose time, position and rate were used, sorted.
    facility, event_class
        Of the thread used, for the reader.
    time
        The time that was compared, UTC.
    retracted
        True where the facility has taken it back.
    disputed_by
        Facilities that took it back without owning the thread, sorted: shown, not obeyed.
    doubt
        Where its own facility took it back and issued a later notice that says it stands: both notices with their
        times, in words; empty elsewhere.
    """

    event_id: str
    threads: tuple[str, ...]
    alert_ids: tuple[str, ...]
    facility: str
    event_class: str
    time: datetime | None
    retracted: bool = False
    disputed_by: tuple[str, ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Significance:
    """How surprising a pair is, and which question that answers.

    Parameters
    ----------
    null
        ``noise_pair``: false-alarm rates multiply (the anchor is noise; the partner too where the method is targeted,
        else any unrelated event). ``unrelated_real``: both real, partner by chance.
    null_reason
        The conditions that chose it, with their numbers.
    method
        Formula used (``untargeted``, ``targeted``, ``interval``), with its citation.
    expected_by_chance
        Expected number of unrelated partners in this window and region; None where no rate is known.
    expected_in_time
        The same before the sky is used.
    expected_low, expected_high
        ``expected_by_chance`` at the ends of the partner rate's 68 % interval; None where the rate has none.
    rate_hz
        How often such a pair happens by chance under the null, Hz; None where a rate is unknown.
    joint_far_hz
        Joint false-alarm rate, Hz; only under ``noise_pair``, before trials.
    partner_rate_hz, rate_source
        The partner rate that was used, and where it comes from: ``cited: …``, ``measured: …``, or the partner's own.
    partner_rate_low_hz, partner_rate_high_hz
        Ends of its 68 % interval where it was measured.
    overlap_used, overlap_background
        The overlap integral in the numbers, and the density of partners it is taken against: isotropic, or measured.
    far_budget_hz, far_budget_total_hz
        The rule's share of the published false alarms, and the published total: the sum over all enabled rules.
    within_budget
        Whether ``rate_hz`` is at most the rule's budget; None where there is no rate.
    trials, tried
        How many rules were tried with the anchor, and their names in the order of the rules.
    validity
        ``valid``, or in words why the number must not be used.
    """

    null: Null
    null_reason: str = ""
    method: str
    expected_by_chance: float | None = None
    expected_in_time: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    rate_hz: float | None = None
    joint_far_hz: float | None = None
    partner_rate_hz: float | None = None
    rate_source: str = ""
    partner_rate_low_hz: float | None = None
    partner_rate_high_hz: float | None = None
    overlap_used: float | None = None
    overlap_background: str = ""
    far_budget_hz: float | None = None
    far_budget_total_hz: float | None = None
    within_budget: bool | None = None
    trials: int = 1
    tried: tuple[str, ...] = ()
    validity: str = "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An anchor with one partner.

    Parameters
    ----------
    partner
        The other event.
    dt_s
        Partner time minus anchor time, seconds; for an interval the distance to its nearer end, 0 inside.
    overlap
        Overlap integral 4 pi ∫ p1 p2 dΩ (Ashton et al. 2018); None where one has no localization.
    credible_level
        The anchor's credible level at the partner's best position, where the partner is a point or a small circle.
    separation_deg
        Between best positions, degrees, where both have one.
    significance
        See `Significance`.
    """

    partner: Member
    dt_s: float
    overlap: float | None = None
    credible_level: float | None = None
    separation_deg: float | None = None
    significance: Significance


@dataclass(frozen=True, slots=True, kw_only=True)
class Coincidence:
    """Events that one rule finds together, around an anchor, in the current state.

    The numbers at the top are those of the best pair (smallest chance); ``others`` holds the rest. Of a group (rule
    ``group``) and of a multiplicity of detectors, ``others`` are members too, and the significance at the top, and the
    overlap of a group, are those of all members together.

    Parameters
    ----------
    coincidence_id
        From rule and anchor.
    revision, state, supersedes
        Own count of changes; ``retracted`` where no valid pair is left, or a larger group took it in; ids of the
        records whose members this one holds.
    rule, rule_source
        Name of the rule and the citation of its window.
    anchor
        The event that the rule is about (the gravitational wave, else the rule's first role).
    reality
        The least real member.
    run_mode
        Of the members.
    partner, dt_s, overlap, credible_level, separation_deg, significance
        Of the best pair, as in `Pair`; overlap and significance of a group are of all members, n-fold.
    others
        Further pairs, best first.
    combined_map
        Product of the two maps where both are extended; never an input to a match with its makers.
    issued_time
        Latest issue time of the alerts used: the data's clock, the same in every replay.
    """

    coincidence_id: str
    revision: int = 1
    state: State
    supersedes: tuple[str, ...] = ()
    rule: str
    rule_source: str
    anchor: Member
    reality: Reality
    run_mode: RunMode
    partner: Member
    dt_s: float
    overlap: float | None = None
    credible_level: float | None = None
    separation_deg: float | None = None
    significance: Significance
    others: tuple[Pair, ...] = ()
    combined_map: SkyMapRef | None = None
    issued_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """A candidate that one rule finds in one notice of an event.

    Parameters
    ----------
    rule, event_thread, event_alert_id
        Which rule, which event, and the exact notice whose region was used.
    arm
        ``on`` for a possible counterpart, ``control`` for a row of the measured background.
    alert_id, thread_id, survey, reality, ra, dec, time, first_time, mag, filter, score
        Of the candidate; ICRS degrees, UTC.
    last_limit_time
        Last look before the first detection that did not see it, UTC; None where the survey does not tell.
    credible_level, probdensity_per_sr
        Of the event's map at the candidate, 2-D.
    """

    rule: str
    event_thread: str
    event_alert_id: str
    arm: Arm
    alert_id: str
    thread_id: str
    survey: str
    reality: Reality
    run_mode: RunMode
    ra: float
    dec: float
    time: datetime
    first_time: datetime
    last_limit_time: datetime | None = None
    mag: float | None = None
    filter: str = ""
    score: float | None = None
    credible_level: float
    probdensity_per_sr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Where a survey looked inside the region of one notice, in one night, as any of its rows show.

    Parameters
    ----------
    rule, event_thread, event_alert_id
        Which rule, which event, and the exact notice whose region and windows are meant.
    survey, reality, run_mode
        Of the rows.
    arm
        ``on`` for looks in the rule's window, ``control`` for looks in the window before the event.
    night
        Days since 1970-01-01, UTC, the night that ends in it at 18 h.
    cells
        HEALPix NESTED cells of order 5 that were looked at and touch the region; sorted. Further records may add to
        them.
    """

    rule: str
    event_thread: str
    event_alert_id: str
    survey: str
    arm: Arm
    night: int
    cells: tuple[int, ...]
    reality: Reality
    run_mode: RunMode


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateList:
    """The possible counterparts of one event, ranked, with the number expected by chance under the same cuts.

    Parameters
    ----------
    list_id
        From rule and event thread.
    revision, state
        As in `Coincidence`.
    rule, rule_source
        Name of the rule and the citation of its cuts.
    event_thread, event_alert_id
        The event and the exact notice whose region was used.
    doubt
        Of the event, as in `Member`.
    candidates
        Best first, at most the rule's cap: ranked by how few unrelated objects are expected as deep in the region and
        as soon after the event (credible level times delay of the first detection).
    passed
        How many objects passed the cuts; those beyond the cap are counted here only.
    expected_by_chance, expected_method
        Expected number of unrelated objects under the same cuts, and how it was measured; None where it cannot be.
    expected_low, expected_high
        Ends of the 68 % interval of that number; None where there is none.
    issued_time
        Latest of the event's issue time and the candidates' times.
    """

    list_id: str
    revision: int = 1
    state: State
    rule: str
    rule_source: str
    reality: Reality
    run_mode: RunMode
    event_thread: str
    event_alert_id: str
    doubt: str = ""
    candidates: tuple[Counterpart, ...]
    passed: int
    expected_by_chance: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    expected_method: str = ""
    issued_time: datetime | None = None
