"""VOEvent 2.0 packets, written from plain parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

_VOE: Final = "http://www.ivoa.net/xml/VOEvent/v2.0"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
NOTE: Final = "Written by Nuncius for its demo, from published facts."
"""Stands in every packet, so that none is mistaken for the facility's own."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter; ``unit`` and ``ucd`` only where the facility writes them."""

    name: str
    value: str
    unit: str = ""
    ucd: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters under a name (GCN) or a type (LVK)."""

    params: Sequence[Param]
    name: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """ICRS degrees; all zero where a GCN packet prints that it knows none."""

    ra: float
    dec: float
    radius_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What a VOEvent says.

    Parameters
    ----------
    ivorn, role
        Identifier; ``observation`` or ``test``.
    date
        When it was written, UTC, to the second.
    author_ivorn, author
        Who wrote it; either may be empty.
    what
        Parameters and groups, in order.
    time
        Of the event, UTC.
    time_digits
        Decimals of the second that the facility prints.
    position
        None where the facility writes no Position2D at all.
    cites
        (cite, ivorn) pairs.
    concept
        Of Why/Inference.
    description
        One sentence.
    """

    ivorn: str
    role: str = "observation"
    date: datetime
    author_ivorn: str = ""
    author: str = ""
    what: Sequence[Param | Group]
    time: datetime
    time_digits: int = 2
    position: Position | None = None
    cites: Sequence[tuple[str, str]] = ()
    concept: str = ""
    description: str = field(default="")


def iso(time: datetime, digits: int) -> str:
    """UTC to ``digits`` decimals of the second (cut, not rounded), without a zone, as GCN prints it."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[: 20 + digits] if digits else text[:19]


def write(packet: Packet) -> bytes:
    """The packet as XML."""
    root = etree.Element(
        f"{{{_VOE}}}VOEvent",
        {
            "ivorn": packet.ivorn,
            "role": packet.role,
            "version": "2.0",
            f"{{{_XSI}}}schemaLocation": f"{_VOE} {_VOE}.xsd",
        },
        nsmap={"voe": _VOE, "xsi": _XSI},
    )
    who = etree.SubElement(root, "Who")
    if packet.author_ivorn:
        _text(who, "AuthorIVORN", packet.author_ivorn)
    if packet.author:
        _text(etree.SubElement(who, "Author"), "shortName", packet.author)
    _text(who, "Date", iso(packet.date, 0))
    _text(who, "Description", NOTE)
    what = etree.SubElement(root, "What")
    for item in packet.what:
        _item(what, item)
    _where(etree.SubElement(root, "WhereWhen"), packet)
    if packet.concept:
        inference = etree.SubElement(etree.SubElement(root, "Why"), "Inference")
        _text(inference, "Concept", packet.concept)
    if packet.cites:
        citations = etree.SubElement(root, "Citations")
        for cite, ivorn in packet.cites:
            _text(citations, "EventIVORN", ivorn).set("cite", cite)
    if packet.description:
        _text(root, "Description", packet.description)
    out: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return out


def _where(parent: etree._Element, packet: Packet) -> None:
    data = etree.SubElement(parent, "ObsDataLocation")
    etree.SubElement(data, "ObservatoryLocation").set("id", "GEOLUN")
    place = etree.SubElement(data, "ObservationLocation")
    etree.SubElement(place, "AstroCoordSystem").set("id", "UTC-FK5-GEO")
    coords = etree.SubElement(place, "AstroCoords")
    coords.set("coord_system_id", "UTC-FK5-GEO")
    instant = etree.SubElement(etree.SubElement(coords, "Time"), "TimeInstant")
    _text(instant, "ISOTime", iso(packet.time, packet.time_digits))
    if packet.position is None:
        return
    position = etree.SubElement(coords, "Position2D")
    position.set("unit", "deg")
    _text(position, "Name1", "RA")
    _text(position, "Name2", "Dec")
    value = etree.SubElement(position, "Value2")
    _text(value, "C1", f"{packet.position.ra:.4f}")
    _text(value, "C2", f"{packet.position.dec:.4f}")
    _text(position, "Error2Radius", f"{packet.position.radius_deg:.4f}")


def _item(parent: etree._Element, item: Param | Group) -> None:
    if isinstance(item, Group):
        group = etree.SubElement(parent, "Group")
        for key, value in (("name", item.name), ("type", item.type)):
            if value:
                group.set(key, value)
        for param in item.params:
            _item(group, param)
        return
    element = etree.SubElement(parent, "Param")
    for key, value in (("name", item.name), ("value", item.value), ("unit", item.unit), ("ucd", item.ucd)):
        if value or key == "value":
            element.set(key, value)


def _text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    element.text = text
    return element
