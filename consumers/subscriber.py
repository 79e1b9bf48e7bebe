"""``subscribe``: typed records from a broker, as they are published."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from nuncius.broker.transport.address import HttpAddress, LocalAddress, data_folder, find_address, shown
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.port import Log
from nuncius.consumers.bookmark import FOLDER, Bookmark
from nuncius.consumers.defining import check_name
from nuncius.consumers.log_source import Choose, LogSource
from nuncius.consumers.opening import STREAMS, NoBrokerError, moment_of, open_stream, topic_of
from nuncius.consumers.place import from_place
from nuncius.consumers.subscription import Source, Subscription
from nuncius.filters import (
    FIELDS,
    MAP_FIELDS,
    NO_NAMES,
    NO_PLACES,
    Filter,
    Hit,
    Names,
    Places,
    parse_filter,
    rows_of,
    select,
    targets_near,
)
from nuncius.schemas import Retry, SettingsError

__all__ = ["OVER_HTTP", "STREAMS", "Lender", "NoBrokerError", "subscribe"]

OVER_HTTP: Final = ("alerts", "candidates", "coincidences")
"""Streams that a broker serves over HTTP, beside the named ones."""


class Lender(Protocol):
    """Lends a filter what it asks about the sky."""

    def lent(self, *filters: Filter) -> AbstractContextManager[Places]:
        """Regions, events and maps, as they are now."""
        ...


def subscribe(
    what: str = "coincidences",
    *,
    broker: str | None = None,
    filter: str | None = None,  # noqa: A002  what a filter is called everywhere else: in the shell, over HTTP, in a definition
    since: datetime | str | None = None,
    last: int | None = None,
    until: datetime | str | None = None,
    until_end: bool = False,
    position: str | None = None,
    resume: str | None = None,
    restart: bool = False,
    names: Names = NO_NAMES,
    places: Callable[[Log], Lender] | None = None,
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
    on_wait: Callable[[str], object] = lambda _: None,
) -> Subscription:
    """Records of one stream, oldest first within a partition; the same over Kafka, the embedded log and HTTP.

    Parameters
    ----------
    what
        One of `STREAMS`, or the name of a named stream.
    broker
        Address as on the command line; None takes ``$NUNCIUS_BROKER``, else the log in the user's data folder.
    filter
        Only records for which this is true: the condition of a WHERE (`nuncius.filters`). Over HTTP the broker filters.
    since
        From records that the log took at or after this time: aware, or ISO 8601 text (UTC where it names no offset).
        Without it, ``last``, ``position`` and a bookmark: from now on, or with ``until_end`` from the start.
    last
        Begin with the last so many records (that the filter selects).
    until
        Stop before the first record that the log took at or after this time (exclusive), in every partition; as
        ``since``. A time to come is waited for, by this machine's clock where nothing is published. Without another
        beginning a time that has passed begins at the start.
    until_end
        Stop where the stream ends now, instead of waiting for more.
    position
        Go on from there: a `Subscription.position` that you kept, with your own results.
    resume
        Name of a bookmark in the user's data folder: go on where `Subscription.ack` was called last. The first time it
        begins as the other parameters say.
    restart
        Forget that bookmark first, and begin as the other parameters say.
    names
        Named filters and regions that the filter may use, beside the shipped ones.
    places
        What tells a filter on a log about regions, events and sky maps; over HTTP the broker knows them.
    connection
        How to connect to a Kafka cluster, where it is not open to everybody.
    folder_of_node
        Where the node of ``kafka:local`` lies; None for the user's data folder.
    on_wait
        Told in one line what a person should know: why it waits, while the broker is away; what a filter cannot see.

    Returns
    -------
    Subscription
        Iterate over it: Alert, Coincidence, CandidateList, CandidateRow, StreamRow, … as the stream holds.

    Raises
    ------
    NoBrokerError
        If there is no broker at the address (yet).
    SettingsError
        For an unknown stream, a wrong filter (`nuncius.filters.FilterError`), an address that cannot be read from here,
        or a position of a log that was made anew since.
    """
    if last is not None and last < 1:
        raise SettingsError(f"last = {last}: expected 1 or more")
    if last is not None and since is not None:
        raise SettingsError("give a time or a number of last records, not both")
    if position is not None and resume is not None:
        raise SettingsError("give a position or the name of a bookmark, not both")
    if restart and resume is None:
        raise SettingsError("restart forgets the bookmark of a name; say which: resume")
    begin, end = moment_of(since, "since"), moment_of(until, "until")
    if begin is not None and end is not None and begin >= end:
        raise SettingsError(f"since {begin.isoformat()} is not before until {end.isoformat()}")
    address = find_address(broker, os.environ)
    where = f"local:{address.folder.resolve()}" if isinstance(address, LocalAddress) else shown(address)
    asked = (where, what, filter or "")
    bookmark = None if resume is None else Bookmark(data_folder(os.environ) / FOLDER, resume, *asked)
    if bookmark is not None and restart:
        bookmark.forget()
    kept = position if bookmark is None else bookmark.read()
    place, identity = (None, "") if kept is None else from_place(kept)
    wish = _Wish(filter, names, places, place, identity, begin, last, end, until_end)
    if isinstance(address, HttpAddress):
        source: Source = _over_http(address.url, what, wish, on_wait)
    else:
        source = _on_a_log(open_stream(address, what, connection, folder_of_node), what, wish, on_wait)
    return Subscription(what, source, bookmark, on_wait)


class _Wish(NamedTuple):
    """What is wanted of a log's stream."""

    filter: str | None
    names: Names
    places: Callable[[Log], Lender] | None
    position: dict[int, int] | None
    identity: str
    since: datetime | None
    last: int | None
    until: datetime | None
    until_end: bool


def _over_http(url: str, what: str, wish: _Wish, on_wait: Callable[[str], object]) -> Source:
    if what in STREAMS and what not in OVER_HTTP:
        raise SettingsError(f"{what} is not served over HTTP; there are {', '.join(OVER_HTTP)} and the named streams")
    try:
        from nuncius.consumers.http_source import HttpSource  # noqa: PLC0415  httpx is in the extra `client`; who reads a log needs it not
    except ModuleNotFoundError as error:
        raise SettingsError(f"{url}: reading over HTTP needs more: pip install 'nuncius[client]'") from error
    if what not in OVER_HTTP:
        check_name(what)
    path = f"/{what}/stream" if what in OVER_HTTP else f"/streams/{what}/stream"
    source = HttpSource(url, path, _params(wish), wish.position, on_wait, wish.identity, wish.until)
    try:
        source.open()
    except Retry as error:
        raise NoBrokerError(str(error)) from error
    return source


def _params(wish: _Wish) -> dict[str, str]:
    """What the broker's API is asked for."""
    params = {"filter": wish.filter} if wish.filter else {}
    if wish.since is not None:
        params["since"] = wish.since.isoformat()
    if wish.last is not None:
        params["last"] = str(wish.last)
    if wish.until_end:
        params["until_end"] = "true"
    whole = wish.until_end or (wish.until is not None and utc_now() >= wish.until)
    if whole and wish.since is None and wish.last is None:
        params["since_start"] = "true"
    return params


def _on_a_log(log: Log, what: str, wish: _Wish, on_wait: Callable[[str], object]) -> LogSource:
    try:
        return LogSource(
            log,
            topic_of(what),
            _chooser(log, what, wish, on_wait),
            position=wish.position,
            since=wish.since,
            last=wish.last,
            until_end=wish.until_end,
            identity=wish.identity,
            until=wish.until,
            on_wait=on_wait,
        )
    except BaseException:
        log.close()
        raise


def _chooser(log: Log, what: str, wish: _Wish, on_wait: Callable[[str], object]) -> Choose | None:
    if wish.filter is None or not wish.filter.strip():
        return None
    if what not in FIELDS:
        why = "has no fields to select by" if what in STREAMS else "is a named stream with a filter of its own"
        raise SettingsError(f"{what} {why}; leave the filter out")
    checked = parse_filter(wish.filter, what, wish.names)
    if (checked.places or checked.fields & MAP_FIELDS) and wish.places is None:
        raise SettingsError(
            f"filter {wish.filter[:80]!r}: IN_SKYMAP, IN_EVENTS, IN_REGION, {', '.join(sorted(MAP_FIELDS))} need what"
            " the broker knows of the sky; ask it over HTTP, or make a stream: nuncius streams create"
        )
    lender = None if wish.places is None else wish.places(log)
    if lender is None and what == "alerts" and checked.fields & {"ra", "dec"}:
        on_wait("alerts localized by a sky map alone have no ra and dec here; a broker asked over HTTP knows them")

    def choose(records: Sequence[Any], taken: Sequence[datetime]) -> Sequence[tuple[Hit, ...] | None]:
        if not records:
            return ()
        with nullcontext(NO_PLACES) if lender is None else lender.lent(checked) as places:
            chosen: list[bool] = select([checked], rows_of(what, records, taken), places)[0].tolist()
            wanted = [number for number, selected in enumerate(chosen) if selected]
            rows = rows_of(what, [records[number] for number in wanted], [taken[number] for number in wanted])
            near = iter(targets_near(checked, rows, places))
        return [next(near) if selected else None for selected in chosen]

    return choose
