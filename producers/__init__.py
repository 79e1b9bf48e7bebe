"""One file a facility: bytes in, alerts out; pure.

How to add a facility
---------------------
1. Write ``producers/<facility>.py`` (at most 80 lines) with ``parse(payload, context) -> Parsed`` and one constant
   ``FACILITY``. Read the bytes with `nuncius.producers.voevent.read` or the JSON and Avro readers beside it: then the
   caps hold. Ids, numbers and positions come from `nuncius.producers.build`. Raise `MalformedAlert` naming the field.
2. Name what you do not read: a test lists, by name, the parameters of real packets that an adapter leaves out.
3. Put one golden pair into ``tests/data/producers``: ``<facility>.<kind>.<format>``, a packet of your own making, and
   ``<the same>.expected.json`` with the alert's fields, written from the facility's documentation and not from the
   output.
4. Add one line to `FACILITIES` below, before the fallbacks.
"""

from typing import Final

from nuncius.producers import (
    amon_voevent,
    avro_other,
    boom_json,
    fermi_gbm_json,
    fermi_gbm_voevent,
    fits_map,
    gcn_json,
    icecube_json,
    icecube_voevent,
    lvk_avro,
    lvk_json,
    lvk_voevent,
    non_alerts,
    nuncius_voevent,
    other_json,
    rubin,
    snews_json,
    swift_voevent,
    voevent_any,
    ztf,
)
from nuncius.producers.envelope import envelope
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.limits import check_size
from nuncius.producers.possible import possible
from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.errors import MalformedAlert

__all__ = ["FACILITIES", "Context", "Facility", "parse", "parse_all"]

FACILITIES: Final[tuple[Facility, ...]] = (
    non_alerts.FACILITY,
    swift_voevent.FACILITY,
    fermi_gbm_voevent.FACILITY,
    lvk_voevent.FACILITY,
    icecube_voevent.FACILITY,
    amon_voevent.FACILITY,
    nuncius_voevent.FACILITY,
    voevent_any.FACILITY,
    lvk_json.FACILITY,
    fermi_gbm_json.FACILITY,
    icecube_json.FACILITY,
    boom_json.FACILITY,
    gcn_json.FACILITY,
    snews_json.FACILITY,
    other_json.FACILITY,
    lvk_avro.FACILITY,
    ztf.FACILITY,
    rubin.FACILITY,
    avro_other.FACILITY,
    fits_map.FACILITY,
)
"""In the order they are asked; the fallbacks last."""

_NOWHERE: Final = Context()


def parse_all(payload: bytes, context: Context = _NOWHERE) -> Parsed:
    """Every alert a packet holds, or the named non-alert it is.

    Raises
    ------
    Quarantine
        `MalformedAlert`, `LimitExceeded` or `UnknownSchema`; nothing else, whatever the bytes.
    """
    check_size(payload)
    seen = envelope(payload, context)
    for facility in FACILITIES:
        if seen.format in facility.formats and facility.owns(seen, payload):
            found = facility.parse(payload, context)
            return tuple(possible(item) if isinstance(item, Alert) else item for item in found)
    if seen.format == "fits":
        return (NotAnAlert("sky_map_file", context.stream),)
    raise MalformedAlert(_unread(seen.format, payload))


def parse(payload: bytes, stream: str | None = None) -> Alert:
    """The one alert a packet holds.

    Raises
    ------
    MalformedAlert
        If it is no alert, or holds more than one; `parse_all` reads those.
    Quarantine
        As `parse_all`.
    """
    found = parse_all(payload, Context(stream=stream or ""))
    if len(found) != 1:
        raise MalformedAlert(f"the packet holds {len(found)} alerts, not one; use parse_all")
    if isinstance(found[0], NotAnAlert):
        raise MalformedAlert(f"the packet is no alert: {found[0].reason}")
    return found[0]


def _unread(known: str, payload: bytes) -> str:
    if not payload:
        return "the packet is empty"
    if known == "pickle":
        return "a Python pickle: never read, because reading it runs code; ask the sender for JSON"
    start = payload[:40]
    if known == "unknown":
        return f"neither VOEvent, JSON, Avro nor FITS: starts with {start!r}"
    return f"{known} that no facility owns: starts with {start!r}; `nuncius facilities` lists what is read"
