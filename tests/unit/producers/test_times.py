"""Times as senders print them."""

from datetime import UTC, datetime, timedelta

import pytest

from nuncius.producers.times import from_scale, utc

MOMENT = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2021-03-04T05:06:07", 0),
        ("2021-03-04T05:06:07Z", 0),
        ("2021-03-04T05:06:07+00:00", 0),
        ("2021-03-04T05:06:07+0000", 0),
        ("2021-03-04T07:06:07+02:00", 0),
        ("2021-03-04T00:36:07-0430", 0),
        ("2021-3-4T05:06:07", 0),
        ("2021-03-4 05:06:07 UTC", 0),
        ("2021-03-04T05:06:07.89", 890_000),
        ("2021-03-04T05:06:07.123456Z", 123_456),
        ("2021-03-4T05:06:07.123456789", 123_456),
        (" 2021-03-04T05:06:07 ", 0),
    ],
)
def test_reads_to_the_microsecond(text: str, micros: int) -> None:
    assert utc(text) == MOMENT + timedelta(microseconds=micros)


@pytest.mark.parametrize(
    "text",
    [
        "2022-01-00T23:16:14",
        "2016-01--3T12:00:00",
        "2022-01--4918T05:00:00",
        "2022-10-01T1871:47:24.80",
        "2021-02-29T00:00:00",
        "2021-03-04T05:06:61",
        "[YYYY-MM-DDThh:mm:ss]",
        "",
        None,
        "9" * 10_000,
        "2021-03-04T05:06:07+99:99",
        "9999-12-31T23:59:60",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "1899-12-31T23:59:59.999999Z",
        "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "٢٠٢١-٠٣-٠٤T٠٥:٠٦:٠٧",
    ],
)
def test_an_impossible_time_is_none(text: str | None) -> None:
    assert utc(text) is None


@pytest.mark.parametrize("text", ["1900-01-01T00:00:00Z", "2199-12-31T23:59:59.999999Z"])
def test_the_years_that_alerts_may_have(text: str) -> None:
    assert utc(text) == datetime.fromisoformat(text)


def test_a_leap_second_counts_into_the_next_minute() -> None:
    assert utc("2016-12-31T23:59:60.5") == datetime(2017, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)


def test_every_moment_read_is_in_utc() -> None:
    moment = utc("2021-03-04T07:06:07+02:00")
    assert moment is not None
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("scale", "behind_s"),
    [("UTC", 0.0), ("TAI", 37.0), ("GPS", 18.0), ("TT", 69.184), ("TDB", 69.184), ("UNKNOWN", 0.0)],
)
def test_scales_after_2017(scale: str, behind_s: float) -> None:
    assert from_scale(MOMENT, scale) == MOMENT - timedelta(seconds=behind_s)


@pytest.mark.parametrize(
    ("year", "tai_minus_utc"),
    [(2016, 36), (2013, 35), (2010, 34), (2007, 33), (2001, 32), (1998, 31), (1996, 30)],
)
def test_tai_before_each_leap_second(year: int, tai_minus_utc: int) -> None:
    tai = datetime(year, 5, 1, tzinfo=UTC)
    assert from_scale(tai, "TAI") == tai - timedelta(seconds=tai_minus_utc)
