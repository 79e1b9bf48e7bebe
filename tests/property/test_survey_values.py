"""Survey packets whose numbers nobody means: a detection, or `Quarantine` with a reason, and no other fault."""

import math
from contextlib import suppress
from typing import Any

import avro_packets as packets
from hypothesis import given
from hypothesis import strategies as st

from nuncius.producers import detection, rubin, ztf
from nuncius.schemas import Quarantine

ODD: st.SearchStrategy[Any] = st.sampled_from(
    (
        None,
        0,
        -1,
        1e200,
        1e300,
        -1e300,
        1e-300,
        5e-324,
        math.nan,
        math.inf,
        2**63,
        2**70,
        "",
        "x",
        "1e400",
        True,
        [],
        {},
    )
)
ZTF_ROW = {"jd": 2460002.5, "fid": 1, "candid": 5, "ra": 10.0, "dec": 10.0, "magpsf": 19.0, "sigmapsf": 0.1}
RUBIN_ROW = {
    "diaSourceId": 4,
    "diaObjectId": 7,
    "ra": 10.0,
    "dec": 10.0,
    "psfFlux": 1e3,
    "psfFluxErr": 10.0,
    "band": "g",
}


def rows(
    plain: dict[str, Any], names: list[str], **narrow: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Rows in which any field may be odd; those of ``narrow`` repeat, so that rows tie."""
    odd = st.dictionaries(st.sampled_from(names), ODD, max_size=3)
    return st.builds(lambda tied, found: {**plain, **tied, **found}, st.fixed_dictionaries(narrow), odd)


ztf_rows = rows(
    ZTF_ROW,
    [*packets.CANDIDATE, "band", "psfFlux", "psfFluxErr", "distnr"],
    jd=st.sampled_from((2460000.5, 2460001.5)),
    sigmapsf=st.sampled_from((None, 0.1)),
)
rubin_rows = rows(
    RUBIN_ROW,
    [*packets.DIA_SOURCE, "psFlux", "psFluxErr", "filterName", "midPointTai"],
    midpointMjdTai=st.sampled_from((60298.0, 60299.5)),
    psfFluxErr=st.sampled_from((None, 10.0)),
)


@given(ztf_rows, st.lists(ztf_rows, max_size=5))
def test_ztf(candidate: dict[str, Any], history: list[dict[str, Any]]) -> None:
    said = {"objectId": "ZTF1", "candid": 5, "candidate": candidate, "prv_candidates": history}
    with suppress(Quarantine):
        assert len(detection.batch([(ztf.SURVEY.detect(said), b"packet")])) == 1
    ztf.SURVEY.photometry(said)


@given(rubin_rows, st.lists(rubin_rows, max_size=5), ODD, ODD)
def test_rubin(source: dict[str, Any], history: list[dict[str, Any]], counted: object, first: object) -> None:
    summary = {"nDiaSources": counted, "firstDiaSourceMjdTai": first}
    said = {"diaSourceId": 4, "diaSource": source, "prvDiaSources": history, "diaObject": summary}
    with suppress(Quarantine):
        assert len(detection.batch([(rubin.SURVEY.detect(said), b"packet")])) == 1
    rubin.SURVEY.photometry(said)
