"""Every packet of the demo parses to what was meant: by the shared adapters, not by the writers."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from nuncius.broker.sky import SkyMap
from nuncius.producers import Context, parse_all
from nuncius.producers.simulation import Act, TimedPacket, acts, epilogue
from nuncius.schemas import Alert, Cone, NotAnAlert, Quarantine, SkyMapRef
from nuncius.schemas.ids import digest

SURVEYS = ("ztf", "lsst")


@cache
def played() -> tuple[Act, ...]:
    return (*acts(), epilogue())


def read(packet: TimedPacket, act: Act) -> Alert | NotAnAlert | Quarantine:
    try:
        (found,) = parse_all(packet.payload, Context(stream=packet.stream, skymaps=act.skymaps, run_mode="demo"))
    except Quarantine as fault:
        return fault
    return found


@cache
def readings() -> tuple[tuple[TimedPacket, Alert | NotAnAlert | Quarantine], ...]:
    return tuple((packet, read(packet, act)) for act in played() for packet in act.packets)


@cache
def events() -> dict[str, list[Alert]]:
    """Alerts of facilities other than surveys, by thread, in order of issue."""
    threads: dict[str, list[Alert]] = {}
    for packet, found in readings():
        if packet.stream not in SURVEYS and isinstance(found, Alert):
            assert found.issued_time == packet.issue_time, packet.label
            threads.setdefault(found.thread_id, []).append(found)
    return threads


def detections(words: str) -> list[Alert]:
    return [a for p, a in readings() if p.stream in SURVEYS and words in p.label and isinstance(a, Alert)]


def utc(*moment: int) -> datetime:
    year, month, day, hour, minute, second, micro = (*moment, *(0,) * (7 - len(moment)))
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)


def test_packets_are_in_the_order_of_their_times_and_acts_do_not_overlap() -> None:
    times = [packet.issue_time for act in played() for packet in act.packets]
    assert times == sorted(times)
    first, second, _ = played()
    assert timedelta(days=20) < second.packets[0].issue_time - first.packets[-1].issue_time < timedelta(days=36)


def test_the_same_packets_every_time() -> None:
    again = (*acts(), epilogue())
    for ours, theirs in zip(played(), again, strict=True):
        assert [p.payload for p in ours.packets] == [p.payload for p in theirs.packets]
        assert ours.skymaps == theirs.skymaps


def test_gw170817() -> None:
    first, second, refined = events()["lvk:G298048"]
    for alert in (first, second, refined):
        assert (alert.reality, alert.event_class, alert.time_kind) == ("real", "cbc", "merger")
    assert first.time_start == utc(2017, 8, 17, 12, 41, 4, 445710)
    assert (first.kind, first.instrument, first.far_hz) == ("initial", "H1", 3.47773e-12)
    assert first.issued_time == utc(2017, 8, 17, 13, 8, 15)
    assert first.properties["Search"] == "O2VirgoTest"
    assert (second.kind, second.instrument) == ("update", "H1,L1,V1")
    assert second.issued_time == utc(2017, 8, 17, 17, 54, 51)
    assert (refined.kind, refined.far_hz) == ("update", 3.96e-13)


def test_gw170817_maps_are_found_beside_and_inside_the_packets() -> None:
    areas = []
    for alert in events()["lvk:G298048"]:
        shape = alert.localizations[0].shape
        assert isinstance(shape, SkyMapRef)
        assert shape.data is not None
        assert shape.sha256 == digest(shape.data)
        areas.append(float(SkyMap.read(shape.data).area(0.9)))
    assert areas[0] > 20_000
    assert areas[1:] == pytest.approx([31.0, 28.0], rel=5e-3)


def test_grb170817a() -> None:
    alert, ground, final = events()["fermi-gbm:524666471"]
    assert {a.event_class for a in (alert, ground, final)} == {"grb"}
    assert alert.localizations == ()
    assert alert.time_start == utc(2017, 8, 17, 12, 41, 6, 470000)
    assert ground.issued_time == utc(2017, 8, 17, 12, 41, 43)
    assert ground.localizations[0].shape == Cone(186.62, -48.84, 17.45, 0.683)
    assert final.localizations[0].shape == Cone(176.8, -39.8, 11.6, 0.683)
    assert all(a.cites[0].identifier == alert.native_id for a in (ground, final))


def test_at2017gfo_is_seen_first_at_its_discovery_and_lies_well_inside_the_map() -> None:
    discovery, again = detections("AT2017gfo")
    place = discovery.localizations[0].shape
    assert isinstance(place, Cone)
    assert (place.ra, place.dec) == (197.450354, -23.381484)
    assert discovery.thread_id == again.thread_id == "ztf:ZTF17gfoaaaa"
    assert discovery.time_start is not None
    assert abs(discovery.time_start - utc(2017, 8, 17, 23, 33)) < timedelta(milliseconds=1)
    assert not any(point.limit is False for point in discovery.photometry)
    act = played()[0]
    skymap = SkyMap.read(act.skymaps["demo-HLV.multiorder.fits.gz"])
    assert 0.3 < float(skymap.credible_level(place.ra, place.dec)) < 0.7


def test_the_night_sky_holds_thousands_and_every_kind_reads_as_meant() -> None:
    assert sum(p.stream in SURVEYS for p in played()[0].packets) > 4000
    stars, rocks = detections("variable star"), detections("asteroid")
    assert {a.properties["solar_system"] for a in rocks} == {True}
    assert {a.properties["solar_system"] for a in stars} == {False}
    assert min(float(a.properties["detections"]) for a in stars) > 1
    assert max(float(a.properties["score"]) for a in detections("artefact")) < 0.55
    new = detections("new transient")
    assert {(a.kind, a.reality) for a in new} == {("initial", "real")}
    assert min(float(a.properties["score"]) for a in new) > 0.55
    before = sum(a.time_start is not None and a.time_start < utc(2017, 8, 17, 12) for a in new)
    assert before > 20
    assert len(new) - before > 20
    assert len({a.native_id for a in (*stars, *rocks, *new)}) == len(stars) + len(rocks) + len(new)


def test_restaged_packets_say_so() -> None:
    act = played()[0]
    surveys = [p for p in act.packets if p.stream in SURVEYS and "unrelated" in p.label]
    assert all(b"re-staged in the format of" in p.payload for p in surveys)
    assert all(
        b"Written by Nuncius for its demo" in p.payload
        for p in act.packets
        if p.payload[:5] == b"<?xml" and b"DOCTYPE" not in p.payload
    )


def test_ic170922a_and_the_late_flare() -> None:
    first, revised = events()["icecube:130033_50579430"]
    assert first.localizations == ()
    assert first.far_hz is revised.far_hz is None
    assert first.time_start == revised.time_start == utc(2017, 9, 22, 20, 54, 30, 430000)
    assert (revised.kind, revised.issued_time) == ("update", utc(2017, 9, 23, 1, 9, 26))
    circle = revised.localizations[0].shape
    assert isinstance(circle, Cone)
    assert (circle.ra, circle.dec, circle.containment) == (77.43, 5.72, 0.5)
    (flare,) = (alerts[0] for name, alerts in events().items() if name.startswith("fermi-lat:"))
    assert (flare.event_class, flare.time_kind, flare.reality) == ("flare", "interval", "real")
    assert flare.time_start is not None
    assert flare.time_stop is not None
    assert flare.time_start < utc(2017, 9, 22, 20, 54, 30) < flare.time_stop
    place = flare.localizations[0].shape
    assert isinstance(place, Cone)
    assert (place.ra, place.dec) == (77.358185, 5.693148)


def test_the_test_is_a_test_and_carries_its_map() -> None:
    (mock,) = events()["lvk:MS170817m"]
    assert mock.reality == "test"
    assert isinstance(mock.localizations[0].shape, SkyMapRef)
    burst = events()["fermi-gbm:524666471"][0]
    assert mock.time_start is not None
    assert burst.time_start is not None
    assert timedelta(0) < burst.time_start - mock.time_start < timedelta(seconds=5)


def test_the_injection_and_its_partner_are_both_injections() -> None:
    (wave,), (burst,) = events()["lvk:S170819x"], events()["fermi-gbm:524833806"]
    assert (wave.reality, wave.event_class) == ("injection", "cbc")
    assert (burst.reality, burst.event_class) == ("injection", "grb")
    assert wave.time_start is not None
    assert burst.time_start is not None
    assert timedelta(0) < burst.time_start - wave.time_start < timedelta(seconds=5)


def test_the_superevent_that_is_taken_back_had_a_burst_to_it() -> None:
    preliminary, retraction = events()["lvk:S170820q"]
    assert (preliminary.kind, preliminary.reality, retraction.kind) == ("initial", "real", "retraction")
    assert retraction.cites[0].identifier == preliminary.native_id
    burst = events()["fermi-gbm:524903405"][-1]
    place = burst.localizations[0].shape
    assert isinstance(place, Cone)
    shape = preliminary.localizations[0].shape
    assert isinstance(shape, SkyMapRef)
    assert shape.data is not None
    assert float(SkyMap.read(shape.data).credible_level(place.ra, place.dec)) < 0.9


def test_three_packets_are_quarantined_and_two_say_nothing_about_the_sky() -> None:
    found = [(packet.stream, outcome) for packet, outcome in readings()]
    faults = Counter(stream for stream, outcome in found if isinstance(outcome, Quarantine))
    assert faults == {"ztf": 1, "gcn.classic.voevent": 1, "snews": 1}
    assert sorted(o.reason for _, o in found if isinstance(o, NotAnAlert)) == ["heartbeat", "pointing"]
