"""One notice of the GCN unified schema as an alert; what a mission adds comes on top."""

from collections.abc import Mapping
from typing import Any, Final

from nuncius.producers import gcn_fields as fields
from nuncius.producers.build import number, provenance
from nuncius.producers.facility import Context
from nuncius.producers.gcn_missions import mission, notice_path
from nuncius.producers.gcn_places import localizations, map_fault
from nuncius.schemas.alert import Alert, Citation, Quantity
from nuncius.schemas.errors import MalformedAlert

MEDIA_TYPE: Final = "application/json"

READ: Final = frozenset(
    {
        "$schema",
        "alert_datetime",
        "alert_tense",
        "alert_type",
        "mission",
        "instrument",
        "messenger",
        "record_number",
        "id",
        "event_name",
        "ra",
        "dec",
        "ra_dec_error",
        "trigger_time_error",
        "trigger_time_inf_freq",
        "trigger_time_inf_freq_error",
        "dm",
        "containment_probability",
        "systematic_included",
        "healpix_url",
        "healpix_file",
        "far",
        "p_astro",
        "classification",
        "properties",
        "trigger_time",
        "observation_start",
        "observation_stop",
        "redshift",
        "luminosity_distance",
        "luminosity_distance_error",
        "flux",
        "flux_unit",
        "flux_error",
        "rectangular_error_corners",
        "data_archive_page",
        "light_curve_url",
        "url",
    }
)
"""Fields that become more than an entry of ``Alert.properties``."""

_LINKS: Final = ("data_archive_page", "healpix_url", "light_curve_url", "mission_page", "url")
_SERVED: Final = ("ref_ID", "follow_up_event")


def read(notice: Mapping[str, Any], payload: bytes, context: Context, model: str | None = None) -> Alert:
    """The alert that the core fields make.

    Parameters
    ----------
    notice, payload, context
        The packet's object, its bytes, where it came from.
    model
        Name of the localization's error model, where the mission has one.

    Raises
    ------
    MalformedAlert
        If the notice has neither a time nor an identifier, or a type that the schema does not know.
    """
    path = notice_path(str(notice.get("$schema", "")), context.stream)
    who = mission(path, next(iter(fields.texts(notice.get("mission"))), ""))
    named = tuple(text for name in (who.id_field, "id", "event_name") for text in fields.texts(notice.get(name)))
    start = fields.moment(notice, "trigger_time", "observation_start")
    facts = fields.others(notice, READ)
    if len(named) > 1:
        facts["names"] = ", ".join(named[:16])
    if who.event_class == "frb":
        start, facts["time_reference"] = fields.burst_time(notice, who)
    issued = fields.moment(notice, "alert_datetime")
    if any(len(name) > fields.LONGEST_ID for name in named):
        raise MalformedAlert(f"an identifier of more than {fields.LONGEST_ID} characters", "id")
    if start is None and not named:
        raise MalformedAlert("the notice has no trigger_time, observation_start, id or event_name", "trigger_time")
    for name in ("trigger_time", "observation_start"):
        if notice.get(name) is not None and (start is None or "time_reference" in facts):
            facts[f"{name}_as_stated"] = str(notice[name])[:80]
    if (fault := map_fault(notice)) is not None:
        facts["healpix_file_unread"] = fault[:200]
    facts.update(fields.numbers(notice.get("properties")))
    identifier = named[0] if named else start.isoformat() if start else ""
    flux, far = number(notice.get("flux")), number(notice.get("far"))
    strength = fields.significance(notice)
    return Alert(
        **provenance(payload, context, _native_id(path or who.thread, identifier, notice), MEDIA_TYPE, _topic(path)),
        thread_id=f"{who.thread}:{identifier}",
        sequence=fields.sequence(notice),
        kind=fields.kind(notice),
        reality=fields.reality(notice, path, who),
        messenger=fields.MESSENGERS.get(str(notice.get("messenger")), who.messenger),
        band=None if who.messenger != "photon" else fields.band(notice) or who.band,
        facility=who.facility,
        instrument=next(iter(fields.texts(notice.get("instrument"))), who.instrument),
        event_class=fields.event_class(notice, who),
        time_start=start,
        time_stop=fields.moment(notice, "observation_stop"),
        time_kind="trigger" if notice.get("trigger_time") is not None else "interval",
        time_err_s=fields.error(notice.get("trigger_time_inf_freq_error", notice.get("trigger_time_error"))),
        issued_time=issued,
        localizations=localizations(notice, context, model),
        far_hz=far,
        far_kind=None if far is None else "noise_only",
        far_scope=None if far is None else "stream",
        far_as_stated=None if far is None else f"{notice['far']} Hz",
        significance=strength,
        significance_unit=None if strength is None else "snr",
        p_astro=number(notice.get("p_astro")),
        classification=fields.numbers(notice.get("classification")),
        distance_mpc=number(notice.get("luminosity_distance")),
        distance_err_mpc=fields.error(notice.get("luminosity_distance_error")),
        redshift=number(notice.get("redshift")),
        flux=None if flux is None else _flux(flux, notice),
        dispersion_measure_pc_cm3=number(notice.get("dm")),
        properties=facts,
        cites=tuple(Citation("followup", text) for name in _SERVED for text in fields.texts(notice.get(name))),
        references=tuple(link for name in _LINKS for link in fields.texts(notice.get(name))),
    )


def _flux(flux: float, notice: Mapping[str, Any]) -> Quantity:
    return Quantity(flux, str(notice.get("flux_unit", "erg/cm2/s")), number(notice.get("flux_error")))


def _native_id(path: str, identifier: str, notice: Mapping[str, Any]) -> str:
    parts = (path, identifier, notice.get("alert_type"), notice.get("record_number"), notice.get("alert_datetime"))
    return ":".join(str(part)[: fields.LONGEST_ID] for part in parts if part is not None)


def _topic(path: str) -> str:
    return "gcn.notices." + path.lower().replace("/", ".") if path else ""
