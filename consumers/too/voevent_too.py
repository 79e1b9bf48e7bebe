"""A request as a VOEvent 2.0 packet."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

from lxml import etree

from nuncius.consumers.voevent import role
from nuncius.schemas.flat import fits_xml
from nuncius.schemas.too import ToORequest

_NS: Final = "http://www.ivoa.net/xml/VOEvent/v2.0"
_FRAME: Final = "UTC-ICRS-TOPO"
_ASKED: Final = role("real", "live")
"""Of what takes something back: only what is real and live was asked, and who heeds no tests must hear of its end."""


def too_voevent(request: ToORequest, action: Literal["request", "cancel"], before: int, authority: str) -> bytes:
    """The packet; the same request gives the same bytes.

    Degrees (ICRS), seconds, UTC. The position stands in WhereWhen with the window's start (else the event's time), what
    is asked in What, each tile as a group, reason and end in Why. Without a position WhereWhen has the time alone.

    Parameters
    ----------
    request
        What is asked, or the revision that takes it back.
    action
        Which of the two.
    before
        The last revision that was written; 0 for none. A request supersedes it, a cancellation retracts it.
    authority
        Of the identifiers.
    """
    root = etree.Element(
        f"{{{_NS}}}VOEvent",
        {
            "version": "2.0",
            "role": role(request.reality, request.run_mode) if action == "request" else _ASKED,
            "ivorn": _ivorn(request, request.revision, authority) + ("/cancel" if action == "cancel" else ""),
        },
        nsmap={"voe": _NS},
    )
    who = etree.SubElement(root, "Who")
    etree.SubElement(who, "AuthorIVORN").text = f"ivo://{authority}"
    if request.issued_time is not None:
        etree.SubElement(who, "Date").text = _iso(request.issued_time)
    author = etree.SubElement(who, "Author")
    etree.SubElement(author, "title").text = "Nuncius multimessenger alert broker"
    _what(etree.SubElement(root, "What"), request, action)
    _where(root, request)
    why = etree.SubElement(root, "Why")
    if request.expires is not None:
        why.set("expires", _iso(request.expires))
    etree.SubElement(why, "Name").text = _text(request.target_name)
    etree.SubElement(why, "Description").text = _text(request.reason)
    if before:
        cited = etree.SubElement(root, "Citations")
        cite = "supersedes" if action == "request" else "retraction"
        etree.SubElement(cited, "EventIVORN", cite=cite).text = _ivorn(request, before, authority)
    packet: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return packet


def _what(what: Any, request: ToORequest, action: str) -> None:
    _param(what, "action", action)
    _param(what, "ask", request.ask)
    _param(what, "event_time", _iso(request.event_time))
    for name in ("idempotency_key", "facility", "instrument", "site", "policy", "event_thread", "filter", "doubt"):
        _param(what, name, getattr(request, name))
    if request.position_angle_deg is not None:
        _param(what, "position_angle", request.position_angle_deg, "deg")
    _param(what, "exposure", request.exposure_s, "s")
    _param(what, "priority", request.priority)
    _param(what, "window_start", _iso(request.window_start))
    _param(what, "window_stop", _iso(request.window_stop))
    for tile in request.tiles:
        group = etree.SubElement(what, "Group", name=f"tile {tile.number}")
        _param(group, "ra", tile.ra, "deg")
        _param(group, "dec", tile.dec, "deg")
        _param(group, "position_angle", tile.position_angle_deg, "deg")
        _param(group, "start", _iso(tile.start))
        _param(group, "stop", _iso(tile.stop))
        _param(group, "exposure", tile.exposure_s, "s")
        _param(group, "filter", tile.filter)


def _param(parent: Any, name: str, value: str | float, unit: str = "") -> None:
    if value == "":
        return
    is_text = isinstance(value, str)
    param = etree.SubElement(parent, "Param", name=name, value=_text(value) if is_text else repr(value))
    param.set("dataType", "string" if is_text else "float")
    if unit:
        param.set("unit", unit)


def _where(root: Any, request: ToORequest) -> None:
    when = request.window_start or request.event_time or request.issued_time
    if when is None:
        return  # VOEvent 2.0 has no place for a position without a time
    data = etree.SubElement(etree.SubElement(root, "WhereWhen"), "ObsDataLocation")
    etree.SubElement(data, "ObservatoryLocation", id="GEOLUN")
    location = etree.SubElement(data, "ObservationLocation")
    etree.SubElement(location, "AstroCoordSystem", id=_FRAME)
    coords = etree.SubElement(location, "AstroCoords", coord_system_id=_FRAME)
    time = etree.SubElement(coords, "Time", unit="s")
    etree.SubElement(etree.SubElement(time, "TimeInstant"), "ISOTime").text = _iso(when)
    place = request.position
    if place is None:
        return
    position = etree.SubElement(coords, "Position2D", unit="deg")
    etree.SubElement(position, "Name1").text = "RA"
    etree.SubElement(position, "Name2").text = "Dec"
    value = etree.SubElement(position, "Value2")
    etree.SubElement(value, "C1").text = repr(place.ra)
    etree.SubElement(value, "C2").text = repr(place.dec)
    etree.SubElement(position, "Error2Radius").text = repr(place.radius_deg)


def _ivorn(request: ToORequest, revision: int, authority: str) -> str:
    ident = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in ".:~-") else "_" for letter in request.request_id
    )
    return f"ivo://{authority}/too#{ident}/{revision}"


def _iso(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _text(text: str | float) -> str:
    return "".join(letter if fits_xml(letter) else " " for letter in str(text))
