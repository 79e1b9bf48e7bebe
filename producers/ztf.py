"""Zwicky Transient Facility: one Avro container a detection, with thirty days of its history."""

from collections.abc import Mapping
from typing import Any, Final

from nuncius.producers import ztf_history
from nuncius.producers.avro_survey import Survey
from nuncius.producers.build import kept, number
from nuncius.producers.detection import Detection, named, needed, part
from nuncius.producers.facility import Envelope, Facility
from nuncius.producers.julian import from_jd
from nuncius.producers.ztf_history import FILTERS, KEPT

SOLAR_SYSTEM_ARCSEC: Final = 5.0
"""How near the closest known object (listed to 30 arcsec, -999 for none) is taken for the detection itself."""

STAR_ARCSEC: Final = 2.0
_NAMES: Final = ("ztf.alert", "BabamulZtfAlert")


def detect(record: Mapping[str, Any]) -> Detection:
    """What one packet says; `alert.candidate` of the ZTF alert schema, versions 1.8 to 4.02."""
    candidate = part(record, "candidate")
    history = ztf_history.read(record, candidate)
    distance, star = number(candidate.get("distpsnr1")), number(candidate.get("sgscore1"))
    near = distance is not None and 0.0 <= distance <= STAR_ARCSEC and star is not None and 0.0 <= star <= 1.0
    moving, host = number(candidate.get("ssdistnr")), number(candidate.get("distnr"))
    return Detection(
        native_id=named(record, "candid"),
        thread_id=f"ztf:{named(record, 'objectId')}",
        survey="ztf",
        reality="real",
        facility="ZTF",
        instrument="ZTF camera",
        ra=needed(candidate, "ra"),
        dec=needed(candidate, "dec"),
        time=from_jd(needed(candidate, "jd")),
        first=from_jd(history.first_jd),
        last_limit=from_jd(history.last_limit_jd),
        mag=number(candidate.get("magpsf")),
        mag_err=number(candidate.get("sigmapsf")),
        filter=FILTERS.get(str(candidate.get("fid")), ""),
        score=next((s for n in ("drb", "rb") if (s := number(candidate.get(n))) is not None), None),
        star_score=star if near else None,
        solar_system=moving is not None and 0.0 <= moving <= SOLAR_SYSTEM_ARCSEC,
        light_curve=ztf_history.curve(record, candidate),
        host_arcsec=host if host is not None and host >= 0.0 else None,
        detections=int(number(candidate.get("ndethist")) or history.detections),
        properties={n: v for n, v in kept(candidate, KEPT).items() if v not in ("null", "", -999.0)},
    )


def owns(seen: Envelope, payload: bytes) -> bool:
    """By the record's name; Spark writes every record as ``topLevelRecord``, then by a column only ZTF has."""
    return seen.name in _NAMES or (seen.name == "topLevelRecord" and b'"jdstarthist"' in payload[:65_536])


SURVEY: Final = Survey(detect, ztf_history.photometry)

FACILITY: Final = Facility(
    name="ZTF",
    formats=("avro",),
    owns=owns,
    parse=SURVEY.parse,
    decode_batch=SURVEY.decode_batch,
    reference="https://zwickytransientfacility.github.io/ztf-avro-alert/schema.html",
)
