"""Fields of many rows as numpy columns in which what is unknown needs no second look."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nuncius.broker.sky.healpix import BoolArray, IntArray
from nuncius.filters.operators import COMPARE
from nuncius.filters.rows import Column


class Numbers:
    """Finite numbers; NaN where unknown, so that every comparison but ``!=`` is false there by itself.

    Parameters
    ----------
    values
        A column, or one number for all rows.
    """

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = values

    @property
    def known(self) -> Any:
        """Where there is one."""
        return self.values == self.values

    def compare(self, sign: str, other: "Numbers") -> Any:
        """Where the comparison is TRUE."""
        found = COMPARE[sign](self.values, other.values)
        return found & self.known & other.known if sign == "!=" else found


class Plain:
    """Times or flags, and where they are known.

    Parameters
    ----------
    values, known
        Columns, or one for all rows.
    """

    __slots__ = ("known", "values")

    def __init__(self, values: Any, known: Any) -> None:
        self.values = values
        self.known = known

    def compare(self, sign: str, other: "Plain") -> Any:
        """Where the comparison is TRUE."""
        return COMPARE[sign](self.values, other.values) & self.known & other.known


class Texts:
    """Texts, each as its place among the distinct ones in the order of code points; -1 where unknown."""

    __slots__ = ("_distinct", "_places", "known")

    def __init__(self, column: Column) -> None:
        said = [str(value) if is_known else None for value, is_known in zip(*column, strict=True)]
        self._distinct = sorted({text for text in said if text is not None})
        place = {text: number for number, text in enumerate(self._distinct)}
        self._places: IntArray = np.array([-1 if text is None else place[text] for text in said], np.int64)
        self.known: BoolArray = self._places >= 0

    def compare(self, sign: str, text: str) -> BoolArray:
        """Where the comparison with a text is TRUE."""
        low, high = bisect_left(self._distinct, text), bisect_right(self._distinct, text)
        return _AGAINST[sign](self._places, low, high)

    def compare_rows(self, sign: str, other: "Texts") -> BoolArray:
        """Where the comparison of two texts of a row is TRUE."""
        found: BoolArray = COMPARE[sign](self.objects(), other.objects()).astype(np.bool_)
        return found & self.known & other.known

    def fits(self, test: Callable[[str], bool]) -> BoolArray:
        """Where a text is known and passes; asked once for each distinct text."""
        passed = np.array([*map(test, self._distinct), False], np.bool_)
        found: BoolArray = passed[self._places]  # an unknown one is the last
        return found

    def objects(self) -> NDArray[np.object_]:
        """The texts themselves; empty where unknown."""
        return np.array([*self._distinct, ""], object)[self._places]


Operand = Numbers | Plain | Texts | str
"""A value of all rows; a text that is the same in all is itself."""


def operand(kind: str, column: Column) -> Operand:
    """A column as an operand; of any kind only where it is known."""
    if kind == "number":
        return Numbers(np.where(column.known, column.values, np.nan))
    return Texts(column) if kind == "text" else Plain(column.values, column.known)


def compare(sign: str, left: Operand, right: Operand) -> Any:
    """Where the comparison of two values of one kind is TRUE."""
    if isinstance(left, str):
        return compare(MIRRORED[sign], right, left) if isinstance(right, Texts) else COMPARE[sign](left, right)
    if isinstance(left, Texts):
        if isinstance(right, str):
            return left.compare(sign, right)
        if isinstance(right, Texts):
            return left.compare_rows(sign, right)
    elif isinstance(left, Numbers):
        if isinstance(right, Numbers):
            return left.compare(sign, right)
    elif isinstance(right, Plain):
        return left.compare(sign, right)
    raise TypeError(f"{type(left).__name__} {sign} {type(right).__name__}: the parser lets only one kind through")


def any_of(found: Sequence[Any]) -> Any:
    """Where one of them is true."""
    joined = found[0]
    for each in found[1:]:
        joined = joined | each
    return joined


OPPOSITE: Final = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
MIRRORED: Final = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_AGAINST: Final[dict[str, Callable[[IntArray, int, int], BoolArray]]] = {
    "=": lambda places, low, high: (places >= low) & (places < high),
    "!=": lambda places, low, high: (places >= 0) & ((places < low) | (places >= high)),
    "<": lambda places, low, _high: (places >= 0) & (places < low),
    "<=": lambda places, _low, high: (places >= 0) & (places < high),
    ">": lambda places, _low, high: places >= high,
    ">=": lambda places, low, _high: places >= low,
}
"""Of places among the distinct texts against one that would stand at [low, high)."""
