"""Whatever the text, the answer is a filter or a message with a column: nothing else, and soon."""

from time import perf_counter

import pytest
from how_many import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp, parser

from nuncius.filters import Filter, FilterError, Names, parse_filter
from nuncius.filters.scan import FUNCTIONS

WORDS = (
    *(
        "mag",
        "far_hz",
        "facility",
        "classification",
        "'BNS'",
        "[",
        "]",
        "(",
        ")",
        ",",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
    ),
    *(
        "LIKE",
        "ILIKE",
        "BETWEEN",
        "ESCAPE",
        "TRUE",
        "FALSE",
        "TIMESTAMP",
        "=",
        "<",
        "<=",
        "<>",
        "!=",
        "+",
        "-",
        "*",
        "/",
        "1",
    ),
    *(
        "1e-7",
        "'x%'",
        "'2026-11-01'",
        "CONTAINS",
        "POINT",
        "CIRCLE",
        "POLYGON",
        "DISTANCE",
        "IN_MOC",
        "ra",
        "dec",
        "'ICRS'",
    ),
    *(
        "SELECT",
        "CASE",
        "CAST",
        "INTERVAL",
        "EXISTS",
        "||",
        "::",
        ";",
        "--",
        "/*",
        "$1",
        "?",
        '"mag"',
        "x'41'",
        "has_skymap",
        ".",
    ),
)


def settled(text: str) -> Filter | FilterError:
    try:
        return parse_filter(text, "alerts")
    except FilterError as error:
        refusal = error
    assert 1 <= refusal.column <= max(len(text), 1)
    assert f"(column {refusal.column})" in str(refusal)
    assert "\n" not in str(refusal)
    assert len(str(refusal)) < 600
    return refusal


@settings(max_examples=examples(300), deadline=None)
@given(st.text(max_size=60))
@example("'\x00'")
@example("\ud800")
@example('"a\nb" = 1')
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    settled(text)


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_order_of_words_is_a_filter_or_refused(text: str) -> None:
    settled(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000 + "mag < 1" + ")" * 3000,
        "NOT " * 900 + "TRUE",
        "- " * 2000 + "mag < 1",
        "-(" * 31 + "mag" + ")" * 31 + " < 1",
        "[" * 1000,
        " OR ".join(["mag < 1"] * 500),
        "mag < 1 " + "+ 1" * 300,
        "facility IN (" + ",".join(["'a'"] * 250) + ")",
        "mag < " + "1" * 5000,
        "mag < 1e400",
        "mag < 1_000",
        f"facility LIKE '{'%a' * 200}'",
        "mag < 1; DROP TABLE alerts",
        "mag < 1 -- comment",
        "mag < 1 /* comment */",
        "facility = 'it's' OR ''=''",
        "mаg < 1",
        "mag ＜ 1",
        "mag < １",
        "mag\u200b < 1",
        "mag\u00a0< 1",
        "facility = ‘GRB’",
        '"mаg" < 1',
        "mag IN (SELECT mag FROM alerts)",
        "EXISTS (SELECT 1)",
        "(SELECT TRUE)",
        "CASE WHEN TRUE THEN TRUE END",
        "CAST(mag AS TEXT) = '1'",
        "mag::text = '1'",
        "facility || 'x' = 'y'",
        "mag = $1",
        "mag = ?",
        "mag = :x",
        "mag = @x",
        "alerts.mag < 1",
        "facility SIMILAR TO 'x'",
        "facility ~ '(a+)+$'",
        "facility = E'\\x41'",
        "facility = x'41'",
        "time > INTERVAL '1 day'",
        "DATE '2026-01-01' < time",
        "mag < ALL (1, 2)",
        "mag % 2 = 1",
        "mag = 1 AS x",
        "TRUE UNION SELECT TRUE",
        "{{ mag }} < 1",
        "mag < 1 = TRUE",
        "read_csv('/etc/passwd') IS NULL",
        "",
        " ",
        "*",
        "mag",
        "facility",
        "1",
        "'x'",
        "NULL",
    ],
)
def test_what_is_no_part_of_the_language_is_refused_at_once(text: str) -> None:
    begun = perf_counter()
    assert isinstance(settled(text), FilterError)
    assert perf_counter() - begun < 1


def test_every_function_that_sqlglot_knows_is_refused_unless_it_is_on_the_list() -> None:
    known = set(parser.Parser.FUNCTIONS) | {name for kind in exp.ALL_FUNCTIONS for name in kind.sql_names()}
    known |= set(parser.Parser.FUNCTION_PARSERS)
    assert len(known) > 400
    for name in sorted(known - set(FUNCTIONS)):
        for text in (f"{name}(mag) = 1", f"mag < {name}()", f"{name}(facility, 'x') IS NULL", f"{name} (1)"):
            assert isinstance(settled(text), FilterError), text


def test_filters_by_name_are_held_to_the_same_caps() -> None:
    doubling = {"a0": "mag < 1", **{f"a{n}": f"a{n - 1} OR a{n - 1} OR a{n - 1}" for n in range(1, 9)}}
    with pytest.raises(FilterError):
        parse_filter("a7", "alerts", Names(doubling))
    with pytest.raises(FilterError, match="uses itself"):
        parse_filter("x", "alerts", Names({"x": "NOT y", "y": "x"}))
