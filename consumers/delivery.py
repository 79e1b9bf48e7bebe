"""Hands requests to an adapter: each revision once, through the gate, and takes back what is no longer wanted.

What counts as done is read from the statuses on the log, so a restart loses nothing:

- ``sent`` is written before every call that submits to a real adapter; after a crash or a lost answer the revision goes
  out again with the same key, by which the facility can tell;
- a revision ends with ``accepted``, ``rejected``, ``cancelled``, ``expired`` or ``recorded``;
- what was ``sent`` is outstanding until it is cancelled, or rejected in answer to the only call that was made. A
  request that must be taken back is cancelled exactly where something of it is outstanding.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from nuncius.consumers.adapter import Adapter, answer
from nuncius.consumers.gate import must_cancel, refusal
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus

_END: Final = frozenset({"accepted", "rejected", "cancelled", "not_cancelled", "expired", "recorded"})


class Outbox:
    """The requests and statuses of one adapter, folded from the log in any order and with any copies.

    A revision that waits for approval leaves an earlier, accepted one in force.

    Parameters
    ----------
    adapter
        Who is asked.
    facilities
        The facilities that it serves; None for all.
    """

    def __init__(self, adapter: Adapter, facilities: frozenset[str] | None = None) -> None:
        self._adapter = adapter
        self._facilities = facilities
        self._latest: dict[str, ToORequest] = {}
        self._history: dict[str, dict[int, Counter[str]]] = {}
        self._references: dict[str, str] = {}
        self._due: dict[str, None] = {}

    def take(self, requests: Iterable[ToORequest]) -> None:
        """Requests from the log; of each only the highest revision ever seen counts."""
        for request in requests:
            if self._facilities is not None and request.facility not in self._facilities:
                continue
            known = self._latest.get(request.request_id)
            if known is None or request.revision > known.revision:
                self._latest[request.request_id] = request
                self._due[request.request_id] = None

    def learn(self, statuses: Iterable[ToOStatus]) -> None:
        """Statuses from the log; those of other adapters are passed over."""
        for status in statuses:
            if status.adapter == self._adapter.name:
                revisions = self._history.setdefault(status.request_id, {})
                revisions.setdefault(status.revision, Counter())[status.state] += 1
                if status.reference:
                    self._references[status.request_id] = status.reference

    def deliver(self, *, now: datetime, approved: frozenset[str] = frozenset()) -> Iterator[ToOStatus]:
        """Deliver what is due, once through; call it again for what failed or waits for approval.

        Make each status durable on the log before asking for the next one: what follows may be a call to the outside.
        A status counts here, too, only once the next one is asked for.

        Parameters
        ----------
        now
            UTC; looked at for real adapters only.
        approved
            Idempotency keys that a person approved.
        """
        for ident in tuple(self._due):
            request = self._latest[ident]
            for status in self._real(request, now, approved) if self._adapter.real else self._stand_in(request):
                yield status
                self.learn((status,))
            if self._settled(request):
                self._due.pop(ident, None)

    def _real(self, request: ToORequest, now: datetime, approved: frozenset[str]) -> Iterator[ToOStatus]:
        ended = self._ended(request)
        if must_cancel(request) and self._outstanding(request.request_id):
            if not ended:
                yield self._ask(request, submit=False)
            return
        why = refusal(request, now=now, approved=request.idempotency_key in approved, delivered=ended)
        match why:
            case None:
                yield answer(request, "sent", self._adapter.name, "asking")
                yield self._ask(request, submit=True)
            case "expired":
                yield answer(request, "expired", self._adapter.name, "expired before the facility accepted it")
            case "not real" | "not live":
                yield answer(request, "rejected", self._adapter.name, f"not asked: {why}")
            case "not wanted" | "not approved" | "already delivered":
                return

    def _stand_in(self, request: ToORequest) -> Iterator[ToOStatus]:
        if self._ended(request):
            return
        if request.state == "proposed":
            yield self._ask(request, submit=True)
        elif self._history.get(request.request_id):
            yield self._ask(request, submit=False)

    def _ask(self, request: ToORequest, *, submit: bool) -> ToOStatus:
        standing = self._references.get(request.request_id, "")
        try:
            return self._adapter.submit(request, standing) if submit else self._adapter.cancel(request, standing)
        except Retry as error:
            return answer(request, "sent", self._adapter.name, f"no answer, to be asked again: {error}")

    def _states(self, request: ToORequest) -> Counter[str]:
        return self._history.get(request.request_id, {}).get(request.revision, Counter())

    def _ended(self, request: ToORequest) -> bool:
        return not _END.isdisjoint(self._states(request))

    def _outstanding(self, ident: str) -> bool:
        revisions = self._history.get(ident, {})
        cancelled = max((revision for revision, states in revisions.items() if states["cancelled"]), default=0)
        return any(_may_stand(states) for revision, states in revisions.items() if revision > cancelled)

    def _settled(self, request: ToORequest) -> bool:
        if self._latest[request.request_id] is not request:
            return False
        taken_back = must_cancel(request) and self._outstanding(request.request_id)
        return self._ended(request) or (request.state != "proposed" and not taken_back)


def _may_stand(states: Counter[str]) -> bool:
    """Whether a revision may be in force at the facility; a rejection is trusted when it answers the only call."""
    if states["accepted"]:
        return True
    return states["sent"] > (1 if states["rejected"] else 0)
