"""``nuncius skymap plot``: what the words of its options mean."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuncius.broker.plots.coincidence import Shown
    from nuncius.broker.plots.sky import Footprint, Layer, Mark
    from nuncius.broker.sky import SkyMap


def place(text: str) -> "Layer":
    """A 90 % cone from ``RA DEC RADIUS NAME``; degrees, the name may be left out."""
    from nuncius.broker.plots.sky import Layer
    from nuncius.broker.sky import Cone

    (ra, dec, radius), name = _numbers("--place", text, 3, "RA DEC RADIUS NAME")
    if not 0 < radius <= 180:
        raise _wrong("--place", text, "a radius lies above 0 and at most at 180 degrees")
    return Layer(Cone(ra, dec, radius), name or f"RA {ra:g}, Dec {dec:+g}")


def coincidence(name: str, broker: str | None, config: Path | None) -> "Shown":
    """A coincidence on the log that the options name, with its significance among its notes."""
    from nuncius.broker.cli.opened import opened
    from nuncius.broker.services.coincidence_shown import coincidence_shown

    with opened(broker, config) as log:
        found, said = coincidence_shown(log, name)
    return replace(found, notes=(*found.notes, *said))


def mark(text: str) -> "Mark":
    """A mark from ``RA DEC NAME``; the name may be left out."""
    from nuncius.broker.plots.sky import Mark

    (ra, dec), name = _numbers("--mark", text, 2, "RA DEC NAME")
    return Mark(ra, dec, name or f"{ra:.4f} {dec:+.4f}")


def footprint(text: str) -> "Footprint":
    """A coverage from a file that holds a MOC (FITS, JSON or ASCII), or from the MOC itself in ASCII."""
    from nuncius.broker.plots.sky import Footprint
    from nuncius.broker.sky import moc_ranges, read_moc
    from nuncius.schemas import Quarantine, SettingsError

    stated = set(text) <= set("s0123456789/-, \n")
    file = Path(text)
    if not stated and not file.is_file():
        raise SettingsError(f"--moc {text[:60]}: no such file, and no MOC such as 4/1241 5/4941-4943")
    try:
        start, stop = moc_ranges(text) if stated else read_moc(file.read_bytes())
    except Quarantine as error:
        raise SettingsError(f"--moc {text[:60]}: {error}") from error
    return Footprint(start, stop, "footprint" if stated else file.name)


def title(layers: "Sequence[Layer]", found: "Shown | None") -> str:
    """That of a coincidence, else the names of what is drawn."""
    return ", ".join(layer.label for layer in layers) if found is None else found.title


def levels(text: str) -> tuple[float, ...]:
    """Shares from percents such as ``50,90``."""
    from nuncius.broker.plots.scene import checked_levels
    from nuncius.schemas import SettingsError

    try:
        return checked_levels(tuple(float(word) / 100 for word in text.split(",")))
    except ValueError as error:
        raise SettingsError(f"--levels {text}: give one to four percents, rising, such as 50,90") from error


def moment(text: str | None, maps: Sequence["SkyMap"]) -> datetime | None:
    """The time given; else that of the first map that states a readable one; UTC where no zone is said."""
    from nuncius.schemas import SettingsError

    if text is not None:
        try:
            return _utc(text)
        except (ValueError, OverflowError) as error:
            raise SettingsError(f"--time {text}: not a time such as 2019-08-14T21:10:39") from error
    for sky in maps:
        try:
            return _utc(sky.date_obs)
        except (ValueError, OverflowError):
            continue
    return None


def labels(files: Sequence[Path], maps: Sequence["SkyMap"]) -> list[str]:
    """What the maps call their events; file names where they do not, or where two are called alike."""
    names = [sky.object_id.strip() or file.name for file, sky in zip(files, maps, strict=True)]
    return [
        f"{name} ({file.name})" if names.count(name) > 1 and name != file.name else name
        for file, name in zip(files, names, strict=True)
    ]


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _numbers(option: str, text: str, count: int, shape: str) -> tuple[list[float], str]:
    """The first words as numbers, RA and Dec checked, and the rest as a name."""
    words = text.split(None, count)
    try:
        numbers = [float(word) for word in words[:count]]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise _wrong(option, text, f"expected '{shape}', in degrees")
    if not (abs(numbers[0]) <= 360 and abs(numbers[1]) <= 90):
        raise _wrong(option, text, "not on the sky: RA 0 to 360, Dec -90 to 90")
    return [numbers[0] % 360, *numbers[1:]], words[count].strip() if len(words) > count else ""


def _wrong(option: str, text: str, why: str) -> Exception:
    from nuncius.schemas import SettingsError

    return SettingsError(f"{option} {text[:60]}: {why}")
