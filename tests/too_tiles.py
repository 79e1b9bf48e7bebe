"""Fields of a plan for the tests of adapters."""

from datetime import timedelta

from too_cases import MERGER

from nuncius.schemas.plan import PlannedTile


def tile(number: int, ra: float) -> PlannedTile:
    start = MERGER + timedelta(hours=11, minutes=5 * number)
    return PlannedTile(
        number=number,
        site="Las Campanas",
        ra=ra,
        dec=-23.5,
        start=start,
        stop=start + timedelta(seconds=120),
        exposure_s=120.0,
        filter="ip",
        airmass=1.3,
        probability=0.1,
    )
