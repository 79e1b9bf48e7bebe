"""Requests as VOEvent 2.0 files: valid, whole, once each, citing the one before."""

from pathlib import Path
from typing import Any

import pytest
import voeventparse
from lxml import etree
from too_cases import AT2017GFO, MERGER, request
from too_tiles import tile

from nuncius.consumers.too.voevent_drop import VoEventDrop, VoEventDropSettings
from nuncius.consumers.too.voevent_too import too_voevent
from nuncius.schemas import Retry, SettingsError, ToORequest


def drop(folder: Path) -> VoEventDrop:
    return VoEventDrop(VoEventDropSettings.model_validate({"folder": folder}))


@pytest.mark.parametrize(
    "asked",
    [
        request(),
        request(tiles=(tile(1, 197.0), tile(2, 198.5)), ask="tiles"),
        request(window_start=None, window_stop=None, expires=None, issued_time=None),
        request(reason="a \x00 nasty <reason> & more", target_name="ÅT"),
        request(
            ra=None, dec=None, radius_deg=None, ask="ready", window_start=None, window_stop=None, event_time=MERGER
        ),
        request(ra=None, dec=None, radius_deg=None, ask="ready", window_start=None, issued_time=None),
    ],
    ids=["pointing", "tiles", "no times", "odd letters", "no position", "neither position nor time"],
)
def test_a_packet_is_valid(asked: ToORequest) -> None:
    packet = voeventparse.loads(too_voevent(asked, "request", 1, "example.org"))
    voeventparse.assert_valid_as_v2_0(packet)


def test_what_is_asked_stands_where_voevent_readers_look() -> None:
    packet = voeventparse.loads(too_voevent(request(2, radius_deg=0.5, filter="r"), "request", 1, "example.org"))
    place = voeventparse.get_event_position(packet)
    assert (place.ra, place.dec, place.err) == (*AT2017GFO, 0.5)
    assert (packet.get("role"), packet.get("ivorn")) == ("observation", "ivo://example.org/too#r/2")
    params = voeventparse.get_toplevel_params(packet)
    assert (params["exposure"]["value"], params["exposure"]["unit"], params["filter"]["value"]) == ("62.0", "s", "r")
    assert params["window_start"]["value"] == "2017-08-17T23:41:04.430000"
    assert packet.Why.get("expires") == "2017-08-20T12:41:04.430000"
    assert [(one.get("cite"), one.text) for one in packet.Citations.EventIVORN] == [
        ("supersedes", "ivo://example.org/too#r/1")
    ]


def test_doubt_stands_beside_what_is_asked() -> None:
    packet = voeventparse.loads(too_voevent(request(doubt="taken back & not"), "request", 0, "example.org"))
    assert voeventparse.get_toplevel_params(packet)["doubt"]["value"] == "taken back & not"


def test_the_angle_of_a_pointing_stands_beside_it_where_one_is_asked_for() -> None:
    told = [
        voeventparse.get_toplevel_params(
            voeventparse.loads(too_voevent(request(position_angle_deg=angle), "request", 0, "example.org"))
        )
        for angle in (130.0, None)
    ]
    assert (told[0]["position_angle"]["value"], told[0]["position_angle"]["unit"]) == ("130.0", "deg")
    assert "position_angle" not in told[1]


def test_without_a_position_the_time_of_the_event_stands_alone() -> None:
    nowhere: dict[str, Any] = {"ra": None, "dec": None, "radius_deg": None, "ask": "ready", "window_start": None}
    packet = too_voevent(request(**nowhere, event_time=MERGER), "request", 0, "example.org")
    assert b"Position2D" not in packet
    assert voeventparse.get_event_time_as_utc(voeventparse.loads(packet)) == MERGER
    params = voeventparse.get_toplevel_params(voeventparse.loads(packet))
    assert (params["ask"]["value"], params["event_time"]["value"]) == ("ready", "2017-08-17T12:41:04.430000")


@pytest.mark.parametrize("changed", [{"reality": "injection"}, {"run_mode": "drill"}, {"reality": "test"}])
def test_what_is_not_real_and_live_is_marked_as_a_test(changed: dict[str, Any]) -> None:
    assert etree.fromstring(too_voevent(request(**changed), "request", 0, "a")).get("role") == "test"


def test_files_appear_whole_and_a_cancellation_retracts_the_last(tmp_path: Path) -> None:
    adapter = drop(tmp_path)
    assert adapter.submit(request(), "").reference == "r_1.request.xml"
    adapter.submit(request(2), "")
    before = (tmp_path / "r_2.request.xml").read_bytes()
    adapter.submit(request(2), "")
    assert (tmp_path / "r_2.request.xml").read_bytes() == before
    adapter.cancel(request(3, state="cancelled"), "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r_1.request.xml", "r_2.request.xml", "r_3.cancel.xml"]
    cite = etree.parse(tmp_path / "r_3.cancel.xml").find("Citations/EventIVORN")
    assert cite is not None
    assert (cite.get("cite"), cite.text) == ("retraction", "ivo://nuncius/too#r/2")


def test_a_persons_no_retracts_the_revision_that_was_written(tmp_path: Path) -> None:
    adapter = drop(tmp_path)
    adapter.submit(request(), "")
    assert adapter.cancel(request(), "").state == "cancelled"
    packet = etree.parse(tmp_path / "r_1.cancel.xml")
    assert [(one.get("cite"), one.text) for one in packet.iterfind("Citations/EventIVORN")] == [
        ("retraction", "ivo://nuncius/too#r/1")
    ]
    assert packet.getroot().get("ivorn") == "ivo://nuncius/too#r/1/cancel"


def test_a_folder_that_is_gone_is_tried_again_and_one_that_never_was_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    adapter = drop(folder)
    folder.rmdir()
    for call in (adapter.submit, adapter.cancel):
        with pytest.raises(Retry, match="cannot be written"):
            call(request(), "")
    with pytest.raises(SettingsError, match="no such folder"):
        drop(folder)


def test_rubbish_in_the_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "r_1.request.xml").write_bytes(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;")
    drop(tmp_path).submit(request(2), "")
    assert etree.parse(tmp_path / "r_2.request.xml").find("Citations") is None


def cited(path: Path) -> list[tuple[str | None, str | None]]:
    return [(one.get("cite"), one.text) for one in etree.parse(path).iterfind("Citations/EventIVORN")]


def test_what_was_fetched_out_of_the_folder_is_superseded_and_retracted(tmp_path: Path) -> None:
    adapter = drop(tmp_path)
    first = adapter.submit(request(), "").reference
    (tmp_path / first).unlink()
    second = adapter.submit(request(2), first).reference
    assert cited(tmp_path / second) == [("supersedes", "ivo://nuncius/too#r/1")]
    (tmp_path / second).unlink()
    gone = adapter.cancel(request(3, state="cancelled"), second)
    assert (gone.state, gone.reference) == ("cancelled", "r_3.cancel.xml")
    assert cited(tmp_path / "r_3.cancel.xml") == [("retraction", "ivo://nuncius/too#r/2")]


def test_what_may_have_been_fetched_before_it_was_noted_is_retracted(tmp_path: Path) -> None:
    adapter = drop(tmp_path)
    (tmp_path / adapter.submit(request(), "").reference).unlink()
    assert adapter.cancel(request(2, state="cancelled"), "").state == "cancelled"
    (path,) = tmp_path.iterdir()
    told = voeventparse.get_toplevel_params(voeventparse.loads(path.read_bytes()))
    assert (told["action"]["value"], told["idempotency_key"]["value"]) == ("cancel", "r/2")


@pytest.mark.parametrize("changed", [{"reality": "injection"}, {"reality": "test"}, {"state": "cancelled"}])
def test_a_retraction_of_what_was_no_test_is_none(changed: dict[str, Any]) -> None:
    packet = etree.fromstring(too_voevent(request(2, **changed), "cancel", 1, "a"))
    assert packet.get("role") == "observation"
