"""One target of a user's list as text, and which columns of a list hold it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from nuncius.schemas import SettingsError

NAME: Final = ("name", "target", "id", "source", "main_id", "designation")
RADIUS: Final = ("radius_deg",)
RA: Final = ("ra", "ra_deg", "_raj2000", "raj2000", "ra_icrs")
DEC: Final = ("dec", "dec_deg", "_dej2000", "dej2000", "decj2000", "de_icrs")


class TargetRow(NamedTuple):
    """A target as written; degrees.

    Parameters
    ----------
    where
        ``line 3`` or ``row 2``, for messages.
    name, ra, dec, radius
        Empty where nothing is written.
    """

    where: str
    name: str
    ra: str
    dec: str
    radius: str


class Columns(NamedTuple):
    """Places of the columns in a header, from 0; None for those that a list may lack and does."""

    name: int | None
    ra: int
    dec: int
    radius: int | None


def columns_of(file: Path, header: Sequence[str]) -> Columns:
    """The columns of a list with positions on the equator's system; the first name that is there counts.

    Raises
    ------
    SettingsError
        If there is no position.
    """
    ra, dec = first_of(RA, header), first_of(DEC, header)
    if ra is None or dec is None:
        raise SettingsError(f"{file}: no columns ra and dec (degrees, ICRS); there are {', '.join(header)[:80]}")
    return Columns(first_of(NAME, header), ra, dec, first_of(RADIUS, header))


def first_of(names: Sequence[str], header: Sequence[str]) -> int | None:
    """Place of the first of the names that stands in a header of small letters."""
    places: Iterator[int] = (header.index(name) for name in names if name in header)
    return next(places, None)
