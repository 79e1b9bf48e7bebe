"""The golden packets that are not text are what their recipe makes."""

import avro_packets as packets
import golden_avro
import pytest

from nuncius.producers import avro_other
from nuncius.producers.facility import Context
from nuncius.schemas import Alert, MalformedAlert


def test_the_committed_packets_are_what_the_recipe_makes() -> None:
    made = golden_avro.files()
    assert {name: (golden_avro.FOLDER / name).read_bytes() for name in made} == made


def test_atlas_rows_agree_with_its_alerts() -> None:
    payload = golden_avro.files()["atlas.detection.avro"]
    (alert,) = avro_other.parse(payload, Context())
    assert isinstance(alert, Alert)
    rows = avro_other.decode_batch([payload, payload], Context())
    assert (len(rows), rows.survey[1], rows.thread_id[1], rows.alert_id[1]) == (
        2,
        "atlas",
        "atlas:8001",
        alert.alert_id,
    )
    assert (rows.mag[0], rows.mag_err[0], rows.score[0], rows.filter[0]) == (18.5, 0.125, 0.75, "o")


def test_a_survey_that_is_not_known_is_named() -> None:
    payload = packets.container(packets.record("new.survey", {"ra": "double"}), {"ra": 1.0})
    with pytest.raises(MalformedAlert, match=r"new\.survey"):
        avro_other.parse(payload, Context())
