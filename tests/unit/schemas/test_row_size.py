"""A row of the busiest surveys stays slim on the wire, with everything known and the longest ids."""

import pytest

from nuncius.schemas import CandidateRow, ids
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.scalars import Float32


@pytest.mark.parametrize("thread", ["ztf:ZTF26abcdefg", f"lsst:{2**63 - 1}"])
def test_at_most_two_hundred_bytes(thread: str) -> None:
    row = CandidateRow(
        alert_id=ids.alert_id("1", "00"),
        thread_id=thread,
        survey="lsst",
        reality="injection",
        run_mode="replay",
        ra=359.5,
        dec=-89.5,
        time_us=4_102_444_800_000_000,
        first_us=4_102_444_800_000_000,
        last_limit_us=4_102_444_800_000_000,
        mag=20.1,
        mag_err=0.1,
        filter="g",
        score=0.9,
        star_score=0.1,
        solar_system=True,
        detections=8000,
        rate_mag_per_day=Float32(-0.5),
        rate_err_mag_per_day=Float32(0.125),
        peak_mag=Float32(19.5),
        host_arcsec=Float32(0.25),
        color_g_r_mag=Float32(-0.25),
        raw_offset=10**9,
    )
    assert len(encode(row)) <= 200
    assert decode(CandidateRow, encode(row)) == row
