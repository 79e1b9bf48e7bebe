"""The light that a filter lets through, by its usual name or as a telescope's table states it.

The usual ones are nominal, centre and full width at half maximum: a telescope's own filter of that name differs by some
per cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class Band:
    """A filter.

    Parameters
    ----------
    centre_m, width_m
        Metres; the width at half maximum.
    """

    centre_m: float
    width_m: float

    @classmethod
    def between(cls, min_m: float, max_m: float) -> Self:
        """From its ends, metres."""
        return cls((min_m + max_m) / 2, max_m - min_m)

    @property
    def min_m(self) -> float:
        """Shorter end, metres."""
        return self.centre_m - self.width_m / 2

    @property
    def max_m(self) -> float:
        """Longer end, metres."""
        return self.centre_m + self.width_m / 2

    @property
    def resolving_power(self) -> float:
        """Wavelength over width."""
        return self.centre_m / self.width_m


# UBVRI: Bessell 1979, PASP 91, 543 (Johnson-Cousins). The rest: SVO Filter Profile Service, centre and FWHM of
# CTIO/DECam, CTIO/ANDICAM and Swift/UVOT, as gwtm's server/utils/spectral.py quotes them.
_BANDS: Final = {
    "U": Band(0.36e-6, 0.065e-6),
    "B": Band(0.44e-6, 0.089e-6),
    "V": Band(0.55e-6, 0.084e-6),
    "R": Band(0.64e-6, 0.158e-6),
    "I": Band(0.79e-6, 0.154e-6),
    "u": Band(3552.98e-10, 885.05e-10),
    "g": Band(4730.50e-10, 1503.06e-10),
    "r": Band(6415.40e-10, 1487.58e-10),
    "i": Band(7836.21e-10, 1468.29e-10),
    "z": Band(9258.37e-10, 1521.09e-10),
    "J": Band(12457.00e-10, 1608.86e-10),
    "H": Band(16333.11e-10, 2969.21e-10),
    "K": Band(21401.72e-10, 2894.54e-10),
    "UVW1": Band(2629.35e-10, 656.60e-10),
    "UVW2": Band(2089.16e-10, 498.25e-10),
    "UVM2": Band(2245.78e-10, 498.25e-10),
}
_ALSO: Final = {
    **{f"{name}p": name for name in "ugriz"},
    **{f"{name}'": name for name in "ugriz"},
    **{f"{survey}{name}": name for survey in ("sdss", "ps1::", "ztf") for name in "ugriz"},
    **{f"bessell{name.lower()}": name for name in ("U", "B", "V", "R", "I")},
    "Rc": "R",
    "Ic": "I",
    "zs": "z",
    "Ks": "K",
}
"""How LCO, SkyPortal and observers spell them."""


_NONE_STATED: Final[Mapping[str, Band]] = MappingProxyType({})


def usual_name(name: str) -> str:
    """How a filter that observers spell in several ways is called here; the same word where it is not known."""
    return _ALSO.get(name, name)


def band_of(name: str, own: Mapping[str, Band] = _NONE_STATED) -> Band | None:
    """The filter of that name, a telescope's own before the usual ones; None where it is not known."""
    return own.get(name) or _BANDS.get(usual_name(name))


@dataclass(frozen=True, slots=True)
class Lights:
    """What telescopes say of the light of their own filters.

    Parameters
    ----------
    own
        By the telescope's name, then by the filter's.
    """

    own: Mapping[str, Mapping[str, Band]]

    def stated(self, telescope: str, name: str) -> Band | None:
        """What a telescope's table says of one of its filters; None where it says nothing."""
        return self.own.get(telescope, _NONE_STATED).get(name)


NOTHING_STATED: Final = Lights({})
