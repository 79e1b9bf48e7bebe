"""Alerts, coincidences and candidate lists as VOEvent 2.0 packets, in the field's terms and without loss.

What VOEvent has a place for stands there: Who, WhereWhen, Citations. Everything, that too, stands in What as named
parameters, from which `nuncius.producers.nuncius_voevent` reads the same record again.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from lxml import etree

from nuncius.schemas import Alert, CandidateList, Coincidence, Cone, Ellipse
from nuncius.schemas.flat import fits_xml, leaves, text_of
from nuncius.schemas.vocabulary import CiteKind, Reality, RunMode
from nuncius.schemas.wire import to_json

AUTHORITY: Final = "nuncius"

_NS: Final = "http://www.ivoa.net/xml/VOEvent/v2.0"
_ROLES: Final[dict[Reality, str]] = {"real": "observation", "prediction": "prediction", "test": "test"}
_FRAMES: Final = {"topocentric": "UTC-ICRS-TOPO", "geocentric": "UTC-ICRS-GEO"}
"""Coordinate systems of VOEvent 2.0 in UTC; it has none for barycentric times, which stand in What only."""
_UNITS: Final = {"hz": "Hz", "s": "s", "deg": "deg", "mpc": "Mpc", "mag": "mag", "cm3": "pc.cm-3", "sr": "sr-1"}
_UNIT_OF: Final = {"ra": "deg", "dec": "deg", "radius": "deg", "nbytes": "byte"}
_UCD_OF: Final = {
    "ra": "pos.eq.ra",
    "dec": "pos.eq.dec",
    "mag": "phot.mag",
    "redshift": "src.redshift",
    "p_astro": "stat.probability",
}
_WEB: Final = re.compile(r"https?://[\w.~:/?#@!$&'()*+,;=%-]{1,2000}", re.ASCII)
_IVORN: Final = re.compile(r"ivo://[\w.~:/?#@!$&'()*+,;=%-]{1,500}", re.ASCII)
_NOT_IN_IVORN: Final = re.compile(r"[^\w.:~-]", re.ASCII)
_CITES_ITS_THREAD: Final[dict[str, CiteKind]] = {
    "update": "supersedes",
    "retraction": "retraction",
    "followup": "followup",
}


def to_voevent(
    record: Alert | Coincidence | CandidateList, *, previous: str | None = None, authority: str = AUTHORITY
) -> bytes:
    """The record as a VOEvent 2.0 packet; the same record gives the same bytes.

    The role is ``observation`` only for what is real and live: a replay, a demo or a drill is a ``test``, an injection
    too, whatever else is not real is ``utility``.

    Parameters
    ----------
    record
        What to write.
    previous
        The alert id that an update, a retraction or a follow-up refers to, where it is known; else its thread is cited.
    authority
        Of the identifiers, ``ivo://<authority>/alerts#<alert id>``.
    """
    root = etree.Element(
        f"{{{_NS}}}VOEvent",
        {"version": "2.0", "role": role(record.reality, record.run_mode), "ivorn": ivorn(record, authority)},
        nsmap={"voe": _NS},
    )
    _who(root, record, authority)
    _what(root, record)
    if isinstance(record, Alert):
        _where_when(root, record)
    _citations(root, tuple(dict.fromkeys(_cited(record, previous, authority))))
    if isinstance(record, Alert):
        for uri in [uri for uri in record.references if _WEB.fullmatch(uri)][:1]:  # VOEvent 2.0 has room for one
            etree.SubElement(root, "Reference", uri=uri)
    packet: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return packet


def one_line(packet: bytes) -> bytes:
    """The same packet without an end of line inside: several, a line each, can be told apart."""
    declaration, end, root = packet.partition(b"?>")
    return declaration + end + root.lstrip(b"\n").replace(b"\n", b"&#10;")


def role(reality: Reality, run_mode: RunMode) -> str:
    """VOEvent 2.0, section 2: what a reader may do with the packet."""
    if run_mode != "live":
        return "test"
    return "test" if reality == "injection" else _ROLES.get(reality, "utility")


def ivorn(record: Alert | Coincidence | CandidateList, authority: str = AUTHORITY) -> str:
    """Identifier of the packet; of a coincidence and a list with the revision."""
    match record:
        case Alert():
            return f"ivo://{authority}/alerts#{_safe(record.alert_id)}"
        case Coincidence():
            return _revision(authority, "coincidences", record.coincidence_id, record.revision)
        case CandidateList():
            return _revision(authority, "candidate_lists", record.list_id, record.revision)


def _revision(authority: str, kind: str, identity: str, revision: int) -> str:
    return f"ivo://{authority}/{kind}#{_safe(identity)}/{revision}"


def _safe(text: str) -> str:
    return _NOT_IN_IVORN.sub("_", text)


def _who(root: Any, record: Alert | Coincidence | CandidateList, authority: str) -> None:
    who = etree.SubElement(root, "Who")
    etree.SubElement(who, "AuthorIVORN").text = f"ivo://{authority}"
    if record.issued_time is not None:
        etree.SubElement(who, "Date").text = _iso(record.issued_time)
    author = etree.SubElement(who, "Author")
    etree.SubElement(author, "title").text = "Nuncius multimessenger alert broker"
    if isinstance(record, Alert) and fits_xml(record.facility):
        etree.SubElement(author, "contributor").text = record.facility


def _what(root: Any, record: Alert | Coincidence | CandidateList) -> None:
    what = etree.SubElement(root, "What")
    for name, value in to_json(record).items():
        if value is None or value in ([], {}):
            continue
        if not isinstance(value, dict | list):
            what.append(_param(name, name, value))
            continue
        group = etree.SubElement(what, "Group", name=name)
        for path, leaf in leaves(value):
            group.append(_param("/".join(path), path[-1], leaf))


def _param(name: str, last: str, value: Any) -> Any:
    param = etree.Element("Param", name=name)
    if isinstance(value, datetime):
        value = f"{_iso(value)}Z"
    text, is_json = text_of(value)
    kind = "int" if type(value) is int else "float" if isinstance(value, float) else "string"
    param.set("dataType", kind)
    if is_json and kind == "string":
        param.set("utype", "nuncius:json")
    param.set("value", text)
    unit = _UNIT_OF.get(last) or _UNITS.get(last.rpartition("_")[2])
    if unit and kind != "string":
        param.set("unit", unit)
    if last in _UCD_OF:
        param.set("ucd", _UCD_OF[last])
    return param


def _where_when(root: Any, alert: Alert) -> None:
    frame = _FRAMES.get(alert.time_frame)
    own = (item.shape for item in alert.localizations if item.origin == "own")
    place = next((shape for shape in own if isinstance(shape, Cone | Ellipse)), None)
    if alert.time_start is None or frame is None:
        return  # VOEvent 2.0 has no place for a position without a time
    where = etree.SubElement(etree.SubElement(root, "WhereWhen"), "ObsDataLocation")
    etree.SubElement(where, "ObservatoryLocation", id="GEOLUN")
    location = etree.SubElement(where, "ObservationLocation")
    etree.SubElement(location, "AstroCoordSystem", id=frame)
    coords = etree.SubElement(location, "AstroCoords", coord_system_id=frame)
    time = etree.SubElement(coords, "Time", unit="s")
    etree.SubElement(etree.SubElement(time, "TimeInstant"), "ISOTime").text = _iso(alert.time_start)
    if alert.time_err_s is not None:
        etree.SubElement(time, "Error").text = repr(alert.time_err_s)
    if place is not None:
        _position(coords, place)


def _position(coords: Any, place: Cone | Ellipse) -> None:
    radius = (
        place.radius if isinstance(place, Cone) else max(place.ra_minus, place.ra_plus, place.dec_minus, place.dec_plus)
    )
    position = etree.SubElement(coords, "Position2D", unit="deg")
    etree.SubElement(position, "Name1").text = "RA"
    etree.SubElement(position, "Name2").text = "Dec"
    value = etree.SubElement(position, "Value2")
    etree.SubElement(value, "C1").text = repr(place.ra)
    etree.SubElement(value, "C2").text = repr(place.dec)
    etree.SubElement(position, "Error2Radius").text = repr(radius)


def _cited(
    record: Alert | Coincidence | CandidateList, previous: str | None, authority: str
) -> Iterator[tuple[CiteKind, str]]:
    if isinstance(record, Alert):
        cite = _CITES_ITS_THREAD.get(record.kind)
        if cite is not None and previous is not None:
            yield cite, f"ivo://{authority}/alerts#{_safe(previous)}"
        elif cite is not None:
            yield cite, f"ivo://{authority}/threads#{_safe(record.thread_id)}"
        yield from ((c.cite, c.identifier) for c in record.cites if _IVORN.fullmatch(c.identifier))
        return
    if record.revision > 1:
        kind = "coincidences" if isinstance(record, Coincidence) else "candidate_lists"
        identity = record.coincidence_id if isinstance(record, Coincidence) else record.list_id
        before = _revision(authority, kind, identity, record.revision - 1)
        yield ("retraction" if record.state == "retracted" else "supersedes"), before
    if isinstance(record, CandidateList):
        yield "followup", f"ivo://{authority}/alerts#{_safe(record.event_alert_id)}"
        return
    for member in (record.anchor, record.partner, *(pair.partner for pair in record.others)):
        yield from (("followup", f"ivo://{authority}/alerts#{_safe(alert_id)}") for alert_id in member.alert_ids)


def _citations(root: Any, cited: tuple[tuple[CiteKind, str], ...]) -> None:
    if not cited:
        return
    citations = etree.SubElement(root, "Citations")
    for cite, identifier in cited:
        etree.SubElement(citations, "EventIVORN", cite=cite).text = identifier


def _iso(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="microseconds")
