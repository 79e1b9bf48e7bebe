"""``nuncius filters try``: which records a filter selects, and for the others which condition it was that failed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.options import Broker, Config, Json, Schemas, Skymaps, settings_of
from nuncius.broker.settings import Settings

if TYPE_CHECKING:
    from nuncius.broker.services.areas import Areas
    from nuncius.broker.services.filter_trial import Held, Tried
    from nuncius.filters import Filter, Places


def try_out(
    text: Annotated[str, typer.Argument(metavar="FILTER", help="As after WHERE, or the name of a filter.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Packets, folders or tar archives, as parse reads them.")
    ] = None,
    *,
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", help="The last N records of the broker instead: 20.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="TABLE", help="alerts, candidates, ...; else the first that the filter fits."),
    ] = None,
    broker: Broker = None,
    config: Config = None,
    skymaps: Skymaps = None,
    schemas: Schemas = None,
    json: Json = False,
) -> None:
    """Hold a filter against files, or against what a broker took last, and say of each record why it is not selected.

    Of conditions joined by AND the first that is not true is told, of those joined by OR all. What is NULL, and what
    is not known here, is unknown: it does not select. Files are read as if they came now, except that ``age_s`` counts
    to when an alert was issued.
    """
    from nuncius.broker.app import areas_of, names_of
    from nuncius.broker.services.filter_trial import held_in, places_of, table_for, tried
    from nuncius.broker.services.supplies import Supplies
    from nuncius.filters import FilterError, parse_filter
    from nuncius.schemas import SettingsError

    if paths and (last is not None or broker is not None):
        raise SettingsError("give files, or --broker and --last, not both")
    settings = settings_of(config, broker)
    areas = areas_of(settings)
    names = names_of(settings, areas)
    try:
        checked = parse_filter(text, table or table_for(text, names), names)
    except FilterError as error:
        typer.echo(f"  {text}\n  {' ' * (error.column - 1)}^", err=True)
        raise
    if not paths:
        held = _last(settings, checked.table, last or 20)
        with _places_of_broker(settings, areas, checked) as places:
            _tell(tried(checked, held, places), json=json)
        return
    supplies = Supplies(skymaps=skymaps or settings.skymaps, schemas=schemas or settings.schemas)
    held = list(held_in(paths, checked.table, supplies, _unread))
    _tell(tried(checked, held, places_of(held, areas)), json=json)


def _last(settings: Settings, table: str, count: int) -> "list[Held]":
    from nuncius.broker.connection import connection_of
    from nuncius.broker.services.filter_trial import Held
    from nuncius.broker.transport.address import node_folder
    from nuncius.consumers.subscriber import subscribe

    with subscribe(
        table,
        broker=settings.broker,
        last=count,
        until_end=True,
        connection=connection_of(settings),
        folder_of_node=None if settings.data_folder is None else node_folder(settings.data_folder),
    ) as subscription:
        return [
            Held(record, taken, "")
            for batch in subscription.batches(timeout_s=0.1)
            for record, taken in zip(batch.records, batch.taken, strict=True)
        ]


@contextmanager
def _places_of_broker(settings: Settings, areas: "Areas", checked: "Filter") -> "Iterator[Places]":
    """What a log tells of the sky; over HTTP nothing but the own regions."""
    from nuncius.broker.app import regions_on
    from nuncius.broker.connection import connection_of
    from nuncius.broker.services.policy_filters import MapsAndAreas
    from nuncius.broker.transport.address import HttpAddress, node_folder, parse_address
    from nuncius.consumers.opening import open_broker

    address = parse_address(settings.broker or "")
    if isinstance(address, HttpAddress):
        yield MapsAndAreas({}, areas)
        return
    folder = None if settings.data_folder is None else node_folder(settings.data_folder)
    log = open_broker(address, connection_of(settings), folder)
    try:
        with regions_on(settings, log, areas).lent(checked) as places:
            yield places
    finally:
        log.close()


def _tell(found: "Iterator[Tried]", *, json: bool) -> None:
    selected, total = 0, 0
    failed: Counter[str] = Counter()
    for one in found:
        total += 1
        selected += one.verdict.truth is True
        failed.update(one.verdict.causes[0].condition for _ in one.verdict.causes[:1])
        typer.echo(_json(one) if json else _line(one))
    often = "".join(f"; {count} times it was: {condition}" for condition, count in failed.most_common(1) if count > 1)
    typer.echo(f"nuncius: {selected} of {total} selected{often}", err=True)


def _json(one: "Tried") -> bytes:
    import orjson

    verdict = one.verdict
    return orjson.dumps(
        {
            "file": one.source,
            "id": one.name,
            "selected": verdict.truth is True,
            "truth": verdict.truth,
            "causes": [cause._asdict() for cause in verdict.causes],
            "targets": [hit._asdict() for hit in one.hits],
        }
    )


def _line(one: "Tried") -> str:
    from nuncius.broker.services.lines import near, printable
    from nuncius.filters.explain import readable

    where = f"{one.source}: {one.name}" if one.source else one.name
    if one.verdict.truth:
        return printable(f"yes  {where}{near(one.hits)}")
    return printable(f"no   {where}: {readable(one.verdict.causes)}")


def _unread(line: str) -> None:
    from nuncius.broker.services.lines import printable

    typer.echo(f"nuncius: {printable(line)}", err=True)
