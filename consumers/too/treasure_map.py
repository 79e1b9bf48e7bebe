"""Tells the Gravitational Wave Treasure Map where we are going to look, and where we looked.

A planned pointing has no place for our key. Its time has microseconds, which no telescope keeps to: they are the
request's mark, by which the account's own pointings of an event are found again. Facts: TheTreasureMap/gwtm
(``server/routes/pointing``, ``schemas/pointing.py``, ``core/enums``) and gwtm-api 0.2.0.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from nuncius.broker.planning.bands import NOTHING_STATED, Lights
from nuncius.consumers.too.door import Allowance, Answer
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.placed import unplaced
from nuncius.consumers.too.treasure_map_rows import (
    Pointing,
    TreasureMapSettings,
    completed,
    event_of,
    mark,
    planned,
    same_field,
)
from nuncius.schemas.errors import Retry
from nuncius.schemas.plan import ObservationReport
from nuncius.schemas.too import ToORequest, ToOStatus

_ALLOWANCE: Final = Allowance(calls=60, within_s=60.0)
"""Ours; none is published."""
_NOT_YET: Final = "Invalid graceid"
"""The map learns of an event from LVK's alert too, and may be later than we."""
_THERE_ALREADY: Final = "Pointing already submitted"
_NO_ENTRY: Final = frozenset({401, 403})
"""The account is at fault, and not what was told."""


class _Posted(BaseModel):
    pointing_ids: tuple[int, ...]
    ERRORS: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def wrong(self) -> str:
        """What was refused, but for what stands there anyway."""
        return "; ".join(word for _, words in self.ERRORS for word in words if word != _THERE_ALREADY)


class TreasureMap:
    """An adapter for one instrument of one account. Close it when done.

    Parameters
    ----------
    settings
        Who looks, with what.
    token
        The account's, sent as ``api_token``.
    lights
        Of telescopes' own filters.
    """

    real: Final = True
    public: Final = True

    def __init__(
        self,
        settings: TreasureMapSettings,
        token: SecretStr,
        allowance: Allowance = _ALLOWANCE,
        lights: Lights = NOTHING_STATED,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._lights = lights
        self._door = door_to(settings, allowance, token)
        self._who = {"api_token": token.get_secret_value()}

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Announce the fields; those of an earlier revision that are not among them are cancelled."""
        event = event_of(request.event_thread)
        nowhere = unplaced(self, request, standing) if event else None
        if nowhere is not None:
            return nowhere
        rows = planned(request, self._settings, self._lights)
        if not event or not rows:
            why = "it has no planned time" if event else f"{request.event_thread or 'its event'} is no event of LVK"
            return self._door.status(request, "recorded", f"not for the Treasure Map: {why}")
        held = self._held(request, event)
        missing = [row for row in rows if not any(same_field(row, one) for one in held)]
        ids = [one.id for one in held if any(same_field(row, one) for row in rows)]
        if missing:
            made = self._ask("POST", "/pointings", {"graceid": event, "pointings": missing})
            if _NOT_YET in made.words:
                raise Retry(f"{self.name}: it does not know {event} yet: {made.words}")
            if not made.good:
                return self._door.status(request, "rejected", f"{made.code}: {made.words}")
            posted = made.read(_Posted)
            if posted.wrong:
                self._cancel(posted.pointing_ids)
                return self._door.status(request, "rejected", posted.wrong)
            ids.extend(posted.pointing_ids)
        refused = self._cancel(one.id for one in held if one.id not in ids)
        if refused:
            raise Retry(f"{self.name}: fields of an earlier revision stand still: {refused}")
        detail = f"{len(rows)} fields planned for {event}"
        return self._door.status(request, "accepted", detail, str(min(ids, default="")))

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """Cancel every planned field of the request."""
        event = event_of(request.event_thread)
        held = self._held(request, event) if event else ()
        refused = self._cancel(one.id for one in held)
        if refused:
            return self._door.status(request, "not_cancelled", refused, standing)
        return self._door.status(request, "cancelled", f"{len(held)} fields cancelled", standing)

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing: the map is told, and observes nothing itself."""

    def publish(self, report: ObservationReport) -> str:
        """Tell where we looked, how deep; why it was not taken, empty where it was.

        A planned field of the same request at the same place is cancelled: the map would keep its depth unknown.

        Raises
        ------
        Retry
            As `submit`; also while the map does not know the event yet, or refuses the account.
        """
        event, row = event_of(report.thread_id), completed(report, self._settings, self._lights)
        if isinstance(row, str) or not event:
            return row if isinstance(row, str) else f"{report.thread_id} is no event of LVK"
        made = self._ask("POST", "/pointings", {"graceid": event, "pointings": [row]})
        if _NOT_YET in made.words or made.code in _NO_ENTRY:
            raise Retry(f"{self.name}: {report.report_id} of {event} is not taken: {made.code}: {made.words}")
        if not made.good:
            return f"{made.code}: {made.words}"
        wrong = self._door.shown(made.read(_Posted).wrong)
        if not wrong and report.request_id:
            self._cancel(one.id for one in self._marked(report.request_id, event) if one.is_near(row["ra"], row["dec"]))
        return wrong

    def _held(self, request: ToORequest, event: str) -> tuple[Pointing, ...]:
        return self._marked(request.request_id, event)

    def _marked(self, request_id: str, event: str) -> tuple[Pointing, ...]:
        query = {
            "graceid": event,
            "status": "planned",
            "instrument": str(self._settings.instrument_id),
            "user": self._settings.username,
        }
        listed = self._ask("GET", "/pointings", query=query)
        if not listed.good:
            raise Retry(f"{self.name}: what is planned cannot be listed: {listed.code}: {listed.words}")
        ours = (one for one in listed.read(tuple[Pointing, ...]) if one.username == self._settings.username)
        return tuple(one for one in ours if one.time is not None and one.time.microsecond == mark(request_id))

    def _cancel(self, idents: Iterable[int]) -> str:
        ids = sorted(set(idents))
        if not ids:
            return ""
        gone = self._ask("POST", "/update_pointings", {"status": "cancelled", "ids": ids})
        return "" if gone.good else f"{gone.code}: {gone.words}"

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> Answer:
        return self._door.ask(method, path, body=body, query=query, headers=self._who)
