"""What surveys call the columns of their Avro ``candidate``."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a survey calls the columns of its ``candidate``; ``mjd`` counts UTC days."""

    survey: str
    facility: str
    instrument: str = ""
    ra: str
    dec: str
    mag: str
    mag_err: str
    filter: str
    score: str
    kept: tuple[str, ...]


COLUMNS: Final = {
    "atlas.alert": Columns(
        survey="atlas",
        facility="ATLAS",
        ra="RA",
        dec="Dec",
        mag="Mag",
        mag_err="Dmag",
        filter="filter",
        score="rb",
        kept=(
            "isdiffpos",
            "Major",
            "Minor",
            "Det",
            "ChiN",
            "Pvr",
            "Ptr",
            "Pmv",
            "Pkn",
            "Pno",
            "Pbn",
            "Pcr",
            "Pxt",
            "Psc",
        ),
    ),
    "desirt.alert": Columns(
        survey="desirt",
        facility="DESIRT",
        instrument="DECam",
        ra="ra",
        dec="dec",
        mag="forcediffimmag",
        mag_err="forcediffimmagunc",
        filter="band",
        score="reliability",
        kept=("isdiffpos", "diffmaglim", "psfFlux", "psfFluxErr"),
    ),
}
"""Full name of the record -> its columns."""
