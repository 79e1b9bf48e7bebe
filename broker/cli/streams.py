"""``nuncius streams``: selections that the broker publishes to topics of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nuncius.broker.cli.options import Broker, Config, Json, settings_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nuncius.broker.services.streams.overview import StreamView
    from nuncius.broker.transport.port import Log
    from nuncius.schemas import StreamDefinition
    from nuncius.schemas.vocabulary import StreamState

app = typer.Typer(help="Named streams: the broker publishes what a filter selects to a topic of its own.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and -.")]
Filter = Annotated[
    str | None, typer.Option("--filter", metavar="TEXT", help="As after WHERE: \"mag < 19 AND survey = 'ztf'\".")
]
Include = Annotated[
    str | None, typer.Option("--include", metavar="FIELDS", help="Fields that every row carries, joined by commas.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Back-fill from what was taken at this time (UTC) on.")
]
Owner = Annotated[str | None, typer.Option("--owner", metavar="TEXT", help="Who wants it.")]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What for.")]
Quota = Annotated[
    float | None, typer.Option("--quota", metavar="N", help="Most rows a second, as a mean over a minute; 50.")
]


@app.command(short_help="make one")
def create(
    name: Name,
    *,
    table: Annotated[
        str, typer.Option("--table", metavar="TABLE", help="alerts, candidates or coincidences.")
    ] = "candidates",
    filter_text: Filter = None,
    include: Include = None,
    since: Since = None,
    owner: Owner = None,
    description: Description = None,
    quota: Quota = None,
    broker: Broker = None,
    config: Config = None,
) -> None:
    """Make a stream; its rows lie in the topic nuncius.stream.NAME once `nuncius up` or `nuncius streams run` works."""
    from typing import cast, get_args

    from nuncius.broker.transport.clock import utc_now
    from nuncius.schemas import SettingsError, StreamDefinition
    from nuncius.schemas.vocabulary import StreamTable

    if table not in get_args(StreamTable):
        raise SettingsError(f"--table {table}: expected one of {', '.join(get_args(StreamTable))}")
    with _log(broker, config) as log:
        last = _last(log, name)
        if last is not None and last.state != "deleted":
            raise SettingsError(f"{name}: there is such a stream already; change it with: nuncius streams edit {name}")
        blank = StreamDefinition(
            name=name,
            table=cast("StreamTable", table),
            revision=1 if last is None else last.revision + 1,
            changed_time=utc_now(),
        )
        made = _write(log, blank, _given(filter_text, include, since, owner, description, quota), config)
        typer.echo(f"{name}: revision {made.revision}; read it with: nuncius subscribe {name}")


@app.command(short_help="change one: a new revision")
def edit(
    name: Name,
    *,
    filter_text: Filter = None,
    include: Include = None,
    since: Since = None,
    owner: Owner = None,
    description: Description = None,
    quota: Quota = None,
    broker: Broker = None,
    config: Config = None,
) -> None:
    """Change what is said, and leave the rest. A reader sees where the old revision ended and the new one began."""
    with _log(broker, config) as log:
        given = _given(filter_text, include, since, owner, description, quota)
        made = _write(log, _next(log, name), given, config)
        typer.echo(f"{name}: revision {made.revision}")


@app.command(short_help="select nothing until resumed")
def pause(name: Name, *, broker: Broker = None, config: Config = None) -> None:
    """Stop a stream; what comes meanwhile is not selected."""
    _turn(name, "paused", broker, config)


@app.command(short_help="go on after a pause")
def resume(name: Name, *, broker: Broker = None, config: Config = None) -> None:
    """Let a paused stream go on, from now."""
    _turn(name, "active", broker, config)


@app.command(short_help="end one")
def delete(name: Name, *, broker: Broker = None, config: Config = None) -> None:
    """End a stream. Its rows stay for the time that rows are kept."""
    _turn(name, "deleted", broker, config)


@app.command("list", short_help="every stream, its counts and how far behind")
def list_all(*, broker: Broker = None, config: Config = None, json: Json = False) -> None:
    """Every stream that was not deleted."""
    from nuncius.broker.services.streams.overview import overview

    with _log(broker, config) as log:
        for view in overview(log):
            _say(view, as_json=json)


@app.command(short_help="one stream's definition and counts")
def show(name: Name, *, broker: Broker = None, config: Config = None, json: Json = False) -> None:
    """One stream: its definition, its counts, and where it stands."""
    from nuncius.broker.services.lines import printable
    from nuncius.broker.services.streams.overview import overview
    from nuncius.schemas import SettingsError

    with _log(broker, config) as log:
        view = next((view for view in overview(log) if view.name == name), None)
        if view is None:
            raise SettingsError(f"{name}: no such stream; see: nuncius streams list")
        _say(view, as_json=json)
        definition = view.definition
        if not json and definition is not None:
            typer.echo(f"    filter:  {printable(definition.filter) or '(everything)'}")
            typer.echo(f"    include: {', '.join(definition.include) or '(no fields)'}")
            typer.echo(f"    owner:   {printable(definition.owner) or '(nobody said)'}")
            typer.echo(f"    for:     {printable(definition.description) or '(nobody said)'}")
            typer.echo(f"    quota:   {definition.quota_per_s:g} rows a second")
            if view.past:
                typer.echo(f"    back-fill at {view.past}, to {view.past_end}")


@app.command("try", short_help="how many rows a filter would have selected")
def try_out(
    filter_text: Annotated[str, typer.Argument(metavar="FILTER", help="As after WHERE.")],
    *,
    table: Annotated[
        str, typer.Option("--table", metavar="TABLE", help="alerts, candidates or coincidences.")
    ] = "candidates",
    days: Annotated[float, typer.Option("--days", min=0.001, max=30.0, metavar="N", help="Of the last N days.")] = 1.0,
    broker: Broker = None,
    config: Config = None,
) -> None:
    """Hold a filter against what the log took in the last days, and say how many records it selects."""
    from datetime import timedelta
    from typing import cast, get_args

    from nuncius.broker.app import areas_of, names_of
    from nuncius.broker.services.streams.trying import count
    from nuncius.broker.transport.clock import utc_now
    from nuncius.schemas import SettingsError
    from nuncius.schemas.vocabulary import StreamTable

    if table not in get_args(StreamTable):
        raise SettingsError(f"--table {table}: expected one of {', '.join(get_args(StreamTable))}")
    settings = settings_of(config, broker)
    since = utc_now() - timedelta(days=days)
    with _log(broker, config) as log:
        areas = areas_of(settings)
        hits, total = count(log, filter_text, cast("StreamTable", table), since, names_of(settings, areas), areas)
        typer.echo(f"{hits} of {total} {table} of the last {days:g} days")


@app.command(short_help="the service alone: publish the streams")
def run(
    *,
    broker: Broker = None,
    config: Config = None,
    leash: Annotated[bool, typer.Option("--leash", help="End when standard input ends.", hidden=True)] = False,
) -> None:
    """Publish the named streams. One is active, others stand by. `nuncius up` runs it, too."""
    from nuncius.broker.live import end_with_standard_input, run_service

    if leash:
        end_with_standard_input()
    run_service("streams", settings_of(config, broker), lambda line: typer.echo(line, err=True))


@contextmanager
def _log(broker: str | None, config: Any) -> "Iterator[Log]":
    from nuncius.broker.app import open_log

    settings = settings_of(config, broker)
    log = open_log(settings, settings.broker)
    try:
        yield log
    finally:
        log.close()


def _last(log: "Log", name: str) -> "StreamDefinition | None":
    from nuncius.broker.services.streams.state import definitions

    return definitions(log).get(name)


def _next(log: "Log", name: str) -> "StreamDefinition":
    """The definition that comes after the last one, not yet changed."""
    from dataclasses import replace

    from nuncius.broker.transport.clock import utc_now
    from nuncius.schemas import SettingsError

    last = _last(log, name)
    if last is None or last.state == "deleted":
        raise SettingsError(f"{name}: no such stream; see: nuncius streams list")
    return replace(last, revision=last.revision + 1, changed_time=utc_now())


def _turn(name: str, state: "StreamState", broker: str | None, config: Any) -> None:
    with _log(broker, config) as log:
        made = _write(log, _next(log, name), {"state": state}, config)
        typer.echo(f"{name}: {made.state}")


def _write(
    log: "Log", definition: "StreamDefinition", given: dict[str, Any], config: "Path | None"
) -> "StreamDefinition":
    from dataclasses import replace

    from nuncius.broker.app import areas_of, names_of
    from nuncius.broker.services.streams.define import define

    settings = settings_of(config)
    areas = areas_of(settings) if "filter" in given else None  # a stream of a region that is gone can be paused
    return define(log, replace(definition, **given), names_of(settings, areas), settings.streams.most)


def _given(
    filter_text: str | None,
    include: str | None,
    since: str | None,
    owner: str | None,
    description: str | None,
    quota: float | None,
) -> dict[str, Any]:
    """What was said on the command line, as fields of a definition."""
    said = {
        "filter": filter_text,
        "include": None if include is None else tuple(word.strip() for word in include.split(",") if word.strip()),
        "since": _time(since),
        "owner": owner,
        "description": description,
        "quota_per_s": quota,
    }
    return {name: value for name, value in said.items() if value is not None}


def _time(text: str | None) -> "datetime | None":
    from datetime import UTC, datetime

    from nuncius.schemas import SettingsError

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--since {text}: no time; write 2026-11-23 or 2026-11-23T12:00:00Z") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _say(view: "StreamView", *, as_json: bool) -> None:
    from nuncius.broker.services.lines import printable

    if as_json:
        import orjson

        from nuncius.schemas.wire import to_json

        definition = None if view.definition is None else to_json(view.definition)
        row = {**view._asdict(), "definition": definition}
        typer.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z))
        return
    detail = f": {printable(view.detail)}" if view.detail else ""
    if view.definition is None:
        typer.echo(f"{printable(view.name):24} {view.state}{detail}")
        return
    behind = "the service has not run yet" if view.behind is None else f"{view.behind} behind"
    skipped = f", {view.skipped} skipped" if view.skipped else ""
    typer.echo(
        f"{view.name:24} {view.state} {view.definition.table}, revision {view.definition.revision},"
        f" {view.published} rows{skipped}, {behind}{detail}"
    )
