"""Areas, times and a whole picture in words."""

from datetime import UTC, datetime

from nuncius.broker.plots.bodies import Bodies
from nuncius.broker.plots.scene import Member, Scene
from nuncius.broker.sky.healpix import DEG2_PER_SR
from nuncius.broker.sky.ranges import area_deg2

_POINT_DEG2 = 1e-10


def area_in_words(area: float) -> str:
    """Square degrees, three digits."""
    return f"{area:,.0f} deg²" if area >= 100 else f"{area:.3g} deg²"


def moment_in_words(moment: datetime) -> str:
    """UTC to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def in_short(member: Member, levels: tuple[float, ...]) -> str:
    """The areas of a member's credible regions; of an even region its whole area."""
    if member.even:
        held = member.sky.density > 0
        area = float(member.sky.solid_angle_sr[held].sum() * DEG2_PER_SR)
        return "a point" if area < _POINT_DEG2 else f"{area_in_words(area)} in all"
    return ", ".join(f"{100 * level:g} % in {area_in_words(float(member.sky.area(level)))}" for level in levels)


def described(scene: Scene, seen: Bodies | None) -> str:
    """The picture for who cannot see it: every member with its place and areas, then what stands around."""
    out = [f"{note}." for note in scene.notes]
    out += ["The whole sky in Mollweide's projection and a close-up, right ascension to the left."]
    for member in scene.members:
        ra, dec = member.sky.maximum()
        at = "" if member.even else f", densest at RA {ra:.2f}, Dec {dec:+.2f} degrees"
        out.append(f"{member.label}: {in_short(member, scene.levels)}{at}.")
    out += [f"{m.label or 'A mark'} at RA {m.ra:.4f}, Dec {m.dec:+.4f} degrees." for m in scene.points]
    out += [f"{f.label} covers {area_in_words(area_deg2(f.start, f.stop))}." for f in scene.footprints]
    if seen is not None:
        (sun_ra, sun_dec), (moon_ra, moon_dec) = seen.sun, seen.moon
        out.append(f"Sun at RA {sun_ra:.1f}, Dec {sun_dec:+.1f} degrees.")
        out.append(f"Moon at RA {moon_ra:.1f}, Dec {moon_dec:+.1f} degrees, {100 * seen.moon_lit:.0f} % lit.")
    return " ".join(out)
