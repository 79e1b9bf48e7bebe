"""A VOTable's coordinate system is read: the poles and centres that define the systems come out where ICRS has them."""

from pathlib import Path

import numpy as np
import pytest

from nuncius.broker.services.watching import RegionRead, read_region
from nuncius.schemas import SettingsError

POLE = (192.85948, 27.12825)
"""The north galactic pole in J2000; in B1950 it is at 12h49m, +27.4 by the definition of the IAU (Blaauw 1960)."""


def table(folder: Path, system: str, lon: float, lat: float, names: str = "ra dec", more: str = "") -> Path:
    """A list of one target; ``system`` is the COOSYS element without its ID."""
    one, two = names.split()
    (folder / "list.vot").write_text(f"""<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>
{f'<COOSYS ID="sys" {system}/>' if system else ""}<TABLE>
<FIELD name="{one}" datatype="double" unit="deg"{' ref="sys"' if system else ""}/>
<FIELD name="{two}" datatype="double" unit="deg"{' ref="sys"' if system else ""}/>{more}
<DATA><TABLEDATA><TR><TD>{lon}</TD><TD>{lat}</TD>{"<TD>900</TD>" if more else ""}</TR></TABLEDATA></DATA>
</TABLE></RESOURCE></VOTABLE>""")
    return folder / "list.vot"


def holds(read: RegionRead, ra: float, dec: float) -> bool:
    return bool(read.area.contains(np.array([ra]), np.array([dec]))[0])


@pytest.mark.parametrize(
    ("system", "given", "expected"),
    [
        ('system="galactic"', (0.0, 90.0), POLE),
        ('system="galactic"', (0.0, 0.0), (266.40500, -28.93617)),
        ('system="eq_FK4" equinox="B1950"', (192.25, 27.4), POLE),
        ('system="FK4"', (192.25, 27.4), POLE),
        ('system="eq_FK5" equinox="J2000"', POLE, POLE),
        ('system="ecl_FK5"', (0.0, 90.0), (270.0, 66.560709)),
        ('system="ICRS" epoch="J2015.5"', POLE, POLE),
        ("", POLE, POLE),
    ],
)
def test_a_system_is_turned_into_icrs(
    tmp_path: Path, system: str, given: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert holds(read_region(table(tmp_path, system, *given), 1e-3), *expected)


def test_galactic_columns_tell_their_system_by_their_names(tmp_path: Path) -> None:
    assert holds(read_region(table(tmp_path, "", 0.0, 90.0, "GLON GLAT"), 1e-3), *POLE)


def test_an_unknown_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"list\.vot: coordinate system 'geo_app'; give positions in one of ICRS"):
        read_region(table(tmp_path, 'system="geo_app"', 1.0, 2.0), 1.0)


def test_what_is_no_position_in_its_own_system_is_told_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"list\.vot, row 1: dec '91\.0' is no number in \[-90, 90\]"):
        read_region(table(tmp_path, 'system="galactic"', 1.0, 91.0), 1.0)


def test_proper_motions_are_not_applied_and_that_is_said(tmp_path: Path) -> None:
    motion = '<FIELD name="pmRA" datatype="double" unit="mas/yr"/>'
    read = read_region(table(tmp_path, 'system="ICRS" epoch="J2015.5"', *POLE, more=motion), 1e-6)
    assert holds(read, *POLE)
    assert "epoch J2015.5" in read.note
    assert "proper motions are not applied" in read.note
    assert read_region(table(tmp_path, "", *POLE), 1.0).note == ""
