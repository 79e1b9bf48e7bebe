"""One alert, in one shape for every facility and messenger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nuncius.schemas.localization import Localization
from nuncius.schemas.vocabulary import (
    Band,
    CiteKind,
    FarKind,
    Kind,
    Messenger,
    Reality,
    RunMode,
    TimeFrame,
    TimeKind,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as the facility states it.

    Parameters
    ----------
    value, unit
        The number and its unit, both as stated.
    error
        One-sigma error in the same unit; None where not given.
    """

    value: float
    unit: str
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Photometry:
    """One measurement or upper limit.

    Parameters
    ----------
    time
        Mid-exposure, UTC.
    filter
        Band name as the facility writes it.
    mag, mag_err
        Magnitude and its error; for a limit ``mag`` is the limit and ``mag_err`` None.
    system
        ``AB`` or ``Vega``.
    limit
        True for an upper limit on the flux.
    """

    time: datetime | None
    filter: str
    mag: float
    mag_err: float | None = None
    system: str = "AB"
    limit: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """That this alert refers to another.

    Parameters
    ----------
    cite
        What this alert is to the other: ``followup``, ``supersedes`` or ``retraction``.
    identifier
        Of the other, as stated (a VOEvent's ``EventIVORN`` and its kin).
    """

    cite: CiteKind
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alert:
    """What one facility says in one notice.

    Equality is identity of content: compare ``alert_id``. Times are aware UTC datetimes. None means that the
    facility does not say; zero is a value.

    Parameters
    ----------
    alert_id
        UUIDv5 of native id and sha256 of the bytes: the same bytes give the same id for ever.
    thread_id
        What an alert, its updates and its retraction share: ``lvk:S190425z``, ``fermi-gbm:524666471``.
    native_id
        The identifier the packet itself carries (IVORN, superevent id and type, candid, …).
    sequence
        Revision number within the thread, as the facility counts it.
    kind, reality, run_mode
        See `nuncius.schemas.vocabulary`.
    messenger, band
        What was seen; ``band`` for photons only.
    facility, instrument, stream
        Who saw it, with what, and the topic or IVOA stream it came on.
    event_class
        What kind of event, an open vocabulary that rules select on: ``cbc``, ``burst``, ``grb``, ``sub_grb``,
        ``sub_grb_targeted``, ``neutrino_track``, ``neutrino_cascade``, ``neutrino_doublet``, ``supernova_neutrino``,
        ``frb``, ``flare``, ``known_source``, ``x_ray_transient``, ``optical_transient``, ``microlensing``,
        ``solar_system``, ``not_astrophysical`` (the facility itself says so: particles, glitch), ``unknown``.
    time_start, time_stop
        Event time, or the interval's ends (both inclusive). None where the packet states no possible time.
    time_kind, time_err_s, time_frame
        What the time is, its one-sigma error in seconds, and where the clock stood.
    issued_time, received_time
        When the facility wrote the notice; when it reached us (in a replay: the source's, not the clock's).
    localizations
        Own first, then external and combined ones.
    far_hz, far_kind, far_scope, far_as_stated
        False-alarm rate in Hz, what it counts, over what (pipeline, search, stream; trials), and the facility's words.
    significance, significance_unit
        As stated (``sigma``, ``snr``, …).
    p_astro
        Probability of astrophysical origin, as stated or 1 - p(terrestrial).
    classification
        Probability by class, as stated.
    distance_mpc, distance_err_mpc, redshift
        As stated.
    energy, flux
        As stated, with unit.
    photometry
        Magnitudes and limits, newest first.
    dispersion_measure_pc_cm3
        For radio bursts.
    properties
        Other facts worth keeping, by the facility's own names.
    cites, references
        Other alerts; URLs. Never fetched unless allow-listed.
    raw_media_type, raw_sha256, source
        The bytes as received: their type, hash and where they came from.
    """

    alert_id: str
    thread_id: str
    native_id: str
    sequence: int | None = None
    kind: Kind
    reality: Reality
    run_mode: RunMode = "live"
    messenger: Messenger
    band: Band | None = None
    facility: str
    instrument: str = ""
    stream: str = ""
    event_class: str = "unknown"
    time_start: datetime | None = None
    time_stop: datetime | None = None
    time_kind: TimeKind = "trigger"
    time_err_s: float | None = None
    time_frame: TimeFrame = "topocentric"
    issued_time: datetime | None = None
    received_time: datetime | None = None
    localizations: tuple[Localization, ...] = ()
    far_hz: float | None = None
    far_kind: FarKind | None = None
    far_scope: str | None = None
    far_as_stated: str | None = None
    significance: float | None = None
    significance_unit: str | None = None
    p_astro: float | None = None
    classification: Mapping[str, float] = field(default_factory=dict)
    distance_mpc: float | None = None
    distance_err_mpc: float | None = None
    redshift: float | None = None
    energy: Quantity | None = None
    flux: Quantity | None = None
    photometry: tuple[Photometry, ...] = ()
    dispersion_measure_pc_cm3: float | None = None
    properties: Mapping[str, str | float | bool] = field(default_factory=dict)
    cites: tuple[Citation, ...] = ()
    references: tuple[str, ...] = ()
    raw_media_type: str = ""
    raw_sha256: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class NotAnAlert:
    """A packet that is known and says nothing about the sky: a pointing notice, a slew, a heartbeat, a test stream.

    Parameters
    ----------
    reason
        A short stable name for counting: ``pointing``, ``slew``, ``heartbeat``, ``test_stream``, ``sky_map_file``, …
    stream
        The topic or IVOA stream it came on.
    issued_time
        UTC, where stated.
    """

    reason: str
    stream: str = ""
    issued_time: datetime | None = None
