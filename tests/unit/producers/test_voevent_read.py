"""The VOEvent reader: versions, namespaces, odd shapes and attacks."""

import pytest
from voevents import packet, where

from nuncius.producers import voevent
from nuncius.schemas.alert import Citation
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

EVENT = "ivo://example.org/made#up-1"


def test_reads_every_part() -> None:
    event = voevent.read(
        packet(
            values={"TrigID": "12", " padded": " 3 "},
            groups={"Flags": {"Good": "true", "TrigID": "other"}},
            sky=where(radius=0.5),
            cites=[("supersedes", "ivo://example.org/made#up-0")],
            concept="em.gamma",
        )
    )
    assert (event.ivorn, event.authority, event.local_id) == (EVENT, "example.org/made", "up-1")
    assert (event.role, event.version, event.author_ivorn) == ("observation", "2.0", "ivo://example.org/author")
    assert (event.date, event.time) == ("2021-03-04T05:07:00", "2021-03-04T05:06:07.89")
    assert (event.ra, event.dec, event.error_radius, event.unit) == ("123.25", "-45.5", "0.5", "deg")
    assert event.frame == "UTC-FK5-GEO"
    assert event.cites == (Citation("supersedes", "ivo://example.org/made#up-0"),)
    assert event.concepts == ("em.gamma",)
    assert event.params == {
        "TrigID": "12",
        " padded": "3",
        "Flags/Good": "true",
        "Good": "true",
        "Flags/TrigID": "other",
    }


@pytest.mark.parametrize(
    ("namespace", "version"),
    [
        ("http://www.ivoa.net/xml/VOEvent/v1.1", "1.1"),
        ("http://www.ivoa.net/xml/VOEvent/v2.0", "2.0"),
        ("http://www.ivoa.net/xml/VOEvent/v2.1", "2.1"),
        ("https://www.ivoa.net/xml/VOEvent/v2.0", "2.0"),
        (None, "2.0"),
    ],
)
def test_any_version_and_namespace(namespace: str | None, version: str) -> None:
    event = voevent.read(packet(namespace=namespace, version=version, values={"TrigID": "12"}))
    assert (event.version, event.params["TrigID"], event.ra) == (version, "12", "123.25")


def test_a_default_namespace_holds_for_every_element() -> None:
    values, groups = {"TrigID": "12"}, {"Flags": {"Good": "true"}}
    plain = packet(namespace=None, values=values, groups=groups, cites=[("followup", "x")])
    event = voevent.read(plain.replace(b"<VOEvent", b'<VOEvent xmlns="http://www.ivoa.net/xml/VOEvent/v2.0"'))
    assert (event.params["TrigID"], event.params["Flags/Good"], event.ra) == ("12", "true", "123.25")
    assert (event.date, event.cites) == ("2021-03-04T05:07:00", (Citation("followup", "x"),))


@pytest.mark.parametrize("before", ["Somebody wrote a preface.\n\n<?xml version='1.0'?>\n", "\n \n", "\ufeff", ""])
def test_what_stands_before_the_packet_is_stepped_over(before: str) -> None:
    assert voevent.read(packet(before=before)).ivorn == EVENT


def test_the_observatorys_own_coordinates_are_not_the_sources() -> None:
    observatory = (
        '<ObservatoryLocation id="X"><AstroCoords coord_system_id="UTC-GEOD-TOPO">'
        "<Position2D><Value2><C1>149.4</C1><C2>-35.4</C2></Value2></Position2D></AstroCoords></ObservatoryLocation>"
    )
    event = voevent.read(packet(sky=where(observatory=observatory)))
    assert (event.ra, event.dec, event.frame) == ("123.25", "-45.5", "UTC-FK5-GEO")
    assert voevent.read(packet(sky=where(observatory=observatory, ra=None))).ra == ""


def test_a_missing_role_is_an_observation() -> None:
    assert voevent.read(packet(role=None)).role == "observation"


def test_the_identifiers_of_version_2_1() -> None:
    assert voevent.split_ivorn("ivo://a.b/c?local=1#2") == ("a.b/c?local=1", "2")
    assert voevent.split_ivorn("ivo://a.b/c?local") == ("a.b/c", "local")
    assert voevent.split_ivorn("") == ("", "")


def test_an_interval_and_a_value_element() -> None:
    body = packet(sky=where(time=None)).replace(
        b"<Position2D", b"<Time><ISOTimeStart>A</ISOTimeStart><ISOTimeStop>B</ISOTimeStop></Time><Position2D"
    )
    event = voevent.read(body.replace(b"<What>", b'<What><Param name="long"><Value> text </Value></Param>'))
    assert (event.time, event.time_stop, event.params["long"]) == ("A", "B", "text")


def test_citations_without_target_or_kind_are_left_out() -> None:
    assert voevent.read(packet(cites=[("followup", ""), ("likes", "ivo://a/b#c")])).cites == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"<VOEvent",
        packet()[:-20],
        packet().replace(b"</What>", b"</Where>"),
        packet().replace(b"<Who>", b"&unknown;<Who>"),
        b"<?xml version='1.0'?><html/>",
        b"<?xml version='1.0' encoding='no-such'?>" + packet(before=""),
        b"<html><VOEvent/></html>",
        b"not <xml",
    ],
)
def test_what_is_no_voevent_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedAlert):
        voevent.read(payload)


DOCTYPE = "<!DOCTYPE voe:VOEvent [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"


@pytest.mark.parametrize(
    "payload",
    [
        packet(before="<?xml version='1.0'?>" + DOCTYPE),
        packet(before=DOCTYPE),
        packet(before="<?xml version='1.0' encoding='UTF-7'?>" + DOCTYPE.replace("<", "+ADw-").replace("!", "+ACE-")),
        packet(before="<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;&b;'>]>"),
    ],
)
def test_a_document_type_is_refused_in_any_encoding(payload: bytes) -> None:
    with pytest.raises(MalformedAlert, match="DOCTYPE"):
        voevent.read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        packet(before="<?xml version='1.0'?>" + " " * 2_000_000),
        packet().replace(b"<What>", b"<What>" + b"<a/>" * 50_000),
        packet().replace(b"<What>", b"<What>" + b"<a>" * 300 + b"</a>" * 300),
    ],
    ids=["bytes", "elements", "depth"],
)
def test_the_caps_hold(payload: bytes) -> None:
    with pytest.raises(LimitExceeded):
        voevent.read(payload)


def test_identity_reads_no_more_than_it_must_but_the_packet_must_be_whole() -> None:
    assert voevent.identity(packet()) == (EVENT, "2021-03-04T05:07:00")
    with pytest.raises(MalformedAlert):
        voevent.identity(packet()[:-5])
