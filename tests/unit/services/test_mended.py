"""A packet that could not be read may come again when it can."""

from pathlib import Path

from matching_alerts import grb

from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport.port import Log
from nuncius.producers.facility import Context, Parsed
from nuncius.schemas import UnknownSchema

PACKET = Packet(b"\0\0\0\0\1body", str(Path("night") / "one.avro"))


def without_schema(_payload: bytes, _context: Context) -> Parsed:
    raise UnknownSchema("writer's schema id 1 is not known")


def with_schema(_payload: bytes, _context: Context) -> Parsed:
    return (grb(),)


def words(ingest: Ingest, reading: Reading) -> str:
    ((fate,),) = ingest.accept([reading])
    return fate.word


def test_what_was_quarantined_and_reads_now_becomes_an_alert_once(log: Log) -> None:
    refused, good = (read(PACKET, Context(), parse) for parse in (without_schema, with_schema))
    desk = Ingest(log, SkyMap.read, "live")
    assert [words(desk, one) for one in (refused, refused)] == ["quarantined", "duplicate"]
    assert [words(desk, one) for one in (good, good, refused)] == ["alert", "duplicate", "duplicate"]
    another = Ingest(log, SkyMap.read, "live", "another desk")
    assert [words(another, one) for one in (good, refused)] == ["duplicate", "duplicate"]
