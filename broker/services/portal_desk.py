"""Follow-up requests that a SkyPortal sends: onto the log as requests that wait for a person's yes, and back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Protocol

from nuncius.broker.services.too_book import book
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.consumers.too.skyportal_in import SKYPORTAL, FollowUp, cause_of, ident_of, request_of
from nuncius.schemas import MalformedAlert, Retry, ToORequest
from nuncius.schemas.codec import encode


class Places(Protocol):
    """Where sources lie."""

    def place(self, obj_id: str, /) -> tuple[float, float]:
        """ICRS degrees; `MalformedAlert` for no such source, `Retry` where nobody can say now."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Portal:
    """A SkyPortal that may ask.

    Parameters
    ----------
    facilities
        Who is asked for the time of each allocation.
    places
        Its sources.
    """

    facilities: Mapping[int, str]
    places: Places


class PortalDesk:
    """Takes and takes back, one at a time.

    What comes for the same allocation and source replaces what came before: SkyPortal tells an edited request from a
    second one by nothing.

    Parameters
    ----------
    log
        Read and written.
    portal
        Who asks.
    clock
        UTC now.
    slot
        Of the writer.
    """

    def __init__(self, log: Log, portal: Portal, clock: Callable[[], datetime], slot: str) -> None:
        self._log = log
        self._portal = portal
        self._clock = clock
        self._slot = slot
        self._lock = Lock()

    def take(self, asked: FollowUp) -> str:
        """Ask for it, unless it is asked for already; its name towards SkyPortal.

        Raises
        ------
        MalformedAlert
            If the allocation is none of ours, the window is over, or there is no such source.
        Retry
            If the source cannot be looked up, or the log is away.
        """
        now = self._clock()
        facility = self._portal.facilities.get(asked.allocation_id)
        if facility is None:
            raise MalformedAlert(
                f"allocation_id: nobody is asked for allocation {asked.allocation_id} here; "
                "whoever runs this broker can name it in [skyportal.allocations]",
                "allocation_id",
            )
        if asked.stop <= now:
            raise MalformedAlert(f"payload.end_date: it was over at {asked.stop:%Y-%m-%d} UTC", "payload.end_date")
        cause = cause_of(asked)
        with self._lock:
            known = {one.request_id: one for one in self._requests() if one.cause_id == cause}
            ra, dec = self._place(asked, known.values())
            revision = 1 + max((one.revision for one in known.values()), default=0)
            wanted = request_of(asked, ra=ra, dec=dec, facility=facility, revision=revision, now=now)
            fresh = [one for one in wanted if not _same(one, known.get(one.request_id))]
            kept = {one.request_id for one in wanted}
            gone = [one for ident, one in known.items() if ident not in kept and one.state == "proposed"]
            dropped = [_taken_back(one, revision, "no longer in SkyPortal's request", now) for one in gone]
            self._write((*fresh, *dropped))
        return ident_of(facility, cause)

    def take_back(self, ident: str) -> bool:
        """Cancel all requests of that name; whether there is any, cancelled before or now.

        Raises
        ------
        Retry
            If the log is away.
        """
        with self._lock:
            mine = [one for one in self._requests() if ident_of(one.facility, one.cause_id) == ident]
            now = self._clock()
            wanted = [one for one in mine if one.state == "proposed"]
            self._write(_taken_back(one, one.revision + 1, "deleted in SkyPortal", now) for one in wanted)
        return bool(mine)

    def _place(self, asked: FollowUp, known: Iterable[ToORequest]) -> tuple[float, float]:
        """Where the source is; while SkyPortal does not answer, where it was when it was asked for before."""
        places = (one.position for one in known)
        before = next(((where.ra, where.dec) for where in places if where is not None), None)
        try:
            return self._portal.places.place(asked.obj_id)
        except Retry:
            if before is None:
                raise
            return before

    def _requests(self) -> list[ToORequest]:
        return [entry.latest for entry in book(self._log) if entry.latest.cause_kind == SKYPORTAL]

    def _write(self, requests: Iterable[ToORequest]) -> None:
        found = tuple(requests)
        if not found:
            return
        writer = self._log.writer(self._slot)
        try:
            with writer.transaction() as tx:
                for one in found:
                    tx.send(topics.TOO_REQUESTS.name, encode(one), key=one.request_id.encode())
        finally:
            writer.close()


def _same(one: ToORequest, other: ToORequest | None) -> bool:
    return other is not None and _content(one) == _content(other)


def _content(request: ToORequest) -> ToORequest:
    return replace(request, revision=0, idempotency_key="", issued_time=None)


def _taken_back(one: ToORequest, revision: int, why: str, now: datetime) -> ToORequest:
    key = f"{one.request_id}/{revision}"
    return replace(one, state="cancelled", revision=revision, idempotency_key=key, reason=why, issued_time=now)
