"""Whose pointings on the Treasure Map count: anybody with an account can report that a place was looked at."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DepthUnit = Literal["ab_mag", "vega_mag", "flux_erg", "flux_jy"]

BANDS: Final = frozenset(
    (
        *("U", "B", "V", "R", "I", "J", "H", "K", "u", "g", "r", "i", "z", "UVW1", "UVW2", "UVM2"),
        *("XRT", "clear", "open", "UHF", "VHF", "L", "S", "C", "X", "other", "TESS", "BAT", "HESS", "WISEL", "q"),
    )
)
"""The map's names: TheTreasureMap/gwtm, ``server/core/enums/bandpass.py``. Another one breaks its database's write."""


def _of_the_map(name: str) -> str:
    if name not in BANDS:
        raise ValueError(f"{name!r} is no band of the map; it has {', '.join(sorted(BANDS))}")
    return name


MapBand = Annotated[str, AfterValidator(_of_the_map)]

LIGHT: Final = frozenset(
    {"U", "B", "V", "R", "I", "J", "H", "K", "u", "g", "r", "i", "z", "q"}
    | {"UVW1", "UVW2", "UVM2", "clear", "open", "TESS", "WISEL"}
)
"""The map's bands of ultraviolet, visible and infrared light (gwtm ``core/enums/bandpass.py``). A field of the others
(``BAT``, ``HESS``, ``XRT``, radio, ``other``) says nothing of an optical counterpart."""


class Others(BaseModel):
    """Which pointings of others are taken for a place that was looked at. Only completed ones ever are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instruments: frozenset[int] = Field(default=frozenset(), description="their numbers there; empty: any")
    submitters: frozenset[str] = Field(default=frozenset(), description="accounts whose word counts; empty: any")
    bands: frozenset[MapBand] = Field(
        default=LIGHT, description="the map's names; as shipped ultraviolet, visible and infrared light"
    )
    depth_min: float | None = Field(
        default=None, description="a shallower pointing, or one without a depth in that unit, does not count"
    )
    depth_unit: DepthUnit = Field(default="ab_mag", description="of that depth")

    def count(
        self, *, instrument: int, submitter: str | None, band: str | None, depth: float | None, unit: str | None
    ) -> bool:
        """Whether a pointing with these properties counts; a depth that is just the least does, and so does no band."""
        if self.instruments and instrument not in self.instruments:
            return False
        if self.submitters and submitter not in self.submitters:
            return False
        return (band is None or band in self.bands) and (self.depth_min is None or self._is_deep(depth, unit))

    def _is_deep(self, depth: float | None, unit: str | None) -> bool:
        if depth is None or unit != self.depth_unit or self.depth_min is None:
            return False
        return depth >= self.depth_min if self.depth_unit.endswith("mag") else depth <= self.depth_min
