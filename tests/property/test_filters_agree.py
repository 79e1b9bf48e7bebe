"""One filter, three ways: row by row, vectorised, and DuckDB's own evaluation of the same question."""

import math
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import astropy.units as u
import duckdb
import numpy as np
from astropy.coordinates import SkyCoord
from filter_trees import MOMENTS, NUMBERS, POINTS, TEXTS, conditions, duck, text
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.filters import matches, parse_filter, rows_of, select
from nuncius.filters import tree as t
from nuncius.schemas.alert import Alert, Photometry
from nuncius.schemas.localization import Cone, Localization, SkyMapRef

some_number = st.none() | st.sampled_from((*NUMBERS, math.nan, math.inf, -math.inf, -0.0))
some_text = st.sampled_from(TEXTS)
raws = st.fixed_dictionaries(
    {
        **dict.fromkeys(("far_hz", "p_astro", "redshift", "distance_mpc", "mag"), some_number),
        "sequence": st.none() | st.integers(-2, 3),
        "facility": some_text,
        "instrument": some_text,
        "native_id": some_text,
        "time_start": st.none() | st.sampled_from(MOMENTS),
        "classification": st.dictionaries(st.sampled_from(("BNS", "it's")), st.sampled_from((*NUMBERS, math.nan))),
        "mixed": st.none() | some_text | st.booleans() | st.sampled_from((*NUMBERS, math.nan)),
        "place": st.none() | st.sampled_from(POINTS),
        "has_skymap": st.booleans(),
    }
)


def alert(raw: dict[str, Any]) -> Alert:
    places: list[Localization] = []
    if raw["place"] is not None:
        places.append(Localization(Cone(raw["place"][0], raw["place"][1], 1.0)))
    if raw["has_skymap"]:
        places.append(Localization(SkyMapRef("00", 1)))
    return Alert(
        alert_id="a",
        thread_id="t",
        kind="initial",
        reality="real",
        messenger="photon",
        localizations=tuple(places),
        photometry=() if raw["mag"] is None else (Photometry(None, "g", raw["mag"]),),
        properties={} if raw["mixed"] is None else {"mixed": raw["mixed"]},
        classification=raw["classification"],
        time_start=None
        if raw["time_start"] is None
        else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=raw["time_start"]),
        **{
            name: raw[name]
            for name in (
                "far_hz",
                "p_astro",
                "redshift",
                "distance_mpc",
                "sequence",
                "facility",
                "instrument",
                "native_id",
            )
        },
    )


def column(node: Any, raw: dict[str, Any]) -> Any:
    """What DuckDB is given for a leaf: from the raw values, angles by astropy, polygons by their bounds."""
    match node:
        case t.Field(name):
            value = raw[name]
        case t.MapItem("classification", key):
            value = raw["classification"].get(key)
        case t.MapItem("properties", _, kind):
            value = raw["mixed"]
            fits = {"number": float, "text": str, "flag": bool, "any": object}[kind]
            value = value if fits is object or type(value) is fits else None
        case t.Separation(_, t.Position(t.Number(ra), t.Number(dec))):
            value = None if raw["place"] is None else apart(raw["place"], (ra, dec))
        case t.Within(_, t.Circle(ra, dec, radius)):
            value = None if raw["place"] is None else apart(raw["place"], (ra, dec)) <= radius
        case t.Within(_, t.Outline()):
            value = None if raw["place"] is None else raw["place"] == (197.0, -23.0)
        case _:
            raise AssertionError(node)
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def apart(one: tuple[float, float], two: tuple[float, float]) -> float:
    if one == two:
        return 0.0
    return float(SkyCoord(*one, unit=u.deg).separation(SkyCoord(*two, unit=u.deg)).deg)


def duck_type(leaf: Any) -> str:
    if isinstance(leaf, t.Within):
        return "BOOLEAN"
    kind = "number" if isinstance(leaf, t.Separation) else leaf.kind
    return {"number": "DOUBLE", "text": "VARCHAR", "flag": "BOOLEAN", "time": "BIGINT", "any": "VARCHAR"}[kind]


def by_duckdb(trees: list[t.Condition], many: list[dict[str, Any]]) -> list[list[bool | None]]:
    leaves: dict[Any, str] = {}
    for tree in trees:
        for node in t.walk(tree):
            if isinstance(node, t.MapItem | t.Separation | t.Within) or (
                isinstance(node, t.Field) and node.name not in ("ra", "dec")
            ):
                leaves.setdefault(node, f"c{len(leaves)}")
    with duckdb.connect() as base:
        names = ", ".join(f"{name} {duck_type(leaf)}" for leaf, name in leaves.items())
        base.execute(f"CREATE TABLE seen (i INTEGER{', ' if names else ''}{names})")
        for index, raw in enumerate(many):
            marks = ", ".join("?" * (1 + len(leaves)))
            base.execute(f"INSERT INTO seen VALUES ({marks})", [index, *(column(leaf, raw) for leaf in leaves)])  # noqa: S608  question marks only
        asked = ", ".join(duck(tree, leaves) for tree in trees)
        rows = base.execute(f"SELECT {asked} FROM seen ORDER BY i").fetchall()  # noqa: S608  made from the tree
    return [list(answers) for answers in zip(*rows, strict=True)]


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(conditions, min_size=4, max_size=8), st.lists(raws, min_size=1, max_size=8))
def test_the_same_rows_row_by_row_vectorised_and_by_duckdb(
    trees: list[t.Condition], many: list[dict[str, Any]]
) -> None:
    filters = [parse_filter(text(tree), "alerts") for tree in trees]
    alerts = [alert(raw) for raw in many]
    one_by_one = [[matches(item, record) for record in alerts] for item in filters]
    assert one_by_one == by_duckdb(trees, many)
    vectorised = select(filters, rows_of("alerts", alerts, [None] * len(alerts)))
    assert np.array_equal(vectorised, np.array([[answer is True for answer in row] for row in one_by_one]))


@settings(max_examples=examples(150), deadline=None)
@given(conditions)
def test_a_tree_comes_back_from_its_text(tree: t.Condition) -> None:
    assert parse_filter(text(tree), "alerts").tree == tree
