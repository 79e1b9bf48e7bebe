"""Where on the sky: the shapes a facility may state. ICRS, degrees. ``broker.sky`` turns them into geometry."""

from dataclasses import dataclass, field

from nuncius.schemas.vocabulary import Origin


@dataclass(frozen=True, slots=True)
class Cone:
    """A circle around a position.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees; 0 <= ra < 360, -90 <= dec <= 90.
    radius
        Degrees; 0 for a point.
    containment
        Probability that the source lies within ``radius``, in (0, 1]; for a point 1.
    """

    ra: float
    dec: float
    radius: float
    containment: float = 0.9


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse, or the box of asymmetric errors, around a position.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    ra_minus, ra_plus, dec_minus, dec_plus
        Half axes towards smaller and larger coordinate, degrees on the sky (not of right ascension).
    position_angle
        Turn of the first axis from east towards north, degrees; 0 where the axes follow RA and Dec.
    containment
        Probability inside, in (0, 1].
    """

    ra: float
    dec: float
    ra_minus: float
    ra_plus: float
    dec_minus: float
    dec_plus: float
    position_angle: float = 0.0
    containment: float = 0.9


@dataclass(frozen=True, slots=True)
class Region:
    """A region with a border and no inner structure: polygon, annulus or coverage map.

    Parameters
    ----------
    moc
        Coverage as a MOC 2.0 ASCII string (space dimension).
    containment
        Probability inside, in (0, 1].
    """

    moc: str
    containment: float = 0.9


@dataclass(frozen=True, slots=True)
class SkyMapRef:
    """A probability sky map by its content.

    Parameters
    ----------
    sha256
        Of the FITS file as received (gzip included); empty while only ``url`` is known.
    nbytes
        Its length; 0 while only ``url`` is known.
    url
        Where the facility says it lies. Never fetched unless its host is allow-listed.
    data
        The file itself, between parser and ingest only: on the log it lies in ``nuncius.maps``.
    """

    sha256: str
    nbytes: int
    url: str | None = None
    data: bytes | None = field(default=None, repr=False, compare=False)


Shape = Cone | Ellipse | Region | SkyMapRef


@dataclass(frozen=True, slots=True)
class Localization:
    """A shape and what is known about it.

    Parameters
    ----------
    shape
        The geometry as stated.
    origin
        Whose localization it is.
    systematic_included
        Whether the stated error includes the systematic one; None where the facility does not say.
    systematic_model
        Name of the error model that applies on top (``fermi-gbm-ground``, …); None for none.
    as_stated
        The facility's own words where they were converted, for the reader.
    """

    shape: Shape
    origin: Origin = "own"
    systematic_included: bool | None = None
    systematic_model: str | None = None
    as_stated: str | None = None
