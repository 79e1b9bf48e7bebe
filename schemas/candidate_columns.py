"""Many candidates on the wire -> columns, without a value for each."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuncius.schemas.candidate import COLUMNS, CandidateBatch
from nuncius.schemas.candidate_row import FIELDS, CandidateRow
from nuncius.schemas.codec import plain_record
from nuncius.schemas.errors import Quarantine


class Decoded(NamedTuple):
    """Candidates that could be read.

    Parameters
    ----------
    batch
        In order.
    run_mode
        Of each; object array of str.
    place
        Which of the given bytes each came from; those that are left out are none, or cannot be read.
    """

    batch: CandidateBatch
    run_mode: NDArray[np.object_]
    place: NDArray[np.int64]


def decode_columns(payloads: Sequence[bytes | None]) -> Decoded:
    """Single-object encoded rows as columns; None and what cannot be read is left out."""
    found: list[dict[str, Any]] = []
    places: list[int] = []
    for number, data in enumerate(payloads):
        if data is None:
            continue
        try:
            found.append(plain_record(CandidateRow, data))
        except Quarantine:
            continue
        places.append(number)
    columns: list[NDArray[Any]] = [np.array([*map(itemgetter(name), found)], COLUMNS[name]) for name in FIELDS]
    modes = np.array([row["run_mode"] for row in found], object)
    return Decoded(CandidateBatch(*columns), modes, np.array(places, np.int64))
