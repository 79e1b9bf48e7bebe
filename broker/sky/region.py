"""Coverage maps (MOC 2.0, space dimension) from their ASCII form to order-29 ranges."""

import re

import numpy as np

from nuncius.broker.sky.healpix import ORDER
from nuncius.broker.sky.ranges import Ranges, union
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

MAX_MOC_CHARACTERS = 1 << 22

_TOKEN = re.compile(r"(\d{1,2})/|(\d{1,19})(?:-(\d{1,19}))?|(\S)")


def moc_ranges(moc: str) -> Ranges:
    """Sorted, disjoint ranges [start, stop) of a MOC such as ``4/1241 1244 5/4941-4943``; commas may part numbers.

    Raises
    ------
    MalformedAlert
        Not a space MOC, empty, or a cell beyond the sphere.
    LimitExceeded
        More than `MAX_MOC_CHARACTERS` long.
    """
    if len(moc) > MAX_MOC_CHARACTERS:
        raise LimitExceeded(f"MOC of {len(moc)} characters; at most {MAX_MOC_CHARACTERS} are read")
    order: int | None = None
    starts: list[int] = []
    stops: list[int] = []
    for token in _TOKEN.finditer(moc.replace(",", " ").removeprefix("s")):
        if token[1] is not None:
            order = int(token[1])
            if order > ORDER:
                raise MalformedAlert(f"MOC of order {order}; HEALPix ends at {ORDER}", "moc")
        elif token[4] is not None or order is None:
            raise MalformedAlert(f"MOC cannot be read at character {token.start()}: {token[0]!r}", "moc")
        else:
            first = int(token[2])
            last = first if token[3] is None else int(token[3])
            if last < first or last >= 12 << (2 * order):
                raise MalformedAlert(f"MOC cell {token[0]} is beyond the sphere at order {order}", "moc")
            shift = 2 * (ORDER - order)
            starts.append(first << shift)
            stops.append((last + 1) << shift)
    if not starts:
        raise MalformedAlert("MOC without cells", "moc")
    return union(np.array(starts, np.int64), np.array(stops, np.int64))
