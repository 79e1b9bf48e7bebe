"""Candidates are asked in three forms (a row, rows, columns): odd numbers and times give one answer in all."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.filters import FIELDS, matches, parse_filter, rows_of, rows_of_batch, select
from nuncius.filters.fields import FIRST_US, LAST_US
from nuncius.schemas import NO_TIME, CandidateBatch
from nuncius.schemas.candidate import COLUMNS
from nuncius.schemas.candidate_row import rows

TAKEN = datetime(2026, 11, 1, tzinfo=UTC)
ODD = (0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 360.0, 359.9999999, 90.0, -90.0, 5e-324)
TIMES = (NO_TIME, NO_TIME + 1, FIRST_US - 1, FIRST_US, -1, 0, 1_793_491_200_000_000, LAST_US, LAST_US + 1, 2**63 - 1)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    object: st.sampled_from(("", "ztf", "it's", "Ⅷ")),
    np.float64: st.sampled_from((*ODD, 1e308)),
    np.float32: st.sampled_from((*ODD, 0.1)),
    np.bool_: st.booleans(),
}


def values_of(name: str, dtype: Any) -> st.SearchStrategy[Any]:
    if name == "reality":
        return st.sampled_from(("real", "test"))
    if name.endswith("_us"):
        return st.sampled_from(TIMES)
    return VALUES[dtype] if dtype in VALUES else st.sampled_from((0, 1, -1, 2**53 + 1))


seen = st.fixed_dictionaries({name: values_of(name, dtype) for name, dtype in COLUMNS.items()})
every = list(FIELDS["candidates"].values())
numbers = st.sampled_from([field.name for field in every if field.kind == "number"])
texts = st.sampled_from([field.name for field in every if field.kind == "text" and not field.words])
times = st.sampled_from([field.name for field in every if field.kind == "time"])
signs = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))
circles = st.sampled_from(("0, 0, 1", "360, 90, 2", "0, -90, 180", "359.9999999, 0, 0.0001", "0, 90, 0"))
moments = st.sampled_from(("1970-01-01", "2026-11-01", "1900-01-01", "1969-12-31T23:59:59.999999Z"))
simple = st.one_of(
    st.builds("{} {} {}".format, numbers, signs, st.sampled_from(("0", "0.1", "-1", "1e308", "360"))),
    st.builds("{} {} {}".format, numbers, signs, numbers),
    st.builds("({} {} {}) {} 1".format, numbers, st.sampled_from("+-*/"), numbers, signs),
    st.builds("{} {} '{}'".format, texts, signs, VALUES[object].map(lambda text: text.replace("'", "''"))),
    st.builds("{} {} {}".format, texts, signs, texts),
    st.builds("{} {} '{}'".format, times, signs, moments),
    st.builds("{} IS NULL".format, st.sampled_from([field.name for field in every])),
    st.builds("{} IN ('', 'ztf')".format, texts),
    st.builds("{} LIKE '{}'".format, texts, st.sampled_from(("%", "_", "z%", ""))),
    st.builds("CONTAINS(POINT(ra, dec), CIRCLE({})) = 1".format, circles),
    st.builds("DISTANCE(POINT(ra, dec), POINT(360, 90)) {} 90".format, signs),
    st.just("solar_system"),
)
conditions = st.recursive(
    simple,
    lambda parts: st.one_of(
        st.builds("NOT ({})".format, parts),
        st.builds("({}) {} ({})".format, parts, st.sampled_from(("AND", "OR")), parts),
    ),
    max_leaves=4,
)


@settings(max_examples=examples(80))
@given(st.lists(conditions, min_size=1, max_size=5), st.lists(seen, max_size=5))
def test_the_same_candidates_in_every_form(asked: list[str], many: list[dict[str, Any]]) -> None:
    filters = [parse_filter(text, "candidates") for text in asked]
    batch = CandidateBatch(*(np.array([one[name] for one in many], dtype) for name, dtype in COLUMNS.items()))
    one_by_one, taken = rows(batch, "live"), [TAKEN] * len(many)
    expected = [[matches(each, row, TAKEN) is True for row in one_by_one] for each in filters]
    assert select(filters, rows_of("candidates", one_by_one, taken)).tolist() == expected
    assert select(filters, rows_of_batch(batch, "live", taken)).tolist() == expected
