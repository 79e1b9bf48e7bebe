"""Rubin Observatory: alert packets of schemas 3 to 11 and of the ELAsTiCC simulation, in containers or on the wire."""

from collections.abc import Mapping
from typing import Any, Final

from nuncius.producers import rubin_source as source
from nuncius.producers.avro_survey import Survey
from nuncius.producers.build import kept, number
from nuncius.producers.detection import Detection, named, needed, part
from nuncius.producers.facility import Envelope, Facility
from nuncius.schemas.errors import MalformedAlert


def detect(record: Mapping[str, Any]) -> Detection:
    """What one packet says about its diaSource.

    The thread is the diaObject the diaSource itself names, else its ssObject, else the diaSource alone.
    """
    dia = part(record, "diaSource")
    if not dia:
        raise MalformedAlert("the record has no diaSource: not a Rubin alert packet", "diaSource")
    simulated = "decl" in dia and "psRa" not in dia
    survey = "elasticc" if simulated else "lsst"
    history = source.history(record, dia)
    flux = source.flux(dia, "" if simulated else "nJy")
    zero_point = source.ELASTICC_ZERO_POINT if simulated else source.NANOJANSKY_ZERO_POINT
    mag, mag_err = source.magnitude(flux, zero_point)
    return Detection(
        native_id=named(dia, "diaSourceId"),
        thread_id=f"{survey}:{named(dia, 'diaObjectId', 'ssObjectId', 'diaSourceId')}",
        survey=survey,
        reality="test" if simulated else source.reality(dia),
        facility="ELAsTiCC simulation" if simulated else "Rubin Observatory",
        instrument="" if simulated else "LSSTCam",
        ra=needed(dia, "ra"),
        dec=needed(dia, "dec" if "dec" in dia else "decl"),
        radius_deg=max((e for n in source.POSITION_ERRORS if (e := number(dia.get(n))) is not None), default=None),
        time=source.time(dia),
        first=history.first,
        last_limit=history.last_limit,
        mag=mag,
        mag_err=mag_err,
        filter=source.band(dia),
        flux=flux,
        score=number(dia.get("reliability")),
        solar_system=bool(dia.get("ssObjectId")) or record.get("ssSource") is not None,
        detections=history.detections,
        light_curve=source.curve(record, dia, zero_point),
        host_arcsec=source.host_arcsec(record),
        withdrawn=dia.get("timeWithdrawnMjdTai") is not None,
        properties=kept(dia, source.KEPT),
    )


def owns(seen: Envelope, _payload: bytes) -> bool:
    """Every packet on the wire (schema ids are not told apart by their bytes), and containers by the record's name."""
    return seen.format == "confluent" or seen.name.startswith(("lsst.", "elasticc."))


SURVEY: Final = Survey(detect, source.photometry)

FACILITY: Final = Facility(
    name="Rubin Observatory",
    formats=("avro", "confluent"),
    owns=owns,
    parse=SURVEY.parse,
    decode_batch=SURVEY.decode_batch,
    reference="https://github.com/lsst/alert_packet",
)
