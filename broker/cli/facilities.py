"""``nuncius facilities``: what is read, and how far that was tried."""

from nuncius.broker.cli.options import Json


def facilities(*, json: Json = False) -> None:
    """What Nuncius reads: one line a facility, in the order they are asked; the fallbacks last."""
    import orjson
    import typer

    from nuncius.producers import FACILITIES

    for facility in FACILITIES:
        tried = "profile, untested on real packets" if facility.profile else "supported"
        if json:
            row = {"name": facility.name, "formats": facility.formats, "status": tried, "reference": facility.reference}
            typer.echo(orjson.dumps(row))
        else:
            typer.echo(f"{facility.name:34} {', '.join(facility.formats):24} {tried:34} {facility.reference}")
