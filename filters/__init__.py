"""The filter language: text to a checked tree, the tree to a selection of rows.

A filter is the condition of an SQL ``WHERE``, with the functions of ADQL for the sky::

    messenger = 'neutrino' AND far_hz < 1e-7 AND CONTAINS(POINT(ra, dec), CIRCLE(197.45, -23.38, 5)) = 1

`parse_filter` reads and checks, `select` holds many filters against many rows at once, `matches` one against one
record, and `FIELDS` tells what each table has. No text ever reaches an engine: sqlglot's tree is translated by a list
of what is allowed into `nuncius.filters.tree`, and that is what is evaluated.

**Three values.** What is missing, NaN or infinite is NULL, and so is arithmetic whose result is not finite (1/0). A
comparison with NULL is unknown; NOT unknown is unknown; ``unknown AND FALSE`` is FALSE, ``unknown OR TRUE`` is TRUE,
other AND and OR with unknown are unknown. IS NULL is never unknown. A row is selected exactly where the filter is TRUE:
``mag < 20`` and ``NOT mag < 20`` both leave out a row without magnitude. An empty text is a text, not NULL. A position
in a region that is not known here, or whose event was retracted, is unknown.
"""

from collections.abc import Sequence

from nuncius.broker.sky.healpix import BoolArray
from nuncius.filters.errors import FilterError
from nuncius.filters.evaluate import matches, values
from nuncius.filters.fields import FieldInfo
from nuncius.filters.hits import Hit, targets_near
from nuncius.filters.names import NO_NAMES, Names
from nuncius.filters.parse import Filter, parse_filter
from nuncius.filters.places import NO_PLACES, ActiveEvent, Area, EventHits, IndexedPlaces, Places
from nuncius.filters.rows import AnyRows, BatchRows, Rows, rows_of, rows_of_batch
from nuncius.filters.tables import FIELDS, MAP_FIELDS
from nuncius.filters.vectors import select_rows

__all__ = [
    "FIELDS",
    "MAP_FIELDS",
    "NO_NAMES",
    "NO_PLACES",
    "ActiveEvent",
    "AnyRows",
    "Area",
    "BatchRows",
    "EventHits",
    "FieldInfo",
    "Filter",
    "FilterError",
    "Hit",
    "IndexedPlaces",
    "Names",
    "Places",
    "Rows",
    "matches",
    "parse_filter",
    "rows_of",
    "rows_of_batch",
    "select",
    "targets_near",
    "values",
]


def select(filters: Sequence[Filter], rows: AnyRows, places: Places = NO_PLACES) -> BoolArray:
    """Which filter selects which row.

    Parameters
    ----------
    filters
        Of the rows' table.
    rows
        From `rows_of` or `rows_of_batch`.
    places
        Regions and events; `NO_PLACES` leaves what depends on them unknown.

    Returns
    -------
    selected
        Shape (filters, rows); True exactly where the filter is TRUE.

    Raises
    ------
    ValueError
        A filter of another table.
    """
    other = next((item for item in filters if item.table != rows.table), None)
    if other is not None:
        raise ValueError(f"a filter on {other.table} cannot select {rows.table}: {other.text[:80]!r}")
    return select_rows(filters, rows, places)
