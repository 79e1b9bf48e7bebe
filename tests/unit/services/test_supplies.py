"""Sky maps by name from named folders, and from nowhere else."""

from pathlib import Path

import orjson
import pytest

from nuncius.broker.services.packets import Packet
from nuncius.broker.services.supplies import SkymapFolders, Supplies
from nuncius.schemas import SettingsError

MAP = b"SIMPLE  = " * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.fits").write_bytes(MAP)
    inner = tmp_path / "maps"
    inner.mkdir()
    (inner / "bayestar.fits.gz").write_bytes(MAP)
    (inner / "bayestar.fits.gz,0").write_bytes(b"bayestar.fits.gz")
    return inner


def test_a_map_is_found_by_its_name(folder: Path) -> None:
    assert SkymapFolders((folder,))["bayestar.fits.gz"] == MAP


@pytest.mark.parametrize("name", ["bayestar.fits.gz,0", "bayestar.fits.gz,1"])
def test_a_numbered_name_leads_to_the_file_it_points_to(folder: Path, name: str) -> None:
    assert SkymapFolders((folder,))[name] == MAP


@pytest.mark.parametrize(
    "name",
    [
        "../secret.fits",
        "maps/../../secret.fits",
        "/etc/passwd",
        "",
        ".",
        "..",
        ",0",
        "..,0",
        "no.fits",
        "a\0b",
        "x" * 5000,
    ],
)
def test_nothing_outside_the_folders_is_opened(folder: Path, name: str) -> None:
    maps = SkymapFolders((folder,))
    assert name not in maps
    assert maps.get(name) is None


def test_the_first_folder_that_has_it_wins(folder: Path, tmp_path: Path) -> None:
    assert SkymapFolders((folder, tmp_path))["secret.fits"] == MAP
    (folder / "secret.fits").write_bytes(MAP[::-1])
    assert SkymapFolders((folder, tmp_path))["secret.fits"] == MAP[::-1]


def test_a_packet_finds_maps_that_lie_beside_it(folder: Path, tmp_path: Path) -> None:
    beside = Packet(b"", "a", folder=tmp_path)
    assert Supplies(skymaps=folder).context(beside, "replay").skymaps["secret.fits"] == MAP
    assert "secret.fits" not in Supplies(skymaps=folder).context(Packet(b"", "a"), "live").skymaps


@pytest.mark.parametrize("option", ["skymaps", "schemas"])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, option: str) -> None:
    with pytest.raises(SettingsError, match=r"no such folder: .*nowhere"):
        Supplies(**{option: tmp_path / "nowhere"})


def test_schemas_are_found_by_the_version_in_their_namespace(tmp_path: Path) -> None:
    record = {"type": "record", "name": "alert", "namespace": "lsst.v9_1", "fields": [{"name": "x", "type": "long"}]}
    (tmp_path / "lsst.v9_1.alert.avsc").write_bytes(orjson.dumps(record))
    (tmp_path / "other.avsc").write_bytes(orjson.dumps(record | {"namespace": "elsewhere"}))
    assert list(Supplies(schemas=tmp_path).writer_schemas) == [901]


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff\xfe"])
def test_a_broken_schema_file_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "broken.avsc").write_bytes(text)
    with pytest.raises(SettingsError, match=r"broken\.avsc: not "):
        _ = Supplies(schemas=tmp_path).writer_schemas
