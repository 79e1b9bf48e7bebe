"""A thousand filters on a thousand alerts, in one go and one by one; and how soon a hostile text is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from nuncius.filters import FilterError, parse_filter

pytestmark = pytest.mark.bench

HOSTILE = {
    "brackets": "(" * 3000 + "mag < 1" + ")" * 3000,
    "nots": "NOT " * 900 + "TRUE",
    "terms": " OR ".join(["mag < 1"] * 500),
    "long": "mag < 1 OR " * 20000,
    "numbers": "facility IN (" + ",".join(["1"] * 1900) + ")",
    "like": f"facility LIKE '{'%a' * 1500}'",
    "words": "a " * 2000,
    "one_word": "a" * 4000,
    "polygon": f"CONTAINS(POINT(ra, dec), POLYGON({','.join(f'{n},{n % 7}' for n in range(80))})) = 1",
    "moc": f"IN_MOC('{'29/1 ' * 800}x')",
}

CHILD = """
import json, sys
from time import perf_counter
sys.path.insert(0, sys.argv[1])
from filter_bench import ALERTS, FILTERS
from nuncius.filters import matches, parse_filter, rows_of, select
filters = [parse_filter(text, "alerts") for text in FILTERS]
seconds = []
for _ in range(5):
    rows = rows_of("alerts", ALERTS, [None] * len(ALERTS))
    begun = perf_counter()
    found = select(filters, rows)
    seconds.append(perf_counter() - begun)
some = range(0, len(filters), 51)  # the kinds of filters repeat every eight
begun = perf_counter()
one_by_one = [[matches(filters[i], alert) is True for alert in ALERTS] for i in some]
slow = (perf_counter() - begun) * len(filters) / len(some)
assert [found[i].tolist() for i in some] == one_by_one
told = {"first_s": seconds[0], "again_s": min(seconds[1:]), "row_by_row_s": slow, "selected": int(found.sum())}
print(json.dumps(told))
"""


def test_a_thousand_filters_on_a_thousand_alerts(measured: Callable[..., None]) -> None:
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tests)],
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["selected"] > 0
    measured(**told, ratio=told["row_by_row_s"] / told["again_s"])


def test_hostile_texts_are_refused(measured: Callable[..., None]) -> None:
    parse_or_none("mag < 1")
    for name, text in HOSTILE.items():
        begun = perf_counter()
        assert parse_or_none(text) is None
        measured(**{f"{name}_ms": (perf_counter() - begun) * 1e3})


def parse_or_none(text: str) -> object:
    try:
        return parse_filter(text, "alerts")
    except FilterError:
        return None
