"""Encoding and decoding candidate rows, against fastavro alone on the same records."""

import time
from collections.abc import Callable
from io import BytesIO

import fastavro
import orjson
import pytest
import strategies

from nuncius.schemas import CandidateRow
from nuncius.schemas.avsc import schema
from nuncius.schemas.codec import decode, encode

ROUNDS = 20_000


def seconds(work: Callable[[], object]) -> float:
    """Best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(ROUNDS):
            work()
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.bench
def test_candidate_rows_against_bare_fastavro(measured: Callable[..., None]) -> None:
    row: CandidateRow = strategies.example_of(CandidateRow)
    data = encode(row)
    assert decode(CandidateRow, data) == row
    parsed = fastavro.parse_schema(orjson.loads(orjson.dumps(schema(CandidateRow))))
    ours, bare = (
        seconds(lambda: decode(CandidateRow, data)),
        seconds(lambda: fastavro.schemaless_reader(BytesIO(data[10:]), parsed, None)),
    )
    measured(decode_us=ours / ROUNDS * 1e6, bare_us=bare / ROUNDS * 1e6, ratio=ours / bare)
