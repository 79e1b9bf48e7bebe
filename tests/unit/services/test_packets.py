"""Packets from files, folders and archives: their order, their names, and what cannot be opened."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from nuncius.broker.services.packets import Packet, from_paths
from nuncius.broker.services.reading import read
from nuncius.producers import Context, parse_all
from nuncius.schemas import SettingsError
from nuncius.schemas.limits import MAX_PACKET_BYTES
from nuncius.schemas.quarantined import KEPT_BYTES


def archive(path: Path, mode: str, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]  # the mode comes from a parameter
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def sources(*paths: Path) -> list[str]:
    return [packet.source for packet in from_paths(paths)]


def test_a_folder_is_read_in_sorted_order_with_names_from_itself_on(tmp_path: Path) -> None:
    for name in ("night/b.xml", "night/a/z.json", "night/a/y.json", "night/B.xml", "night/a.xml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    found = list(from_paths([tmp_path / "night"]))
    assert [p.source for p in found] == [
        "night/B.xml",
        "night/a/y.json",
        "night/a/z.json",
        "night/a.xml",
        "night/b.xml",
    ]
    assert [p.payload.decode() for p in found] == [p.source for p in found]
    assert {p.folder for p in found} == {tmp_path / "night", tmp_path / "night" / "a"}
    assert str(tmp_path) not in "".join(p.source for p in found)


def test_paths_keep_the_order_in_which_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"2")
    assert sources(tmp_path / "b", tmp_path / "a", tmp_path / "b") == ["b", "a", "b"]


@pytest.mark.parametrize(
    ("name", "mode"),
    [("n.tar", "w"), ("n.tar.gz", "w:gz"), ("n.tgz", "w:gz"), ("n.tar.bz2", "w:bz2"), ("n.tar.xz", "w:xz")],
)
def test_an_archive_gives_its_files_under_its_own_name(tmp_path: Path, name: str, mode: str) -> None:
    path = archive(tmp_path / name, mode, {"./2019/b.xml": b"two", "2019/a.xml": b"one", "empty": b""})
    found = list(from_paths([path]))
    assert [(p.source, p.payload, p.nbytes) for p in found] == [
        (f"{name}!2019/b.xml", b"two", 3),
        (f"{name}!2019/a.xml", b"one", 3),
        (f"{name}!empty", b"", 0),
    ]
    assert {p.folder for p in found} == {None}


def test_links_and_folders_of_an_archive_are_no_packets(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "n.tar", "w") as tar:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"special-{kind!r}")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert sources(tmp_path / "n.tar") == []


@pytest.mark.parametrize(
    ("name", "mode"), [("n.tar", "w"), ("n.tar.gz", "w:gz"), ("n.tar.bz2", "w:bz2"), ("n.tar.xz", "w:xz")]
)
@pytest.mark.parametrize("harm", ["cut", "noise", "flip", "empty"])
def test_an_archive_that_cannot_be_read_is_one_settings_error(tmp_path: Path, name: str, mode: str, harm: str) -> None:
    path = archive(tmp_path / name, mode, {f"{n}.bin": bytes((n * i) % 251 for i in range(9000)) for n in range(1, 20)})
    whole = path.read_bytes()
    middle = len(whole) // 2
    harmed = {
        "cut": whole[:middle],
        "noise": bytes(range(256)) * 40,
        "flip": whole[:middle] + bytes(255 - b for b in whole[middle : middle + 40]) + whole[middle + 40 :],
        "empty": b"",
    }[harm]
    path.write_bytes(harmed)
    with pytest.raises(SettingsError) as caught:
        sources(path)
    assert str(caught.value).startswith(f"{name}: cannot read the archive: ")
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no such file or folder: .*nowhere"):
        sources(tmp_path / "nowhere")


def test_names_that_are_no_text_are_written_as_escapes(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\xff.xml", "wb") as file:  # noqa: PTH123  pathlib takes no bytes
        file.write(b"x")
    (source,) = sources(tmp_path)
    assert source == f"{tmp_path.name}/\\udcff.xml"
    assert source.encode().isascii()


def test_fifty_megabytes_of_nothing_are_read_by_their_head_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "nothing.xml"
    with path.open("wb") as file:
        file.truncate(50 * 10**6)
    (packet,) = from_paths([path])
    assert len(packet.payload) == MAX_PACKET_BYTES + 1
    reading = read(packet, Context(), parse_all)
    assert reading.fault is not None
    assert (reading.fault.reason, reading.fault.nbytes) == ("limit_exceeded", 50 * 10**6)
    assert "50000000 bytes" in reading.fault.detail
    assert len(reading.fault.head) == len(reading.packet.payload) == KEPT_BYTES


def test_a_packet_of_the_largest_size_is_still_looked_at(tmp_path: Path) -> None:
    for size, reason in ((MAX_PACKET_BYTES, "malformed"), (MAX_PACKET_BYTES + 1, "limit_exceeded")):
        (tmp_path / "p").write_bytes(b"z" * size)
        (packet,) = from_paths([tmp_path / "p"])
        fault = read(packet, Context(), parse_all).fault
        assert fault is not None
        assert (fault.reason, fault.nbytes) == (reason, size)


def test_a_packet_from_the_network_needs_no_length() -> None:
    assert read(Packet(b"{}", "http"), Context(), parse_all).packet.nbytes == 2
