"""``follow_requests``: one facility's requests as they become due, and its answers."""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self, TypeVar

from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.transport.address import HttpAddress, find_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.consumers.desk.answers import Answer
from nuncius.consumers.desk.desk import Desk, desk_name
from nuncius.consumers.desk.handing import Handing
from nuncius.consumers.desk.seat import Run
from nuncius.consumers.desk.task import Task
from nuncius.consumers.opening import open_broker
from nuncius.schemas import Retry, SettingsError, ToOStatus

T = TypeVar("T")

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
"""Between two tries while the log is away, each twice as long as the last: nothing tells when it is back (ours)."""
_UNRESTRAINED: Final[Mapping[str, Restraint]] = MappingProxyType({})


def follow_requests(
    facility: str,
    *,
    broker: str | None = None,
    until_end: bool = False,
    restraints: Mapping[str, Restraint] = _UNRESTRAINED,
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
    clock: Callable[[], datetime] = utc_now,
    on_wait: Callable[[str], object] = lambda _: None,
) -> "Following":
    """What one facility is to do, as it becomes due: a loop over this is a telescope's adapter.

    Only what is real, live, unexpired and, where its policy wants that, approved comes, each revision once, and a task
    to take back for whatever was handed over and is no longer wanted. Where it stopped is on the log: what was handed
    over and not answered comes again at the next start, as ``task.again``.

    Parameters
    ----------
    facility
        As policies name it.
    broker
        A log, as ``local:DIR``, ``kafka://HOST:PORT[/NAME]`` or ``kafka:local``, or the HTTP service of a broker,
        ``https://HOST``, with the facility's token in ``$NUNCIUS_DESK_TOKEN`` or in the file that
        ``$NUNCIUS_DESK_TOKEN_FILE`` names. None takes ``$NUNCIUS_BROKER``, else the log in the user's data folder.
    until_end
        Stop where nothing is due now, instead of waiting.
    restraints
        Quotas and quiet hours by policy; without them a policy holds nothing back here. Over HTTP the broker's own
        are heeded, whatever stands here.
    connection, folder_of_node
        As `nuncius.consumers.subscribe`.
    clock
        UTC now; over HTTP the broker's own counts.
    on_wait
        Told in one line what a person should know: why it waits, what cannot be read.

    Raises
    ------
    NoBrokerError
        If there is no broker at the address (yet).
    SettingsError
        For an address that is none, an empty name, or a token that is missing, unfit or refused.
    """
    if not facility:
        raise SettingsError("name the facility, as policies do; see: nuncius too list --all")
    run = Run(uuid.uuid4().hex, "log")
    address = find_address(broker, os.environ)
    if isinstance(address, HttpAddress):
        desk = desk_over_http(address, facility, run.name)
        return Following(desk, lambda: None, until_end=until_end, on_wait=on_wait)
    log = open_broker(address, connection, folder_of_node)
    slot = f"nuncius-{desk_name(facility)}"
    try:
        desk = Desk(log, facility, slot=slot, run=run, restraints=restraints, clock=clock, say=on_wait)
    except BaseException:
        log.close()
        raise
    return Following(desk, log.close, until_end=until_end, on_wait=on_wait)


def desk_over_http(address: HttpAddress, facility: str, run: str) -> Handing:
    """A facility's desk at a broker's HTTP service, which is asked at once whether it is there.

    Raises
    ------
    NoBrokerError
        If nobody answers there (yet).
    SettingsError
        If more must be installed, or the token is missing, unfit or refused.
    """
    try:
        from nuncius.consumers.desk.over_http import open_desk  # noqa: PLC0415  httpx is in the extra `client`
    except ModuleNotFoundError as error:
        raise SettingsError(f"{address.url}: this needs more: pip install 'nuncius[client]'") from error
    return open_desk(address.url, facility, run, os.environ)


class Following:
    """Tasks of one facility as they come; an iterator and a context manager. One thread at a time.

    While the broker is away it waits, and goes on.

    Parameters
    ----------
    desk
        Closed with this.
    close_log
        Called then, too.
    until_end
        End where nothing is due.
    on_wait
        Told why it waits.
    """

    def __init__(
        self,
        desk: Handing,
        close_log: Callable[[], object],
        *,
        until_end: bool,
        on_wait: Callable[[str], object],
    ) -> None:
        self._close_log = close_log
        self._desk = desk
        self._until_end = until_end
        self._on_wait = on_wait
        self._closed = self._looked = False

    def __iter__(self) -> Iterator[Task]:
        return self

    def __next__(self) -> Task:
        while not self._closed:
            task = self._patiently(lambda: self._desk.next_task(0.0 if self._until_end else self._desk.poll_s))
            if task is not None:
                return task
            self._look_around()
            if self._until_end:
                break
        raise StopIteration

    def answer(self, task: Task, said: Answer, *, reference: str = "", note: str = "") -> ToOStatus:
        """Say what became of a task; durable when this returns, and written once however often it is said.

        Parameters
        ----------
        task
            As it was handed over; also one of an earlier run.
        said
            Of what is to be observed: ``accepted``, ``rejected``, ``scheduled``, ``observed``, and ``cancelled`` where
            the telescope drops it by itself. Of what is to be taken back: ``cancelled``, ``not_cancelled``.
        reference
            The telescope's own name for it; comes back in later tasks of the request.
        note
            Why, or what people should know.

        Raises
        ------
        AnswerError
            If such an answer cannot be: a later revision was handed over, or it was over already.
        """
        about = task.request
        return self._patiently(
            lambda: self._desk.answer(about.request_id, said, revision=about.revision, reference=reference, note=note)
        )

    def close(self) -> None:
        """End it. Twice is allowed."""
        if not self._closed:
            self._closed = True
            self._desk.close()
            self._close_log()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look_around(self) -> None:
        """Say once if nothing was ever asked of such a facility: its name may be wrong."""
        if not self._looked and (doubt := self._desk.doubt()):
            self._on_wait(doubt)
        self._looked = True

    def _patiently(self, call: Callable[[], T]) -> T:
        wait_s, away = _FIRST_WAIT_S, False
        while True:
            try:
                if away:
                    self._desk.reopen()
                return call()
            except Retry as error:
                self._on_wait(f"{error}; trying again")
                time.sleep(wait_s)
                wait_s, away = min(2 * wait_s, _LONGEST_WAIT_S), True
