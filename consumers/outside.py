"""The one door to code that speaks to the outside: whatever it raises is an unknown outcome of that one call."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from nuncius.consumers.adapter import Adapter, Unsure
from nuncius.consumers.calls import PATIENCE, Calls, Patience
from nuncius.schemas.codec import encode
from nuncius.schemas.errors import Fault, Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

T = TypeVar("T")

_SUBMITTED: Final = frozenset[RequestState]({"accepted", "rejected", "recorded", "cancelled", "not_cancelled"})
_CANCELLED: Final = frozenset[RequestState]({"cancelled", "not_cancelled", "recorded"})
LOOKED: Final = frozenset[RequestState]({"accepted", "scheduled", "observed", "expired", "rejected", "cancelled"})
"""What `Adapter.look` may say."""

_DETAIL: Final = 4000
_REFERENCE: Final = 500
"""Characters of a facility's words that are kept, and of a name that can be one (ours)."""


def outside(call: Callable[[], T]) -> T:
    """What a call into a vendor's client, a renderer or another program's part returns.

    Such parts raise what nobody foresaw, and one of their calls must not end the broker, so that this is the one place
    where everything is caught; a client that asks this process to exit is not heeded either.

    Raises
    ------
    Retry
        As the call raises it.
    Fault
        For whatever else it raises. The words name the kind and the line, and nothing of the error's text, which may
        hold a secret.
    """
    try:
        return call()
    except Retry:
        raise
    except (Exception, SystemExit) as error:
        raise Fault(f"{_place(error)}, please report it") from error


class Guarded:
    """An adapter behind the door: its calls return what an `Adapter`'s may return, or raise `Retry`.

    A call to a real one that takes long is left behind in its own thread (`Slow`), so that others are served. About one
    request nobody is asked, or told to drop it, while an earlier such call has not come back; a look stands in no way.

    Parameters
    ----------
    adapter
        Asked through the door only, from one thread. It must bear calls about other requests meanwhile.
    patience
        How long a call is waited for.
    """

    def __init__(self, adapter: Adapter, patience: Patience = PATIENCE) -> None:
        self._adapter = adapter
        self._patience = patience
        self._asks: Calls[ToOStatus] = Calls(adapter.name, patience)
        self._looks: Calls[ToOStatus | None] = Calls(adapter.name, patience)
        self._asked: dict[str, ToORequest] = {}
        self.name = adapter.name
        self.real = adapter.real
        self.public = adapter.public

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `Adapter.submit`."""
        return self._ask(request, _SUBMITTED, lambda: self._adapter.submit(request, standing), self._patience.most)

    def unsure(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `Unsure.unsure`; as `submit` of an adapter that may be called twice."""
        call = self._adapter.unsure if isinstance(self._adapter, Unsure) else self._adapter.submit
        return self._ask(request, _SUBMITTED, lambda: call(request, standing), self._patience.most)

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `Adapter.cancel`."""
        return self._ask(request, _CANCELLED, lambda: self._adapter.cancel(request, standing), 2 * self._patience.most)

    def look(self, request: ToORequest, standing: str) -> ToOStatus | None:
        """As `Adapter.look`; of one that took long, once it has come back, what that said."""

        def looked() -> ToOStatus | None:
            status = self._adapter.look(request, standing)
            return None if status is None else self._checked(request, status, LOOKED)

        ident = request.request_id
        if (late := self._looks.late(ident)) is not None:
            self._looks.forget(ident)
            status = late.result()
            return None if status is None or status.revision != request.revision else status
        if self._looks.overdue(ident):
            raise Fault(f"no answer in {self._patience.unknown_s:g} s to a question how it stands")
        return self._looks.make(ident, lambda: outside(looked), self._patience.most)

    def hindrance(self, ident: str) -> str:
        """Why nobody can be asked for a request now; empty where that can be."""
        return self._asks.hindrance(ident, self._patience.most) if self.real else ""

    def is_waited_for(self, ident: str) -> bool:
        """Whether a call about the request was left behind, and may still come back in time."""
        return self._asks.under_way(ident) and not self._asks.overdue(ident)

    def late(self, ident: str) -> "tuple[ToORequest, Future[ToOStatus] | None] | None":
        """What was asked by the call about the request that was left behind, and its end where it has one."""
        return (self._asked[ident], self._asks.late(ident)) if self._asks.under_way(ident) else None

    def forget(self, ident: str) -> None:
        """The end of the call that was left behind is on the log."""
        self._asks.forget(ident)

    def _ask(
        self, request: ToORequest, states: frozenset[RequestState], call: Callable[[], ToOStatus], most: int
    ) -> ToOStatus:
        def asked() -> ToOStatus:
            return outside(lambda: self._checked(request, call(), states))

        if not self.real:
            return asked()
        if not self._asks.under_way(request.request_id):
            self._asked[request.request_id] = request
        return self._asks.make(request.request_id, asked, most)

    def _checked(self, request: ToORequest, status: ToOStatus, states: frozenset[RequestState]) -> ToOStatus:
        """The status, where it is an answer to this call and can be written to the log."""
        about = (status.request_id, status.revision, status.adapter)
        if about != (request.request_id, request.revision, self.name) or status.state not in states:
            raise ValueError(about)
        if len(status.reference) > _REFERENCE:
            raise ValueError(status.reference)
        kept = replace(status, detail=status.detail[:_DETAIL])
        encode(kept)
        return kept


def _place(error: BaseException) -> str:
    """Kind of an error, and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    kind = type(error).__name__
    return kind if trace is None else f"{kind} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
