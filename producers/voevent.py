"""VOEvent 1.1, 2.0 and 2.1 packets, read once by a checked lxml into a frozen value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from lxml import etree

from nuncius.producers.limits import MAX_XML_BYTES, MAX_XML_NODES, check_size
from nuncius.schemas.alert import Citation
from nuncius.schemas.errors import LimitExceeded, MalformedAlert
from nuncius.schemas.vocabulary import CiteKind

# libxml2 itself refuses more than 256 nested elements and texts over 10 MB, since huge_tree is False.
_PARSER: Final = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)
_RESOURCE_LIMIT: Final = 114  # libxml2's XML_ERR_RESOURCE_LIMIT
_START: Final = re.compile(rb"<\?xml\s|<(?:[A-Za-z_][\w.-]{0,40}:)?VOEvent[\s>/]")
_CITES: Final[Mapping[str, CiteKind]] = {
    "followup": "followup",
    "supersedes": "supersedes",
    "retraction": "retraction",
}
_IN_SKY: Final = frozenset({"ISOTime", "ISOTimeStart", "ISOTimeStop", "C1", "C2", "Error2Radius"})
_IN_SKY_BY_ATTRIBUTE: Final = {"AstroCoords": "coord_system_id", "Position2D": "unit"}
_FACTS: Final = (
    *("AuthorIVORN", "Date", "What", "ObservatoryLocation", "ObservationLocation", "AstroCoords", "ISOTime"),
    *("ISOTimeStart", "ISOTimeStop", "Position2D", "C1", "C2", "Error2Radius", "Why", "Concept", "EventIVORN"),
    "Reference",
)
_FACTS_IN_ANY_NAMESPACE: Final = tuple("{*}" + name for name in _FACTS)


@dataclass(frozen=True, slots=True, eq=False)
class VOEvent:
    """What a packet says, text as printed, blanks at the ends removed; empty where it says nothing.

    Parameters
    ----------
    ivorn, role, version
        Of the root element. A missing role is ``observation`` (VOEvent 2.0, section 3).
    authority, local_id
        ``gwnet/LVC`` and ``S190425z-1-Preliminary`` of the ivorn, split at ``#`` or (2.1) ``?``.
    author_ivorn, date
        Of Who.
    params
        Parameter name -> value; those in a group also as ``Group/Name`` (a group without name goes by its type). Where
        a name is used twice the one outside any group comes first, then the first in the document.
    time, time_stop
        ISO times of the observation.
    ra, dec, error_radius, unit
        Of Position2D; ``unit`` ``deg`` where none is stated.
    frame
        The coordinate system's id: ``UTC-FK5-GEO``.
    cites
        What it refers to; entries without an identifier or with an unknown kind are left out.
    references, concepts, importance
        URIs of Reference; of Why.
    """

    ivorn: str
    role: str
    version: str
    authority: str
    local_id: str
    author_ivorn: str
    date: str
    params: Mapping[str, str]
    time: str
    time_stop: str
    ra: str
    dec: str
    error_radius: str
    unit: str
    frame: str
    cites: tuple[Citation, ...]
    references: tuple[str, ...]
    concepts: tuple[str, ...]
    importance: str


def read(payload: bytes) -> VOEvent:
    """Read one packet.

    Text before the XML declaration is stepped over; any namespace, or none, is accepted.

    Raises
    ------
    MalformedAlert
        If it is no well-formed XML, has a document type declaration, or its root is not VOEvent.
    LimitExceeded
        If it is longer, has more elements or is nested deeper than Nuncius reads.
    """
    root = packet_root(payload)
    attributes = root.attrib
    ivorn = attributes.get("ivorn", "").strip()
    authority, local_id = split_ivorn(ivorn)
    facts = _Facts(root, _FACTS)
    if not facts.sky:  # most packets put only the root into a namespace, and that is faster; some put everything
        facts = _Facts(root, _FACTS_IN_ANY_NAMESPACE)
    sky = facts.sky
    return VOEvent(
        ivorn=ivorn,
        role=attributes.get("role", "observation").strip(),
        version=attributes.get("version", ""),
        authority=authority,
        local_id=local_id,
        author_ivorn=facts.texts.get("AuthorIVORN", ""),
        date=facts.texts.get("Date", ""),
        params=facts.params,
        time=sky.get("ISOTime") or sky.get("ISOTimeStart", ""),
        time_stop=sky.get("ISOTimeStop", ""),
        ra=sky.get("C1", ""),
        dec=sky.get("C2", ""),
        error_radius=sky.get("Error2Radius", ""),
        unit=sky.get("Position2D", "deg"),
        frame=sky.get("AstroCoords", ""),
        cites=tuple(facts.cites),
        references=tuple(facts.references),
        concepts=tuple(facts.concepts),
        importance=facts.texts.get("Why", ""),
    )


def identity(payload: bytes) -> tuple[str, str]:
    """Ivorn and Who/Date of a packet of which nothing else is wanted; raises as `read`."""
    root = packet_root(payload)
    return root.get("ivorn", "").strip(), next((_child_text(who, "Date") for who in root.iterchildren("{*}Who")), "")


def split_ivorn(ivorn: str) -> tuple[str, str]:
    """``ivo://authority/stream#local`` (or ``?local``, VOEvent 2.1) -> (``authority/stream``, ``local``)."""
    body = ivorn.removeprefix("ivo://")
    mark = "#" if "#" in body else "?"
    authority, _, local_id = body.partition(mark)
    return authority, local_id


def packet_root(payload: bytes) -> Any:
    """The root element of a packet, checked and parsed safely; raises as `read`."""
    check_size(payload, MAX_XML_BYTES)
    if len(payload) > 4 * MAX_XML_NODES and payload.count(b"<") > 2 * MAX_XML_NODES:  # "<a/>" is the shortest
        raise LimitExceeded(f"more than {MAX_XML_NODES} XML elements; not parsed")
    if b"<!DOCTYPE" in payload:
        raise MalformedAlert("a VOEvent has no document type declaration (DOCTYPE); not parsed")
    if not payload.startswith(b"<?xml"):
        start = _START.search(payload)
        if start is None:
            raise MalformedAlert("no VOEvent element found")
        payload = payload[start.start() :]
    try:
        root = etree.fromstring(payload, _PARSER)
    except etree.XMLSyntaxError as error:
        if error.code == _RESOURCE_LIMIT:
            raise LimitExceeded(f"XML beyond libxml2's limits: {error.msg}") from error
        raise MalformedAlert(f"not well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding where the bytes above do not show
        raise MalformedAlert("a VOEvent has no document type declaration (DOCTYPE)")
    if _local(root) != "VOEvent":
        raise MalformedAlert(f"the root element is {_local(root)!r}, not VOEvent")
    return root


def _params(what: Any) -> dict[str, str]:
    params: dict[str, str] = {}
    if what is None:
        return params
    first = params.setdefault
    groups = []
    for node in what:
        value = node.get("value")
        if value is not None:
            first(node.get("name"), value.strip())
        elif _local(node) == "Group":
            groups.append(node)
        elif _local(node) == "Param":
            first(node.get("name"), _child_text(node, "Value"))
    for group in groups:
        prefix = (group.get("name") or group.get("type") or "") + "/"
        for node in group:
            name, value = node.get("name"), node.get("value")
            if name is None or (value is None and _local(node) != "Param"):
                continue
            text = _child_text(node, "Value") if value is None else value.strip()
            first(prefix + name, text)
            first(name, text)
    params.pop(cast("str", None), None)
    return params


class _Facts:
    """What one pass over the tree finds; of repeated entries the first counts."""

    __slots__ = ("_place", "cites", "concepts", "params", "references", "sky", "texts")

    def __init__(self, root: Any, names: tuple[str, ...]) -> None:
        self.texts: dict[str, str] = {}
        self.params: dict[str, str] = {}
        self.cites: list[Citation] = []
        self.references: list[str] = []
        self.concepts: list[str] = []
        self.sky: dict[str, str] = {}
        self._place = self.sky
        for node in root.iter(*names):
            self._take(node)

    def _take(self, node: Any) -> None:
        tag = node.tag
        name = tag[tag.rfind("}") + 1 :]
        if name in _IN_SKY:
            self._place.setdefault(name, (node.text or "").strip())
        elif name in _IN_SKY_BY_ATTRIBUTE:
            self._place.setdefault(name, node.get(_IN_SKY_BY_ATTRIBUTE[name], "deg").strip())
        elif name == "ObservatoryLocation":  # where the telescope stood: its coordinates are not the source's
            self._place = {}
        elif name == "ObservationLocation":
            self._place = self.sky
            self.sky.clear()
        elif name == "What":
            self.params = self.params or _params(node)
        else:
            self._take_word(node, name)

    def _take_word(self, node: Any, name: str) -> None:
        text = (node.text or "").strip()
        if name == "EventIVORN":
            kind = _CITES.get(node.get("cite", "").strip().lower())
            if kind and text:
                self.cites.append(Citation(kind, text))
        elif name == "Reference":
            self.references.extend(filter(None, (node.get("uri", "").strip(),)))
        elif name == "Concept":
            self.concepts.append(text)
        else:
            self.texts.setdefault(name, node.get("importance", "") if name == "Why" else text)


def _child_text(parent: Any, name: str) -> str:
    if parent is not None:
        for node in parent.iterchildren("{*}" + name):
            return cast("str", node.text or "").strip()
    return ""


def _local(node: Any) -> str:
    tag = node.tag
    return tag[tag.rfind("}") + 1 :] if isinstance(tag, str) else ""
