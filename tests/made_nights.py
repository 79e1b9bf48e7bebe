"""The demo's packets, fewer of them, as files: what replays and kills are tried on."""

import io
import random
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nuncius.producers.simulation import Act, TimedPacket, acts


@dataclass(frozen=True)
class Made:
    """An archive, the folder of its sky maps, and how many packets it holds."""

    archive: Path
    maps: Path
    packets: int


@cache
def whole() -> tuple[Act, ...]:
    """Both acts, made once."""
    return acts()


def thinned(every: int) -> list[TimedPacket]:
    """All that tells, and of what is unrelated every so-many-th packet."""
    packets = [packet for act in whole() for packet in act.packets]
    crowd = [packet for packet in packets if "unrelated" in packet.label]
    kept = {id(packet) for packet in crowd[::every]}
    return [packet for packet in packets if "unrelated" not in packet.label or id(packet) in kept]


def write(folder: Path, every: int, seed: int | None = None) -> Made:
    """The archive and its maps in a folder; the files in another order for another seed."""
    folder.mkdir(parents=True, exist_ok=True)
    maps = folder / "maps"
    maps.mkdir(exist_ok=True)
    for act in whole():
        for name, data in act.skymaps.items():
            (maps / name).write_bytes(data)
    files = [(f"{number:05d}.{packet.stream}", packet.payload) for number, packet in enumerate(thinned(every))]
    if seed is not None:
        random.Random(seed).shuffle(files)  # noqa: S311  not for secrets
    archive = folder / "nights.tar"
    with tarfile.open(archive, "w") as tar:
        for name, payload in files:
            info = tarfile.TarInfo(name)
            info.size = len(payload)
            tar.addfile(info, io.BytesIO(payload))
    return Made(archive, maps, len(files))
