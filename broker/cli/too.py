"""``nuncius too``: requests to telescopes, and the service that makes and delivers them."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli import too_desk, too_plan, too_reports
from nuncius.broker.cli.opened import opened
from nuncius.broker.cli.options import Broker, Config, Json, settings_of
from nuncius.broker.cli.service import Leash, run_one

if TYPE_CHECKING:
    from nuncius.schemas.vocabulary import RequestState

app = typer.Typer(
    help="Requests to telescopes: what stands, a person's yes or no, what a policy would have asked.\n\n"
    "Without a command it is the service: coincidences into requests, requests to telescopes, word to those on call.",
    invoke_without_command=True,
)

Ident = Annotated[str, typer.Argument(metavar="ID", help="The beginning of a request's id, as `list` shows it.")]
Who = Annotated[str | None, typer.Option("--who", metavar="NAME", help="Who says so. Default: your login name.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="For the record.")]


@app.callback()
def too(context: typer.Context, *, broker: Broker = None, config: Config = None, leash: Leash = False) -> None:
    """Requests to telescopes: what stands, a person's yes or no, what a policy would have asked.

    Without a command it is the service: coincidences into requests, requests to telescopes, word to those on call. One
    is active, others stand by.
    """
    if context.invoked_subcommand is None:
        run_one("too", settings_of(config, broker), None, leash=leash)


@app.command("list", short_help="requests and where they stand")
def list_all(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that were not wanted, or are over.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Of those that are done or over what has news since then (UTC)."),
    ] = None,
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Requests and where they stand; first those that wait for a person.

    What waits, is to be taken back, or stands is always listed; what is done only if it has news of the last seven
    days, or since the time you say. With --all everything is, or what has news since then.
    """
    from nuncius.broker.cli.too_lists import Wish, print_list
    from nuncius.broker.services.too_standing import standings
    from nuncius.broker.transport.clock import utc_now
    from nuncius.consumers.opening import moment_of

    now, moment = utc_now(), moment_of(since, "--since")
    with opened(broker, config) as log:
        print_list(standings(log), now, Wish.of(moment, now, every=every), json=json)


@app.command(short_help="one request, and all that was said of it")
def show(ident: Ident, *, broker: Broker = None, config: Config = None, json: Json = False) -> None:
    """One request: what, where, when, how sure, until when, what to press, and its history."""
    from nuncius.broker.cli.too_lists import print_entry
    from nuncius.broker.services.too_book import book, named
    from nuncius.broker.transport.clock import utc_now

    with opened(broker, config) as log:
        print_entry(named(book(log, ident), ident), utc_now(), json=json)


@app.command(short_help="a person's yes: it may go out")
def approve(ident: Ident, *, who: Who = None, why: Why = "", broker: Broker = None, config: Config = None) -> None:
    """Say yes to a request. It goes out within a second or two.

    It holds for later revisions that ask for the same, until the request is taken back.

    With the revision that you read behind the id, as in 7c1e/2, nothing is said where another asks for something else.
    """
    _say("approved", ident, who, why, broker, config)


@app.command(short_help="a person's no: it stays in, or is taken back")
def decline(ident: Ident, *, who: Who = None, why: Why = "", broker: Broker = None, config: Config = None) -> None:
    """Say no to a request. What a facility already accepted is cancelled there."""
    _say("rejected", ident, who, why, broker, config)


@app.command(short_help="you see to what could not be cancelled")
def acknowledge(ident: Ident, *, who: Who = None, why: Why = "", broker: Broker = None, config: Config = None) -> None:
    """Say that you see to what a telescope would not cancel: nobody else is woken, and those who were told hear so."""
    from nuncius.broker.services.too_book import book, named, write_words
    from nuncius.broker.services.too_seen import acknowledged, stuck_at
    from nuncius.broker.transport.clock import utc_now

    with opened(broker, config) as log:
        entry = named(book(log, ident), ident)
        said = acknowledged(entry, who=who or _login(), why=why, now=utc_now())
        write_words(log, said, f"nuncius-person-{os.getpid()}")
    where = ", ".join(stuck_at(entry))
    done = f"{said[0].who} sees to it" if said else "somebody sees to it already"
    typer.echo(f"{done}: {entry.latest.request_id} (revision {entry.latest.revision}) at {where}")


@app.command(short_help="what a policy would have asked, when, and why not")
def check(
    policies: Annotated[Path, typer.Argument(metavar="POLICIES", help="TOML file of policies.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Past alerts: files, folders, archives. None: what lies on the log."),
    ] = None,
    *,
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Read a policy file, say line and key of what is wrong in it, and run it over past alerts. Nobody is asked."""
    from nuncius.broker.cli.progress import Bar
    from nuncius.broker.cli.too_lists import print_check
    from nuncius.broker.trial import check_policies

    settings = settings_of(config, broker).model_copy(update={"policies": policies})
    with Bar("too check") as bar:
        found = check_policies(settings, paths or [], bar)
    print_check(found, json=json)


@app.command(short_help="a test message to somebody who is told of requests")
def ping(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a [tell.NAME] in nuncius.toml.")],
    *,
    config: Config = None,
) -> None:
    """Send a test message now, whatever the hours, so that the first real one arrives."""
    from nuncius.broker.telephone import notifier
    from nuncius.broker.transport.clock import utc_now
    from nuncius.consumers.notify.message import Message

    title = "TEST of Nuncius: nothing to do"
    text = f"This is how {name} is told of requests to telescopes. Sent {utc_now():%Y-%m-%d %H:%M:%S} UTC by a person."
    said = notifier(settings_of(config, None), name, os.environ).send(
        Message(title=title, text=f"{title}\n{text}", short=title)
    )
    typer.echo(f"{name}: {said}")


def _say(state: "RequestState", ident: str, who: str | None, why: str, broker: str | None, config: Path | None) -> None:
    from nuncius.broker.planning.restraint import QUIET
    from nuncius.broker.services.too_book import book, must_still_ask, named, word, write_word
    from nuncius.broker.services.too_held import held_back
    from nuncius.broker.transport.clock import utc_now

    _, read, revision = ident.partition("/")
    with opened(broker, config) as log:
        entry = named(book(log, ident), ident)
        if read and state == "approved":
            must_still_ask(entry, revision)
        said = word(entry, state, who=who or _login(), why=why, now=utc_now())
        write_word(log, said, f"nuncius-person-{os.getpid()}")
    typer.echo(f"{said.who} {state} {entry.latest.request_id} (revision {said.revision}): {entry.latest.target_name}")
    held = held_back(entry)
    if state == "approved" and held and QUIET not in held:
        typer.echo(f"it is {held}; a yes does not lift that", err=True)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user whom the machine has no name for
        return "unknown"


app.command("plan", short_help="a request's fields: table, picture, files")(too_plan.plan)
app.command("report", short_help="say where you looked")(too_reports.report)
app.command("reports", short_help="who looked where, and how much they hold")(too_reports.reports)
app.command("follow", short_help="a telescope's own loop: what it is to do")(too_desk.follow)
app.command("answer", short_help="say for a telescope what became of it")(too_desk.answer)
