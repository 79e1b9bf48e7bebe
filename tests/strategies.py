"""Hypothesis strategies for the values of `nuncius.schemas`: any alert, coincidence, request, batch of candidates.

``record(Alert)`` draws a value that fills every field by its declared type; keyword arguments fix or narrow fields.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from hypothesis import strategies as st

from nuncius.schemas import Alert, CandidateBatch, CandidateRow, Cone, Localization
from nuncius.schemas.candidate import COLUMNS
from nuncius.schemas.scalars import Float32

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
NARROW = st.floats(allow_nan=False, allow_infinity=False, width=32)
LONG = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis wants bounds without zone
RA = st.floats(0, 360, exclude_max=True)
DEC = st.floats(-90, 90)
CONES = st.builds(Cone, ra=RA, dec=DEC, radius=st.floats(0, 180), containment=st.floats(0.01, 1))
NARROWED: dict[str, st.SearchStrategy[Any]] = {"ra": RA, "dec": DEC}
"""Fields whose name says more than their type."""


@cache
def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type; floats are finite, so that JSON can hold them."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*(of_type(option) for option in args))
    if origin is tuple:
        return st.lists(of_type(args[0]), max_size=2).map(tuple)
    if origin is Literal:
        return st.sampled_from(args)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(TEXT, of_type(args[1]), max_size=2)
    if is_dataclass(hint):
        return record(hint)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: LONG,
        float: FINITE,
        Float32: NARROW,
        bool: st.booleans(),
        bytes: st.binary(max_size=12),
        datetime: TIMES,
        types.NoneType: st.none(),
    }
    return simple[hint]


def record(kind: Any, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of a dataclass, with the strategies of ``known`` in place of those that the types give."""
    hints = get_type_hints(kind)
    unknown = {name: st.none() | NARROWED[name] for name in NARROWED if types.NoneType in get_args(hints.get(name))}
    narrowed = {**NARROWED, **unknown, **known}
    drawn = {f.name: narrowed[f.name] if f.name in narrowed else of_type(hints[f.name]) for f in fields(kind)}
    return st.builds(kind, **drawn)


def alerts(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Alert]:
    """Alerts with everything in them."""
    return record(Alert, **known)


def cone_alerts(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Alert]:
    """Alerts localized by one cone."""
    places = st.builds(Localization, shape=CONES).map(lambda place: (place,))
    return alerts(localizations=places, **known)


def candidate_rows() -> st.SearchStrategy[CandidateRow]:
    """Rows whose numbers may be NaN, as surveys leave them."""
    unknown = st.floats(allow_infinity=False)
    narrow = {name: st.floats(allow_infinity=False, width=32) for name, hint in COLUMNS.items() if hint is np.float32}
    return record(CandidateRow, mag=unknown, mag_err=unknown, score=unknown, star_score=unknown, **narrow)


@st.composite
def candidate_batches(draw: st.DrawFn, max_size: int = 5) -> CandidateBatch:
    """Columns built one by one, without `nuncius.schemas.candidate_row`."""
    rows = draw(st.lists(candidate_rows(), max_size=max_size))
    return CandidateBatch(*(np.array([getattr(r, name) for r in rows], dtype) for name, dtype in COLUMNS.items()))


def example_of(kind: Any) -> Any:
    """One fixed value of a dataclass: empty texts, zeros, first words of vocabularies."""
    blank: dict[Any, Any] = {
        str: "",
        int: 0,
        float: 0.0,
        Float32: 0.0,
        bool: False,
        bytes: b"",
        datetime: datetime(2017, 8, 17, tzinfo=UTC),
    }
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        origin, args = get_origin(hint), get_args(hint)
        if types.NoneType in args:
            values[name] = None
        elif origin is Literal:
            values[name] = args[0]
        elif origin is tuple:
            values[name] = ()
        elif origin is not None and issubclass(origin, Mapping):
            values[name] = {}
        else:
            values[name] = example_of(hint) if is_dataclass(hint) else blank[hint]
    return kind(**values)
