"""``nuncius facilities``: what is read, and how far that was tried."""

from nuncius.broker.cli.options import Json


def facilities(*, json: Json = False) -> None:
    """What Nuncius reads, in the order they are asked; the fallbacks last. Below each: where the format is described.

    "supported" was tried on real packets; "profile" was written from its documentation and tried on none.
    """
    import orjson
    import typer

    from nuncius.producers import FACILITIES

    for facility in FACILITIES:
        tried = "profile" if facility.profile else "supported"
        if json:
            row = {"name": facility.name, "formats": facility.formats, "status": tried, "reference": facility.reference}
            typer.echo(orjson.dumps(row))
        else:
            typer.echo(f"{facility.name:38} {', '.join(facility.formats):16} {tried}\n    {facility.reference}")
